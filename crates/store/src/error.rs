//! What a store can fail with, the same for every backend.

use postroom_domain::{Damage, MessageId, PeopleRule};

/// An operation that was not done; nothing of it was kept.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The disk is full: nothing new is taken until there is room.
    #[error("the disk that holds the mail is full")]
    Full,
    /// The store cannot answer now; trying again later can help.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// Something with this name exists already.
    #[error("{what} {name:?} exists already")]
    Exists {
        /// What sort of thing: "user", "office".
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// There is no such thing to change.
    #[error("there is no such {0}")]
    Missing(&'static str),
    /// Somebody else changed it since it was read.
    #[error("the {0} was changed since it was read")]
    Stale(&'static str),
    /// A change that would break a rule of offices and people.
    #[error(transparent)]
    People(#[from] PeopleRule),
    /// A limit of the contract was passed (batch size, text length).
    #[error("too much for one operation: {0}")]
    TooMuch(&'static str),
    /// What was kept cannot be read; the text names the row.
    #[error("the store holds something it cannot read: {0}")]
    Corrupt(String),
    /// What is stored of this message is damaged; other messages are not concerned.
    #[error("message {0}: {words}", words = .1.words())]
    Damaged(MessageId, Damage),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// An SQL error that none of the above names.
    #[error("the database refused an operation: {0}")]
    Database(String),
}

impl StoreError {
    /// Whether it comes of what the file holds, so that trying again gives the same: a damaged row, or a value that the
    /// database refuses. Other rows may well be read and written.
    pub const fn is_of_content(&self) -> bool {
        match self {
            Self::Corrupt(_) | Self::Damaged(..) | Self::Database(_) => true,
            Self::Full
            | Self::Unavailable(_)
            | Self::Exists { .. }
            | Self::Missing(_)
            | Self::Stale(_)
            | Self::People(_)
            | Self::TooMuch(_)
            | Self::Closed => false,
        }
    }
}
