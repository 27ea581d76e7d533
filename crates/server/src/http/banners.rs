//! What people should know who look at the queue: said above every page of it.

use postroom_domain::{OfficeId, RouteId};
use postroom_engine::RelayStatus as Relay;
use postroom_office::Principal;
use postroom_office::explain::Service;
use postroom_store::{Pause, PauseOf, StoreError};

use super::App;
use super::status::nameless;
use super::wire::status::{Banner, RelayState, RelayStatus};

/// What an office reads that sends form letters from its own mail program (SPEC I7), word for word.
const SENDS_LOCALLY: &str = "This office is set to send e-mail locally through Outlook/Lotus Notes. Form letters sent as \
    e-mail do not appear in the E-mail Queue.";

/// The banners above somebody's list: the queue's being off, and what concerns their office.
pub(super) async fn of_list(app: &App, who: &Principal) -> Result<Vec<Banner>, StoreError> {
    let mut banners = of_queue(app);
    if let Some(office) = who.office_id()
        && app.senders.sends_locally(office).await?
    {
        banners.push(Banner {
            kind: "office_sends_locally".to_owned(),
            text: SENDS_LOCALLY.to_owned(),
        });
    }
    for pause in app.store.pauses().await? {
        banners.extend(of_pause(who, pause));
    }
    Ok(banners)
}

/// The banner of a pause of one's own office or of oneself (I8).
fn of_pause(who: &Principal, pause: Pause) -> Option<Banner> {
    let whom = match pause.of {
        PauseOf::Office(office) if who.office_id() == Some(office) => "your office",
        PauseOf::Sender(sender) if who.me() == Some(sender) => "you",
        PauseOf::Office(_) | PauseOf::Sender(_) => return None,
    };
    let why = if pause.reason.is_empty() {
        String::new()
    } else {
        format!(" ({})", pause.reason)
    };
    Some(Banner {
        kind: "sending_paused".to_owned(),
        text: format!("Sending is paused for {whom}{why}: mail is taken in and waits."),
    })
}

/// The banner of a queue that is off, or sends nothing (I8).
fn of_queue(app: &App) -> Vec<Banner> {
    let (kind, text) = match app.service() {
        Service::On => return Vec::new(),
        Service::Paused => (
            "sending_paused",
            "Sending is paused in the server configuration: mail is taken in and waits.",
        ),
        Service::Off => (
            "queue_disabled",
            "The e-mail queue is disabled in the server configuration: nobody can send, and what is queued waits.",
        ),
    };
    vec![Banner {
        kind: kind.to_owned(),
        text: text.to_owned(),
    }]
}

/// Tells those who can set one that Postroom's own mail has no relay, whatever relays offices have.
pub(super) fn of_own_mail(who: &Principal, relays: &[Relay]) -> Option<Banner> {
    let lacks = who.is_system_administrator() && relays.iter().all(|relay| relay.route != RouteId::SERVER);
    lacks.then(|| Banner {
        kind: "no_server_relay".to_owned(),
        text: "Postroom's own mail (invitations, password links, alerts) has no SMTP server and waits: set one for the System \
               Office."
            .to_owned(),
    })
}

/// One banner for each of these relays that connections are not allowed to, with what to do for those who set it.
pub(super) fn of_refused(who: &Principal, relays: &[Relay]) -> Vec<Banner> {
    let refused = relays.iter().filter(|relay| relay.refused_since.is_some());
    let banner = |relay: &Relay| {
        let (server, remedy) = if who.administers(OfficeId(relay.route.0)) {
            (
                format!("e-mail server {}", relay.name),
                " Correct the host in the SMTP settings, or have its network allowed in the server configuration \
                 (allow_relay_networks).",
            )
        } else {
            (nameless(relay).to_owned(), "")
        };
        let mut others = relays.iter().filter(|other| other.route == relay.route);
        let mail = if others.any(Relay::is_fit) {
            "mail leaves through the other e-mail server"
        } else {
            "mail waits"
        };
        Banner {
            kind: "relay_refused".to_owned(),
            text: format!("Connections to the {server} are not allowed: {mail}.{remedy}"),
        }
    };
    refused.map(banner).collect()
}

/// One banner for each relay that is not Up, by its name for those who are told its host.
pub(super) fn of_relays(relays: &[RelayStatus]) -> impl Iterator<Item = Banner> {
    relays
        .iter()
        .filter(|relay| relay.state != RelayState::Up)
        .map(|relay| {
            let server = if relay.host.is_some() {
                format!("e-mail server {}", relay.name)
            } else {
                relay.name.clone()
            };
            Banner {
                kind: "relay_down".to_owned(),
                text: format!("The {server} is down: mail waits and is sent when it is back."),
            }
        })
}
