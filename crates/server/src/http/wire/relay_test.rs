//! The test of a relay, step by step.

use postroom_office::relays::{Outcome, Step, StepName, TestReport};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::settings::RelayEdit;

/// A relay to try; nothing is set and no mail is sent.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RelayTest {
    /// Whose kept secrets are used where they are left out: 0 for the first relay, 1 for the second.
    #[serde(default)]
    pub place: u8,
    /// The relay.
    pub relay: RelayEdit,
}

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RelayTestAnswer {
    /// Whether nothing failed.
    pub good: bool,
    /// Every step, in the order of a session.
    pub steps: Vec<TestStepAnswer>,
    /// The certificate that did not pass, as PEM, to be pinned where it is the right one.
    #[schema(required)]
    pub certificate: Option<String>,
    /// Its SHA-256, in hexadecimal.
    #[schema(required)]
    pub fingerprint: Option<String>,
    /// A line of the configuration file that would allow a refused address, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

/// A step of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TestStepAnswer {
    /// `dns`, `tcp`, `tls`, `smtp`, `auth`, `mail_from`.
    pub step: String,
    /// `ok`, `failed`, `skipped`.
    pub outcome: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// A stable name of what was found, such as `no_dns`, `auth_refused`, `ok`.
    pub code: String,
    /// What was found.
    pub finding: String,
    /// What to do; `null` where there is nothing to do.
    #[schema(required)]
    pub advice: Option<String>,
    /// The server's own words.
    #[schema(required)]
    pub said: Option<String>,
}

impl From<TestReport> for RelayTestAnswer {
    fn from(report: TestReport) -> Self {
        Self {
            good: report.is_good(),
            steps: report.steps.into_iter().map(Into::into).collect(),
            certificate: report.certificate,
            fingerprint: report.fingerprint,
            suggestion: report.suggestion,
        }
    }
}

impl From<Step> for TestStepAnswer {
    fn from(step: Step) -> Self {
        let name = match step.name {
            StepName::Dns => "dns",
            StepName::Tcp => "tcp",
            StepName::Tls => "tls",
            StepName::Smtp => "smtp",
            StepName::Auth => "auth",
            StepName::MailFrom => "mail_from",
        };
        let outcome = match step.outcome {
            Outcome::Ok => "ok",
            Outcome::Failed => "failed",
            Outcome::Skipped => "skipped",
        };
        Self {
            step: name.to_owned(),
            outcome: outcome.to_owned(),
            duration_ms: u64::try_from(step.duration.as_millis()).unwrap_or(u64::MAX),
            code: step.finding.code.to_owned(),
            finding: step.finding.text,
            advice: Some(step.finding.advice.to_owned()).filter(|advice| !advice.is_empty()),
            said: step.said,
        }
    }
}
