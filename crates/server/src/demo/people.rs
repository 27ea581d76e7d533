//! The demo's offices and people, named by what they do.

use std::collections::HashMap;

use postroom_domain::{OfficeId, RouteId, Timestamp};
use postroom_office::{PasswordError, Passwords};
use postroom_store::{
    Actor, Branches, By, NewOffice, NewProxy, NewUser, ProxyLevel, ProxyTerms, Rights, Store, StoreError,
};

/// The password of every sample person; the demo listens on loopback alone and says so.
pub const DEMO_PASSWORD: &str = "postroom-demo";

/// A sample office: its name and its parent's.
const OFFICES: [(&str, Option<&str>); 4] = [
    ("System Office", None),
    ("North Office", Some("System Office")),
    ("Lakeside Branch", Some("North Office")),
    ("South Office", Some("System Office")),
];

/// Somebody to sign in as.
#[derive(Debug, Clone, Copy)]
pub struct SamplePerson {
    /// What they sign in with.
    pub login: &'static str,
    /// What they are called.
    pub name: &'static str,
    /// Where they work.
    pub office: &'static str,
    /// What they may see, in words.
    pub sees: &'static str,
    /// Their rights.
    pub rights: Rights,
}

const NONE: Rights = Rights {
    super_user: false,
    enterprise_view: false,
    administrator: false,
    customize_list_layout: false,
};

/// Those who write the sample letters; those who see most come first.
pub(super) const WRITERS: [SamplePerson; 6] = [
    SamplePerson {
        login: "admin",
        name: "Administrator",
        office: "System Office",
        sees: "everything, notifications too",
        rights: Rights {
            super_user: true,
            enterprise_view: true,
            administrator: true,
            customize_list_layout: true,
        },
    },
    SamplePerson {
        login: "manager",
        name: "North Office Manager",
        office: "North Office",
        sees: "the mail of the North Office",
        rights: Rights {
            super_user: true,
            administrator: true,
            customize_list_layout: true,
            ..NONE
        },
    },
    SamplePerson {
        login: "desk",
        name: "North Front Desk",
        office: "North Office",
        sees: "their own mail",
        rights: NONE,
    },
    SamplePerson {
        login: "claims",
        name: "North Claims Desk",
        office: "North Office",
        sees: "their own mail",
        rights: NONE,
    },
    SamplePerson {
        login: "lakeside",
        name: "Lakeside Desk",
        office: "Lakeside Branch",
        sees: "their own mail",
        rights: NONE,
    },
    SamplePerson {
        login: "south",
        name: "South Office Manager",
        office: "South Office",
        sees: "the mail of the South Office",
        rights: Rights {
            super_user: true,
            ..NONE
        },
    },
];

/// Those who look after others' mail and write none of the sample letters.
const LOOKERS: [SamplePerson; 2] = [
    SamplePerson {
        login: "assistant",
        name: "North Assistant",
        office: "North Office",
        sees: "their own mail, and as an assistant that of claims (manage) and desk (view)",
        rights: NONE,
    },
    SamplePerson {
        login: "region",
        name: "Regional Supervisor",
        office: "System Office",
        sees: "the mail of the North Office and Lakeside, by Enterprise View of that branch",
        rights: Rights {
            enterprise_view: true,
            ..NONE
        },
    },
];

/// Everybody to sign in as.
pub fn sample_people() -> impl Iterator<Item = SamplePerson> {
    WRITERS.into_iter().chain(LOOKERS)
}

/// Proxies: assistant, principal, what they allow.
const PROXIES: [(&str, &str, ProxyLevel); 2] = [
    ("assistant", "claims", ProxyLevel::Manage),
    ("assistant", "desk", ProxyLevel::View),
];

/// Whose Enterprise View is limited, and to which branch.
const BRANCHES: [(&str, &str); 1] = [("region", "North Office")];

impl SamplePerson {
    /// Their address.
    pub fn email(&self) -> String {
        format!("{}@office.example.com", self.login)
    }
}

/// Why the demo's people could not be added.
#[derive(Debug, thiserror::Error)]
pub enum AddPeopleError {
    /// The store did not take them.
    #[error("the sample people could not be kept")]
    Store(#[from] StoreError),
    /// The password could not be hashed.
    #[error("the sample password could not be hashed")]
    Password(#[from] PasswordError),
}

/// Adds the sample offices and people where there are none; answers whether it did.
///
/// # Errors
/// [`AddPeopleError`]; offices and people added before it stay.
pub async fn add_people(
    store: &dyn Store,
    passwords: &Passwords,
    now: Timestamp,
) -> Result<bool, AddPeopleError> {
    if !store.users().await?.is_empty() {
        return Ok(false);
    }
    let by = By::of(Actor::System, now);
    let mut ids: HashMap<&str, OfficeId> = store
        .offices()
        .await?
        .into_iter()
        .filter_map(|o| Some((known(&o.name)?, o.id)))
        .collect();
    for (name, parent) in OFFICES {
        if ids.contains_key(name) {
            continue;
        }
        let parent = parent.and_then(|parent| ids.get(parent).copied());
        let office = NewOffice {
            parent,
            name: name.to_owned(),
            route: RouteId::SERVER,
        };
        ids.insert(name, store.add_office(office, &by).await?.id);
    }
    let password_hash = passwords.hash(DEMO_PASSWORD).await?;
    let mut users = HashMap::new();
    for person in sample_people() {
        let Some(&office) = ids.get(person.office) else {
            continue;
        };
        let user = NewUser {
            office,
            login: person.login.to_owned(),
            name: person.name.to_owned(),
            email: person.email(),
            password_hash: password_hash.clone(),
            rights: person.rights,
        };
        let limit = BRANCHES.iter().find(|(login, _)| *login == person.login);
        let branches = limit
            .and_then(|(_, branch)| ids.get(branch))
            .map_or(Branches::All, |branch| Branches::Only(vec![*branch]));
        let made = store.add_user(user, branches, &by).await?;
        users.insert(person.login, made.id);
    }
    for (assistant, principal, level) in PROXIES {
        let (Some(&assistant), Some(&principal)) = (users.get(assistant), users.get(principal)) else {
            continue;
        };
        let terms = ProxyTerms {
            level,
            from: None,
            until: None,
        };
        let proxy = NewProxy {
            assistant,
            principal,
            terms,
        };
        store.add_proxy(proxy, &by).await?;
    }
    Ok(true)
}

fn known(name: &str) -> Option<&'static str> {
    OFFICES
        .iter()
        .map(|(office, _)| *office)
        .find(|office| *office == name)
}
