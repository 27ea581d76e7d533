//! The test of a connection, step by step as a session goes: name, connection, greeting, TLS, sign-in, sender. No mail
//! is sent.

use std::time::{Duration, Instant};

use postroom_smtp::client::{
    Addresses, Capabilities, Cause, Connection, Connector, Milestone, Phase, RelayConfig, Session,
    SessionError, Timeouts, TlsPolicy, resolve,
};
use tokio::time::timeout;

use super::report::{Sheet, StepName, TestReport};

/// The longest wait for one answer: somebody sits before it.
const PATIENCE: Duration = Duration::from_secs(10);

/// A relay that is waited for only as long as somebody sits before the answer.
pub(super) fn patient(mut relay: RelayConfig) -> RelayConfig {
    relay.timeouts = Timeouts {
        connect: PATIENCE,
        greeting: PATIENCE,
        ehlo: PATIENCE,
        tls: PATIENCE,
        auth: PATIENCE * 3,
        mail: PATIENCE,
        ..Timeouts::default()
    };
    relay
}

/// Tries a relay, and whether it takes mail from these senders.
pub(super) async fn run(connector: &Connector, senders: &[String]) -> TestReport {
    let relay = connector.relay();
    let order = order(relay);
    let mut sheet = Sheet::new();
    let (stream, others) = match reach(relay, &mut sheet).await {
        Ok(reached) => reached,
        Err(error) => return sheet.end(&order, Some(&error)),
    };
    let session = match open(connector, stream, others, &mut sheet).await {
        Ok(session) => session,
        Err(error) => return sheet.end(&order, Some(&error)),
    };
    let asked = ask(session, senders, &mut sheet).await;
    sheet.end(&order, asked.err().as_ref())
}

fn order(relay: &RelayConfig) -> [StepName; 6] {
    use StepName as N;
    if relay.tls == TlsPolicy::Implicit {
        [N::Dns, N::Tcp, N::Tls, N::Smtp, N::Auth, N::MailFrom]
    } else {
        [N::Dns, N::Tcp, N::Smtp, N::Tls, N::Auth, N::MailFrom]
    }
}

/// Name and connection.
async fn reach(relay: &RelayConfig, sheet: &mut Sheet) -> Result<(Connection, Addresses), SessionError> {
    let failed = |cause| SessionError {
        phase: Phase::Connect,
        cause,
    };
    let late = |_| Err(Cause::Timeout(PATIENCE));
    let resolved = timeout(PATIENCE, resolve(&relay.dial, &relay.address)).await;
    let addresses = match resolved.unwrap_or_else(late) {
        Ok(addresses) => addresses,
        Err(cause) => {
            let error = failed(cause);
            sheet.fail(StepName::Dns, &error);
            return Err(error);
        }
    };
    let shown: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
    let text = format!("{} is at {}.", relay.address, shown.join(", "));
    sheet.well(StepName::Dns, Instant::now(), text);
    let mut addresses = Addresses::new(addresses);
    match addresses.connect(&relay.dial, &relay.reach, PATIENCE).await {
        Ok((connection, peer)) => {
            sheet.well(StepName::Tcp, Instant::now(), format!("Connected to {peer}."));
            Ok((connection, addresses))
        }
        Err(cause) => {
            let error = failed(cause);
            sheet.fail(StepName::Tcp, &error);
            Err(error)
        }
    }
}

/// Greeting, TLS and sign-in; at another address of the name where this one does not greet us, as mail does.
async fn open(
    connector: &Connector,
    stream: Connection,
    mut others: Addresses,
    sheet: &mut Sheet,
) -> Result<Session<Connection>, SessionError> {
    let relay = connector.relay();
    let mut seen = Vec::new();
    let mut opened = connector
        .open_watched(stream, &mut |milestone| seen.push((milestone, Instant::now())))
        .await;
    while opened.as_ref().is_err_and(SessionError::is_of_address)
        && let Ok((other, _)) = others.connect(&relay.dial, &relay.reach, PATIENCE).await
    {
        seen.clear();
        opened = connector
            .open_watched(other, &mut |milestone| seen.push((milestone, Instant::now())))
            .await;
    }
    write_milestones(relay, &seen, sheet);
    match opened {
        Ok(session) => {
            if session.tls().is_none() {
                sheet.skip(StepName::Tls, clear_words(relay));
            }
            if relay.credentials.is_none() {
                sheet.skip(StepName::Auth, "The settings do without a sign-in.");
            }
            Ok(session)
        }
        Err(error) => {
            let at = if matches!(error.phase, Phase::StartTls | Phase::Tls) {
                StepName::Tls
            } else if error.phase == Phase::Auth {
                StepName::Auth
            } else {
                StepName::Smtp
            };
            if at == StepName::Auth && !sheet.steps.iter().any(|step| step.name == StepName::Tls) {
                sheet.skip(StepName::Tls, clear_words(relay));
            }
            // The greeting came before TLS failed, though EHLO's answer behind it never did.
            if at == StepName::Tls
                && relay.tls != TlsPolicy::Implicit
                && !sheet.steps.iter().any(|step| step.name == StepName::Smtp)
            {
                sheet.well(StepName::Smtp, sheet.since, "The server speaks SMTP.");
            }
            sheet.fail(at, &error);
            Err(error)
        }
    }
}

fn clear_words(relay: &RelayConfig) -> &'static str {
    if relay.tls == TlsPolicy::None {
        "The TLS policy is \"none\": everything goes in clear, a password too."
    } else {
        "The server offers no TLS: everything goes in clear."
    }
}

fn write_milestones(relay: &RelayConfig, seen: &[(Milestone, Instant)], sheet: &mut Sheet) {
    let greeted = seen
        .iter()
        .find(|(milestone, _)| *milestone == Milestone::Greeted);
    for (milestone, at) in seen {
        match milestone {
            // Under STARTTLS the greeting's step is told when TLS begins: EHLO came between.
            Milestone::Greeted => {}
            Milestone::Protected(tls) => {
                if relay.tls != TlsPolicy::Implicit && greeted.is_some() {
                    sheet.well(
                        StepName::Smtp,
                        greeted.map_or(*at, |(_, at)| *at),
                        "The server speaks SMTP.",
                    );
                }
                let checked = if relay.tls == TlsPolicy::Opportunistic {
                    "; the policy \"opportunistic\" does not check the certificate"
                } else {
                    "; the certificate is good"
                };
                sheet.well(
                    StepName::Tls,
                    *at,
                    format!("{} with {}{checked}.", tls.version, tls.cipher),
                );
            }
            Milestone::Introduced(offered) => {
                if !sheet.steps.iter().any(|step| step.name == StepName::Smtp) {
                    sheet.well(
                        StepName::Smtp,
                        *at,
                        format!("The server speaks SMTP{}.", sign_ins(offered)),
                    );
                }
            }
            Milestone::SignedIn => sheet.well(StepName::Auth, *at, "The server took the sign-in."),
        }
    }
}

fn sign_ins(offered: &Capabilities) -> String {
    let names = [
        (offered.auth_plain, "PLAIN"),
        (offered.auth_login, "LOGIN"),
        (offered.auth_xoauth2, "XOAUTH2"),
    ];
    let names: Vec<&str> = names
        .into_iter()
        .filter(|(has, _)| *has)
        .map(|(_, name)| name)
        .collect();
    if names.is_empty() {
        String::new()
    } else {
        format!(" and offers to sign in by {}", names.join(", "))
    }
}

/// Whether the relay takes mail from each sender.
async fn ask(
    mut session: Session<Connection>,
    senders: &[String],
    sheet: &mut Sheet,
) -> Result<(), SessionError> {
    for sender in senders {
        let asked = session.ask_sender(sender).await.and_then(|reply| {
            if reply.is_success() {
                Ok(reply)
            } else {
                Err(SessionError {
                    phase: Phase::Mail,
                    cause: Cause::Refused(reply),
                })
            }
        });
        if let Err(error) = asked {
            sheet.fail(StepName::MailFrom, &error);
            if let Some(step) = sheet.steps.last_mut() {
                step.finding.text = format!("{} It was asked about {sender}.", step.finding.text);
            }
            session.quit().await;
            return Err(error);
        }
    }
    let text = format!(
        "The server takes mail from {}. Nothing was sent.",
        senders.join(", ")
    );
    sheet.well(StepName::MailFrom, Instant::now(), text);
    session.quit().await;
    Ok(())
}
