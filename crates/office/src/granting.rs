//! Who may change whom (SPEC V10): rules about rights alone, the same wherever people are changed.

use postroom_domain::Rule;
use postroom_store::{Branches, Rights, User};

use crate::principal::Principal;

/// Whether `who` may give `rights` to `before`, or to a new person.
///
/// Enterprise View reaches offices that an office's own administrator does not administer: what is new of it takes an
/// administrator of the System Office. Taking it away does not.
///
/// # Errors
/// [`Rule::GrantEnterpriseView`].
pub fn may_grant(
    who: &Principal,
    before: Option<&User>,
    rights: Rights,
    branches: &Branches,
) -> Result<(), Rule> {
    let had = before.is_some_and(|user| user.rights.enterprise_view && user.branches == *branches);
    if had || reaches(who, rights) {
        Ok(())
    } else {
        Err(Rule::GrantEnterpriseView)
    }
}

/// Whether `who` may decide where `target`'s links go: change their address, or have a link for a password sent. With
/// that one can become `target`, so it takes somebody who may give every right that `target` has. That holds for oneself,
/// too: a session or key that was stolen does not become an account.
///
/// # Errors
/// [`Rule::ChangeSignIn`].
pub fn may_change_sign_in(who: &Principal, target: &User) -> Result<(), Rule> {
    if reaches(who, target.rights) {
        Ok(())
    } else {
        Err(Rule::ChangeSignIn)
    }
}

/// Whether an administrator may give every one of `rights`.
fn reaches(who: &Principal, rights: Rights) -> bool {
    !rights.enterprise_view || who.is_system_administrator()
}

#[cfg(test)]
mod tests {
    use postroom_domain::{OfficeId, RouteId, UserId};
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

    fn administrator(office: i64) -> Principal {
        let rights = Rights {
            administrator: true,
            ..Rights::default()
        };
        let office = Office {
            id: OfficeId(office),
            parent: (office > 1).then_some(OfficeId(1)),
            name: String::new(),
            route: RouteId::SERVER,
            security: OfficeSecurity::On,
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

    #[test]
    fn whoever_may_not_give_a_right_changes_no_address_of_those_who_have_it() {
        let (local, system) = (administrator(2), administrator(1));
        for bits in 0..16 {
            let rights = Rights {
                super_user: bits & 1 > 0,
                enterprise_view: bits & 2 > 0,
                administrator: bits & 4 > 0,
                customize_list_layout: bits & 8 > 0,
            };
            let target = user(7, 2, rights);
            for who in [&local, &system, &*Principal::operator()] {
                let grants = may_grant(who, None, rights, &Branches::All).is_ok();
                assert_eq!(may_change_sign_in(who, &target).is_ok(), grants, "{rights:?}");
            }
            let expected = !rights.enterprise_view;
            assert_eq!(
                may_change_sign_in(&local, &target).is_ok(),
                expected,
                "{rights:?}"
            );
            assert_eq!(may_change_sign_in(&system, &target), Ok(()), "{rights:?}");
        }
    }
}
