//! One message in full.

use postroom_domain::{RecipientState, Reply, Timestamp, legible, plain};
use postroom_office::explain::{Explained, SettingsPlace};
use postroom_store as store;
use serde::Serialize;
use utoipa::ToSchema;

use super::list::Row;

/// One message.
#[derive(Debug, Serialize, ToSchema)]
pub struct Detail {
    /// The row of the list.
    #[serde(flatten)]
    pub row: Row,
    /// The Message-ID field.
    pub message_id: String,
    /// What is damaged of it where it is stored, and what that means; `null` where nothing is.
    #[schema(required)]
    pub damaged: Option<String>,
    /// Why only its header is given, in one sentence; `null` where the content can be parsed, is gone or damaged.
    #[schema(required)]
    pub not_readable: Option<String>,
    /// The header fields as they travel, decoded; none where the content is gone or damaged.
    pub headers: Vec<HeaderField>,
    /// Each recipient.
    pub recipients_detail: Vec<Recipient>,
    /// Its files.
    pub attachments: Vec<Attachment>,
    /// Bodies that can be shown.
    pub parts: Vec<Part>,
    /// What one may do with it now.
    pub actions: Vec<Action>,
    /// Who handed it in, in words.
    pub submitted_by: String,
    /// The messages it was sent again from and as.
    pub links: Links,
    /// The caller's own data.
    #[schema(required, value_type = Option<Object>)]
    pub metadata: Option<serde_json::Value>,
}

/// A header field.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HeaderField {
    /// Its name.
    pub name: String,
    /// Its value, unfolded and decoded.
    pub value: String,
}

/// One recipient of a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct Recipient {
    /// The address.
    pub address: String,
    /// Where it stood.
    pub role: Role,
    /// Its state.
    pub state: RecipientStateName,
    /// Basic code of the last reply.
    #[schema(required)]
    pub code: Option<u16>,
    /// Enhanced code of the last reply.
    #[schema(required, example = "5.1.1")]
    pub enhanced: Option<String>,
    /// Text of the last reply.
    #[schema(required)]
    pub text: Option<String>,
    /// What a refusal means, in plain language.
    #[schema(required)]
    pub meaning: Option<String>,
    /// When that was.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
}

/// Where a recipient's address stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// In To.
    To,
    /// In Cc.
    Cc,
    /// In Bcc.
    Bcc,
    /// In the envelope alone.
    Envelope,
}

/// The state of one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecipientStateName {
    /// Not accepted yet.
    Pending,
    /// Accepted by the relay.
    Sent,
    /// Ended undelivered.
    Failed,
}

/// A file of a message.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Attachment {
    /// Its place, from 0.
    pub index: u32,
    /// Its name, safe as a file's name.
    pub filename: String,
    /// Its media type.
    pub content_type: String,
    /// Octets.
    pub size_bytes: u64,
}

/// A body that can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Plain text.
    Text,
    /// HTML.
    Html,
}

/// What one can do with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Back to Outbox, tried now (Menu ▸ Resend Failed E-mail).
    Requeue,
    /// A new message like it.
    Resend,
    /// Remove the record.
    Delete,
    /// Keep it back.
    Hold,
    /// Let it go.
    Release,
}

/// Messages that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Links {
    /// The message that this one sends again.
    #[schema(required)]
    pub resent_from: Option<String>,
    /// The messages that sent this one again.
    pub resent_as: Vec<String>,
}

/// The attempt log of a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct Attempts {
    /// Oldest first.
    pub attempts: Vec<Attempt>,
}

/// One try.
#[derive(Debug, Serialize, ToSchema)]
pub struct Attempt {
    /// Counts from 1 within its cycle.
    pub number: u16,
    /// Counts requeues, from 0.
    pub cycle: u16,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
    /// The relay's name.
    pub relay: String,
    /// TLS version.
    #[schema(required)]
    pub tls: Option<String>,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// Basic and enhanced code.
    #[schema(required)]
    pub code: Option<String>,
    /// The words that sum it up.
    pub text: String,
    /// What a refusal means, in plain language.
    #[schema(required)]
    pub meaning: Option<String>,
    /// What single recipients were told.
    pub recipients: Vec<AttemptRecipient>,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// Every pending recipient was accepted.
    Sent,
    /// Some were.
    Partial,
    /// None was; tried again.
    Deferred,
    /// None was; no more tries.
    Failed,
    /// Its end is unknown.
    Uncertain,
}

/// What a recipient was told in an attempt.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttemptRecipient {
    /// The address.
    pub address: String,
    /// Basic and enhanced code.
    #[schema(required)]
    pub code: Option<String>,
    /// The relay's words.
    pub text: String,
    /// What a refusal means, in plain language.
    #[schema(required)]
    pub meaning: Option<String>,
}

/// Why a message is where it is.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Explanation {
    /// One sentence with the rule.
    pub sentence: String,
    /// What that rests on.
    pub evidence: Vec<String>,
    /// What somebody can do about it.
    #[schema(required)]
    pub advice: Option<String>,
    /// What happens next.
    pub next: String,
    /// When.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub next_at: Option<Timestamp>,
    /// Where the SMTP settings are that have to be fixed; `null` where they are not to blame.
    #[schema(required)]
    pub mend: Option<Mend>,
}

/// Where SMTP settings are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Mend {
    /// Office Settings, or the configuration file.
    pub place: MendPlace,
    /// The office whose Office Settings they are; `null`: the configuration file.
    #[schema(required)]
    pub office: Option<i64>,
}

/// A place of SMTP settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MendPlace {
    /// Office Settings – Detail.
    OfficeSettings,
    /// The server's configuration file.
    ServerConfiguration,
}

impl From<Explained> for Explanation {
    fn from(explained: Explained) -> Self {
        Self {
            sentence: explained.sentence,
            evidence: explained.evidence,
            advice: explained.advice,
            next: explained.next,
            next_at: explained.next_at,
            mend: explained.settings.map(Into::into),
        }
    }
}

impl From<SettingsPlace> for Mend {
    fn from(settings: SettingsPlace) -> Self {
        match settings {
            SettingsPlace::Office(office) => Self {
                place: MendPlace::OfficeSettings,
                office: Some(office.0),
            },
            SettingsPlace::Configuration => Self {
                place: MendPlace::ServerConfiguration,
                office: None,
            },
        }
    }
}

/// `451 4.3.0`, or `451`, or nothing where the relay said nothing.
pub fn code_of(reply: &Reply) -> Option<String> {
    match (reply.code, reply.enhanced) {
        (0, _) => None,
        (code, Some(enhanced)) => Some(format!("{code} {enhanced}")),
        (code, None) => Some(code.to_string()),
    }
}

/// What a refusal means; nothing for an acceptance.
fn meaning_of(reply: &Reply) -> Option<String> {
    plain::plain(reply).map(|meaning| meaning.what.to_owned())
}

impl From<store::RecipientDetail> for Recipient {
    fn from(recipient: store::RecipientDetail) -> Self {
        let reply = recipient.reply;
        Self {
            address: legible::shown(&recipient.address).into_owned(),
            role: match recipient.role {
                store::RecipientRole::To => Role::To,
                store::RecipientRole::Cc => Role::Cc,
                store::RecipientRole::Bcc => Role::Bcc,
                store::RecipientRole::Envelope => Role::Envelope,
            },
            state: match recipient.state {
                RecipientState::Pending => RecipientStateName::Pending,
                RecipientState::Sent => RecipientStateName::Sent,
                RecipientState::Failed => RecipientStateName::Failed,
            },
            code: reply.as_ref().map(|reply| reply.code).filter(|&code| code != 0),
            enhanced: reply
                .as_ref()
                .and_then(|reply| reply.enhanced)
                .map(|code| code.to_string()),
            meaning: reply.as_ref().and_then(meaning_of),
            text: reply.map(|reply| reply.text),
            at: recipient.at,
        }
    }
}

impl From<store::Attempt> for Attempt {
    fn from(attempt: store::Attempt) -> Self {
        Self {
            number: attempt.number,
            cycle: attempt.cycle,
            started_at: attempt.started_at,
            duration_ms: u64::try_from(attempt.duration.as_millis()).unwrap_or(u64::MAX),
            relay: attempt.relay,
            tls: attempt.tls,
            outcome: match attempt.result {
                store::AttemptResult::Sent => AttemptOutcome::Sent,
                store::AttemptResult::Partial => AttemptOutcome::Partial,
                store::AttemptResult::Deferred => AttemptOutcome::Deferred,
                store::AttemptResult::Failed => AttemptOutcome::Failed,
                store::AttemptResult::Uncertain => AttemptOutcome::Uncertain,
            },
            code: code_of(&attempt.reply),
            meaning: meaning_of(&attempt.reply),
            text: attempt.reply.text,
            recipients: attempt
                .recipients
                .into_iter()
                .map(|recipient| AttemptRecipient {
                    address: legible::shown(&recipient.address).into_owned(),
                    code: code_of(&recipient.reply),
                    meaning: meaning_of(&recipient.reply),
                    text: recipient.reply.text,
                })
                .collect(),
        }
    }
}
