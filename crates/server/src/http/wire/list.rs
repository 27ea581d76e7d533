//! The queue list: rows, pages, counts.

use postroom_domain::{Category, Kind, MessageState, ShownType, Timestamp};
use postroom_store as store;
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::layout::SortOrder;
use super::session::Named;
use super::status::Banner;

/// What narrows the list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// `all` (default), `outbox`, `sent` or `failed`.
    #[serde(rename = "type")]
    #[param(inline)]
    pub shown: TypeChoice,
    /// `all` (default), `mine_sent` (mail of people) or `notifications`.
    #[param(inline)]
    pub source: SourceChoice,
    /// A kind.
    #[param(value_type = Option<KindName>)]
    #[schema(value_type = Option<KindName>)]
    pub kind: Option<Kind>,
    /// A state: `queued`, `scheduled`, `held`, `sending`, `deferred`, `sent` or `failed`.
    #[param(value_type = Option<State>)]
    #[schema(value_type = Option<State>)]
    pub state: Option<MessageState>,
    /// A user's id.
    pub sender: Option<i64>,
    /// An office's id.
    pub office: Option<i64>,
    /// Only mail of one's own office.
    pub current_office: bool,
    /// First day (`2026-11-23`, UTC) or time.
    pub from: Option<String>,
    /// Last day, or the time before which.
    pub to: Option<String>,
    /// Only one's own mail.
    pub mine: bool,
    /// Words to find in subject and addresses; the last may be a prefix.
    pub q: Option<String>,
    /// Rows, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// From `next` or `prev` of an earlier page.
    pub cursor: Option<String>,
    /// A row position from 0 to jump to, instead of a cursor; by other columns than `date` up to 10,000.
    pub at: Option<u64>,
    /// The column to sort by: `date` (default), `sent_on`, `from`, `subject`, `user`, `size`, `status`, `send_attempts`
    /// or `next_attempt`. Rows without a value come last.
    pub sort: Option<String>,
    /// Which end comes first: `descending` (default) or `ascending`.
    #[param(inline)]
    pub order: Option<SortOrder>,
}

/// The Type drop-down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TypeChoice {
    /// Every type.
    #[default]
    All,
    /// Not finished.
    Outbox,
    /// Accepted by the relay.
    Sent,
    /// Ended undelivered.
    Failed,
}

/// The Source drop-down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceChoice {
    /// Every source.
    #[default]
    All,
    /// Mail of people.
    MineSent,
    /// Mail of the system.
    Notifications,
}

macro_rules! mirrored {
    ($(#[$doc:meta])* $name:ident from $domain:ty { $($(#[$variant_doc:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$variant_doc])* $variant),+
        }

        impl From<$domain> for $name {
            fn from(value: $domain) -> Self {
                match value {
                    $(<$domain>::$variant => Self::$variant),+
                }
            }
        }
    };
}

mirrored!(
    /// The state of a message.
    State from MessageState {
        /// Due now.
        Queued,
        /// Its time to be sent lies ahead.
        Scheduled,
        /// Kept back on purpose.
        Held,
        /// An attempt is under way.
        Sending,
        /// Tried, will be tried again.
        Deferred,
        /// Accepted by the relay for every recipient.
        Sent,
        /// Ended undelivered for at least one recipient.
        Failed,
    }
);
mirrored!(
    /// The Type of a row.
    TypeName from ShownType {
        /// Not finished.
        Outbox,
        /// Accepted by the relay.
        Sent,
        /// Ended undelivered.
        Failed,
    }
);
mirrored!(
    /// Whose mail it is: people's or the system's.
    CategoryName from Category {
        /// Mail of people.
        User,
        /// Mail of the system.
        Notification,
    }
);

/// A kind of mail, by the name that the domain gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct KindName(pub Kind);

impl From<Kind> for KindName {
    fn from(kind: Kind) -> Self {
        Self(kind)
    }
}

impl PartialSchema for KindName {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("A kind of mail."))
            .enum_values(Some(Kind::ALL.map(Kind::name)))
            .into()
    }
}

impl ToSchema for KindName {}

/// One row of the list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Row {
    /// Its id; ids sort by time.
    #[schema(example = "01k2m3n4p5q6r")]
    pub id: String,
    /// First submission.
    #[schema(value_type = String, format = DateTime)]
    pub date: Timestamp,
    /// Its Type.
    #[serde(rename = "type")]
    pub shown: TypeName,
    /// Its state.
    pub state: State,
    /// Its Source.
    pub category: CategoryName,
    /// Its kind.
    pub kind: KindName,
    /// Whose mail it is.
    pub sender: Named,
    /// The sender's office.
    pub office: Named,
    /// From.
    pub from: String,
    /// To.
    pub to: String,
    /// Cc.
    pub cc: String,
    /// Blind copies.
    pub bcc: String,
    /// Number of recipients.
    pub recipients: u16,
    /// Subject.
    pub subject: String,
    /// First 200 characters of the body; empty where nobody may see it.
    pub body: String,
    /// Media type.
    pub mime_type: String,
    /// Octets.
    pub size_bytes: u64,
    /// Send Attempts of this cycle.
    pub attempts: u16,
    /// Whether every recipient was accepted.
    pub sent: bool,
    /// The last acceptance.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub sent_on: Option<Timestamp>,
    /// When it is tried next.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub next_attempt_at: Option<Timestamp>,
    /// Until when it is held.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub held_until: Option<Timestamp>,
    /// Why it is held.
    #[schema(required)]
    pub hold_reason: Option<String>,
    /// Not before this time.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub send_at: Option<Timestamp>,
    /// Basic and enhanced code of the last thing that went wrong.
    #[schema(required, example = "451 4.3.0")]
    pub code: Option<String>,
    /// The last thing that went wrong, in the relay's words.
    #[schema(required)]
    pub error: Option<String>,
    /// The caller's words.
    pub tags: Vec<String>,
    /// The caller's id.
    #[schema(required)]
    pub external_id: Option<String>,
}

impl From<store::Row> for Row {
    fn from(row: store::Row) -> Self {
        let (held_until, hold_reason) = row
            .hold
            .map_or((None, None), |hold| (hold.until, Some(hold.reason)));
        Self {
            id: row.id.to_string(),
            date: row.date,
            shown: row.state.shown().into(),
            state: row.state.into(),
            category: row.kind.category().into(),
            kind: row.kind.into(),
            sender: Named {
                id: row.sender.0.0,
                name: row.sender.1,
            },
            office: Named {
                id: row.office.0.0,
                name: row.office.1,
            },
            from: row.from,
            to: row.to,
            cc: row.cc,
            bcc: row.bcc,
            recipients: row.recipients,
            subject: row.subject,
            body: if row.kind.body_is_secret() {
                String::new()
            } else {
                row.preview
            },
            mime_type: row.mime_type,
            size_bytes: row.size_bytes,
            attempts: row.attempts,
            sent: row.state == MessageState::Sent,
            sent_on: row.sent_on,
            next_attempt_at: row.next_attempt_at,
            held_until,
            hold_reason,
            send_at: row.send_at,
            code: row.error.as_ref().and_then(super::detail::code_of),
            error: row.error.map(|reply| reply.to_string()),
            tags: row.tags,
            external_id: row.external_id,
        }
    }
}

/// One page of the list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page {
    /// The rows.
    pub rows: Vec<Row>,
    /// Cursor of the page that follows.
    #[schema(required)]
    pub next: Option<String>,
    /// Cursor of the page before.
    #[schema(required)]
    pub prev: Option<String>,
    /// Position of the first row, where known.
    #[schema(required)]
    pub at: Option<u64>,
    /// Whether rows follow.
    pub more: More,
    /// What people who look at this list should know.
    pub banners: Vec<Banner>,
}

mirrored!(
    /// Whether there is more.
    More from store::More {
        /// No.
        No,
        /// Yes.
        Yes,
        /// The time budget ended before the page was full.
        Unknown,
    }
);

/// Counts under a filter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Counts {
    /// Each Type under the other filters.
    pub types: TypeCounts,
    /// Each Source under the other filters.
    pub sources: SourceCounts,
    /// Each state under the other filters.
    pub states: StateCounts,
    /// Rows of exactly this list.
    pub total: u64,
    /// False where a search stopped at its budget: at least so many.
    pub exact: bool,
}

/// Rows by Type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TypeCounts {
    /// Every type.
    pub all: u64,
    /// Not finished.
    pub outbox: u64,
    /// Accepted by the relay.
    pub sent: u64,
    /// Ended undelivered.
    pub failed: u64,
}

/// Rows by Source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SourceCounts {
    /// Every source.
    pub all: u64,
    /// Mail of people.
    pub mine_sent: u64,
    /// Mail of the system.
    pub notifications: u64,
}

/// Rows by state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StateCounts {
    /// Due now.
    pub queued: u64,
    /// Not before a time that lies ahead.
    pub scheduled: u64,
    /// Kept back.
    pub held: u64,
    /// Under way.
    pub sending: u64,
    /// To be tried again.
    pub deferred: u64,
    /// Accepted by the relay.
    pub sent: u64,
    /// Ended undelivered.
    pub failed: u64,
}

impl From<store::Counts> for Counts {
    fn from(counts: store::Counts) -> Self {
        let [queued, scheduled, held, sending, deferred, sent, failed] = counts.states;
        let [mine_sent, notifications] = counts.sources;
        let outbox = queued + scheduled + held + sending + deferred;
        Self {
            types: TypeCounts {
                all: outbox + sent + failed,
                outbox,
                sent,
                failed,
            },
            sources: SourceCounts {
                all: mine_sent + notifications,
                mine_sent,
                notifications,
            },
            states: StateCounts {
                queued,
                scheduled,
                held,
                sending,
                deferred,
                sent,
                failed,
            },
            total: counts.total,
            exact: counts.exact,
        }
    }
}
