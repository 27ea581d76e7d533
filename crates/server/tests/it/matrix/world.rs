//! The world of the truth table: its offices, people and mail, in a house.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use postroom_domain::{OfficeId, Scope, UserId};
use postroom_office::{Principal, Secret};
use postroom_store::{
    Branches, NewProxy, NewSession, OfficeChange, OfficeSecurity, ProxyLevel, ProxyTerms, Rights, UserChange,
};
use serde_json::json;

use crate::house::{Ask, House, START, by};
use crate::truth::{self, Answer, Dates, KeyOf, Security, Truth};

/// A day.
const DAY: Duration = Duration::from_secs(24 * 3600);
/// The office, and the sender, of each message of the table that is not one's own.
const LETTERS: [(&str, &str); 7] = [
    ("colleague", "clerk"),
    ("principal", "partner"),
    ("child", "lakeside"),
    ("grandchild", "pier"),
    ("branch", "hillside"),
    ("sister", "south"),
    ("root", "system"),
];

/// The world.
pub(super) struct World {
    pub(super) house: House,
    pub(super) truth: Truth,
    pub(super) offices: BTreeMap<String, OfficeId>,
    pub(super) people: BTreeMap<String, crate::house::Person>,
    /// Messages of the table by their ids there.
    pub(super) messages: BTreeMap<String, String>,
    /// Everybody of the table, in its order.
    pub(super) callers: Vec<Caller>,
}

/// Somebody of the table.
pub(super) struct Caller {
    /// Index in the table.
    pub(super) row: usize,
    header: (&'static str, String),
    /// Their own message.
    pub(super) own: String,
    /// Whose it is: their own, or the clerk's for an office's key.
    own_is_clerks: bool,
    /// Their id; `None` for an office's key.
    pub(super) user: Option<UserId>,
}

impl Caller {
    /// Signs a request in.
    pub(super) fn sign(&self, ask: Ask) -> Ask {
        ask.header(self.header.0, &self.header.1)
    }
}

impl World {
    /// Ends the API key that somebody asks with.
    pub(super) async fn end_key(&self, caller: &Caller) {
        let key = caller.header.1.strip_prefix("Bearer ").unwrap();
        let node = &self.house.node;
        let known = node
            .store
            .key(&postroom_office::hash_of(key))
            .await
            .unwrap()
            .unwrap();
        node.store.end_key(known.id, &by()).await.unwrap();
        node.authenticator.forget_all();
    }

    /// Builds it; with `security` of the North Office as the people of this half of the table have it.
    pub(super) async fn with(security: Security) -> Self {
        let truth = Truth::read();
        // Every message of the world has the word that is searched for, the server's own too.
        let house = House::with(|config| config.brand = "matrix server".to_owned()).await;
        let mut world = Self {
            offices: BTreeMap::new(),
            people: BTreeMap::new(),
            messages: BTreeMap::new(),
            callers: Vec::new(),
            truth,
            house,
        };
        world.add_offices().await;
        world.add_people().await;
        world.add_mail().await;
        let rows: Vec<usize> = (0..world.truth.person.len())
            .filter(|row| world.truth.person[*row].security == security)
            .collect();
        for row in rows {
            let caller = world.caller(row).await;
            world.callers.push(caller);
        }
        if security == Security::Off {
            world.switch_security_off().await;
        }
        world.house.node.authenticator.forget_all();
        while world.house.node.store.index_text().await.unwrap() {}
        world
    }

    async fn add_offices(&mut self) {
        let root = self.house.root;
        self.offices.insert("System Office".to_owned(), root);
        for (name, parent) in [
            ("North Office", "System Office"),
            ("South Office", "System Office"),
            ("Lakeside", "North Office"),
            ("Hillside", "North Office"),
            ("Pier Desk", "Lakeside"),
        ] {
            let id = self.house.office(self.offices[parent], name).await;
            self.offices.insert(name.to_owned(), id);
        }
    }

    async fn add_people(&mut self) {
        for (login, office) in [
            ("clerk", "North Office"),
            ("partner", "North Office"),
            ("lakeside", "Lakeside"),
            ("pier", "Pier Desk"),
            ("hillside", "Hillside"),
            ("south", "South Office"),
            ("system", "System Office"),
        ] {
            let person = self
                .house
                .person(login, self.offices[office], Rights::default())
                .await;
            self.people.insert(login.to_owned(), person);
        }
        // The clerk is the partner's assistant, so that passing a proxy on would show.
        self.proxy(self.people["clerk"].user, "partner", "manage", Dates::Always)
            .await;
    }

    async fn add_mail(&mut self) {
        for (message, sender) in LETTERS {
            let id = self.letter(sender, message).await;
            self.messages.insert(message.to_owned(), id);
        }
        for (message, sender, office, kind) in [
            ("notice", "clerk", "North Office", "activity_created"),
            ("other_notice", "south", "South Office", "activity_created"),
        ] {
            let key = self
                .house
                .key(self.offices[office], None, &["send", "post_notifications"])
                .await;
            let id = self.post(&key, sender, message, kind).await;
            self.messages.insert(message.to_owned(), id);
        }
        let id = self.house.reset_link(&self.people["clerk"]).await;
        self.messages.insert("reset".to_owned(), id);
    }

    async fn caller(&mut self, row: usize) -> Caller {
        let north = self.offices["North Office"];
        let person = &self.truth.person[row];
        let login = format!("p{row}");
        if person.key == Some(KeyOf::Office) {
            let scopes: Vec<&str> = person.scopes.iter().map(String::as_str).collect();
            let key = self.house.key(north, None, &scopes).await;
            let own = self.letter("clerk", &login).await;
            return Caller {
                row,
                header: ("authorization", format!("Bearer {key}")),
                own,
                own_is_clerks: true,
                user: None,
            };
        }
        let rights = crate::truth::rights(&person.rights);
        let made = self
            .house
            .person(&login, self.offices[&person.office], rights)
            .await;
        if let Some(names) = &person.branches {
            let branches = Branches::Only(names.iter().map(|name| self.offices[name]).collect());
            let change = UserChange {
                rights: Some((rights, branches)),
                ..UserChange::default()
            };
            let store = &self.house.node.store;
            store.change_user(made.user, 1, change, &by()).await.unwrap();
        }
        if let Some(proxy) = &person.proxy {
            self.proxy(made.user, &proxy.principal, &proxy.level, proxy.dates)
                .await;
        }
        let header = if person.key.is_some() {
            ("authorization", format!("Bearer {}", made.key))
        } else {
            (
                "cookie",
                format!("postroom_session={}", self.session(made.user).await),
            )
        };
        let (user, key) = (made.user, made.key.clone());
        let own = self.post(&key, &made.login, &login, "direct").await;
        Caller {
            row,
            header,
            own,
            own_is_clerks: false,
            user: Some(user),
        }
    }

    async fn session(&self, user: UserId) -> String {
        let token = Secret::session();
        let session = NewSession {
            hash: token.hash(),
            user,
            started_at: START,
            ends_at: START.plus(DAY),
        };
        self.house.node.store.create_session(session).await.unwrap();
        token.reveal().to_owned()
    }

    async fn proxy(&self, assistant: UserId, principal: &str, level: &str, dates: Dates) {
        let (from, until) = match dates {
            Dates::Always => (None, None),
            Dates::Past => (None, Some(START.minus(DAY))),
            Dates::Future => (Some(START.plus(DAY)), None),
        };
        let proxy = NewProxy {
            assistant,
            principal: self.people[principal].user,
            terms: ProxyTerms {
                level: if level == "manage" {
                    ProxyLevel::Manage
                } else {
                    ProxyLevel::View
                },
                from,
                until,
            },
        };
        self.house.node.store.add_proxy(proxy, &by()).await.unwrap();
    }

    async fn switch_security_off(&self) {
        let change = OfficeChange {
            security: Some(OfficeSecurity::Off),
            ..OfficeChange::default()
        };
        let north = self.offices["North Office"];
        let store = &self.house.node.store;
        store.change_office(north, 1, change, &by()).await.unwrap();
    }

    async fn letter(&self, sender: &str, subject: &str) -> String {
        self.post(&self.people[sender].key, sender, subject, "direct")
            .await
    }

    async fn post(&self, key: &str, sender: &str, subject: &str, kind: &str) -> String {
        self.house.clock.advance(Duration::from_millis(1));
        let message = json!({"from": format!("{sender}@example.test"), "to": ["client@example.com"],
                             "subject": format!("matrix {subject}"), "text": "Dear client", "kind": kind});
        let ask = self.house.ask(Method::POST, "/api/v1/messages").key(key);
        let answer = ask.json(&message).send().await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// The row of the table.
    pub(super) fn person(&self, caller: &Caller) -> &truth::Person {
        &self.truth.person[caller.row]
    }

    /// Every message of the world with what the table answers `caller` about it.
    pub(super) fn answers(&self, caller: &Caller, verb: &str) -> Vec<(String, Answer)> {
        let table = |message: &str| {
            let message = self
                .truth
                .message
                .iter()
                .find(|known| known.id == message)
                .unwrap();
            self.truth.answer(self.person(caller), message, verb)
        };
        let named = self.messages.iter().map(|(name, id)| (id.clone(), table(name)));
        let own = std::iter::once((caller.own.clone(), table("own")));
        // The other people's own mail is a colleague's mail, or mail of the System Office.
        let others = self
            .callers
            .iter()
            .filter(|other| other.row != caller.row)
            .map(|other| {
                let answer = if self.person(other).office == "System Office" {
                    table("root")
                } else if other.own_is_clerks || self.person(caller).proxy.is_none() {
                    table("colleague")
                } else {
                    Answer::Hidden
                };
                (other.own.clone(), answer)
            });
        named.chain(own).chain(others).collect()
    }

    /// The ids that `caller` sees, sorted.
    pub(super) fn seen(&self, caller: &Caller) -> Vec<String> {
        let mut seen: Vec<String> = self
            .answers(caller, "list")
            .into_iter()
            .filter(|(_, answer)| *answer == Answer::Yes)
            .map(|(id, _)| id)
            .collect();
        seen.sort();
        seen
    }

    /// What somebody sees, as the server works it out.
    pub(super) async fn scope(&self, caller: &Caller) -> Scope {
        self.principal(caller).await.authority.see.clone()
    }

    /// Whom the server takes somebody for.
    pub(super) async fn principal(&self, caller: &Caller) -> Arc<Principal> {
        let (kind, proof) = (caller.header.0, &caller.header.1);
        let authenticator = &self.house.node.authenticator;
        let secret = proof.rsplit([' ', '=']).next().unwrap();
        let found = if kind == "cookie" {
            authenticator.session(secret).await
        } else {
            authenticator.key(secret).await
        };
        found.unwrap().unwrap()
    }

    /// A request of somebody.
    pub(super) fn ask(&self, caller: &Caller, method: Method, path: &str) -> Ask {
        caller.sign(self.house.ask(method, path))
    }
}
