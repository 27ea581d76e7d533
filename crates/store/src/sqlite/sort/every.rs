//! Looks at every match and keeps the best.

use std::collections::HashMap;

use postroom_domain::{MessageState, SortKey};
use rusqlite::{Connection, OptionalExtension, Row};

use super::best::{Best, End, Entry, compare};
use super::{Ask, Beyond, LOOK_TIME};
use crate::contract::{SortValue, Sorted, SortedPlace};
use crate::sqlite::find::{self, Quest, find};
use crate::sqlite::merge::Direction;
use crate::sqlite::probe::{Budget, Leased, Look, key_columns, leased, row_key};

/// How much of the server a list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Density {
    /// A good part: reading all rows in order is cheaper than finding them one by one.
    Dense,
    /// Little.
    Sparse,
}

impl Density {
    pub(super) const fn of(is_dense: bool) -> Self {
        if is_dense { Self::Dense } else { Self::Sparse }
    }
}

/// Reads the page, or says that there are too many matches for the time.
pub(super) fn page(ask: &Ask<'_>, matches: Option<u64>, density: Density) -> rusqlite::Result<Sorted> {
    let mut gathering = Gathering::start(ask)?;
    let done = match density {
        Density::Dense => gathering.walk()?,
        Density::Sparse => gathering.look_up(matches.unwrap_or(ask.bounds.matches))?,
    };
    if !done {
        let seen = gathering.seen;
        return Ok(Sorted::TooMany {
            matches: matches.unwrap_or(seen),
        });
    }
    let (at, skip) = match ask.request.place {
        SortedPlace::First => (Some(0), 0),
        SortedPlace::At(at) => (Some(at), usize::try_from(at).unwrap_or(usize::MAX)),
        SortedPlace::After(_) | SortedPlace::Before(_) => (None, 0),
    };
    let mut found = gathering.best.finish();
    let skipped = found.drain(..skip.min(found.len())).count();
    let beyond = Beyond(gathering.is_beyond || skipped > 0);
    ask.page_of(found, at, beyond).map(Sorted::Page)
}

struct Gathering<'a> {
    ask: &'a Ask<'a>,
    best: Best,
    edge: Option<Entry>,
    is_beyond: bool,
    seen: u64,
    budget: Budget,
    names: HashMap<i64, SortValue>,
    leased: Leased,
}

impl<'a> Gathering<'a> {
    fn start(ask: &'a Ask<'a>) -> rusqlite::Result<Self> {
        let (edge, end, skip) = match &ask.request.place {
            SortedPlace::First => (None, End::First, 0),
            SortedPlace::At(at) => (None, End::First, usize::try_from(*at).unwrap_or(0)),
            SortedPlace::After(edge) => (Some(edge), End::First, 0),
            SortedPlace::Before(edge) => (Some(edge), End::Last, 0),
        };
        Ok(Self {
            ask,
            best: Best::new(ask.limit + skip + 1, ask.request.order, end),
            edge: edge.map(|edge| Entry {
                value: edge.value.clone(),
                ord: edge.id.ord(),
            }),
            is_beyond: false,
            seen: 0,
            budget: Budget::start(LOOK_TIME),
            names: names(ask)?,
            leased: leased(ask.conn)?,
        })
    }

    /// Reads all rows of the dates, in their order on the disk.
    fn walk(&mut self) -> rusqlite::Result<bool> {
        let span = self.ask.selection.span;
        let sql = format!(
            "SELECT m.ord, {}, {} FROM message m WHERE m.ord >= ?1 AND m.ord < ?2 ORDER BY m.ord",
            key_columns!(),
            column(self.ask.request.by)
        );
        let mut statement = self.ask.conn.prepare_cached(&sql)?;
        let mut rows = statement.query((span.low, span.high))?;
        while let Some(row) = rows.next()? {
            let key = row_key(row, 1);
            let ord = row.get(0)?;
            if self.ask.selection.admits(&key, self.state(ord, key.state)) {
                self.take(row, ord)?;
            }
            if self.budget.is_spent(Look::Found) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Finds the matches and reads each; whether that could be done in time.
    fn look_up(&mut self, most: u64) -> rusqlite::Result<bool> {
        let quest = Quest {
            selection: self.ask.selection,
            words: self.ask.words,
            direction: Direction::Down,
            span: crate::sqlite::arms::Span::ALL,
            want: usize::try_from(most).unwrap_or(usize::MAX).saturating_add(1),
        };
        let found = find(self.ask.conn, &quest, &mut self.budget)?;
        self.seen = u64::try_from(found.ords.len()).unwrap_or(u64::MAX);
        if matches!(found.end, find::End::Spent(_)) || self.seen > self.ask.bounds.matches {
            return Ok(false);
        }
        let sql = format!(
            "SELECT m.ord, {}, {} FROM message m WHERE m.ord = ?1",
            key_columns!(),
            column(self.ask.request.by)
        );
        let mut statement = self.ask.conn.prepare_cached(&sql)?;
        for ord in found.ords {
            statement.query_row([ord], |row| self.take(row, ord)).optional()?;
            if self.budget.is_spent(Look::Found) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Keeps a row where it lies on the side that is read and is among the best.
    fn take(&mut self, row: &Row<'_>, ord: i64) -> rusqlite::Result<()> {
        let entry = Entry {
            value: self.value(row, ord)?,
            ord,
        };
        if let Some(edge) = &self.edge {
            let is_after = compare(&entry, edge, self.ask.request.order).is_gt();
            let reads_on = matches!(self.ask.request.place, SortedPlace::After(_));
            let is_edge = entry.ord == edge.ord;
            if is_edge || is_after != reads_on {
                self.is_beyond = true;
                return Ok(());
            }
        }
        self.best.push(entry);
        Ok(())
    }

    fn state(&self, ord: i64, kept: i64) -> i64 {
        if self.leased.contains_key(&ord) {
            MessageState::Sending.number()
        } else {
            kept
        }
    }

    /// The value of a row, whose sort column stands after its key.
    fn value(&self, row: &Row<'_>, ord: i64) -> rusqlite::Result<SortValue> {
        const AT: usize = 7;
        Ok(match self.ask.request.by {
            SortKey::From | SortKey::Subject => {
                SortValue::of_text(row.get_ref(AT)?.as_str_or_null()?.unwrap_or_default())
            }
            SortKey::User => {
                let name = self.names.get(&row.get(AT)?);
                name.cloned().unwrap_or(SortValue::Empty)
            }
            SortKey::Status => SortValue::Number(self.state(ord, row.get(AT)?)),
            SortKey::Date | SortKey::SentOn | SortKey::Size | SortKey::Attempts | SortKey::NextAttempt => row
                .get::<_, Option<i64>>(AT)?
                .map_or(SortValue::Empty, SortValue::Number),
        })
    }
}

const fn column(by: SortKey) -> &'static str {
    match by {
        SortKey::Date => "m.ord",
        SortKey::SentOn => "m.sent_on",
        SortKey::From => "m.header_from",
        SortKey::Subject => "m.subject",
        SortKey::User => "m.sender",
        SortKey::Size => "m.size",
        SortKey::Status => "m.state",
        SortKey::Attempts => "m.attempts",
        SortKey::NextAttempt => "m.next_attempt_at",
    }
}

/// Everybody's name, where the list is sorted by it: fewer than messages, so read once.
fn names(ask: &Ask<'_>) -> rusqlite::Result<HashMap<i64, SortValue>> {
    if ask.request.by != SortKey::User {
        return Ok(HashMap::new());
    }
    read_names(ask.conn)
}

fn read_names(conn: &Connection) -> rusqlite::Result<HashMap<i64, SortValue>> {
    conn.prepare_cached("SELECT id, name FROM user")?
        .query_map([], |row| {
            let name: String = row.get(1)?;
            Ok((row.get(0)?, SortValue::of_text(&name)))
        })?
        .collect()
}
