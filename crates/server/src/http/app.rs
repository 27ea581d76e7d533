//! What every handler works with.

use std::ops::Deref;
use std::sync::Arc;

use postroom_domain::Clock;
use postroom_engine::EngineHandle;
use postroom_engine::intake::Intake;
use postroom_office::{Authenticator, Senders};
use postroom_store::Store;
use tokio_util::sync::CancellationToken;

use super::metrics::Metrics;
use super::peer::Proxies;

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
    /// Knows as whom somebody may send, and who is a user.
    pub senders: Arc<Senders>,
    /// What makes mail move; `None` where a command works on the store alone.
    pub engine: Option<Arc<EngineHandle>>,
    /// Numbers for Prometheus.
    pub metrics: Arc<Metrics>,
    /// The name that people see.
    pub brand: String,
    /// Whether mail is taken in and sent at all.
    pub queue_enabled: bool,
    /// Whether cookies are for HTTPS alone: the public URL begins with https.
    pub https: bool,
    /// Whose `X-Forwarded-For` is believed.
    pub proxies: Proxies,
    /// Ends event streams when the server stops.
    pub stopping: CancellationToken,
}

impl App {
    /// Puts the parts together.
    pub fn new(parts: AppParts) -> Self {
        Self(Arc::new(parts))
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
