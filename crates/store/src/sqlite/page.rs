//! One page of the list.

use std::time::Duration;

use postroom_domain::MessageId;
use rusqlite::Connection;

use super::ahead::Ahead;
use super::arms::{Selection, Span};
use super::find::{End, Found, Quest, find};
use super::jump::{self, Landing};
use super::merge::Direction;
use super::probe::{Budget, Probe};
use super::rows::{is_meant, rows_of};
use super::words::Words;
use crate::{More, Page, PageRequest, Place};

/// Most rows of a page.
const ROWS_MAX: u32 = 200;
/// A search may take so many times as long.
const SEARCH: u32 = 3;

/// Reads one page; the caller has begun a transaction. After `time` it answers with what it has.
pub(super) fn page(
    conn: &Connection,
    request: &PageRequest,
    time: Duration,
    ahead: &Ahead,
) -> rusqlite::Result<Page> {
    let words = request.filter.search.as_ref().map(Words::of);
    let reader = PageReader {
        conn,
        ahead,
        selection: &Selection::of(conn, &request.scope, &request.filter)?,
        words: words.as_ref(),
        limit: usize::try_from(request.limit.clamp(1, ROWS_MAX)).unwrap_or(1),
        time: if words.is_some() { time * SEARCH } else { time },
    };
    match request.place {
        Place::First => {
            let found = reader.find(Direction::Down, Span::ALL)?;
            reader.down(found, Some(0), Newer(false))
        }
        Place::After(id) => {
            let span = Span {
                low: 0,
                high: id.ord(),
            };
            let found = reader.find(Direction::Down, span)?;
            let newer = reader.is_there(id, Direction::Up)?;
            reader.down(found, None, Newer(newer))
        }
        Place::Before(id) => reader.up(id),
        Place::At(position) => reader.at(position),
    }
}

struct PageReader<'c> {
    conn: &'c Connection,
    ahead: &'c Ahead,
    selection: &'c Selection,
    words: Option<&'c Words>,
    limit: usize,
    time: Duration,
}

/// Whether newer rows precede.
struct Newer(bool);

impl PageReader<'_> {
    /// Finds a page's rows and one more, which tells whether others follow.
    fn find(&self, direction: Direction, span: Span) -> rusqlite::Result<Found> {
        find(
            self.conn,
            &self.quest(direction, span, self.limit + 1),
            &mut Budget::start(self.time),
        )
    }

    fn quest(&self, direction: Direction, span: Span, want: usize) -> Quest<'_> {
        Quest {
            selection: self.selection,
            words: self.words,
            direction,
            span,
            want,
        }
    }

    fn down(&self, mut found: Found, at: Option<u64>, newer: Newer) -> rusqlite::Result<Page> {
        found.ords.truncate(self.limit);
        let (more, scanned) = match found.end {
            End::Full => (More::Yes, None),
            End::Exhausted => (More::No, None),
            End::Spent(ord) => (More::Unknown, Some(ord)),
        };
        let resume = scanned.or(found.ords.last().copied());
        Ok(Page {
            rows: rows_of(self.conn, &found.ords, self.ahead)?,
            at,
            more,
            newer: newer.0,
            resume: resume.map(MessageId::from_ord),
        })
    }

    fn up(&self, id: MessageId) -> rusqlite::Result<Page> {
        let span = Span {
            low: id.ord().saturating_add(1),
            high: i64::MAX,
        };
        let mut found = self.find(Direction::Up, span)?;
        found.ords.truncate(self.limit);
        found.ords.reverse();
        let older = self.is_there(id, Direction::Down)?;
        let resume = match found.end {
            End::Spent(ord) if found.ords.is_empty() => Some(ord),
            End::Spent(_) | End::Full | End::Exhausted => found.ords.last().copied(),
        };
        Ok(Page {
            rows: rows_of(self.conn, &found.ords, self.ahead)?,
            at: None,
            more: if older { More::Yes } else { More::No },
            newer: found.end != End::Exhausted,
            resume: resume.map(MessageId::from_ord),
        })
    }

    fn at(&self, position: u64) -> rusqlite::Result<Page> {
        if position == 0 {
            let found = self.find(Direction::Down, Span::ALL)?;
            return self.down(found, Some(0), Newer(false));
        }
        let landing = jump::land(
            self.conn,
            self.selection,
            self.words,
            position,
            Budget::start(self.time),
        )?;
        let found = match landing {
            Landing::On(ord) => self.find(
                Direction::Down,
                Span {
                    low: 0,
                    high: ord.saturating_add(1),
                },
            )?,
            Landing::Beyond => Found {
                ords: Vec::new(),
                end: End::Exhausted,
            },
            Landing::Spent(ord) => Found {
                ords: Vec::new(),
                end: End::Spent(ord),
            },
        };
        let at = (!matches!(landing, Landing::Spent(_))).then_some(position);
        let newer = landing != Landing::Beyond || self.has_row(Direction::Down, Span::ALL)?;
        self.down(found, at, Newer(newer))
    }

    /// Whether the row of `id`, which a page was asked beside, or one beyond it is there.
    fn is_there(&self, id: MessageId, direction: Direction) -> rusqlite::Result<bool> {
        let words = Probe::new(self.conn, self.selection, self.words)?.has_words(id.ord())?;
        if words && is_meant(self.conn, self.selection, id)? {
            return Ok(true);
        }
        let span = match direction {
            Direction::Up => Span {
                low: id.ord(),
                high: i64::MAX,
            },
            Direction::Down => Span {
                low: 0,
                high: id.ord(),
            },
        };
        self.has_row(direction, span)
    }

    /// Whether there is a row; where the time is up first, there may be.
    fn has_row(&self, direction: Direction, span: Span) -> rusqlite::Result<bool> {
        let quest = self.quest(direction, span, 1);
        let found = find(self.conn, &quest, &mut Budget::start(self.time))?;
        Ok(found.end != End::Exhausted)
    }
}
