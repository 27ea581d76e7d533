//! Alerts and notices as configured, also after a reload.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use postroom_domain::alert::ServerTrouble;
use postroom_domain::{Address, Clock, OfficeId, Timestamp, legible};
use postroom_engine::intake::Intake;
use postroom_office::alerts::{self, AlertDesk, AlertSettings, ServerRelay};
use postroom_office::relays::Relays;
use postroom_office::{AddressBar, Directory, NoticeSettings, Notices, ReservedAddresses};
use postroom_store::Store;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Live};

/// How often relays are looked for whose addresses are not allowed: names get other addresses.
const REFUSED_EVERY: Duration = Duration::from_hours(1);

/// What writes notices.
///
/// # Errors
/// Where `notifications.from` is no address.
pub fn notices(intake: &Intake, config: &Config) -> anyhow::Result<Arc<Notices>> {
    let notices = Notices::new(intake.clone(), notice_settings(config)?)?;
    Ok(Arc::new(notices))
}

/// Raises and mails alerts until `stopping`, by the configuration that holds, and looks for `relays` that raise one.
pub async fn run(
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    notices: Arc<Notices>,
    relays: Arc<Relays>,
    live: Live,
    stopping: CancellationToken,
) {
    let settings = Arc::new(ArcSwap::from_pointee(alert_settings(&live.now())));
    let desk = AlertDesk::new(
        Arc::clone(&store),
        Arc::clone(&clock),
        Arc::clone(&notices),
        Arc::clone(&settings),
    );
    let mut changes = live.subscribe();
    let follow = async {
        while changes.changed().await.is_ok() {
            let config = live.now();
            settings.store(Arc::new(alert_settings(&config)));
            match notice_settings(&config) {
                Ok(changed) => notices.set(changed),
                Err(error) => tracing::error!(error = format!("{error:#}"), "notices go on as before"),
            }
        }
        std::future::pending().await
    };
    let reading = Arc::clone(&clock);
    let looking = watch_refused_relays(&relays, &*store, &*reading);
    tokio::select! {
        () = alerts::run(desk, clock, stopping) => {}
        () = follow => {}
        () = looking => {}
    }
}

/// Tells the System Office's administrators of names that are one person's login and another's address, at each start
/// until that is changed.
///
/// # Errors
/// Where the store cannot be asked.
pub async fn report_sign_in_clashes(store: &dyn Store, now: Timestamp) -> anyhow::Result<()> {
    let clashes = store
        .sign_in_clashes()
        .await
        .context("names to sign in with")?
        .len();
    if clashes > 0 {
        tracing::warn!(
            clashes,
            "names are one person's login and another's address: nobody signs in with them; postroom check shows them"
        );
        let clashes = u64::try_from(clashes).unwrap_or(u64::MAX);
        store
            .note_server_trouble(ServerTrouble::SignInNames { clashes }, now)
            .await
            .context("names to sign in with")?;
    }
    Ok(())
}

/// Tells the System Office's administrators of relays in offices' settings that connections are not allowed to, from the
/// start on and whenever there is another. Their mail waits.
async fn watch_refused_relays(relays: &Relays, store: &dyn Store, clock: &dyn Clock) {
    let mut known = BTreeSet::new();
    loop {
        match report_refused_relays(relays, store, clock, &known).await {
            Ok(found) => known = found,
            Err(error) => {
                tracing::warn!(%error, "could not look for relays that connections are not allowed to; will retry");
            }
        }
        tokio::time::sleep(REFUSED_EVERY).await;
    }
}

/// Reports the refused relays that are not `known`; answers all that there are.
async fn report_refused_relays(
    relays: &Relays,
    store: &dyn Store,
    clock: &dyn Clock,
    known: &BTreeSet<(OfficeId, String)>,
) -> anyhow::Result<BTreeSet<(OfficeId, String)>> {
    let mut refused = relays.refused().await.context("offices' relays")?;
    let found = refused
        .iter()
        .map(|relay| (relay.office, relay.host.clone()))
        .collect::<BTreeSet<_>>();
    refused.retain(|relay| !known.contains(&(relay.office, relay.host.clone())));
    for relay in &refused {
        tracing::warn!(
            office.id = %relay.office,
            relay.name = relay.host,
            reason = relay.reason,
            suggestion = relay.suggestion,
            "connections to an office's relay are not allowed; its mail waits"
        );
    }
    if !refused.is_empty() {
        let relays = u64::try_from(found.len()).unwrap_or(u64::MAX);
        store
            .note_server_trouble(ServerTrouble::RelaysRefused { relays }, clock.now())
            .await
            .context("offices' relays")?;
    }
    Ok(found)
}

/// The addresses that no person may have: the sender of Postroom's own mail, and the postmaster of its host name.
///
/// # Errors
/// Where `notifications.from` is no address.
pub fn reserved_addresses(config: &Config) -> anyhow::Result<ReservedAddresses> {
    let from = notice_settings(config)?.from;
    let postmaster = format!("postmaster@{}", config.server.hostname);
    let postmaster = postmaster.parse::<Address>().ok();
    Ok(std::iter::once(from).chain(postmaster).collect())
}

/// Tells the System Office's administrators of people who cannot send from their own address, since it is reserved or outside
/// the domains of their office: at each start and reload until that is changed, and when an office changes so.
///
/// # Errors
/// Where the store cannot be asked.
pub async fn report_barred_people(
    store: &dyn Store,
    reserved: &ReservedAddresses,
    now: Timestamp,
) -> anyhow::Result<()> {
    let users = store.users().await.context("people")?;
    let directory = Directory::new(store.offices().await.context("offices")?);
    let barred = reserved.barred(&users, &directory);
    let counted = |is: fn(&AddressBar) -> bool| {
        let people = barred.iter().filter(|one| is(&one.bar)).count();
        u64::try_from(people).unwrap_or(u64::MAX)
    };
    let people = counted(|bar| matches!(bar, AddressBar::Reserved));
    if people > 0 {
        tracing::warn!(
            people,
            "people have an address that is reserved for Postroom's own mail and cannot send from it; postroom check \
             shows them"
        );
        store
            .note_server_trouble(ServerTrouble::ReservedAddresses { people }, now)
            .await
            .context("reserved addresses")?;
    }
    let people = counted(|bar| matches!(bar, AddressBar::OutsideDomains(_)));
    if people > 0 {
        tracing::warn!(
            people,
            "people have an address outside their office's sender domains and cannot send from it; postroom check shows \
             them"
        );
        store
            .note_server_trouble(ServerTrouble::OutsideDomains { people }, now)
            .await
            .context("sender domains")?;
    }
    Ok(())
}

fn alert_settings(config: &Config) -> AlertSettings {
    AlertSettings {
        server_relay: if config.relay.is_empty() {
            ServerRelay::InSettings
        } else {
            ServerRelay::InFile
        },
    }
}

fn notice_settings(config: &Config) -> anyhow::Result<NoticeSettings> {
    let from = if config.notifications.from.is_empty() {
        format!("postroom@{}", config.server.hostname)
    } else {
        config.notifications.from.clone()
    };
    let from: Address = from
        .parse()
        .with_context(|| format!("notifications.from: {from:?} is no e-mail address"))?;
    Ok(NoticeSettings {
        brand: legible::shown(&config.brand).into_owned(),
        from,
        base_url: base_url(config),
    })
}

/// What the addresses of the server's pages begin with, without a slash at the end.
pub fn base_url(config: &Config) -> String {
    let base = config.http.public_url.trim_end_matches('/');
    if base.is_empty() {
        format!("http://{}", config.http.listen)
    } else {
        base.to_owned()
    }
}

#[cfg(test)]
mod tests;
