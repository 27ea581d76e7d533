//! How the service is: relays, what waits, banners.

use axum::extract::State;
use postroom_domain::health::HealthState;
use postroom_domain::{OfficeId, RouteId};
use postroom_engine::{Place, RelayStatus as Relay};
use postroom_office::Principal;
use postroom_store::StoreError;

use super::App;
use super::auth::Caller;
use super::banners;
use super::problem::ApiError;
use super::wire::problem::Problem;
use super::wire::status::{Depth, RelayLimits, RelayState, RelayStatus, Status};

/// How the service is.
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

/// Reads the status as it is now, with the banners of the one who asks.
pub(super) async fn read(app: &App, who: &Principal) -> Result<Status, StoreError> {
    let depth = app.store.depth(None).await?;
    let relays = app.engine.as_ref().map(|engine| engine.status().relays);
    let mut banners = banners::of_list(app, who).await?;
    banners.extend(
        relays
            .as_deref()
            .and_then(|relays| banners::of_own_mail(who, relays)),
    );
    let relays: Vec<Relay> = relays
        .unwrap_or_default()
        .into_iter()
        .filter(|relay| is_shown(relay, who))
        .collect();
    banners.extend(banners::of_relays(&relays));
    Ok(Status {
        brand: app.brand(),
        queue_enabled: app.queue_is_enabled(),
        banners,
        relays: relays.into_iter().map(Into::into).collect(),
        queue: Depth {
            ready: depth.ready,
            waiting: depth.waiting,
            held: depth.held,
            leased: depth.leased,
            oldest: depth.oldest.map(|id| id.submitted_at()),
        },
    })
}

/// The server's relay is everybody's, an office's own is shown to its people and to those who administer it.
fn is_shown(relay: &Relay, who: &Principal) -> bool {
    let office = OfficeId(relay.route.0);
    relay.route == RouteId::SERVER || who.office_id() == Some(office) || who.administers(office)
}

impl From<Relay> for RelayStatus {
    fn from(relay: Relay) -> Self {
        Self {
            office: (relay.route != RouteId::SERVER).then_some(relay.route.0),
            second: relay.place == Place::Second,
            name: relay.name,
            host: relay.address,
            state: match relay.state {
                HealthState::Up => RelayState::Up,
                HealthState::Down => RelayState::Down,
                HealthState::Probing => RelayState::Probing,
            },
            since: relay.since,
            last_error: relay.last_error.map(|reply| reply.to_string()),
            limits: RelayLimits {
                connections: relay.limits.connections,
                recipients: relay.limits.recipients,
                messages: relay.limits.messages,
                per_minute: relay.limits.per_minute,
                paused_until: relay.paused_until,
            },
        }
    }
}
