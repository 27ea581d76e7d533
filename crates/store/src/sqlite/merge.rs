//! The k-way merge: index ranges read in small pieces, newest (or oldest) first.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use postroom_domain::{Category, ShownType};
use rusqlite::{CachedStatement, Connection};

use super::arms::{IndexArm, Selection, Span};
use super::kept_counts::{Inhabited, day_to_thin, inhabited};

/// Which way a list is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// Newest first.
    Down,
    /// Oldest first.
    Up,
}

/// Most ords that a range is asked for at once.
const CHUNK_MAX: usize = 256;
/// From so many offices on, the server's mail is read and that of other offices left out: a range of its own for each
/// office is a page of its own on a cold disk.
const SIEVE_FROM_OFFICES: usize = 24;
/// Entries of the server's mail that are read at least before it may be found too sparse.
const SIEVE_LEAST: usize = 1_024;
/// The server's mail is read while one entry in so many is meant (DESIGN invariant 10: 2 %).
const SIEVE_SPARSITY: usize = 50;

/// The ords of several index ranges in one order.
///
/// Each range keeps a few ords and is asked for more when they are used up, so that about as many index entries are
/// touched as there are rows and ranges. One prepared statement per index serves all its ranges.
pub(super) struct Merge<'c> {
    conn: &'c Connection,
    selection: &'c Selection,
    statements: Statements<'c>,
    streams: Vec<Stream>,
    chunk: usize,
    heap: BinaryHeap<(i64, Reverse<usize>)>,
    direction: Direction,
    span: Span,
}

struct Stream {
    range: Range,
    shown: ShownType,
    waiting: VecDeque<i64>,
    chunk: usize,
    last: Option<i64>,
    ended: bool,
    /// Whether a sieve ended before its entries did.
    given_up: bool,
}

/// Where a stream's ords come from.
enum Range {
    /// An index range that holds them alone.
    Arm(IndexArm),
    /// The server's mail of a category, sifted by office; how many entries were read, and how many of them kept.
    Sieve {
        category: Category,
        read: usize,
        kept: usize,
    },
}

struct Statements<'c> {
    sender: CachedStatement<'c>,
    office: CachedStatement<'c>,
    server: CachedStatement<'c>,
    sieve: CachedStatement<'c>,
}

impl<'c> Merge<'c> {
    /// Starts the merge of a selection's ranges within `span`; about `expect` ords will be read.
    pub(super) fn start(
        conn: &'c Connection,
        selection: &'c Selection,
        direction: Direction,
        span: Span,
        expect: usize,
    ) -> rusqlite::Result<Self> {
        let streams = selection.streams().max(1);
        let mut merge = Self {
            conn,
            selection,
            statements: Statements::prepare(conn, direction)?,
            streams: Vec::new(),
            chunk: (expect * 2 / streams).clamp(2, CHUNK_MAX),
            heap: BinaryHeap::new(),
            direction,
            span,
        };
        let is_sifted = |category| selection.offices(category).len() >= SIEVE_FROM_OFFICES;
        for category in [Category::User, Category::Notification] {
            for shown in selection.types.iter().filter(|_| is_sifted(category)) {
                let range = Range::Sieve {
                    category,
                    read: 0,
                    kept: 0,
                };
                merge.open(range, *shown, expect.clamp(64, CHUNK_MAX), None)?;
            }
        }
        let arms: Vec<_> = selection
            .arms
            .iter()
            .copied()
            .filter(|arm| match arm {
                IndexArm::Office(_, category) => !is_sifted(*category),
                IndexArm::Sender(_) | IndexArm::Server(_) => true,
            })
            .collect();
        merge.open_arms(&arms, &selection.types, None)?;
        Ok(merge)
    }

    /// Opens a stream for each range and Type that has rows; each goes on after `last`.
    fn open_arms(
        &mut self,
        arms: &[IndexArm],
        types: &[ShownType],
        last: Option<i64>,
    ) -> rusqlite::Result<()> {
        let thin = self.thin(arms.len() * types.len())?;
        for arm in arms {
            for shown in types {
                if thin
                    .as_ref()
                    .is_none_or(|thin| thin.contains(&arm.inhabitant(*shown)))
                {
                    self.open(Range::Arm(*arm), *shown, self.chunk, last)?;
                }
            }
        }
        Ok(())
    }

    /// Which of so many ranges have rows, where it pays to know.
    fn thin(&self, streams: usize) -> rusqlite::Result<Option<Inhabited>> {
        day_to_thin(streams, self.span)
            .map(|day| inhabited(self.conn, self.selection, day))
            .transpose()
    }

    fn open(
        &mut self,
        range: Range,
        shown: ShownType,
        chunk: usize,
        last: Option<i64>,
    ) -> rusqlite::Result<()> {
        self.streams.push(Stream {
            range,
            shown,
            waiting: VecDeque::new(),
            chunk,
            last,
            ended: false,
            given_up: false,
        });
        self.advance(self.streams.len() - 1)
    }

    /// The next ord.
    pub(super) fn next(&mut self) -> rusqlite::Result<Option<i64>> {
        let Some((key, Reverse(index))) = self.heap.pop() else {
            return Ok(None);
        };
        self.advance(index)?;
        Ok(Some(self.unkey(key)))
    }

    fn advance(&mut self, index: usize) -> rusqlite::Result<()> {
        let Some(stream) = self.streams.get_mut(index) else {
            return Ok(());
        };
        while stream.waiting.is_empty() && !stream.ended {
            self.statements
                .refill(stream, self.selection, self.direction, self.span)?;
            if !stream.ended && stream.is_sparse() {
                stream.given_up = true;
                stream.ended = true;
            }
        }
        if let Some(ord) = stream.waiting.pop_front() {
            let key = self.unkey(ord);
            self.heap.push((key, Reverse(index)));
            return Ok(());
        }
        if let Range::Sieve { category, .. } = stream.range
            && stream.given_up
        {
            let (shown, last) = (stream.shown, stream.last);
            let offices = self.selection.offices(category);
            let arms: Vec<_> = offices.iter().map(|id| IndexArm::Office(*id, category)).collect();
            self.open_arms(&arms, &[shown], last)?;
        }
        Ok(())
    }

    /// An ord as the key of the heap, whose largest comes first, and back.
    const fn unkey(&self, ord: i64) -> i64 {
        match self.direction {
            Direction::Down => ord,
            Direction::Up => -ord,
        }
    }
}

impl Stream {
    /// Whether too few of the entries that a sieve has read are meant.
    fn is_sparse(&self) -> bool {
        match self.range {
            Range::Arm(_) => false,
            Range::Sieve { read, kept, .. } => read >= SIEVE_LEAST && kept * SIEVE_SPARSITY < read,
        }
    }
}

impl<'c> Statements<'c> {
    fn prepare(conn: &'c Connection, direction: Direction) -> rusqlite::Result<Self> {
        let [sender, office, server, sieve] = match direction {
            Direction::Down => [SENDER_DOWN, OFFICE_DOWN, SERVER_DOWN, SIEVE_DOWN],
            Direction::Up => [SENDER_UP, OFFICE_UP, SERVER_UP, SIEVE_UP],
        };
        Ok(Self {
            sender: conn.prepare_cached(sender)?,
            office: conn.prepare_cached(office)?,
            server: conn.prepare_cached(server)?,
            sieve: conn.prepare_cached(sieve)?,
        })
    }

    fn refill(
        &mut self,
        stream: &mut Stream,
        selection: &Selection,
        direction: Direction,
        span: Span,
    ) -> rusqlite::Result<()> {
        let (low, high) = match (direction, stream.last) {
            (_, None) => (span.low, span.high),
            (Direction::Down, Some(last)) => (span.low, last),
            (Direction::Up, Some(last)) => (last + 1, span.high),
        };
        let chunk = i64::try_from(stream.chunk).unwrap_or(i64::MAX);
        let shown = stream.shown.number();
        let mut rows = match stream.range {
            Range::Arm(IndexArm::Sender(id)) => self.sender.query((id, shown, low, high, chunk))?,
            Range::Arm(IndexArm::Office(id, category)) => {
                self.office
                    .query((id, shown, low, high, chunk, category.number()))?
            }
            Range::Arm(IndexArm::Server(category)) => {
                self.server.query((category.number(), shown, low, high, chunk))?
            }
            Range::Sieve { category, .. } => {
                self.sieve.query((category.number(), shown, low, high, chunk))?
            }
        };
        let mut entries = 0;
        while let Some(row) = rows.next()? {
            let ord = row.get(0)?;
            entries += 1;
            stream.last = Some(ord);
            let meant = match &mut stream.range {
                Range::Arm(_) => true,
                Range::Sieve { category, read, kept } => {
                    let meant = selection.offices(*category).binary_search(&row.get(1)?).is_ok();
                    *read += 1;
                    *kept += usize::from(meant);
                    meant
                }
            };
            if meant {
                stream.waiting.push_back(ord);
            }
        }
        stream.ended = entries < stream.chunk;
        stream.chunk = (stream.chunk * 2).min(CHUNK_MAX);
        Ok(())
    }
}

macro_rules! range {
    ($index:literal, $key:literal, $order:literal) => {
        range!("ord", $index, $key, $order)
    };
    ($columns:literal, $index:literal, $key:literal, $order:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM message INDEXED BY ",
            $index,
            " WHERE ",
            $key,
            " AND type = ?2 AND ord >= ?3 AND ord < ?4 ORDER BY ord ",
            $order,
            " LIMIT ?5"
        )
    };
}

const SENDER_DOWN: &str = range!("message_sender", "category = 0 AND sender = ?1", "DESC");
const SENDER_UP: &str = range!("message_sender", "category = 0 AND sender = ?1", "ASC");
const OFFICE_DOWN: &str = range!("message_office", "office = ?1 AND category = ?6", "DESC");
const OFFICE_UP: &str = range!("message_office", "office = ?1 AND category = ?6", "ASC");
const SERVER_DOWN: &str = range!("message_type", "category = ?1", "DESC");
const SERVER_UP: &str = range!("message_type", "category = ?1", "ASC");
const SIEVE_DOWN: &str = range!("ord, office", "message_type", "category = ?1", "DESC");
const SIEVE_UP: &str = range!("ord, office", "message_type", "category = ?1", "ASC");
