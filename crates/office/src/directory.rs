//! The tree of offices, and what a person may see and do by it (SPEC V1–V7).

use std::collections::HashMap;

use postroom_domain::{Arm, OfficeId, Scope};
use postroom_store::{Authority, Office, User};

/// A snapshot of the offices.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    offices: HashMap<OfficeId, Office>,
    children: HashMap<OfficeId, Vec<OfficeId>>,
}

impl Directory {
    /// Arranges the offices as a tree.
    pub fn new(offices: Vec<Office>) -> Self {
        let mut children: HashMap<OfficeId, Vec<OfficeId>> = HashMap::new();
        for office in &offices {
            if let Some(parent) = office.parent {
                children.entry(parent).or_default().push(office.id);
            }
        }
        let offices = offices.into_iter().map(|office| (office.id, office)).collect();
        Self { offices, children }
    }

    /// An office.
    pub fn office(&self, id: OfficeId) -> Option<&Office> {
        self.offices.get(&id)
    }

    /// The System Office, the root of the tree.
    pub fn root(&self) -> Option<&Office> {
        self.offices.values().find(|office| office.parent.is_none())
    }

    /// The office of a name, compared without regard to case.
    pub fn by_name(&self, name: &str) -> Option<&Office> {
        self.offices
            .values()
            .find(|office| office.name.to_lowercase() == name.to_lowercase())
    }

    /// Every office below `office`, without itself.
    pub fn descendants(&self, office: OfficeId) -> Vec<OfficeId> {
        let mut found: Vec<OfficeId> = self.children.get(&office).cloned().unwrap_or_default();
        let mut next = 0;
        while let Some(&id) = found.get(next) {
            // A tree has no circles, but what was kept may: nothing is visited twice.
            let below = self.children.get(&id).into_iter().flatten();
            let new: Vec<_> = below
                .filter(|id| !found.contains(id) && **id != office)
                .copied()
                .collect();
            found.extend(new);
            next += 1;
        }
        found
    }

    /// What a person may see and act on.
    pub fn authority_of(&self, user: &User) -> Authority {
        let mut see = Scope::own(user.id);
        let mut act = Scope::own(user.id);
        if user.rights.super_user {
            let whole = Arm::OfficeMail(user.office);
            see = see.with(whole).without_senders(&[user.id]);
            act = act.with(whole).without_senders(&[user.id]);
        }
        if user.rights.enterprise_view {
            for office in self.descendants(user.office) {
                see = see.with(Arm::OfficeMail(office));
            }
        }
        if user.rights.administrator {
            for office in self.administered(user.office) {
                see = see.with(Arm::OfficeNotifications(office));
                act = act.with(Arm::OfficeNotifications(office));
            }
        }
        if self.is_whole(&see) {
            see = Scope::everything_for(user.id);
        }
        // Super Users and administrators, on what they see (V7).
        let hold = if user.rights.super_user || user.rights.administrator {
            see.clone()
        } else {
            Scope::nothing()
        };
        Authority { see, act, hold }
    }

    /// Whether a scope holds every office's mail and notifications.
    fn is_whole(&self, scope: &Scope) -> bool {
        // Arms are disjoint, and a sender's arm goes when the office's comes.
        !self.offices.is_empty()
            && scope.arms().len() == 2 * self.offices.len()
            && scope.arms().all(|arm| !matches!(arm, Arm::Sender(_)))
    }

    /// Whose notifications an administrator of `office` sees: every office's for the System Office (V5).
    fn administered(&self, office: OfficeId) -> Vec<OfficeId> {
        match self.offices.get(&office) {
            Some(root) if root.parent.is_none() => self.offices.keys().copied().collect(),
            Some(_) | None => vec![office],
        }
    }
}

#[cfg(test)]
mod tests {
    use postroom_domain::{Category, RouteId, UserId};
    use postroom_store::Rights;

    use super::*;

    fn tree() -> Directory {
        let office = |id, parent: Option<i64>| Office {
            id: OfficeId(id),
            parent: parent.map(OfficeId),
            name: format!("Office {id}"),
            route: RouteId::SERVER,
        };
        Directory::new(vec![
            office(1, None),
            office(2, Some(1)),
            office(3, Some(2)),
            office(4, Some(1)),
        ])
    }

    fn person(office: i64, rights: Rights) -> User {
        User {
            id: UserId(7),
            office: OfficeId(office),
            login: "case".to_owned(),
            name: "Case Clerk".to_owned(),
            email: "case@example.com".to_owned(),
            password_hash: String::new(),
            rights,
            disabled: false,
        }
    }

    fn sees(scope: &Scope, sender: i64, office: i64, category: Category) -> bool {
        scope.sees(UserId(sender), OfficeId(office), category)
    }

    #[test]
    fn person_without_rights_sees_own_mail_alone() {
        let who = tree().authority_of(&person(2, Rights::default()));
        assert!(sees(&who.see, 7, 2, Category::User));
        assert!(!sees(&who.see, 8, 2, Category::User));
        assert!(!sees(&who.see, 7, 2, Category::Notification));
    }

    #[test]
    fn super_user_acts_on_the_whole_office_but_not_on_its_notifications() {
        let rights = Rights {
            super_user: true,
            ..Rights::default()
        };
        let who = tree().authority_of(&person(2, rights));
        assert!(sees(&who.act, 8, 2, Category::User));
        assert!(!sees(&who.see, 8, 3, Category::User));
        assert!(!sees(&who.see, 8, 2, Category::Notification));
        assert_eq!(who.see.arms().len(), 1, "the own arm lies inside the office's");
    }

    #[test]
    fn enterprise_view_looks_at_offices_below_and_does_nothing_there() {
        let rights = Rights {
            enterprise_view: true,
            ..Rights::default()
        };
        let who = tree().authority_of(&person(2, rights));
        assert!(sees(&who.see, 8, 3, Category::User));
        assert!(!sees(&who.act, 8, 3, Category::User));
        assert!(
            !sees(&who.see, 8, 2, Category::User),
            "its own office takes a super user"
        );
        assert!(!sees(&who.see, 8, 4, Category::User), "a sister office");
    }

    #[test]
    fn administrator_sees_notifications_of_the_office_and_at_the_root_of_all() {
        let rights = Rights {
            administrator: true,
            ..Rights::default()
        };
        let local = tree().authority_of(&person(2, rights));
        assert!(sees(&local.act, 8, 2, Category::Notification));
        assert!(!sees(&local.see, 8, 3, Category::Notification));
        assert!(!sees(&local.see, 8, 2, Category::User));
        let system = tree().authority_of(&person(1, rights));
        assert!(sees(&system.act, 8, 3, Category::Notification));
    }

    #[test]
    fn only_all_rights_at_the_root_are_the_whole_server() {
        let all = Rights {
            super_user: true,
            enterprise_view: true,
            administrator: true,
            customize_list_layout: false,
        };
        let root = tree().authority_of(&person(1, all));
        assert!(root.see.is_everything() && root.see.me() == Some(UserId(7)));
        assert!(!root.act.is_everything(), "looking is not acting");
        assert!(!tree().authority_of(&person(2, all)).see.is_everything());
        let without = Rights {
            administrator: false,
            ..all
        };
        assert!(!tree().authority_of(&person(1, without)).see.is_everything());
    }
}
