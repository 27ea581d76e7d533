//! What sort of mail a message is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::RouteId;

/// Whose mail it is in the list: people's, or Postroom's own (the Source drop-down, SPEC Q1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Mail that a person sent.
    User,
    /// Mail that the system sent, seen by administrators alone (V5).
    Notification,
}

impl Category {
    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Notification => "notification",
        }
    }

    /// The number that the store keeps.
    pub const fn number(self) -> i64 {
        match self {
            Self::User => 0,
            Self::Notification => 1,
        }
    }
}

/// Who hands mail of a kind in (A7, I9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Poster {
    /// A person, or software that sends their mail.
    Person,
    /// A CRM, by an API key with the scope `post_notifications`.
    Crm,
    /// Postroom itself and nobody else: what it sends is exempt from limits, and its links are live.
    Postroom,
}

/// The kinds of mail (SPEC §1, A7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// From one user to others of the same server.
    IntraOffice,
    /// One of a form letter's many.
    FormLetter,
    /// An ordinary letter to somebody outside.
    Direct,
    /// An account was made.
    AccountCreated,
    /// A password reset was asked for.
    PasswordReset,
    /// Somebody failed to sign in.
    SignInFailed,
    /// An activity was made in the CRM.
    ActivityCreated,
    /// A record was shared in the CRM.
    RecordShared,
    /// An alert, for those who chose alerts by mail.
    Alert,
}

impl Kind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::IntraOffice,
        Self::FormLetter,
        Self::Direct,
        Self::AccountCreated,
        Self::PasswordReset,
        Self::SignInFailed,
        Self::ActivityCreated,
        Self::RecordShared,
        Self::Alert,
    ];

    /// The category that this kind belongs to.
    pub const fn category(self) -> Category {
        match self {
            Self::IntraOffice | Self::FormLetter | Self::Direct => Category::User,
            Self::AccountCreated
            | Self::PasswordReset
            | Self::SignInFailed
            | Self::ActivityCreated
            | Self::RecordShared
            | Self::Alert => Category::Notification,
        }
    }

    /// Who hands mail of this kind in.
    pub const fn poster(self) -> Poster {
        match self {
            Self::IntraOffice | Self::FormLetter | Self::Direct => Poster::Person,
            Self::ActivityCreated | Self::RecordShared => Poster::Crm,
            Self::AccountCreated | Self::PasswordReset | Self::SignInFailed | Self::Alert => Poster::Postroom,
        }
    }

    /// The route of mail of this kind in an office whose own route is `office`.
    ///
    /// Postroom's own mail leaves through the server's relay: an office's relay is whatever its administrators set, and
    /// the person who runs it reads the links that pass, or drops the notice that a sign-in was changed.
    pub const fn route(self, office: RouteId) -> RouteId {
        match self.poster() {
            Poster::Person | Poster::Crm => office,
            Poster::Postroom => RouteId::SERVER,
        }
    }

    /// Whether the body carries a live link and is shown to nobody (V5).
    pub const fn body_is_secret(self) -> bool {
        matches!(self, Self::AccountCreated | Self::PasswordReset)
    }

    /// The number that the store keeps.
    pub const fn number(self) -> i64 {
        match self {
            Self::IntraOffice => 0,
            Self::FormLetter => 1,
            Self::Direct => 2,
            Self::AccountCreated => 3,
            Self::PasswordReset => 4,
            Self::SignInFailed => 5,
            Self::ActivityCreated => 6,
            Self::RecordShared => 7,
            Self::Alert => 8,
        }
    }

    /// The kind of a kept number; `None` for a number that no kind has.
    pub fn from_number(number: i64) -> Option<Self> {
        usize::try_from(number)
            .ok()
            .and_then(|n| Self::ALL.get(n).copied())
    }

    /// The name in the API and in `X-Postroom-Kind`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::IntraOffice => "intra_office",
            Self::FormLetter => "form_letter",
            Self::Direct => "direct",
            Self::AccountCreated => "account_created",
            Self::PasswordReset => "password_reset",
            Self::SignInFailed => "sign_in_failed",
            Self::ActivityCreated => "activity_created",
            Self::RecordShared => "record_shared",
            Self::Alert => "alert",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a kind of mail; the kinds are {known}", known = Kind::ALL.map(Kind::name).join(", "))]
pub struct NotAKind(pub String);

impl FromStr for Kind {
    type Err = NotAKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| NotAKind(text.to_owned()))
    }
}
