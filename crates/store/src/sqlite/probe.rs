//! A look at one row: whether it is meant by a selection and holds the words of a search.

use std::collections::HashMap;
use std::time::Duration;

use postroom_domain::{Category, Kind, MessageId, MessageState, OfficeId, UserId};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row};
use tokio::time::Instant;

use super::arms::{RowKey, Selection};
use super::rows::{numbered, unless_damaged};
use super::words::Words;

/// The columns of a [`RowKey`], in the order that [`row_key`] reads them.
macro_rules! key_columns {
    () => {
        "m.sender, m.office, m.category, m.type, m.kind, m.state"
    };
}
pub(super) use key_columns;

/// What stands in a key for a value that is damaged: nothing asks for it.
const UNREADABLE: i64 = -1;

/// Reads a [`RowKey`] that starts at column `at`.
pub(super) fn row_key(row: &Row<'_>, at: usize) -> RowKey {
    let number = |column| row.get(column).unwrap_or(UNREADABLE);
    RowKey {
        sender: number(at),
        office: number(at + 1),
        category: number(at + 2),
        shown: number(at + 3),
        kind: number(at + 4),
        state: number(at + 5),
    }
}

/// The messages under way, which are as few as the connections to relays.
pub(super) type Leased = HashMap<i64, RowKey>;

/// Reads every message under way.
pub(super) fn leased(conn: &Connection) -> rusqlite::Result<Leased> {
    conn.prepare_cached(concat!(
        "SELECT w.ord, ",
        key_columns!(),
        " FROM work w INDEXED BY work_leased CROSS JOIN message m ON m.ord = w.ord WHERE w.phase = 3"
    ))?
    .query_map([], |row| Ok((row.get(0)?, row_key(row, 1))))?
    .collect()
}

/// Looks at rows one by one.
pub(super) struct Probe<'c> {
    key: CachedStatement<'c>,
    text: CachedStatement<'c>,
    leased: Leased,
    words: Option<&'c Words>,
}

impl<'c> Probe<'c> {
    /// Gets ready to look at rows.
    pub(super) fn new(
        conn: &'c Connection,
        selection: &Selection,
        words: Option<&'c Words>,
    ) -> rusqlite::Result<Self> {
        Ok(Self {
            key: conn.prepare_cached(concat!(
                "SELECT ",
                key_columns!(),
                " FROM message m WHERE m.ord = ?1"
            ))?,
            text: conn.prepare_cached(
                // The index holds the addresses of long lists apart from their shortened fields; see `text`.
                "SELECT subject, header_from, header_to, header_cc, header_bcc, CASE WHEN recipients >= 10 \
                 THEN (SELECT group_concat(address, ' ') FROM recipient r WHERE r.ord = m.ord) END \
                 FROM message m WHERE ord = ?1",
            )?,
            leased: if selection.state.is_some() {
                leased(conn)?
            } else {
                Leased::new()
            },
            words,
        })
    }

    /// Whether the row of `ord` is meant; a row that is gone is not.
    pub(super) fn admits(&mut self, selection: &Selection, ord: i64) -> rusqlite::Result<bool> {
        let key = self.key(ord)?;
        key.map_or(Ok(false), |key| self.admits_key(selection, ord, &key))
    }

    /// Whether the row of `ord`, whose key is known, is meant.
    pub(super) fn admits_key(
        &mut self,
        selection: &Selection,
        ord: i64,
        key: &RowKey,
    ) -> rusqlite::Result<bool> {
        Ok(selection.admits(key, self.state(ord, key)) && self.has_words(ord)?)
    }

    /// Whether the row holds every word.
    pub(super) fn has_words(&mut self, ord: i64) -> rusqlite::Result<bool> {
        let Some(words) = self.words else {
            return Ok(true);
        };
        let found = self
            .text
            .query_row([ord], |row| {
                let mut texts = [""; 6];
                for (column, text) in texts.iter_mut().enumerate() {
                    // Nobody searches for what is damaged.
                    *text = row.get_ref(column)?.as_str().unwrap_or("");
                }
                Ok(words.occur_in(&texts))
            })
            .optional();
        Ok(unless_damaged(ord, found)?.unwrap_or(false))
    }

    /// The key of a row.
    pub(super) fn key(&mut self, ord: i64) -> rusqlite::Result<Option<RowKey>> {
        let read = self.key.query_row([ord], |row| Ok(row_key(row, 0))).optional();
        unless_damaged(ord, read)
    }

    fn state(&self, ord: i64, key: &RowKey) -> i64 {
        if self.leased.contains_key(&ord) {
            MessageState::Sending.number()
        } else {
            key.state
        }
    }
}

/// The time that a read may take before it answers with what it has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    ends: Instant,
    looks: usize,
    /// Looks between two glances at the clock.
    glance: usize,
    vain: usize,
    vain_max: usize,
}

/// What a look at a row came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// The row is meant.
    Found,
    /// It is not.
    Vain,
}

impl Look {
    /// The look at a row that is `meant` or not.
    pub(super) const fn of(meant: bool) -> Self {
        if meant { Self::Found } else { Self::Vain }
    }
}

impl Budget {
    const GLANCE: usize = 32;

    /// Starts a budget.
    pub(super) fn start(time: Duration) -> Self {
        Self {
            ends: Instant::now() + time,
            looks: 0,
            glance: Self::GLANCE,
            vain: 0,
            vain_max: usize::MAX,
        }
    }

    /// The same time, for at most so many looks in vain.
    pub(super) const fn with_looks(self, vain_max: usize) -> Self {
        Self {
            ends: self.ends,
            looks: 0,
            glance: self.glance,
            vain: 0,
            vain_max,
        }
    }

    /// The same for at most `time` from now, kept to within a few looks.
    pub(super) fn within(self, time: Duration) -> Self {
        Self {
            ends: self.ends.min(Instant::now() + time),
            glance: 4,
            ..self
        }
    }

    /// Takes note of one more look; answers whether the time is up.
    pub(super) fn is_spent(&mut self, look: Look) -> bool {
        self.looks += 1;
        self.vain += usize::from(look == Look::Vain);
        self.vain >= self.vain_max || (self.looks.is_multiple_of(self.glance) && self.is_over())
    }

    /// Whether the time is up.
    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.ends
    }
}

/// Whose a message is and how it stands now, `sending` included.
#[derive(Debug, Clone)]
pub(super) struct RowState {
    pub(super) sender: UserId,
    pub(super) office: OfficeId,
    pub(super) category: Category,
    pub(super) state: MessageState,
    /// Why it is held, where it is.
    pub(super) hold: Option<String>,
    /// Its kind; `None` where what is stored is damaged.
    pub(super) kind: Option<Kind>,
}

impl RowState {
    /// Whether its body carries a link that works once.
    pub(super) fn has_live_link(&self) -> bool {
        self.kind.is_some_and(Kind::body_is_secret)
    }
}

/// Reads how a message stands; `None` where it is gone.
pub(super) fn row_state(conn: &Connection, id: MessageId) -> rusqlite::Result<Option<RowState>> {
    conn.prepare_cached(
        "SELECT m.sender, m.office, m.category, iif(w.phase = 3, 3, m.state), m.hold_reason, m.kind
         FROM message m LEFT JOIN work w ON w.ord = m.ord WHERE m.ord = ?1",
    )?
    .query_row([id.ord()], |row| {
        Ok(RowState {
            sender: UserId(row.get(0)?),
            office: OfficeId(row.get(1)?),
            category: if row.get::<_, i64>(2)? == 0 {
                Category::User
            } else {
                Category::Notification
            },
            state: numbered(row, 3, MessageState::from_number)?,
            hold: row.get(4)?,
            kind: Kind::from_number(row.get(5)?),
        })
    })
    .optional()
}
