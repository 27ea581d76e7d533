//! Offices, people, proxies, keys and what opens an account.

use postroom_domain::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::session::Named;

/// An office.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OfficeRow {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The office that it lies below; null for the System Office.
    pub parent: Option<i64>,
    /// Whether proxies count: `on` or `off`.
    pub security: Switch,
    /// Domains that its people may send from; none: those of the nearest office above that has some, else any.
    pub allowed_sender_domains: Vec<String>,
    /// The version to name in If-Match.
    pub version: i64,
}

/// An office that was changed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OfficeEdited {
    /// The office.
    #[serde(flatten)]
    pub office: OfficeRow,
    /// How many people could send from their own address before, and cannot now.
    pub people_refused: u64,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

/// The offices that one may see.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Offices {
    /// By id, the System Office first.
    pub offices: Vec<OfficeRow>,
}

/// An office to make.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOffice {
    /// Its name.
    pub name: String,
    /// The office that it lies below; without one the System Office.
    #[serde(default)]
    pub parent: Option<i64>,
}

/// What becomes of an office; what is left out stays.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OfficeEdit {
    /// Its new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The office that it shall lie below.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<i64>,
    /// Whether proxies count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security: Option<Switch>,
    /// The domains that its people may send from, set by administrators of the System Office.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_sender_domains: Option<Vec<String>>,
}

/// A person. Colleagues see who somebody is; rights and account are shown to administrators and the person.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct UserRow {
    /// Their id.
    pub id: i64,
    /// Their name.
    pub name: String,
    /// Their address, as it is stored.
    pub email: String,
    /// Their office.
    pub office: Named,
    /// What they sign in with, as it is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// Their rights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rights: Option<Vec<String>>,
    /// The branches that limit their Enterprise View; left out where it is not limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branches: Option<Vec<Named>>,
    /// Whether they may not sign in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// The version to name in If-Match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}

/// The people that one may see.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Users {
    /// By login.
    pub users: Vec<UserRow>,
}

/// A person to make; they are invited by mail to set their password.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// What they sign in with.
    pub login: String,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Their office; without one the administrator's own.
    #[serde(default)]
    pub office: Option<i64>,
    /// Their rights.
    #[serde(default)]
    pub rights: Vec<String>,
    /// The branches that limit their Enterprise View.
    #[serde(default)]
    pub branches: Option<Vec<i64>>,
}

/// What becomes of a person; what is left out stays.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UserEdit {
    /// Their name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What they sign in with; for administrators of the System Office.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// Their address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether they may not sign in: sessions, links and keys end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}

/// A person's rights, whole: what is not named is taken away.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RightsEdit {
    /// `super_user`, `enterprise_view`, `administrator`, `customize_list_layout`.
    pub rights: Vec<String>,
    /// The branches that limit Enterprise View; without them it reaches every office below.
    #[serde(default)]
    pub branches: Option<Vec<i64>>,
}

/// What a proxy allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Looking.
    View,
    /// Looking, acting and sending.
    Manage,
}

/// A proxy.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ProxyRow {
    /// Its id.
    pub id: i64,
    /// Who sees.
    pub assistant: Named,
    /// Whose mail.
    pub principal: Named,
    /// What it allows.
    pub level: Level,
    /// Its first moment.
    pub from: Option<Timestamp>,
    /// The moment that it is over.
    pub until: Option<Timestamp>,
    /// Whether it counts now: within its time, while office security is on.
    pub active: bool,
    /// The version to name in If-Match.
    pub version: i64,
}

/// Proxies.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Proxies {
    /// By principal.
    pub proxies: Vec<ProxyRow>,
}

/// A proxy to give.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProxy {
    /// Who shall see: a user's id.
    pub assistant: i64,
    /// Whose mail; without one one's own.
    #[serde(default)]
    pub principal: Option<i64>,
    /// What it allows.
    pub level: Level,
    /// Its first moment; without one at once.
    #[serde(default)]
    pub from: Option<Timestamp>,
    /// The moment that it is over; without one never.
    #[serde(default)]
    pub until: Option<Timestamp>,
}

/// A proxy's new terms, whole.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProxyEdit {
    /// What it allows.
    pub level: Level,
    /// Its first moment.
    #[serde(default)]
    pub from: Option<Timestamp>,
    /// The moment that it is over.
    #[serde(default)]
    pub until: Option<Timestamp>,
}

/// An API key, without its secret.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct KeyRow {
    /// Its id.
    pub id: i64,
    /// Its first characters.
    pub prefix: String,
    /// What it is for.
    pub label: String,
    /// Its office.
    pub office: Named,
    /// The person that it stands for; null for an office's key.
    pub user: Option<Named>,
    /// What an office's key may do.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The person who made it; null for the command line, and where it is not known.
    pub made_by: Option<Named>,
    /// When it ends by itself; null for never.
    pub ends_at: Option<Timestamp>,
    /// When it was last used, accurate to about an hour; null where no use is known.
    pub last_used_at: Option<Timestamp>,
}

/// API keys.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Keys {
    /// By id.
    pub keys: Vec<KeyRow>,
}

/// An API key to make: one's own, or an office's.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// What it is for.
    #[serde(default)]
    pub label: String,
    /// The office that it belongs to; without one it stands for oneself.
    #[serde(default)]
    pub office: Option<i64>,
    /// What an office's key may do: `send`, `read`, `manage`, `post_notifications`.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// When it ends by itself; without one it works until it is revoked.
    #[serde(default)]
    pub ends_at: Option<Timestamp>,
}

/// A key that was made.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct KeyMade {
    /// Its id.
    pub id: i64,
    /// The key itself, shown this once.
    pub secret: String,
}

impl std::fmt::Debug for KeyMade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyMade")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Whether the server waits for its first administrator.
#[derive(Debug, Serialize, ToSchema)]
pub struct SetupState {
    /// Whether it does.
    pub needed: bool,
}

/// The first administrator.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// The secret that the server printed at its start.
    #[serde(default)]
    pub secret: Option<String>,
    /// The name of the System Office; without one that.
    #[serde(default)]
    pub office: Option<String>,
    /// What they sign in with.
    pub login: String,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Their password.
    pub password: String,
}

/// Whose password is forgotten.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Forgotten {
    /// The login or the e-mail address.
    pub login: String,
}

/// A new password by a link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Redeemed {
    /// What the link carries.
    pub token: String,
    /// The new password.
    pub password: String,
    /// Whether the person's API keys end, too. Left out, they do: somebody else may have made or copied one. Only where the
    /// link is for a first password they stay.
    #[serde(default)]
    pub end_keys: Option<bool>,
}

/// A new password by the old one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordEdit {
    /// The password until now.
    pub current: String,
    /// The new one.
    pub password: String,
    /// Whether one's API keys end, too.
    #[serde(default)]
    pub end_keys: bool,
}

/// Why one sees a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccessAnswer {
    /// `own`, `super_user`, `view_proxy`, `manage_proxy`, `enterprise_view`, `administrator`, `system_administrator`,
    /// `office_key`, `operator`.
    pub rule: String,
    /// The rule in a sentence.
    pub sentence: String,
    /// What one may do besides looking: `requeue`, `resend`, `delete`, `hold`, `release`.
    pub may: Vec<String>,
}

macro_rules! hidden {
    ($($name:ident),*) => { $(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )* };
}
hidden!(Setup, Redeemed, PasswordEdit);
