//! Who asks, once it is proved.

use std::sync::Arc;

use postroom_domain::{KeyId, OfficeId, Scope, UserId};
use postroom_store::{Actor, AuditNote, Authority, JobView, KeyHash, Office, Submitter, User};

/// Somebody who may ask: the operator, a person, or an API key.
#[derive(Debug, Clone)]
pub struct Principal {
    /// Who it is.
    pub who: Who,
    /// What they may see and act on, computed once (V6).
    pub authority: Authority,
    /// Hash of the session or key that proved it.
    pub proof: Option<KeyHash>,
}

/// Kinds of principal.
#[derive(Debug, Clone)]
pub enum Who {
    /// The operator of the server, who holds the database anyway.
    Operator,
    /// A person.
    Person(Person),
    /// An API key.
    Key(Key),
}

/// A person who signed in.
#[derive(Debug, Clone)]
pub struct Person {
    /// The person.
    pub user: User,
    /// Their office.
    pub office: Office,
}

/// An API key.
#[derive(Debug, Clone)]
pub struct Key {
    /// The key.
    pub id: KeyId,
    /// The person it stands for; `None` for an office's key.
    pub user: Option<User>,
    /// Its office.
    pub office: Office,
    /// What an office's key may do.
    pub scopes: Vec<String>,
}

impl Principal {
    /// The operator.
    pub fn operator() -> Arc<Self> {
        Arc::new(Self {
            who: Who::Operator,
            proof: None,
            authority: Authority {
                see: Scope::everything(),
                act: Scope::everything(),
                hold: Scope::everything(),
            },
        })
    }

    /// Whether it administers the whole server: an administrator of the System Office, or the operator.
    pub fn is_system_administrator(&self) -> bool {
        match &self.who {
            Who::Operator => true,
            Who::Person(_) | Who::Key(_) => {
                self.is_administrator() && self.office().is_some_and(|office| office.parent.is_none())
            }
        }
    }

    /// Whether it administers an office: the own one, or every one for the System Office's administrators.
    pub fn administers(&self, office: OfficeId) -> bool {
        self.is_system_administrator() || (self.is_administrator() && self.office_id() == Some(office))
    }

    /// Whether it knows of a person: colleagues, and those whom it administers.
    pub fn knows(&self, user: &User) -> bool {
        self.office_id() == Some(user.office) || self.administers(user.office)
    }

    /// An office's key is nobody, and so no administrator.
    fn is_administrator(&self) -> bool {
        self.user().is_some_and(|user| user.rights.administrator)
    }

    /// The person it is or stands for.
    pub const fn user(&self) -> Option<&User> {
        match &self.who {
            Who::Operator => None,
            Who::Person(person) => Some(&person.user),
            Who::Key(key) => key.user.as_ref(),
        }
    }

    /// Whether somebody acts themself: a person who signed in, or the operator. A key acts for whoever holds it.
    pub const fn is_by_hand(&self) -> bool {
        match &self.who {
            Who::Operator | Who::Person(_) => true,
            Who::Key(_) => false,
        }
    }

    /// The office it belongs to; the operator belongs to none.
    pub const fn office(&self) -> Option<&Office> {
        match &self.who {
            Who::Operator => None,
            Who::Person(person) => Some(&person.office),
            Who::Key(key) => Some(&key.office),
        }
    }

    /// The office's id.
    pub fn office_id(&self) -> Option<OfficeId> {
        self.office().map(|office| office.id)
    }

    /// Whose key space its idempotency keys are in (I2).
    pub fn credential(&self) -> String {
        match &self.who {
            Who::Operator => "operator".to_owned(),
            Who::Person(person) => format!("user:{}", person.user.id),
            Who::Key(key) => format!("key:{}", key.id),
        }
    }

    /// Who hands mail in (V9).
    pub const fn submitter(&self) -> Submitter {
        match &self.who {
            Who::Operator => Submitter::System,
            Who::Person(person) => Submitter::User(person.user.id),
            Who::Key(key) => Submitter::Key(key.id),
        }
    }

    /// Who the audit log names (X1).
    pub const fn note(&self) -> AuditNote {
        AuditNote::by(match &self.who {
            Who::Operator => Actor::Operator,
            Who::Person(person) => Actor::User(person.user.id),
            Who::Key(key) => Actor::Key(key.id),
        })
    }

    /// Whose jobs are its own: a person's keys and the person have theirs in common (V6).
    pub fn jobs(&self) -> JobView {
        self.me()
            .map_or_else(|| JobView::Actor(self.note().actor), JobView::Person)
    }

    /// What "only mine" means.
    pub fn me(&self) -> Option<UserId> {
        self.user().map(|user| user.id)
    }
}
