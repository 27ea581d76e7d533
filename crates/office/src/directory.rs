//! The tree of offices, and what a person may see and do by it (SPEC V1–V7).

use std::collections::HashMap;

use postroom_domain::{Arm, OfficeId, Scope, SenderDomain, Timestamp};
use postroom_store::{Authority, Branches, Office, OfficeSecurity, Proxy, ProxyLevel, User};

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

    /// Every office, in no order.
    pub fn offices(&self) -> impl Iterator<Item = &Office> {
        self.offices.values()
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

    /// Whether `office` lies below `above`.
    pub fn lies_below(&self, office: OfficeId, above: OfficeId) -> bool {
        self.descendants(above).contains(&office)
    }

    /// The domains that an office's people may send from: its own, or those of the nearest office above that has some. None:
    /// any.
    pub fn allowed_sender_domains(&self, office: OfficeId) -> &[SenderDomain] {
        let mut next = self.offices.get(&office);
        // No path is longer than there are offices, should what was kept have a circle.
        for _ in 0..self.offices.len() {
            let Some(office) = next else {
                break;
            };
            if !office.allowed_sender_domains.is_empty() {
                return &office.allowed_sender_domains;
            }
            next = office.parent.and_then(|parent| self.offices.get(&parent));
        }
        &[]
    }

    /// What a person may see and act on at `now`, with the proxies that they were given.
    pub fn authority_of(&self, user: &User, proxies: &[Proxy], now: Timestamp) -> Authority {
        let mut see = Scope::own(user.id);
        let mut act = Scope::own(user.id);
        if user.rights.super_user {
            // The whole office holds the principals too: proxies stay within it (V2), and arms stay disjoint.
            let whole = Arm::OfficeMail(user.office);
            see = see.with(whole).without_senders(&[user.id]);
            act = act.with(whole).without_senders(&[user.id]);
        } else {
            for proxy in self.proxies_that_count(user, proxies, now) {
                see = see.with(Arm::Sender(proxy.principal));
                if proxy.terms.level == ProxyLevel::Manage {
                    act = act.with(Arm::Sender(proxy.principal));
                }
            }
        }
        if user.rights.enterprise_view {
            for office in self.viewed(user) {
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

    /// The proxies of a person that count at `now`: those within their time, while the office's security is on (V2).
    pub fn proxies_that_count<'a>(
        &self,
        user: &User,
        proxies: &'a [Proxy],
        now: Timestamp,
    ) -> impl Iterator<Item = &'a Proxy> + use<'a> {
        let on = self
            .offices
            .get(&user.office)
            .is_some_and(|office| office.security == OfficeSecurity::On);
        let user = user.id;
        proxies
            .iter()
            .filter(move |proxy| on && proxy.assistant == user && proxy.terms.hold_at(now))
    }

    /// The offices below a person's own that their Enterprise View reaches (V4).
    pub fn viewed(&self, user: &User) -> Vec<OfficeId> {
        let below = self.descendants(user.office);
        match &user.branches {
            Branches::All => below,
            Branches::Only(branches) => {
                // An office that was moved elsewhere is no branch of this person's any more.
                let mut reached: Vec<_> = branches
                    .iter()
                    .filter(|branch| below.contains(branch))
                    .flat_map(|branch| std::iter::once(*branch).chain(self.descendants(*branch)))
                    .collect();
                reached.sort_unstable();
                reached.dedup();
                reached
            }
        }
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
    use postroom_domain::{Category, ProxyId, RouteId, UserId};
    use postroom_store::{ProxyTerms, Rights};

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_000);

    fn tree() -> Directory {
        let office = |id, parent: Option<i64>| Office {
            id: OfficeId(id),
            parent: parent.map(OfficeId),
            name: format!("Office {id}"),
            route: RouteId::SERVER,
            security: OfficeSecurity::On,
            allowed_sender_domains: Vec::new(),
            version: 1,
        };
        Directory::new(vec![
            office(1, None),
            office(2, Some(1)),
            office(3, Some(2)),
            office(4, Some(1)),
        ])
    }

    #[test]
    fn sender_domains_are_those_of_the_nearest_office_that_has_some() {
        let mut offices: Vec<Office> = tree().offices().cloned().collect();
        for office in &mut offices {
            office.allowed_sender_domains = match office.id.0 {
                1 => vec!["example.com".parse().unwrap()],
                2 => vec!["example.org".parse().unwrap(), "example.net".parse().unwrap()],
                _ => Vec::new(),
            };
        }
        let directory = Directory::new(offices);
        let first = |office| {
            let domains = directory.allowed_sender_domains(OfficeId(office));
            domains.first().map(SenderDomain::as_str)
        };
        assert_eq!([first(1), first(4)], [Some("example.com"); 2]);
        assert_eq!([first(2), first(3)], [Some("example.org"); 2]);
        assert_eq!(first(99), None);
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
            branches: Branches::All,
            disabled: false,
            version: 1,
        }
    }

    fn sees(scope: &Scope, sender: i64, office: i64, category: Category) -> bool {
        scope.sees(UserId(sender), OfficeId(office), category)
    }

    #[test]
    fn person_without_rights_sees_own_mail_alone() {
        let who = tree().authority_of(&person(2, Rights::default()), &[], NOW);
        assert!(sees(&who.see, 7, 2, Category::User));
        assert!(!sees(&who.see, 8, 2, Category::User));
        assert!(!sees(&who.see, 7, 2, Category::Notification));
    }

    fn proxy(principal: i64, level: ProxyLevel) -> Proxy {
        Proxy {
            id: ProxyId(1),
            assistant: UserId(7),
            principal: UserId(principal),
            terms: ProxyTerms {
                level,
                from: Some(NOW),
                until: Some(Timestamp::from_micros(2_000)),
            },
            created_at: NOW,
            version: 1,
        }
    }

    #[test]
    fn proxies_count_within_their_time_while_security_is_on() {
        let proxies = [proxy(8, ProxyLevel::View), proxy(9, ProxyLevel::Manage)];
        let user = person(2, Rights::default());
        let who = tree().authority_of(&user, &proxies, NOW);
        assert!(sees(&who.see, 8, 2, Category::User) && !sees(&who.act, 8, 2, Category::User));
        assert!(sees(&who.act, 9, 2, Category::User));
        for now in [999, 2_000] {
            let who = tree().authority_of(&user, &proxies, Timestamp::from_micros(now));
            assert_eq!(who.see.arms().len(), 1, "{now}");
        }
        let mut off = tree();
        for office in off.offices.values_mut() {
            office.security = OfficeSecurity::Off;
        }
        assert_eq!(off.authority_of(&user, &proxies, NOW).see.arms().len(), 1);
    }

    #[test]
    fn branches_limit_enterprise_view_to_their_own_trees() {
        let mut user = person(
            1,
            Rights {
                enterprise_view: true,
                ..Rights::default()
            },
        );
        user.branches = Branches::Only(vec![OfficeId(2)]);
        assert_eq!(tree().viewed(&user), [OfficeId(2), OfficeId(3)]);
        user.office = OfficeId(4);
        assert!(tree().viewed(&user).is_empty(), "moved elsewhere");
    }

    #[test]
    fn super_user_acts_on_the_whole_office_but_not_on_its_notifications() {
        let rights = Rights {
            super_user: true,
            ..Rights::default()
        };
        let who = tree().authority_of(&person(2, rights), &[], NOW);
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
        let who = tree().authority_of(&person(2, rights), &[], NOW);
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
        let local = tree().authority_of(&person(2, rights), &[], NOW);
        assert!(sees(&local.act, 8, 2, Category::Notification));
        assert!(!sees(&local.see, 8, 3, Category::Notification));
        assert!(!sees(&local.see, 8, 2, Category::User));
        let system = tree().authority_of(&person(1, rights), &[], NOW);
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
        let root = tree().authority_of(&person(1, all), &[], NOW);
        assert!(root.see.is_everything() && root.see.me() == Some(UserId(7)));
        assert!(!root.act.is_everything(), "looking is not acting");
        assert!(!tree().authority_of(&person(2, all), &[], NOW).see.is_everything());
        let without = Rights {
            administrator: false,
            ..all
        };
        assert!(
            !tree()
                .authority_of(&person(1, without), &[], NOW)
                .see
                .is_everything()
        );
    }
}
