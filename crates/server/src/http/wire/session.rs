//! Signing in and who one is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::people::Level;

/// What one signs in with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The login or the e-mail address.
    #[schema(example = "case")]
    pub login: String,
    /// The password.
    pub password: String,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignIn(…)")
    }
}

/// Who one is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// The person.
    pub user: Person,
    /// Those whose mail they see as an assistant, now.
    pub proxies_for: Vec<ProxiedFor>,
    /// Whether they administer the whole server.
    pub system_administrator: bool,
    /// The name of the product, as configured.
    pub brand: String,
}

/// Somebody whose assistant one is.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProxiedFor {
    /// Their id.
    pub id: i64,
    /// Their name.
    pub name: String,
    /// Their address: with `manage` one may send from it.
    pub email: String,
    /// What the proxy allows.
    pub level: Level,
}

/// A person.
#[derive(Debug, Serialize, ToSchema)]
pub struct Person {
    /// Their id.
    pub id: i64,
    /// What they sign in with.
    pub login: String,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Their office.
    pub office: Named,
    /// Their rights.
    pub rights: Vec<Right>,
}

/// A right of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// Sees and acts on every user message of the office.
    SuperUser,
    /// Sees the user mail of the offices below.
    EnterpriseView,
    /// Sees notifications, changes settings.
    Administrator,
    /// Keeps a list layout of their own.
    CustomizeListLayout,
}

impl Right {
    /// The name in the API and at the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SuperUser => "super_user",
            Self::EnterpriseView => "enterprise_view",
            Self::Administrator => "administrator",
            Self::CustomizeListLayout => "customize_list_layout",
        }
    }
}

/// Something with an id and a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Named {
    /// The id.
    pub id: i64,
    /// The name.
    pub name: String,
}
