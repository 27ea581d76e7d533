//! A crowd: offices in a tree, and their users.

use rusqlite::{Connection, params};

use super::FillPlan;
use super::letters::Chance;
use crate::StoreError;

/// Children of an office of the tree.
const BRANCHES: i64 = 8;
/// The last office right below the System Office.
const LAST_CHILD: i64 = 1 + BRANCHES;
/// Offices below office 2, at most, in three levels.
const BELOW_TWO: i64 = 200;
/// Bits of `user.rights`.
const SUPER_USER: i64 = 1;
const ENTERPRISE_VIEW: i64 = 2;
const ADMINISTRATOR: i64 = 4;

/// Offices 1 to n and their users; office 1 is the System Office.
///
/// Everybody sees their own mail alone, but for the last user of three offices: that of office 2 sees it and the 200
/// offices below, that of office 3 all of that office, that of office 4 stands in for everybody else there.
#[derive(Debug)]
pub(super) struct Crowd {
    offices: i64,
    users_per_office: i64,
}

/// Somebody who sends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Somebody {
    pub(super) user: i64,
    pub(super) office: i64,
}

impl Crowd {
    /// Writes the people.
    pub(super) fn write(conn: &Connection, plan: &FillPlan) -> Result<Self, StoreError> {
        let crowd = Self {
            offices: i64::from(plan.offices.max(1)),
            users_per_office: i64::from(plan.users_per_office.max(1)),
        };
        let transaction = conn.unchecked_transaction()?;
        for office in 1..=crowd.offices {
            let parent = parent(office);
            let name = match parent {
                None => "System Office".to_owned(),
                Some(_) => format!("Office {office}"),
            };
            transaction
                .prepare_cached("INSERT INTO office (id, parent, name) VALUES (?1, ?2, ?3)")?
                .execute(params![office, parent, name])?;
            for n in 0..crowd.users_per_office {
                let user = crowd.user(office, n);
                transaction
                    .prepare_cached(
                        "INSERT INTO user (id, office, login, name, email, password_hash, rights) \
                         VALUES (?1, ?2, ?3, ?4, ?5, '', ?6)",
                    )?
                    .execute(params![
                        user,
                        office,
                        format!("user{user}"),
                        format!("User {user}"),
                        email(user, office),
                        crowd.rights(office, n),
                    ])?;
            }
        }
        crowd.write_proxies(&transaction)?;
        transaction.commit()?;
        Ok(crowd)
    }

    /// The last user of office 4 may see everybody else's mail there.
    fn write_proxies(&self, conn: &Connection) -> Result<(), StoreError> {
        if self.offices < 4 {
            return Ok(());
        }
        let last = self.users_per_office - 1;
        for n in 0..last {
            conn.prepare_cached(
                "INSERT INTO proxy (assistant, principal, level, created_at) VALUES (?1, ?2, 0, 0)",
            )?
            .execute(params![self.user(4, last), self.user(4, n)])?;
        }
        Ok(())
    }

    /// Somebody: a few offices and a few people of each send most of the mail.
    pub(super) fn somebody(&self, chance: &mut Chance) -> Somebody {
        let office = chance.skewed(self.offices) + 1;
        let n = chance.skewed(self.users_per_office);
        Somebody {
            user: self.user(office, n),
            office,
        }
    }

    /// The address of somebody of the server.
    pub(super) fn address(&self, chance: &mut Chance) -> String {
        let somebody = self.somebody(chance);
        email(somebody.user, somebody.office)
    }

    const fn rights(&self, office: i64, n: i64) -> i64 {
        match office {
            2 if n == self.users_per_office - 1 => SUPER_USER | ENTERPRISE_VIEW | ADMINISTRATOR,
            3 if n == self.users_per_office - 1 => SUPER_USER | ADMINISTRATOR,
            _ => 0,
        }
    }

    const fn user(&self, office: i64, n: i64) -> i64 {
        (office - 1) * self.users_per_office + n + 1
    }
}

/// The office above: eight below the System Office, 200 below the first of them, the rest below the others.
const fn parent(office: i64) -> Option<i64> {
    let below_two = office - LAST_CHILD - 1;
    match office {
        1 => None,
        2..=LAST_CHILD => Some(1),
        _ if below_two < BRANCHES => Some(2),
        _ if below_two < BELOW_TWO => Some(LAST_CHILD + 1 + (below_two - BRANCHES) / BRANCHES),
        _ => Some(3 + office % (BRANCHES - 1)),
    }
}

/// A user's address.
pub(super) fn email(user: i64, office: i64) -> String {
    format!("user{user}@office{office}.example.com")
}
