//! What came of the test of a connection, step by step.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postroom_smtp::client::{Cause, SessionError};

use super::diagnosis::{Finding, diagnose};

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
    /// The address that was refused.
    pub(super) refused: Option<IpAddr>,
    /// The line of the configuration file that allows it.
    pub suggestion: Option<String>,
}

impl TestReport {
    /// Whether nothing failed.
    pub fn is_good(&self) -> bool {
        self.steps.iter().all(|step| step.outcome != Outcome::Failed)
    }
}

/// The steps as they come.
pub(super) struct Sheet {
    pub(super) steps: Vec<Step>,
    pub(super) since: Instant,
}

impl Sheet {
    /// An empty one, from now on.
    pub(super) fn new() -> Self {
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

    /// Notes a step that went well.
    pub(super) fn well(&mut self, name: StepName, at: Instant, text: impl Into<String>) {
        self.note(name, Outcome::Ok, at, told("ok", text), None);
    }

    /// Notes a step that was not tried, and why.
    pub(super) fn skip(&mut self, name: StepName, text: &str) {
        self.note(name, Outcome::Skipped, self.since, told("skipped", text), None);
    }

    /// Notes a step that failed, with what the error means.
    pub(super) fn fail(&mut self, name: StepName, error: &SessionError) {
        let said = error.reply().map(ToString::to_string);
        self.note(name, Outcome::Failed, Instant::now(), diagnose(error), said);
    }

    /// Ends the test: what was not reached is skipped.
    pub(super) fn end(mut self, order: &[StepName], error: Option<&SessionError>) -> TestReport {
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
        let refused = error.and_then(|error| {
            if let Cause::Forbidden { address, .. } = &error.cause {
                Some(*address)
            } else {
                None
            }
        });
        TestReport {
            steps: self.steps,
            certificate: certificate.map(pem),
            fingerprint: certificate.map(fingerprint),
            refused,
            suggestion: None,
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
