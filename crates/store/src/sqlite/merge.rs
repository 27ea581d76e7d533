//! The k-way merge: index ranges read in small pieces, newest (or oldest) first.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use rusqlite::{CachedStatement, Connection};

use super::arms::{IndexArm, Selection, Span};
use super::kept_counts::{day_to_thin, inhabited};

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

/// The ords of several index ranges in one order.
///
/// Each range keeps a few ords and is asked for more when they are used up, so that about as many index entries are
/// touched as there are rows and ranges. One prepared statement per index serves all its ranges.
pub(super) struct Merge<'c> {
    statements: Statements<'c>,
    streams: Vec<Stream>,
    heap: BinaryHeap<(i64, Reverse<usize>)>,
    direction: Direction,
    span: Span,
}

struct Stream {
    arm: IndexArm,
    shown: i64,
    waiting: VecDeque<i64>,
    chunk: usize,
    last: Option<i64>,
    ended: bool,
}

struct Statements<'c> {
    sender: CachedStatement<'c>,
    office: CachedStatement<'c>,
    server: CachedStatement<'c>,
}

impl<'c> Merge<'c> {
    /// Starts the merge of a selection's ranges within `span`; about `expect` ords will be read.
    pub(super) fn start(
        conn: &'c Connection,
        selection: &Selection,
        direction: Direction,
        span: Span,
        expect: usize,
    ) -> rusqlite::Result<Self> {
        let streams = selection.streams().max(1);
        let chunk = (expect * 2 / streams).clamp(2, CHUNK_MAX);
        let mut merge = Self {
            statements: Statements::prepare(conn, direction)?,
            streams: Vec::with_capacity(streams),
            heap: BinaryHeap::with_capacity(streams),
            direction,
            span,
        };
        let thin = match day_to_thin(selection, span) {
            Some(day) => Some(inhabited(conn, selection, day)?),
            None => None,
        };
        for arm in &selection.arms {
            for shown in &selection.types {
                if thin
                    .as_ref()
                    .is_some_and(|thin| !thin.contains(&arm.inhabitant(*shown)))
                {
                    continue;
                }
                merge.streams.push(Stream {
                    arm: *arm,
                    shown: shown.number(),
                    waiting: VecDeque::new(),
                    chunk,
                    last: None,
                    ended: false,
                });
                merge.advance(merge.streams.len() - 1)?;
            }
        }
        Ok(merge)
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
        if stream.waiting.is_empty() && !stream.ended {
            self.statements.refill(stream, self.direction, self.span)?;
        }
        if let Some(ord) = stream.waiting.pop_front() {
            let key = self.unkey(ord);
            self.heap.push((key, Reverse(index)));
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

impl<'c> Statements<'c> {
    fn prepare(conn: &'c Connection, direction: Direction) -> rusqlite::Result<Self> {
        let [sender, office, server] = match direction {
            Direction::Down => [SENDER_DOWN, OFFICE_DOWN, SERVER_DOWN],
            Direction::Up => [SENDER_UP, OFFICE_UP, SERVER_UP],
        };
        Ok(Self {
            sender: conn.prepare_cached(sender)?,
            office: conn.prepare_cached(office)?,
            server: conn.prepare_cached(server)?,
        })
    }

    fn refill(&mut self, stream: &mut Stream, direction: Direction, span: Span) -> rusqlite::Result<()> {
        let (low, high) = match (direction, stream.last) {
            (_, None) => (span.low, span.high),
            (Direction::Down, Some(last)) => (span.low, last),
            (Direction::Up, Some(last)) => (last + 1, span.high),
        };
        let chunk = i64::try_from(stream.chunk).unwrap_or(i64::MAX);
        let mut rows = match stream.arm {
            IndexArm::Sender(id) => self.sender.query((id, stream.shown, low, high, chunk))?,
            IndexArm::Office(id, category) => {
                self.office
                    .query((id, stream.shown, low, high, chunk, category.number()))?
            }
            IndexArm::Server(category) => {
                self.server
                    .query((category.number(), stream.shown, low, high, chunk))?
            }
        };
        while let Some(row) = rows.next()? {
            stream.waiting.push_back(row.get(0)?);
        }
        stream.ended = stream.waiting.len() < stream.chunk;
        stream.last = stream.waiting.back().copied();
        stream.chunk = (stream.chunk * 2).min(CHUNK_MAX);
        Ok(())
    }
}

macro_rules! range {
    ($index:literal, $key:literal, $order:literal) => {
        concat!(
            "SELECT ord FROM message INDEXED BY ",
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
