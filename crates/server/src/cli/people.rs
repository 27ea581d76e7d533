//! Offices and people by the names that the operator types.

use anyhow::Context as _;

use super::operator::Operator;
use crate::http::wire::people::{OfficeRow, Offices, UserRow, Users};

/// The offices and people of the server.
pub(super) struct People {
    /// Offices by id.
    pub(super) offices: Vec<OfficeRow>,
    /// People by login.
    pub(super) users: Vec<UserRow>,
}

impl People {
    /// Asks for them.
    ///
    /// # Errors
    /// Those of the server.
    pub(super) async fn read(operator: &Operator) -> anyhow::Result<Self> {
        let offices: Offices = operator.get("/api/v1/offices").await?;
        let users: Users = operator.get("/api/v1/users").await?;
        Ok(Self {
            offices: offices.offices,
            users: users.users,
        })
    }

    /// The office of a name or number.
    ///
    /// # Errors
    /// Where there is none, or several have the name.
    pub(super) fn office(&self, name: &str) -> anyhow::Result<&OfficeRow> {
        let mut found = self.offices.iter().filter(|office| {
            office.name.to_lowercase() == name.to_lowercase() || office.id.to_string() == name
        });
        let first = found
            .next()
            .with_context(|| format!("there is no office {name:?}; postroom office list shows them"))?;
        anyhow::ensure!(
            found.next().is_none(),
            "several offices are called {name:?}: give the number that postroom office list shows"
        );
        Ok(first)
    }

    /// The person of a login or address; else of a number.
    ///
    /// # Errors
    /// Where there is none, or the login of one person is the address or the number of another.
    pub(super) fn user(&self, login: &str) -> anyhow::Result<&UserRow> {
        let wanted = login.to_lowercase();
        let mut named = self
            .users
            .iter()
            .filter(|user| user.login.as_deref() == Some(&wanted) || user.email == wanted);
        let first = named.next();
        anyhow::ensure!(
            named.next().is_none(),
            "{login:?} is the login of one person and the address of another: give the number that postroom user list shows"
        );
        let numbered = self.users.iter().find(|user| user.id.to_string() == wanted);
        if let (Some(first), Some(other)) = (first, numbered) {
            anyhow::ensure!(
                first.id == other.id,
                "{login:?} is the login of one person and the number of another: give the address"
            );
        }
        first
            .or(numbered)
            .with_context(|| format!("there is no user {login:?}; postroom user list shows them"))
    }

    /// What somebody signs in with.
    pub(super) fn login(&self, id: i64) -> &str {
        self.users
            .iter()
            .find(|user| user.id == id)
            .and_then(|user| user.login.as_deref())
            .unwrap_or("")
    }

    /// An office's place in the tree: "System Office / North Office".
    pub(super) fn path(&self, office: &OfficeRow) -> String {
        let mut path = office.name.clone();
        let mut parent = office.parent;
        // A tree has no circles; the bound is for what should not be.
        for _ in 0..self.offices.len() {
            let Some(above) = self.offices.iter().find(|row| Some(row.id) == parent) else {
                break;
            };
            path = format!("{} / {path}", above.name);
            parent = above.parent;
        }
        path
    }
}

/// The version to name in If-Match; administrators and the operator are told it.
///
/// # Errors
/// Where the server did not tell.
pub(super) fn version(user: &UserRow) -> anyhow::Result<i64> {
    user.version
        .context("the server did not tell the person's version")
}
