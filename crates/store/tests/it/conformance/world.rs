//! A seeded world of people and mail, with a naive model of what the list must show.

use std::collections::HashSet;
use std::time::Duration;

use postroom_domain::{
    Arm, Category, Kind, MessageId, MessageState, OfficeId, RouteId, Scope, Timestamp, UserId,
};
use postroom_store::{
    Branches, Filter, NewMessage, NewOffice, NewUser, NodeLease, Outcome, Rights, SearchQuery, Shown, Store,
    Submitter,
};

use crate::build::{
    SLOT, anyone, at, deferred, failed, given_back, lease, letter, made, operator, put, record, sent,
};

/// Offices 1 to 4.
pub(crate) const OFFICES: i64 = 4;
/// Users of each office; the first three write nearly everything.
pub(crate) const USERS: i64 = 12;
const SUBJECTS: [&str; 8] = [
    "Your policy renewal",
    "Invoice 4711 overdue",
    "Café meeting minutes",
    "Re: policies & claims",
    "Weekly report (policy)",
    "Überblick für März",
    "offer-4711/b",
    "\"quoted\" AND NOT policy*",
];

const SEARCHES: [&str; 17] = [
    "policy",
    "POL",
    "4711 offer",
    "renewal your",
    "cafe",
    "Café meet",
    "uber",
    "quoted not",
    "ex",
    "zebra",
    "client3 example",
    "secret",
    "policy\" OR c0 *",
    "NEAR(policy 2)",
    "scope : s1",
    "a",
    "für märz",
];

/// A small random source: the same seed makes the same world.
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to `n` - 1.
    pub(crate) fn roll(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.roll(choices.len() as u64) as usize]
    }
}

/// What the model knows of a message.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) id: MessageId,
    pub(crate) sender: UserId,
    pub(crate) office: OfficeId,
    pub(crate) kind: Kind,
    pub(crate) state: MessageState,
    texts: Vec<String>,
}

/// The mail of a store as the model knows it, oldest first.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) mail: Vec<Known>,
}

impl World {
    /// Fills a store with about `messages` messages over five days, half of them in the full-text index.
    pub(crate) async fn make(store: &dyn Store, messages: usize, seed: u64) -> Self {
        people(store).await;
        let mut dice = Dice::new(seed);
        let mut world = Self::default();
        let mut now = at(0);
        let node = store.join(SLOT, now).await.unwrap();
        let step = Duration::from_secs(5 * 86_400 / (messages as u64 / 6));
        while world.mail.len() < messages {
            now = now.plus(step);
            let batch: Vec<_> = (0..1 + dice.roll(12)).map(|_| message(&mut dice, now)).collect();
            world.remember(&batch, put(store, batch.clone(), now).await);
            world.deliver(store, node, &mut dice, now).await;
            world.delete_some(store, &mut dice).await;
            if world.mail.len() < messages / 2 {
                store.index_text().await.unwrap();
            }
        }
        // What is leased now stays under way.
        for leased in lease(store, node, 9, now).await {
            world.set(leased.id, MessageState::Sending);
        }
        world
    }

    /// The ids that scope and filter mean, newest first.
    pub(crate) fn expect(&self, scope: &Scope, filter: &Filter) -> Vec<MessageId> {
        let meant = self
            .mail
            .iter()
            .rev()
            .filter(|known| known.is_meant(scope, filter));
        meant.map(|known| known.id).collect()
    }

    /// What the model knows of `id`.
    pub(crate) fn get(&self, id: MessageId) -> &Known {
        self.mail.iter().find(|known| known.id == id).unwrap()
    }

    fn remember(&mut self, batch: &[NewMessage], ids: Vec<MessageId>) {
        for (message, id) in batch.iter().zip(ids) {
            let shown = &message.shown;
            self.mail.push(Known {
                id,
                sender: message.sender,
                office: message.office,
                kind: message.kind,
                state: match message.send_at {
                    Some(_) => MessageState::Scheduled,
                    None => MessageState::Queued,
                },
                texts: [&shown.subject, &shown.from, &shown.to, &shown.cc, &shown.bcc]
                    .into_iter()
                    .cloned()
                    .collect(),
            });
        }
    }

    fn set(&mut self, id: MessageId, state: MessageState) {
        self.mail.iter_mut().find(|known| known.id == id).unwrap().state = state;
    }

    async fn deliver(&mut self, store: &dyn Store, node: NodeLease, dice: &mut Dice, now: Timestamp) {
        let never = now.plus(Duration::from_secs(86_400 * 365));
        let n = u32::try_from(dice.roll(7)).unwrap();
        let mut outcomes: Vec<Outcome> = Vec::new();
        for leased in lease(store, node, n, now).await {
            let (state, outcome) = match dice.roll(10) {
                0..6 => (MessageState::Sent, sent(&leased, now)),
                6 => (MessageState::Failed, failed(&leased, now)),
                7 | 8 => (MessageState::Deferred, deferred(&leased, now, never)),
                _ => (MessageState::Queued, given_back(&leased)),
            };
            self.set(leased.id, state);
            outcomes.push(outcome);
        }
        record(store, node, outcomes, now).await;
    }

    async fn delete_some(&mut self, store: &dyn Store, dice: &mut Dice) {
        if dice.roll(8) == 0 {
            let n = dice.roll(self.mail.len() as u64) as usize;
            let gone = self.mail.remove(n);
            store
                .delete(&anyone(), &[gone.id], &operator(), at(1))
                .await
                .unwrap();
        }
    }
}

impl Known {
    fn is_meant(&self, scope: &Scope, filter: &Filter) -> bool {
        let category = self.kind.category();
        let date = self.id.submitted_at();
        scope.sees(self.sender, self.office, category)
            && filter.shown.is_none_or(|shown| self.state.shown() == shown)
            && filter.category.is_none_or(|wanted| category == wanted)
            && filter.kind.is_none_or(|kind| self.kind == kind)
            && filter.state.is_none_or(|state| self.state == state)
            && filter
                .sender
                .is_none_or(|sender| self.sender == sender && category == Category::User)
            && filter.office.is_none_or(|office| self.office == office)
            && filter.from.is_none_or(|from| date >= from)
            && filter.until.is_none_or(|until| date < until)
            && filter.search.as_ref().is_none_or(|query| self.has(query))
    }

    fn has(&self, query: &SearchQuery) -> bool {
        let mut wanted: Vec<String> = query.words().map(plain).collect();
        let start = wanted.pop().unwrap();
        let words: HashSet<String> = self
            .texts
            .iter()
            .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()))
            .filter(|word| !word.is_empty())
            .map(plain)
            .collect();
        wanted.iter().all(|word| words.contains(word)) && words.iter().any(|word| word.starts_with(&start))
    }
}

/// Every scope that cases look through, with its name.
pub(crate) fn scopes() -> Vec<(&'static str, Scope)> {
    let senders = |scope: Scope, users: &[i64]| {
        users
            .iter()
            .fold(scope, |scope, user| scope.with(Arm::Sender(UserId(*user))))
    };
    let offices = |mail: &[i64], notifications: &[i64]| {
        let scope = mail.iter().fold(Scope::nothing(), |scope, office| {
            scope.with(Arm::OfficeMail(OfficeId(*office)))
        });
        notifications.iter().fold(scope, |scope, office| {
            scope.with(Arm::OfficeNotifications(OfficeId(*office)))
        })
    };
    let quiet: Vec<i64> = (1..=OFFICES * USERS)
        .filter(|user| (user - 1) % USERS >= 3)
        .collect();
    let all: Vec<i64> = (1..=OFFICES * USERS).collect();
    vec![
        ("nothing", Scope::nothing()),
        ("own", Scope::own(UserId(1))),
        ("proxies", senders(Scope::own(UserId(2)), &[13, 26])),
        ("office", offices(&[2], &[])),
        ("administrator", offices(&[1], &[1])),
        ("office and a sender", senders(offices(&[2], &[]), &[1])),
        ("a sender of the office", senders(offices(&[1], &[]), &[1])),
        ("notifications", offices(&[], &[1, 2, 3, 4])),
        ("offices", offices(&[1, 2, 3, 4], &[1, 3])),
        ("many quiet senders", senders(Scope::nothing(), &quiet)),
        ("every sender", senders(Scope::nothing(), &all)),
        ("everything", Scope::everything()),
    ]
}

/// Every filter that cases apply.
pub(crate) fn filters() -> Vec<Filter> {
    let plain = Filter::default();
    let search = |text: &str| Filter {
        search: SearchQuery::parse(text),
        ..Filter::default()
    };
    let from = Some(at(86_400 + 7_000));
    let until = Some(at(3 * 86_400 + 50_000));
    let mut filters = vec![plain.clone()];
    for shown in postroom_domain::ShownType::ALL {
        let shown = Some(shown);
        filters.push(Filter {
            shown,
            ..plain.clone()
        });
        filters.push(Filter {
            shown,
            from,
            ..plain.clone()
        });
        filters.push(Filter {
            shown,
            ..search("policy")
        });
    }
    for category in [Category::User, Category::Notification] {
        let category = Some(category);
        filters.push(Filter {
            category,
            ..plain.clone()
        });
        filters.push(Filter {
            category,
            until,
            ..plain.clone()
        });
    }
    for kind in [Kind::FormLetter, Kind::Direct, Kind::Alert] {
        let kind = Some(kind);
        filters.push(Filter {
            kind,
            ..plain.clone()
        });
        filters.push(Filter {
            kind,
            from,
            until,
            ..plain.clone()
        });
        filters.push(Filter {
            kind,
            ..search("policy")
        });
    }
    filters.extend(state_filters());
    filters.extend(narrower_filters());
    filters
}

fn state_filters() -> Vec<Filter> {
    let plain = Filter::default();
    let until = Some(at(3 * 86_400 + 50_000));
    let mut filters = Vec::new();
    for state in MessageState::ALL {
        let state = Some(state);
        filters.push(Filter {
            state,
            ..plain.clone()
        });
        filters.push(Filter {
            state,
            until,
            ..plain.clone()
        });
        filters.push(Filter {
            state,
            search: SearchQuery::parse("ex"),
            ..plain.clone()
        });
    }
    filters
}

fn narrower_filters() -> Vec<Filter> {
    let plain = Filter::default();
    let from = Some(at(86_400 + 7_000));
    let until = Some(at(3 * 86_400 + 50_000));
    let mut filters = Vec::new();
    for sender in [1, 14, 999] {
        let sender = Some(UserId(sender));
        filters.push(Filter {
            sender,
            ..plain.clone()
        });
        filters.push(Filter {
            sender,
            office: Some(OfficeId(2)),
            ..plain.clone()
        });
        filters.push(Filter {
            sender,
            category: Some(Category::Notification),
            ..plain.clone()
        });
    }
    let office = Some(OfficeId(1));
    filters.push(Filter {
        office,
        ..plain.clone()
    });
    filters.push(Filter {
        office,
        from,
        until,
        ..plain.clone()
    });
    filters.push(Filter {
        from,
        until,
        ..plain.clone()
    });
    filters.push(Filter {
        from: until,
        until: from,
        ..plain.clone()
    });
    filters.push(Filter {
        from: Some(at(86_400 * 2)),
        until: Some(at(86_400 * 2 + 5_000)),
        ..plain
    });
    for text in SEARCHES {
        filters.push(Filter {
            search: SearchQuery::parse(text),
            ..Filter::default()
        });
    }
    filters
}

async fn people(store: &dyn Store) {
    for office in 1..=OFFICES {
        let new = NewOffice {
            parent: (office > 1).then_some(OfficeId(1)),
            name: format!("Office {office}"),
            route: RouteId::SERVER,
        };
        let added = store.add_office(new, &made()).await.unwrap();
        assert_eq!(added.id, OfficeId(office));
        for n in 1..=USERS {
            let user = (office - 1) * USERS + n;
            let new = somebody(user, office);
            let added = store.add_user(new, Branches::All, &made()).await.unwrap();
            assert_eq!(added.id, UserId(user));
        }
    }
}

/// A user to make.
pub(crate) fn somebody(user: i64, office: i64) -> NewUser {
    NewUser {
        office: OfficeId(office),
        login: format!("user{user}"),
        name: format!("User {user}"),
        email: format!("user{user}@example.com"),
        password_hash: String::new(),
        rights: Rights::default(),
    }
}

fn message(dice: &mut Dice, now: Timestamp) -> NewMessage {
    let office = 1 + i64::try_from(dice.roll(OFFICES as u64)).unwrap();
    let n = if dice.roll(30) == 0 {
        dice.roll(USERS as u64)
    } else {
        dice.roll(3)
    };
    let sender = (office - 1) * USERS + 1 + i64::try_from(n).unwrap();
    let kind = match dice.roll(10) {
        0 => dice.of(&Kind::ALL),
        1 => Kind::Alert,
        2..5 => Kind::FormLetter,
        _ => Kind::Direct,
    };
    let client = dice.roll(9);
    NewMessage {
        office: OfficeId(office),
        submitted_by: Submitter::User(UserId(sender)),
        kind,
        send_at: (dice.roll(12) == 0).then(|| now.plus(Duration::from_secs(86_400 * 400))),
        shown: Shown {
            from: format!("User {sender} <user{sender}@example.com>"),
            to: format!("client{client}@example.test"),
            cc: dice.of(&["", "", "Zoë <zoe@example.test>"]).to_owned(),
            bcc: dice.of(&["", "", "", "secret@example.test"]).to_owned(),
            subject: dice.of(&SUBJECTS).to_owned(),
            mime_type: "text/plain".to_owned(),
            message_id: format!("<{client}@example.com>"),
            ..Shown::default()
        },
        ..letter(sender)
    }
}

/// Lower case, without the accents that the world uses.
fn plain(word: &str) -> String {
    word.to_lowercase()
        .chars()
        .map(|c| match c {
            'é' | 'ë' => 'e',
            'ü' => 'u',
            'ä' => 'a',
            other => other,
        })
        .collect()
}
