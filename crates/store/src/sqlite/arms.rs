//! What a scope and a filter come down to: disjoint index ranges, and what is left to test on each row.

use std::collections::{BTreeMap, BTreeSet};

use postroom_domain::{Arm, Category, Kind, MessageId, MessageState, OfficeId, Scope, ShownType, UserId};
use rusqlite::{Connection, OptionalExtension};

use crate::Filter;

/// Rows that one list index holds together, in date order within each Type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum IndexArm {
    /// One sender's user mail.
    Sender(i64),
    /// One office's mail of a category.
    Office(i64, Category),
    /// The server's mail of a category.
    Server(Category),
}

impl IndexArm {
    /// The tally that counts the arm, and which of its categories.
    const fn tally(self) -> (TallyKey, Category) {
        match self {
            Self::Sender(id) => (TallyKey { dimension: 2, id }, Category::User),
            Self::Office(id, category) => (TallyKey { dimension: 1, id }, category),
            Self::Server(category) => (TallyKey { dimension: 0, id: 0 }, category),
        }
    }

    /// The arm's mail of a Type, as `Inhabited` names it.
    pub(super) const fn inhabitant(self, shown: ShownType) -> (TallyKey, i64, i64) {
        let (key, category) = self.tally();
        (key, category.number(), shown.number())
    }
}

/// A half-open range of ords: `low <= ord < high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// The first ord inside.
    pub(super) low: i64,
    /// The first ord above.
    pub(super) high: i64,
}

impl Span {
    /// Every ord.
    pub(super) const ALL: Self = Self {
        low: 0,
        high: i64::MAX,
    };

    /// The part that lies in `other` too.
    pub(super) fn within(self, other: Self) -> Self {
        Self {
            low: self.low.max(other.low),
            high: self.high.min(other.high),
        }
    }

    /// Whether nothing can lie inside.
    pub(super) const fn is_empty(self) -> bool {
        self.low >= self.high
    }
}

/// What places a row in a list: the columns that scopes and filters look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RowKey {
    /// Whose mail.
    pub(super) sender: i64,
    /// Of which office.
    pub(super) office: i64,
    /// [`Category`] by number.
    pub(super) category: i64,
    /// [`ShownType`] by number.
    pub(super) shown: i64,
    /// [`Kind`] by number.
    pub(super) kind: i64,
    /// The kept [`MessageState`] by number: never `sending`.
    pub(super) state: i64,
}

/// A scope and a filter, worked out against the people of the store.
#[derive(Debug, Clone)]
pub(super) struct Selection {
    /// The arms, disjoint.
    pub(super) arms: Vec<IndexArm>,
    /// The Types, in the order of their numbers.
    pub(super) types: Vec<ShownType>,
    /// The one kind, where a filter names it.
    pub(super) kind: Option<Kind>,
    /// The one state, where a filter names it and its Type does not already say it.
    pub(super) state: Option<MessageState>,
    /// The dates.
    pub(super) span: Span,
    seen: Seen,
    tallies: Vec<(TallyKey, i64)>,
}

/// The arms by what they look at, each in order, for testing rows of a wider walk.
#[derive(Debug, Clone, Default)]
struct Seen {
    all: [bool; 2],
    senders: Vec<i64>,
    offices: [Vec<i64>; 2],
}

impl Selection {
    /// Works out which rows `scope` and `filter` mean.
    ///
    /// A sender's mail is their user mail; a person's office is looked up, so that a sender and an office narrow each
    /// other and no row stands in two arms.
    pub(super) fn of(conn: &Connection, scope: &Scope, filter: &Filter) -> rusqlite::Result<Self> {
        let categories = categories(filter);
        let mut arms = BTreeSet::new();
        if scope.is_everything() {
            arms.extend(categories.iter().copied().map(IndexArm::Server));
        } else {
            arms.extend(scope.arms().filter_map(|arm| index_arm(arm, &categories)));
        }
        if let Some(office) = filter.office {
            arms = narrow_to_office(conn, &arms, office)?;
        }
        if let Some(sender) = filter.sender {
            arms = narrow_to_sender(conn, &arms, sender)?;
        }
        drop_covered_senders(conn, &mut arms)?;
        let types = ShownType::ALL
            .into_iter()
            .filter(|shown| filter.shown.is_none_or(|wanted| wanted == *shown))
            .filter(|shown| filter.state.is_none_or(|state| state.shown() == *shown))
            .collect();
        let arms: Vec<_> = arms.into_iter().collect();
        Ok(Self {
            seen: Seen::of(&arms),
            tallies: tallies_of(&arms, filter.kind),
            arms,
            types,
            kind: filter.kind,
            state: filter.state.filter(|state| !state.is_final()),
            span: span_of(filter),
        })
    }

    /// Whether no row can be meant.
    pub(super) fn is_empty(&self) -> bool {
        self.arms.is_empty() || self.types.is_empty() || self.span.is_empty()
    }

    /// Number of index ranges to merge.
    pub(super) fn streams(&self) -> usize {
        self.arms.len() * self.types.len()
    }

    /// The offices whose mail of a category is meant as a whole, in order.
    pub(super) fn offices(&self, category: Category) -> &[i64] {
        let [users, notifications] = &self.seen.offices;
        match category {
            Category::User => users,
            Category::Notification => notifications,
        }
    }

    /// Whether rows of the index ranges need a look at their kind or state.
    pub(super) const fn is_residual(&self) -> bool {
        self.kind.is_some() || self.state.is_some()
    }

    /// Whether a row that shows as `state` is meant; its ord is not looked at.
    pub(super) fn admits(&self, key: &RowKey, state: i64) -> bool {
        self.is_inside(key)
            && self.kind.is_none_or(|kind| kind.number() == key.kind)
            && self.state.is_none_or(|wanted| wanted.number() == state)
    }

    /// Whether a row lies in the arms.
    pub(super) fn sees(&self, key: &RowKey) -> bool {
        self.seen.sees(key)
    }

    /// Whether the index ranges hold a row.
    pub(super) fn is_inside(&self, key: &RowKey) -> bool {
        self.sees(key) && self.types.iter().any(|shown| shown.number() == key.shown)
    }

    /// Whether a row is meant but for its state.
    pub(super) fn admits_any_state(&self, key: &RowKey) -> bool {
        self.state.map_or_else(
            || self.admits(key, key.state),
            |state| self.admits(key, state.number()),
        )
    }

    /// The kept states of rows that are meant, as bits. Rows under way are kept as what they were before.
    pub(super) fn state_mask(&self) -> i64 {
        MessageState::ALL
            .into_iter()
            .filter(|state| self.types.contains(&state.shown()))
            .filter(|state| self.state.is_none_or(|wanted| wanted == *state))
            .fold(0, |mask, state| mask | 1 << state.number())
    }

    /// The tallies that count the arms, in order, and for each the kinds (as bits) that it counts for them.
    pub(super) fn tallies(&self) -> &[(TallyKey, i64)] {
        &self.tallies
    }
}

fn tallies_of(arms: &[IndexArm], kind: Option<Kind>) -> Vec<(TallyKey, i64)> {
    let mut tallies = BTreeMap::new();
    for arm in arms {
        let (key, category) = arm.tally();
        *tallies.entry(key).or_insert(0) |= kind_mask(category, kind);
    }
    tallies.into_iter().collect()
}

fn kind_mask(category: Category, wanted: Option<Kind>) -> i64 {
    Kind::ALL
        .into_iter()
        .filter(|kind| kind.category() == category && wanted.is_none_or(|wanted| wanted == *kind))
        .fold(0, |mask, kind| mask | 1 << kind.number())
}

/// Names the tallies of one office, one sender or the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TallyKey {
    /// 0 server, 1 office, 2 sender.
    pub(super) dimension: i64,
    /// Of what; 0 for the server.
    pub(super) id: i64,
}

impl Seen {
    /// Of arms in order.
    fn of(arms: &[IndexArm]) -> Self {
        let mut seen = Self::default();
        for arm in arms {
            match *arm {
                IndexArm::Sender(id) => {
                    seen.senders.push(id);
                }
                IndexArm::Office(id, category) => {
                    if let Some(offices) = seen.offices.get_mut(slot(category)) {
                        offices.push(id);
                    }
                }
                IndexArm::Server(category) => {
                    if let Some(all) = seen.all.get_mut(slot(category)) {
                        *all = true;
                    }
                }
            }
        }
        seen
    }

    fn sees(&self, key: &RowKey) -> bool {
        let category = usize::try_from(key.category).unwrap_or(usize::MAX);
        self.all.get(category).is_some_and(|all| *all)
            || self
                .offices
                .get(category)
                .is_some_and(|offices| offices.binary_search(&key.office).is_ok())
            || (key.category == Category::User.number() && self.senders.binary_search(&key.sender).is_ok())
    }
}

const fn slot(category: Category) -> usize {
    match category {
        Category::User => 0,
        Category::Notification => 1,
    }
}

fn categories(filter: &Filter) -> Vec<Category> {
    [Category::User, Category::Notification]
        .into_iter()
        .filter(|category| filter.category.is_none_or(|wanted| wanted == *category))
        .filter(|category| filter.kind.is_none_or(|kind| kind.category() == *category))
        .collect()
}

fn index_arm(arm: Arm, categories: &[Category]) -> Option<IndexArm> {
    let (arm, category) = match arm {
        Arm::OfficeMail(office) => (IndexArm::Office(office.0, Category::User), Category::User),
        Arm::OfficeNotifications(office) => (
            IndexArm::Office(office.0, Category::Notification),
            Category::Notification,
        ),
        Arm::Sender(user) => (IndexArm::Sender(user.0), Category::User),
    };
    categories.contains(&category).then_some(arm)
}

fn narrow_to_office(
    conn: &Connection,
    arms: &BTreeSet<IndexArm>,
    office: OfficeId,
) -> rusqlite::Result<BTreeSet<IndexArm>> {
    let mut narrowed = BTreeSet::new();
    for arm in arms {
        match *arm {
            IndexArm::Sender(id) if office_of(conn, id)? == Some(office.0) => {
                narrowed.insert(*arm);
            }
            IndexArm::Office(id, _) if id == office.0 => {
                narrowed.insert(*arm);
            }
            IndexArm::Server(category) => {
                narrowed.insert(IndexArm::Office(office.0, category));
            }
            IndexArm::Sender(_) | IndexArm::Office(..) => {}
        }
    }
    Ok(narrowed)
}

fn narrow_to_sender(
    conn: &Connection,
    arms: &BTreeSet<IndexArm>,
    sender: UserId,
) -> rusqlite::Result<BTreeSet<IndexArm>> {
    let office = office_of(conn, sender.0)?;
    let seen = arms.iter().any(|arm| match *arm {
        IndexArm::Sender(id) => id == sender.0,
        IndexArm::Office(id, category) => category == Category::User && Some(id) == office,
        IndexArm::Server(category) => category == Category::User,
    });
    Ok(seen.then_some(IndexArm::Sender(sender.0)).into_iter().collect())
}

/// Drops senders whose whole office is an arm: the caller leaves them out, and a row counted twice would show it.
fn drop_covered_senders(conn: &Connection, arms: &mut BTreeSet<IndexArm>) -> rusqlite::Result<()> {
    let mixed = arms
        .iter()
        .any(|arm| matches!(arm, IndexArm::Office(_, Category::User)));
    if !mixed {
        return Ok(());
    }
    let senders: Vec<i64> = arms
        .iter()
        .filter_map(|arm| match arm {
            IndexArm::Sender(id) => Some(*id),
            IndexArm::Office(..) | IndexArm::Server(_) => None,
        })
        .collect();
    for sender in senders {
        if let Some(office) = office_of(conn, sender)?
            && arms.contains(&IndexArm::Office(office, Category::User))
        {
            arms.remove(&IndexArm::Sender(sender));
        }
    }
    Ok(())
}

fn office_of(conn: &Connection, user: i64) -> rusqlite::Result<Option<i64>> {
    conn.prepare_cached("SELECT office FROM user WHERE id = ?1")?
        .query_row([user], |row| row.get(0))
        .optional()
}

fn span_of(filter: &Filter) -> Span {
    Span {
        low: filter.from.map_or(0, |at| MessageId::first_at(at).ord()),
        high: filter.until.map_or(i64::MAX, |at| MessageId::first_at(at).ord()),
    }
}
