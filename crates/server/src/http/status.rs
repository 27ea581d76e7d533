//! How the service is, as far as it concerns whoever asks: docs/access/truth.toml says what is shown to whom.

use axum::extract::State;
use postroom_domain::health::HealthState;
use postroom_domain::{MessageState, OfficeId, RouteId};
use postroom_engine::{Place, RelayStatus as Relay};
use postroom_office::Principal;
use postroom_store::{Filter, StoreError};

use super::App;
use super::auth::Caller;
use super::banners;
use super::problem::ApiError;
use super::wire::problem::Problem;
use super::wire::status::{Depth, RelayLimits, RelayState, RelayStatus, Status};

/// How the service is, for whoever asks: the mail that they may see, and the relays that it leaves through.
///
/// # Errors
/// Those of the store.
#[utoipa::path(
    get, path = "/api/v1/status", tag = "service",
    responses((status = 200, body = Status), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn status(
    State(app): State<App>,
    Caller(who): Caller,
) -> Result<axum::Json<Status>, ApiError> {
    Ok(axum::Json(read(&app, &who).await?))
}

/// Reads the status as it is now, within the scope of the one who asks.
pub(super) async fn read(app: &App, who: &Principal) -> Result<Status, StoreError> {
    let mut status = Status {
        brand: app.brand(),
        queue_enabled: app.queue_is_enabled(),
        relays: Vec::new(),
        queue: Depth::default(),
        banners: Vec::new(),
    };
    // An office's key that only hands mail in.
    if who.authority.see.is_nothing() {
        return Ok(status);
    }
    let relays = app.engine.as_ref().map(|engine| engine.status().relays);
    let own_mail = relays
        .as_deref()
        .and_then(|relays| banners::of_own_mail(who, relays));
    let mut relays = relays.unwrap_or_default();
    relays.retain(|relay| is_shown(relay, who));
    status.banners = banners::of_list(app, who).await?;
    status.banners.extend(own_mail);
    status.banners.extend(banners::of_refused(who, &relays));
    let others = relays.iter().filter(|relay| relay.refused_since.is_none());
    let others: Vec<RelayStatus> = others.map(|relay| shown(relay.clone(), who)).collect();
    status.banners.extend(banners::of_relays(&others));
    status.relays = relays.into_iter().map(|relay| shown(relay, who)).collect();
    status.queue = depth(app, who).await?;
    Ok(status)
}

/// How much waits of what somebody may see; of all there is for the System Office's administrators.
async fn depth(app: &App, who: &Principal) -> Result<Depth, StoreError> {
    if who.is_system_administrator() {
        let depth = app.store.depth(None).await?;
        return Ok(Depth {
            ready: depth.ready,
            waiting: depth.waiting,
            held: depth.held,
            leased: depth.leased,
            oldest: depth.oldest.map(|id| id.submitted_at()),
        });
    }
    let counts = app.store.counts(&who.authority.see, &Filter::default()).await?;
    let mut depth = Depth::default();
    for (state, n) in MessageState::ALL.into_iter().zip(counts.states) {
        match state {
            MessageState::Queued => depth.ready += n,
            MessageState::Scheduled | MessageState::Deferred => depth.waiting += n,
            MessageState::Held => depth.held += n,
            MessageState::Sending => depth.leased += n,
            MessageState::Sent | MessageState::Failed => {}
        }
    }
    Ok(depth)
}

/// The server's relay is everybody's, an office's own is shown to its people and to those who administer it.
fn is_shown(relay: &Relay, who: &Principal) -> bool {
    let office = OfficeId(relay.route.0);
    relay.route == RouteId::SERVER || who.office_id() == Some(office) || who.administers(office)
}

/// A relay with its address, what it said last and what was learnt of it for those who administer its office, and the
/// System Office's administrators; whether it takes mail for everybody else. A relay's name is often its host's.
fn shown(relay: Relay, who: &Principal) -> RelayStatus {
    let refused = relay.refused_since.filter(|_| relay.state == HealthState::Up);
    let mut shown = RelayStatus {
        office: (relay.route != RouteId::SERVER).then_some(relay.route.0),
        second: relay.place == Place::Second,
        name: nameless(&relay).to_owned(),
        host: None,
        // One that may not be connected to takes no mail either.
        state: match relay.state {
            HealthState::Up if refused.is_some() => RelayState::Down,
            HealthState::Up => RelayState::Up,
            HealthState::Down => RelayState::Down,
            HealthState::Probing => RelayState::Probing,
        },
        since: refused.or(relay.since),
        last_error: None,
        limits: None,
    };
    // No office has the number of the server's route: its administrators are the System Office's.
    if who.administers(OfficeId(relay.route.0)) {
        shown.name = relay.name;
        shown.host = Some(relay.address);
        shown.last_error = relay.last_error.map(|reply| reply.to_string());
        shown.limits = Some(RelayLimits {
            connections: relay.limits.connections,
            recipients: relay.limits.recipients,
            messages: relay.limits.messages,
            per_minute: relay.limits.per_minute,
            paused_until: relay.paused_until,
        });
    }
    shown
}

/// What a relay is called for those who are not shown its name.
pub(super) fn nameless(relay: &Relay) -> &'static str {
    match (relay.route == RouteId::SERVER, relay.place) {
        (true, Place::First) => "shared e-mail server",
        (true, Place::Second) => "second shared e-mail server",
        (false, Place::First) => "office e-mail server",
        (false, Place::Second) => "second office e-mail server",
    }
}
