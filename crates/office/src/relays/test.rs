//! The test of a connection, step by step as a session goes: name, connection, greeting, TLS, sign-in, sender. No mail
//! is sent.

use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postroom_smtp::client::{
    Capabilities, Cause, Connector, Milestone, Phase, RelayConfig, Session, SessionError, Timeouts,
    TlsPolicy, connect_to, resolve,
};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::diagnosis::{Finding, diagnose};

/// The longest wait for one answer: somebody sits before it.
const PATIENCE: Duration = Duration::from_secs(10);

/// A step of the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepName {
    /// The host's name becomes addresses.
    Dns,
    /// The connection.
    Tcp,
    /// TLS, and the check of the certificate.
    Tls,
    /// Greeting and EHLO.
    Smtp,
    /// The sign-in.
    Auth,
    /// Whether mail of a sender is taken.
    MailFrom,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Well.
    Ok,
    /// Not as it has to.
    Failed,
    /// It was not tried: an earlier one failed, or the settings do without it.
    Skipped,
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which.
    pub name: StepName,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub duration: Duration,
    /// What was found; for a failure with what to do.
    pub finding: Finding,
    /// The server's own words.
    pub said: Option<String>,
}

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestReport {
    /// Every step, in the order of a session.
    pub steps: Vec<Step>,
    /// The certificate that did not pass, as PEM, to be pinned.
    pub certificate: Option<String>,
    /// Its SHA-256 in hexadecimal, to be compared with what the server's keeper says.
    pub fingerprint: Option<String>,
}

impl TestReport {
    /// Whether nothing failed.
    pub fn is_good(&self) -> bool {
        self.steps.iter().all(|step| step.outcome != Outcome::Failed)
    }
}

/// The steps as they come.
struct Sheet {
    steps: Vec<Step>,
    since: Instant,
}

impl Sheet {
    fn new() -> Self {
        Self {
            steps: Vec::new(),
            since: Instant::now(),
        }
    }

    fn note(
        &mut self,
        name: StepName,
        outcome: Outcome,
        at: Instant,
        finding: Finding,
        said: Option<String>,
    ) {
        let duration = at.saturating_duration_since(self.since);
        self.since = at;
        self.steps.push(Step {
            name,
            outcome,
            duration,
            finding,
            said,
        });
    }

    fn well(&mut self, name: StepName, at: Instant, text: impl Into<String>) {
        self.note(name, Outcome::Ok, at, told("ok", text), None);
    }

    fn skip(&mut self, name: StepName, text: &str) {
        self.note(name, Outcome::Skipped, self.since, told("skipped", text), None);
    }

    fn fail(&mut self, name: StepName, error: &SessionError) {
        let said = error.reply().map(ToString::to_string);
        self.note(name, Outcome::Failed, Instant::now(), diagnose(error), said);
    }

    /// Ends the test: what was not reached is skipped.
    fn end(mut self, order: &[StepName], error: Option<&SessionError>) -> TestReport {
        for &name in order {
            if !self.steps.iter().any(|step| step.name == name) {
                self.skip(name, "Not tried: an earlier step failed.");
            }
        }
        let certificate = error.and_then(|error| {
            if let Cause::Tls(fault) = &error.cause {
                fault.certificate.as_deref()
            } else {
                None
            }
        });
        TestReport {
            steps: self.steps,
            certificate: certificate.map(pem),
            fingerprint: certificate.map(fingerprint),
        }
    }
}

fn told(code: &'static str, text: impl Into<String>) -> Finding {
    Finding {
        code,
        text: text.into(),
        advice: "",
    }
}

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
    let stream = match reach(relay, &mut sheet).await {
        Ok(stream) => stream,
        Err(error) => return sheet.end(&order, Some(&error)),
    };
    let session = match open(connector, stream, &mut sheet).await {
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
async fn reach(relay: &RelayConfig, sheet: &mut Sheet) -> Result<TcpStream, SessionError> {
    let failed = |cause| SessionError {
        phase: Phase::Connect,
        cause,
    };
    let late = |_| Err(Cause::Timeout(PATIENCE));
    let resolved = timeout(PATIENCE, resolve(&relay.address)).await;
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
    let late = |_| Err(Cause::Timeout(PATIENCE));
    let connected = timeout(PATIENCE, connect_to(&addresses, &relay.reach)).await;
    match connected.unwrap_or_else(late) {
        Ok(stream) => {
            let peer = stream
                .peer_addr()
                .map_or_else(|_| String::new(), |peer| format!(" to {peer}"));
            sheet.well(StepName::Tcp, Instant::now(), format!("Connected{peer}."));
            Ok(stream)
        }
        Err(cause) => {
            let error = failed(cause);
            sheet.fail(StepName::Tcp, &error);
            Err(error)
        }
    }
}

/// Greeting, TLS and sign-in.
async fn open(
    connector: &Connector,
    stream: TcpStream,
    sheet: &mut Sheet,
) -> Result<Session<TcpStream>, SessionError> {
    let relay = connector.relay();
    let mut seen = Vec::new();
    let opened = connector
        .open_watched(stream, &mut |milestone| seen.push((milestone, Instant::now())))
        .await;
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
    mut session: Session<TcpStream>,
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

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut lines = String::from("-----BEGIN CERTIFICATE-----\n");
    for (n, letter) in text.chars().enumerate() {
        if n > 0 && n % 64 == 0 {
            lines.push('\n');
        }
        lines.push(letter);
    }
    lines.push_str("\n-----END CERTIFICATE-----\n");
    lines
}

fn fingerprint(der: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, der);
    digest
        .as_ref()
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect()
}
