//! Alerts of the person who asks.

use postroom_domain::Timestamp;
use postroom_domain::alert::{AlertKind as Kind, Link as To};
use postroom_store::{Alert as Kept, AlertState, Unread as KeptUnread};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which alerts to show.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AlertsQuery {
    /// `true`: those that are unread alone.
    #[serde(default)]
    pub unread: bool,
    /// Alerts of a page, 1 to 200; 50 unless given.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

/// A page of alerts, the latest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertList {
    /// The alerts; dismissed ones are not among them.
    pub alerts: Vec<Alert>,
    /// How many are unread in all.
    pub unread: u64,
    /// The cursor of the next page; `null` at the end.
    pub next: Option<String>,
}

/// An alert.
#[derive(Debug, Serialize, ToSchema)]
pub struct Alert {
    /// Its id.
    pub id: i64,
    /// What sort it is.
    pub kind: AlertKind,
    /// Its title.
    pub title: String,
    /// What happened, with the cause.
    pub text: String,
    /// What one can do.
    pub advice: String,
    /// Where one does it.
    pub link: AlertLink,
    /// How often it happened.
    pub count: u64,
    /// When it happened first.
    #[schema(value_type = String, format = DateTime)]
    pub first_at: Timestamp,
    /// When it happened last.
    #[schema(value_type = String, format = DateTime)]
    pub last_at: Timestamp,
    /// Whether it was read since it happened last.
    pub read: bool,
}

/// Sorts of alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// Mail was not sent because of the SMTP settings.
    SmtpFailed,
    /// An e-mail server is down.
    ServerDown,
    /// It is back.
    ServerUp,
    /// Mail is held because of a daily limit.
    LimitReached,
    /// Mail could not be delivered.
    Undeliverable,
    /// What is stored of a message is damaged.
    Damaged,
    /// The server or its machine needs attention.
    ServerTrouble,
}

/// Where an alert leads.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum AlertLink {
    /// The queue list.
    Queue {
        /// The list's parameters, `type=failed`.
        query: String,
    },
    /// The SMTP settings of an office.
    OfficeSettings {
        /// The office's id.
        office: i64,
    },
    /// A setting of the server configuration.
    ServerConfiguration {
        /// Its key.
        key: String,
    },
    /// The daily limits.
    Limits,
    /// The status of the server.
    ServerStatus,
}

/// How many alerts are unread.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnreadAlerts {
    /// How many.
    pub unread: u64,
    /// The one that came last; `null` where none is unread.
    pub newest: Option<Alert>,
}

/// How far to read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadAlerts {
    /// The largest id that was on the screen; later alerts stay unread.
    pub upto: i64,
}

/// How many alerts were marked.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertsRead {
    /// How many.
    pub read: u64,
}

/// What a person chose for themself.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Preferences {
    /// The sorts of alert that are sent by e-mail besides; none unless chosen.
    pub alerts_by_email: Vec<AlertKind>,
}

impl From<Kept> for Alert {
    fn from(alert: Kept) -> Self {
        Self {
            id: alert.id.0,
            kind: alert.kind.into(),
            title: alert.title,
            text: alert.text,
            advice: alert.advice,
            link: alert.link.into(),
            count: alert.count,
            first_at: alert.first_at,
            last_at: alert.last_at,
            read: alert.state != AlertState::Unread,
        }
    }
}

impl From<KeptUnread> for UnreadAlerts {
    fn from(unread: KeptUnread) -> Self {
        Self {
            unread: unread.count,
            newest: unread.newest.map(Into::into),
        }
    }
}

impl From<To> for AlertLink {
    fn from(link: To) -> Self {
        match link {
            To::Queue { query } => Self::Queue { query },
            To::OfficeSettings { office } => Self::OfficeSettings { office: office.0 },
            To::ServerConfiguration { key } => Self::ServerConfiguration { key },
            To::Limits => Self::Limits,
            To::ServerStatus => Self::ServerStatus,
        }
    }
}

impl From<Kind> for AlertKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::SmtpFailed => Self::SmtpFailed,
            Kind::ServerDown => Self::ServerDown,
            Kind::ServerUp => Self::ServerUp,
            Kind::LimitReached => Self::LimitReached,
            Kind::Undeliverable => Self::Undeliverable,
            Kind::Damaged => Self::Damaged,
            Kind::ServerTrouble => Self::ServerTrouble,
        }
    }
}

impl From<AlertKind> for Kind {
    fn from(kind: AlertKind) -> Self {
        match kind {
            AlertKind::SmtpFailed => Self::SmtpFailed,
            AlertKind::ServerDown => Self::ServerDown,
            AlertKind::ServerUp => Self::ServerUp,
            AlertKind::LimitReached => Self::LimitReached,
            AlertKind::Undeliverable => Self::Undeliverable,
            AlertKind::Damaged => Self::Damaged,
            AlertKind::ServerTrouble => Self::ServerTrouble,
        }
    }
}
