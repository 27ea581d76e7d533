//! Whom somebody may want to write to, while they type.

use std::collections::HashSet;

use postroom_domain::{Mailbox, Typed};
use postroom_store::User;

/// Somebody to write to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// Their name; empty where none is known.
    pub name: String,
    /// Their address.
    pub address: String,
    /// How they are known.
    pub source: Source,
}

/// How somebody is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A colleague.
    Person,
    /// One wrote to them before.
    Recent,
}

/// Whom one wrote to before, as they come, then colleagues who answer to `typed`, by name; each address once, at most
/// `limit`. A colleague to whom one wrote comes with their own name.
pub fn suggestions(
    typed: &Typed,
    written: Vec<Mailbox>,
    colleagues: &[User],
    limit: usize,
) -> Vec<Suggestion> {
    let recent = written.into_iter().map(|mailbox| {
        let address = mailbox.address().to_string();
        colleagues
            .iter()
            .find(|user| user.email.eq_ignore_ascii_case(&address))
            .map_or_else(
                || Suggestion {
                    name: mailbox.name().unwrap_or_default().to_owned(),
                    address,
                    source: Source::Recent,
                },
                person,
            )
    });
    let mut others: Vec<&User> = colleagues
        .iter()
        .filter(|user| typed.begins_in(&[&user.name, &user.email]))
        .collect();
    others.sort_by_cached_key(|user| (user.name.to_lowercase(), user.id));
    let mut seen = HashSet::new();
    recent
        .chain(others.into_iter().map(person))
        .filter(|one| seen.insert(one.address.to_lowercase()))
        .take(limit)
        .collect()
}

fn person(user: &User) -> Suggestion {
    Suggestion {
        name: user.name.clone(),
        address: user.email.clone(),
        source: Source::Person,
    }
}

#[cfg(test)]
mod tests {
    use postroom_domain::{OfficeId, UserId};
    use postroom_store::{Branches, Rights};

    use super::*;

    fn user(id: i64, name: &str) -> User {
        User {
            id: UserId(id),
            office: OfficeId(1),
            login: name.to_lowercase(),
            name: name.to_owned(),
            email: format!("{}@example.test", name.to_lowercase()),
            password_hash: String::new(),
            rights: Rights::default(),
            branches: Branches::All,
            disabled: false,
            version: 1,
        }
    }

    fn known(typed: &str, written: &str, limit: usize) -> Vec<(String, String, Source)> {
        let colleagues = [user(1, "Partner"), user(2, "clerk"), user(3, "Paralegal")];
        let written = Mailbox::parse_list(written).unwrap();
        suggestions(&Typed::of(typed), written, &colleagues, limit)
            .into_iter()
            .map(|one| (one.name, one.address, one.source))
            .collect()
    }

    #[test]
    fn whom_one_wrote_to_comes_before_other_colleagues_and_nobody_twice() {
        let found = known(
            "",
            "Client <client@example.com>, Old Name <CLERK@example.test>",
            8,
        );
        let addresses: Vec<_> = found.iter().map(|one| (one.1.as_str(), one.2)).collect();
        assert_eq!(
            addresses,
            [
                ("client@example.com", Source::Recent),
                ("clerk@example.test", Source::Person),
                ("paralegal@example.test", Source::Person),
                ("partner@example.test", Source::Person),
            ]
        );
        assert_eq!(found[1].0, "clerk", "by the name that the office knows");
        assert_eq!(known("", "client@example.com", 2).len(), 2);
    }

    #[test]
    fn colleagues_answer_to_the_beginning_of_a_name_or_address() {
        let found = known("pa", "", 8);
        assert_eq!(found.len(), 2);
        assert_eq!(known("partner@ex", "", 8)[0].1, "partner@example.test");
        assert!(known("artner", "", 8).is_empty());
    }
}
