//! What every handler works with.

use std::ops::Deref;
use std::sync::Arc;

use postroom_domain::{Clock, legible};
use postroom_engine::EngineHandle;
use postroom_engine::intake::Intake;
use postroom_office::explain::{ExplainParts, Explainer, Service};
use postroom_office::relays::Relays;
use postroom_office::{
    Accounts, ActionParts, Actions, Authenticator, Jobs, Measuring, Senders, TokenThrottle,
};
use postroom_store::Store;
use tokio::sync::Semaphore;

use super::metrics::Metrics;
use super::views::Views;
use crate::config::{Live, Loaded};
use crate::connections::ConnectionLimiters;
use crate::origin::Origin;
use crate::supervision::Supervisor;

/// What every handler works with; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<AppParts>);

/// The parts of an [`App`].
pub struct AppParts {
    /// Where mail is kept.
    pub store: Arc<dyn Store>,
    /// Proves who asks.
    pub authenticator: Arc<Authenticator>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Takes mail in.
    pub intake: Intake,
    /// Hands out tokens that work once.
    pub accounts: Arc<Accounts>,
    /// Counts links, and secrets that set the server up, that do not work.
    pub tries: TokenThrottle,
    /// Knows as whom somebody may send, and who is a user.
    pub senders: Arc<Senders>,
    /// What makes mail move; `None` where a command works on the store alone.
    pub engine: Option<Arc<EngineHandle>>,
    /// Does actions on all that match a filter.
    pub jobs: Jobs,
    /// Offices' relays and settings.
    pub relays: Arc<Relays>,
    /// Numbers for Prometheus.
    pub metrics: Arc<Metrics>,
    /// What the server measures of itself.
    pub measuring: Arc<Measuring>,
    /// The configuration that holds now.
    pub live: Live,
    /// The open connections.
    pub connections: Arc<ConnectionLimiters>,
    /// Places for event streams.
    pub streams: Arc<Semaphore>,
    /// Who looks at messages now.
    pub views: Views,
    /// Watches the parts of the server; event streams end when it stops.
    pub supervisor: Supervisor,
}

impl App {
    /// Puts the parts together.
    pub fn new(parts: AppParts) -> Self {
        Self(Arc::new(parts))
    }

    /// The configuration that holds now.
    pub fn config(&self) -> Arc<Loaded> {
        self.live.now()
    }

    /// The name that people see.
    pub fn brand(&self) -> String {
        legible::shown(&self.config().brand).into_owned()
    }

    /// Whether mail is taken in and sent at all (I8).
    pub fn queue_is_enabled(&self) -> bool {
        self.config().queue.enabled
    }

    /// Whether mail is sent at all.
    pub(super) fn service(&self) -> Service {
        let config = self.config();
        if !config.queue.enabled {
            Service::Off
        } else if config.delivery.paused {
            Service::Paused
        } else {
            Service::On
        }
    }

    /// What acts on messages.
    pub(super) fn actions(&self) -> Actions {
        Actions::new(ActionParts {
            store: Arc::clone(&self.store),
            senders: Arc::clone(&self.senders),
            intake: self.intake.clone(),
            clock: Arc::clone(&self.clock),
        })
    }

    /// What explains where messages are.
    pub(super) fn explainer(&self) -> Explainer {
        let config = self.config();
        Explainer::new(ExplainParts {
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            service: self.service(),
            servers: self.relays.servers(),
            attempts_max: config.delivery.max_attempts,
            max_wait: config.delivery.max_wait.0,
        })
    }

    /// Whether cookies are for HTTPS alone: people come by HTTPS, here or at a proxy before.
    pub(super) fn is_https(&self) -> bool {
        self.is_public_https() || !self.config().http.tls_certificate.as_os_str().is_empty()
    }

    /// Whether the address in the browser begins with `https://`.
    pub(super) fn is_public_https(&self) -> bool {
        self.config().http.public_url.starts_with("https://")
    }

    /// Whether browsers may be kept to HTTPS for the whole host. With a port of its own Postroom is one service of several: the
    /// others would be asked by HTTPS, too.
    pub(super) fn keeps_host_to_https(&self) -> bool {
        self.is_public_https()
            && Origin::of_url(&self.config().http.public_url).is_some_and(|origin| origin.has_usual_port())
    }

    /// Has every relay that is Down probed now, whatever mail waits for it.
    pub(super) fn try_now(&self) {
        if let Some(engine) = &self.engine {
            engine.try_now();
        }
    }

    /// Says that mail was put back, so that the engine looks now.
    pub(super) fn wake_engine(&self) {
        if let Some(engine) = &self.engine {
            engine.wake();
        }
    }
}

impl Deref for App {
    type Target = AppParts;

    fn deref(&self) -> &AppParts {
        &self.0
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").finish_non_exhaustive()
    }
}
