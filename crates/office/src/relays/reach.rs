//! Whether what offices' settings name may be connected to, looked at before anybody connects (SPEC X3).

use std::net::IpAddr;
use std::time::Duration;

use postroom_domain::{OfficeId, Unreachable};
use postroom_smtp::client::{RelayAddress, resolve};
use postroom_store::{SmtpAuth, SmtpSettings, StoreError};
use tokio::time::timeout;

use super::build::{Surroundings, address};
use super::service::{Relays, SettingsError};
use super::token::Endpoint;

/// How long the resolver is waited for.
const RESOLVE: Duration = Duration::from_secs(5);

/// A relay in an office's settings that connections are not allowed to: from before the rules were as they are, or its name
/// has another address now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRelay {
    /// Whose it is.
    pub office: OfficeId,
    /// Its host as it is set.
    pub host: String,
    /// Which address is refused, and why.
    pub reason: String,
    /// The line of the configuration file that allows it, where that may be right.
    pub suggestion: Option<String>,
}

/// Why connections to a host are not allowed.
struct Refusal {
    reason: String,
    suggestion: Option<String>,
}

impl Relays {
    /// The relays in use, of all offices, that are at nothing but refused addresses now, or whose token endpoints are. One
    /// that does not resolve is not among them.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn refused(&self) -> Result<Vec<RefusedRelay>, StoreError> {
        let offices = self.store.offices().await?;
        let mut all = Vec::new();
        for settings in self.store.all_settings().await? {
            let office = offices.iter().find(|office| office.id == settings.office);
            if office.and_then(|office| self.route(office)).is_none() {
                continue;
            }
            for relay in &settings.relays {
                if let Some((_, refusal)) = refusal(&self.around, &relay.smtp).await {
                    all.push(RefusedRelay {
                        office: settings.office,
                        host: relay.smtp.host.clone(),
                        reason: refusal.reason,
                        suggestion: refusal.suggestion,
                    });
                }
            }
        }
        Ok(all)
    }

    /// Refuses a relay, `at` in the settings, when it is set and not at the first message.
    pub(super) async fn check_reach(&self, smtp: &SmtpSettings, at: &str) -> Result<(), SettingsError> {
        match refusal(&self.around, smtp).await {
            None => Ok(()),
            Some((field, refusal)) => Err(SettingsError::Forbidden {
                field: format!("{at}.{field}"),
                reason: refusal.reason,
                suggestion: refusal.suggestion,
            }),
        }
    }

    /// The line of the configuration file that allows an address, where it is refused and may be a relay's.
    pub(super) fn suggestion(&self, address: IpAddr) -> Option<String> {
        self.around.reach.check(address).err()?.suggestion()
    }
}

/// Whether connections of two relays' settings go to the same places.
pub(super) fn goes_to_same(new: &SmtpSettings, old: &SmtpSettings) -> bool {
    let places = |smtp: &SmtpSettings| {
        let endpoint = smtp.token.as_ref().map(|token| token.url.clone());
        (smtp.host.clone(), smtp.port, smtp.auth, endpoint)
    };
    places(new) == places(old)
}

/// The first of a relay's hosts that connections are not allowed to: the field that names it, and why.
async fn refusal(around: &Surroundings, smtp: &SmtpSettings) -> Option<(&'static str, Refusal)> {
    if let Some(refusal) = refused(around, &address(smtp)).await {
        return Some(("host", refusal));
    }
    let token = smtp.token.as_ref().filter(|_| smtp.auth == SmtpAuth::Xoauth2)?;
    let endpoint = Endpoint::parse(&token.url).ok()?;
    let refusal = refused(around, endpoint.address()).await?;
    Some(("token.url", refusal))
}

/// Why none of a host's addresses may be connected to. A host that does not resolve may be about to: every connection
/// checks anew.
async fn refused(around: &Surroundings, address: &RelayAddress) -> Option<Refusal> {
    let found = timeout(RESOLVE, resolve(&around.dial, address))
        .await
        .ok()?
        .ok()?;
    let mut last = None;
    for at in found {
        match around.reach.check(at.ip()) {
            Ok(()) => return None,
            Err(why) => last = Some((at.ip(), why)),
        }
    }
    let (ip, why) = last?;
    Some(Refusal {
        reason: words(address, ip, why),
        suggestion: why.suggestion(),
    })
}

fn words(address: &RelayAddress, ip: IpAddr, why: Unreachable) -> String {
    match address {
        RelayAddress::Host { host, .. } if host.parse::<IpAddr>().is_err() => {
            format!("{host} is at {ip}; connections to it are not allowed: {why}")
        }
        RelayAddress::Host { .. } | RelayAddress::Socket(_) => {
            format!("connections to {ip} are not allowed: {why}")
        }
    }
}
