//! JSON of the admin routes; both ends are in this crate.

use postroom_domain::Timestamp;
use serde::{Deserialize, Serialize};

/// A user to make.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    /// What they sign in with.
    pub login: String,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Their password; without one they cannot sign in, but have keys.
    pub password: Option<String>,
    /// Their office's name; without one the System Office.
    pub office: Option<String>,
    /// Their rights.
    #[serde(default)]
    pub rights: Vec<String>,
}

impl std::fmt::Debug for NewPerson {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewPerson")
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}

/// A new password of somebody.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordOf {
    /// The login or the address.
    pub login: String,
    /// The new password.
    pub password: String,
    /// Whether their API keys end, too.
    #[serde(default)]
    pub end_keys: bool,
}

impl std::fmt::Debug for PasswordOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PasswordOf")
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}

/// What a new password ended, besides sessions and links.
#[derive(Debug, Serialize, Deserialize)]
pub struct PasswordSet {
    /// How many API keys.
    pub keys_ended: usize,
}

/// Whose link for a new password is to be made.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkOf {
    /// The login or the address.
    pub login: String,
}

/// A link for a new password.
#[derive(Debug, Serialize, Deserialize)]
pub struct LinkMade {
    /// Its address; it works once.
    pub link: String,
    /// When it ends.
    pub ends_at: Timestamp,
}

/// A user that was made.
#[derive(Debug, Serialize, Deserialize)]
pub struct PersonMade {
    /// Their id.
    pub id: i64,
    /// Their office's name.
    pub office: String,
}

/// A user.
#[derive(Debug, Serialize, Deserialize)]
pub struct PersonRow {
    /// Their id.
    pub id: i64,
    /// What they sign in with.
    pub login: String,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Their office's name.
    pub office: String,
    /// Their rights.
    pub rights: Vec<String>,
    /// Whether they may not sign in.
    pub disabled: bool,
}

/// An API key to make, of a user or of an office.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// The user's login.
    pub user: Option<String>,
    /// The office's name.
    pub office: Option<String>,
    /// What it is for.
    #[serde(default)]
    pub label: String,
    /// What an office's key may do.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// When it ends by itself; without one it works until it is revoked.
    #[serde(default)]
    pub ends_at: Option<Timestamp>,
}

/// A key that was made.
#[derive(Debug, Serialize, Deserialize)]
pub struct KeyMade {
    /// Its id.
    pub id: i64,
    /// The key itself, shown this once.
    pub secret: String,
}

/// What a recount found.
#[derive(Debug, Serialize, Deserialize)]
pub struct Checked {
    /// Messages counted.
    pub messages: u64,
    /// Unfinished messages counted.
    pub work: u64,
    /// One sentence for each difference.
    pub differences: Vec<String>,
    /// Names that are one person's login and another's address.
    #[serde(default)]
    pub sign_in_clashes: Vec<Clash>,
    /// People who may not send from their own address. A server of an earlier version does not say.
    #[serde(default)]
    pub barred_people: Vec<Barred>,
    /// Messages that were found damaged until now.
    pub damaged: Vec<Damaged>,
    /// Content that has no checksum yet.
    pub without_checksum: u64,
    /// Content in all.
    pub contents: u64,
    /// The tables of the database, for `/admin/v1/check/table`.
    pub tables: Vec<String>,
}

/// A name that two people have.
#[derive(Debug, Serialize, Deserialize)]
pub struct Clash {
    /// The name.
    pub name: String,
    /// The id of whose login it is.
    pub login_of: i64,
    /// The id of whose address it is.
    pub address_of: i64,
}

/// Somebody who may not send from their own address.
#[derive(Debug, Serialize, Deserialize)]
pub struct Barred {
    /// Their id.
    pub user: i64,
    /// Their address.
    pub email: String,
    /// Why they may not.
    pub reason: String,
}

/// A damaged message.
#[derive(Debug, Serialize, Deserialize)]
pub struct Damaged {
    /// Its id.
    pub id: String,
    /// What of it is damaged, and what that means.
    pub what: String,
}

/// A table to check.
#[derive(Debug, Serialize, Deserialize)]
pub struct TableToCheck {
    /// Its name.
    pub table: String,
}

/// What the database says of a table.
#[derive(Debug, Serialize, Deserialize)]
pub struct TableChecked {
    /// One sentence for each problem.
    pub problems: Vec<String>,
}

/// Content to verify.
#[derive(Debug, Serialize, Deserialize)]
pub struct ContentsToCheck {
    /// Behind which message; from the first on where it is missing.
    pub after: Option<String>,
}

/// Content that was verified.
#[derive(Debug, Serialize, Deserialize)]
pub struct ContentsChecked {
    /// Behind which message to go on; missing at the end.
    pub next: Option<String>,
    /// Messages looked at.
    pub verified: u64,
    /// Those whose content is damaged.
    pub damaged: Vec<Damaged>,
}

/// Losses that are no longer reported.
#[derive(Debug, Serialize, Deserialize)]
pub struct Acknowledged {
    /// How many.
    pub losses: u32,
}

/// What a flush did.
#[derive(Debug, Serialize, Deserialize)]
pub struct Flushed {
    /// Deferred messages made due now.
    pub made_due: u64,
}
