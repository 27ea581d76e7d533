//! Who sees what, as one value (SPEC V1–V6, DESIGN invariant 10).

use std::collections::BTreeSet;

use crate::id::{OfficeId, UserId};
use crate::kind::Category;

/// What one principal may see, as disjoint arms: whole offices' user mail, senders outside those offices, and whole
/// offices' notifications. Every read of the store takes one.
///
/// Architecture invariant: there is no scope that means "no check"; [`Scope::everything`] is for the command line of
/// the operator, who holds the database anyway, and [`Scope::everything_for`] for a person who sees every arm there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    everything: bool,
    arms: BTreeSet<Arm>,
    me: Option<UserId>,
}

/// One disjoint part of a [`Scope`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arm {
    /// The user mail of every sender of an office.
    OfficeMail(OfficeId),
    /// The notifications of an office.
    OfficeNotifications(OfficeId),
    /// The user mail of one sender.
    Sender(UserId),
}

impl Scope {
    /// Sees nothing; the start of every scope.
    pub const fn nothing() -> Self {
        Self {
            everything: false,
            arms: BTreeSet::new(),
            me: None,
        }
    }

    /// Sees the whole server: the operator at the command line, and the engine itself.
    pub const fn everything() -> Self {
        Self {
            everything: true,
            arms: BTreeSet::new(),
            me: None,
        }
    }

    /// Sees the whole server as `user`: somebody whose rights add up to every office's mail and notifications. One
    /// range of the store in place of an arm for each office.
    pub const fn everything_for(user: UserId) -> Self {
        Self {
            everything: true,
            arms: BTreeSet::new(),
            me: Some(user),
        }
    }

    /// Sees what `user` sent (V1).
    pub fn own(user: UserId) -> Self {
        let mut scope = Self::nothing();
        scope.me = Some(user);
        scope.arms.insert(Arm::Sender(user));
        scope
    }

    /// Adds an arm. A sender belongs only beside offices that are not theirs: the caller, who knows the offices,
    /// leaves out senders of offices that are whole (arms stay disjoint).
    #[must_use]
    pub fn with(mut self, arm: Arm) -> Self {
        self.arms.insert(arm);
        self
    }

    /// Removes the sender arms of `users`, whose whole office has been added.
    #[must_use]
    pub fn without_senders(mut self, users: &[UserId]) -> Self {
        self.arms
            .retain(|arm| !matches!(arm, Arm::Sender(user) if users.contains(user)));
        self
    }

    /// Whether it spans the whole server.
    pub const fn is_everything(&self) -> bool {
        self.everything
    }

    /// Whether it spans no mail at all.
    pub fn is_nothing(&self) -> bool {
        !self.everything && self.arms.is_empty()
    }

    /// The disjoint arms, none for [`Scope::everything`].
    pub fn arms(&self) -> impl ExactSizeIterator<Item = Arm> + '_ {
        self.arms.iter().copied()
    }

    /// The person it was made for, where it is a person: what "only mine" means.
    pub const fn me(&self) -> Option<UserId> {
        self.me
    }

    /// Whether a message of this sender, office and category lies inside.
    pub fn sees(&self, sender: UserId, office: OfficeId, category: Category) -> bool {
        if self.everything {
            return true;
        }
        match category {
            Category::User => {
                self.arms.contains(&Arm::Sender(sender)) || self.arms.contains(&Arm::OfficeMail(office))
            }
            Category::Notification => self.arms.contains(&Arm::OfficeNotifications(office)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_scope_sees_own_mail_and_no_notification() {
        let scope = Scope::own(UserId(3));
        assert!(scope.sees(UserId(3), OfficeId(1), Category::User));
        assert!(!scope.sees(UserId(4), OfficeId(1), Category::User));
        assert!(!scope.sees(UserId(3), OfficeId(1), Category::Notification));
        assert!(Scope::nothing().is_nothing());
        assert!(!scope.is_nothing() && !Scope::everything().is_nothing());
    }

    #[test]
    fn office_scope_sees_every_sender_of_that_office_alone() {
        let scope = Scope::own(UserId(3))
            .with(Arm::OfficeMail(OfficeId(1)))
            .without_senders(&[UserId(3)]);
        assert!(scope.sees(UserId(9), OfficeId(1), Category::User));
        assert!(!scope.sees(UserId(9), OfficeId(2), Category::User));
        assert_eq!(scope.arms().len(), 1);
    }
}
