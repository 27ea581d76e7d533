//! Who may give what to whom (SPEC V6, V10): rules about rights alone, the same wherever people, proxies and keys are
//! made or changed. Nobody gives more than they have, so that no second account, key or proxy sees more than its maker.

use postroom_domain::{OfficeId, Rule};
use postroom_store::{Branches, Rights, User};

use crate::principal::Principal;

/// Scopes of an office's key that show the office's user mail.
const SHOWING: [&str; 2] = ["read", "manage"];

/// Whether `who` may give `rights` to `before`, or to a new person, of `office`.
///
/// Enterprise View reaches offices that an office's own administrator does not administer, and so do the other rights
/// together with it: that takes an administrator of the System Office. Super User shows what administrators do not see by
/// themselves: it takes a Super User of the office, or an administrator of the System Office. Taking away takes the same: else
/// a right could be taken from somebody for as long as it takes to become them.
///
/// # Errors
/// [`Rule::GrantEnterpriseView`], [`Rule::GrantSuperUser`].
pub fn may_grant(
    who: &Principal,
    office: OfficeId,
    before: Option<&User>,
    rights: Rights,
    branches: &Branches,
) -> Result<(), Rule> {
    let had = before.map(|user| user.rights).unwrap_or_default();
    let other_view = rights.enterprise_view != had.enterprise_view
        || (rights.enterprise_view && before.is_some_and(|user| user.branches != *branches));
    let wider = rights.enterprise_view
        && ((rights.administrator && !had.administrator) || (rights.super_user && !had.super_user));
    if (other_view || wider) && !who.is_system_administrator() {
        Err(Rule::GrantEnterpriseView)
    } else if rights.super_user != had.super_user && !oversees(who, office) {
        Err(Rule::GrantSuperUser)
    } else {
        Ok(())
    }
}

/// Whether `who` may decide where `target`'s links go: change their address, or have a link for a password sent. With
/// that one can become `target`, so it takes somebody who may give every right that `target` has, and every proxy: those for
/// `principals`. That holds for oneself, too: a session that was stolen does not become an account.
///
/// # Errors
/// [`Rule::ChangeSignIn`].
pub fn may_change_sign_in<'a>(
    who: &Principal,
    target: &User,
    principals: impl IntoIterator<Item = &'a User>,
) -> Result<(), Rule> {
    let rights = may_grant(who, target.office, None, target.rights, &target.branches);
    let proxies = principals
        .into_iter()
        .try_for_each(|principal| may_give_proxy(who, principal));
    rights.and(proxies).map_err(|_| Rule::ChangeSignIn)
}

/// Whether `who`, who administers `office`, may make a key of it with these scopes.
///
/// # Errors
/// [`Rule::MakeKey`].
pub fn may_make_office_key(who: &Principal, office: OfficeId, scopes: &[String]) -> Result<(), Rule> {
    let shows = scopes.iter().any(|scope| SHOWING.contains(&scope.as_str()));
    if shows && !oversees(who, office) {
        Err(Rule::MakeKey)
    } else {
        Ok(())
    }
}

/// Whether `who` may let somebody see `principal`'s mail, and send as them: the principal, and administrators of their
/// office who see that mail themselves, or could give themselves the right to.
///
/// # Errors
/// [`Rule::GiveProxy`].
pub fn may_give_proxy(who: &Principal, principal: &User) -> Result<(), Rule> {
    let for_another = who.administers(principal.office) && oversees(who, principal.office);
    if who.me() == Some(principal.id) || for_another {
        Ok(())
    } else {
        Err(Rule::GiveProxy)
    }
}

/// Whether somebody sees all user mail of an office as its Super User, or gives that right anyway.
fn oversees(who: &Principal, office: OfficeId) -> bool {
    let is_super_user = who.user().is_some_and(|user| user.rights.super_user);
    who.is_system_administrator() || (is_super_user && who.office_id() == Some(office))
}

#[cfg(test)]
mod tests {
    use postroom_domain::{RouteId, UserId};
    use postroom_store::{Authority, Office, OfficeSecurity};

    use super::*;
    use crate::principal::{Person, Who};

    fn user(id: i64, office: i64, rights: Rights) -> User {
        User {
            id: UserId(id),
            office: OfficeId(office),
            login: format!("user{id}"),
            name: String::new(),
            email: format!("user{id}@example.test"),
            password_hash: String::new(),
            rights,
            branches: Branches::All,
            disabled: false,
            version: 1,
        }
    }

    const ADMINISTRATOR: Rights = Rights {
        super_user: false,
        enterprise_view: false,
        administrator: true,
        customize_list_layout: false,
    };

    fn person(office: i64, rights: Rights) -> Principal {
        let office = Office {
            id: OfficeId(office),
            parent: (office > 1).then_some(OfficeId(1)),
            name: String::new(),
            route: RouteId::SERVER,
            security: OfficeSecurity::On,
            allowed_sender_domains: Vec::new(),
            version: 1,
        };
        let user = user(1, office.id.0, rights);
        let nothing = postroom_domain::Scope::nothing();
        Principal {
            who: Who::Person(Person { user, office }),
            authority: Authority {
                see: nothing.clone(),
                act: nothing.clone(),
                hold: nothing,
            },
            proof: None,
        }
    }

    fn every_rights() -> impl Iterator<Item = Rights> {
        (0..16).map(|bits| Rights {
            super_user: bits & 1 > 0,
            enterprise_view: bits & 2 > 0,
            administrator: bits & 4 > 0,
            customize_list_layout: bits & 8 > 0,
        })
    }

    #[test]
    fn nobody_gives_a_right_that_shows_what_they_do_not_see() {
        let (office, system) = (person(2, ADMINISTRATOR), person(1, ADMINISTRATOR));
        let overseer = Rights {
            super_user: true,
            ..ADMINISTRATOR
        };
        let (overseer, elsewhere) = (person(2, overseer), person(3, overseer));
        let operator = Principal::operator();
        for rights in every_rights() {
            let target = user(7, 2, rights);
            for (who, may) in [
                (&office, !rights.enterprise_view && !rights.super_user),
                (&overseer, !rights.enterprise_view),
                (&elsewhere, !rights.enterprise_view && !rights.super_user),
                (&system, true),
                (&*operator, true),
            ] {
                let grants = may_grant(who, OfficeId(2), None, rights, &Branches::All);
                assert_eq!(grants.is_ok(), may, "{rights:?}");
                // Whoever may not give a right changes no address of those who have it.
                let changes = may_change_sign_in(who, &target, []);
                assert_eq!(changes.is_ok(), may, "{rights:?}");
                // What somebody has already is given by nobody.
                let kept = may_grant(who, OfficeId(2), Some(&target), rights, &Branches::All);
                assert_eq!(kept, Ok(()), "{rights:?}");
                let taken = may_grant(who, OfficeId(2), Some(&target), Rights::default(), &Branches::All);
                assert_eq!(taken.is_ok(), may, "{rights:?}");
            }
        }
    }

    #[test]
    fn enterprise_view_of_other_branches_is_given_anew() {
        let viewer = Rights {
            enterprise_view: true,
            ..Rights::default()
        };
        let before = User {
            branches: Branches::Only(vec![OfficeId(4)]),
            ..user(7, 2, viewer)
        };
        let widened = |who: &Principal| may_grant(who, OfficeId(2), Some(&before), viewer, &Branches::All);
        assert_eq!(widened(&person(2, ADMINISTRATOR)), Err(Rule::GrantEnterpriseView));
        assert_eq!(widened(&person(1, ADMINISTRATOR)), Ok(()));
    }

    #[test]
    fn rights_that_reach_other_offices_together_are_given_by_the_system_office() {
        let viewer = Rights {
            enterprise_view: true,
            ..Rights::default()
        };
        let before = user(7, 2, viewer);
        let overseer = Rights {
            super_user: true,
            ..ADMINISTRATOR
        };
        for wider in [
            Rights {
                administrator: true,
                ..viewer
            },
            Rights {
                super_user: true,
                ..viewer
            },
        ] {
            let grants = |who: &Principal| may_grant(who, OfficeId(2), Some(&before), wider, &Branches::All);
            assert_eq!(grants(&person(2, overseer)), Err(Rule::GrantEnterpriseView));
            assert_eq!(grants(&person(1, ADMINISTRATOR)), Ok(()));
            let given = user(7, 2, wider);
            let less = may_grant(
                &person(2, overseer),
                OfficeId(2),
                Some(&given),
                viewer,
                &Branches::All,
            );
            assert_eq!(less, Ok(()));
        }
    }

    #[test]
    fn assistant_is_become_by_those_alone_who_give_such_proxies() {
        let (assistant, principal) = (user(7, 2, Rights::default()), user(8, 2, Rights::default()));
        let overseer = Rights {
            super_user: true,
            ..ADMINISTRATOR
        };
        for (who, may) in [
            (person(2, ADMINISTRATOR), false),
            (person(2, overseer), true),
            (person(1, ADMINISTRATOR), true),
        ] {
            assert_eq!(may_change_sign_in(&who, &assistant, []), Ok(()));
            assert_eq!(may_change_sign_in(&who, &assistant, [&principal]).is_ok(), may);
        }
    }

    #[test]
    fn key_and_proxy_show_no_more_than_their_maker_sees() {
        let overseer = Rights {
            super_user: true,
            ..ADMINISTRATOR
        };
        let super_user = Rights {
            administrator: false,
            ..overseer
        };
        let sees = user(7, 2, Rights::default());
        for (who, may, gives) in [
            (person(2, ADMINISTRATOR), false, false),
            (person(2, overseer), true, true),
            // The office's key takes its administrators first, which is not asked here.
            (person(2, super_user), true, false),
            (person(3, overseer), false, false),
            (person(1, ADMINISTRATOR), true, true),
        ] {
            for (scope, shows) in [
                ("send", false),
                ("post_notifications", false),
                ("read", true),
                ("manage", true),
            ] {
                let scopes = ["send".to_owned(), scope.to_owned()];
                let made = may_make_office_key(&who, OfficeId(2), &scopes);
                assert_eq!(made.is_ok(), may || !shows, "{scope} by {who:?}");
            }
            assert_eq!(may_give_proxy(&who, &sees).is_ok(), gives, "by {who:?}");
        }
        let themself = person(2, Rights::default());
        let me = user(1, 2, Rights::default());
        assert_eq!(may_give_proxy(&themself, &me), Ok(()));
    }
}
