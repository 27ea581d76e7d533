//! Which messages a bulk action means: found from old to new in steps, and looked at once more when it acts.

use std::collections::HashSet;
use std::time::Duration;

use postroom_domain::{MessageId, Scope};
use rusqlite::{Connection, OptionalExtension};

use super::arms::{Selection, Span};
use super::find::{End, Quest, find};
use super::merge::Direction;
use super::probe::{Budget, Probe};
use super::words::Words;
use crate::contract::{Picked, Which};

/// How long one look for messages may take, so that no snapshot lives long.
const LOOK: Duration = Duration::from_millis(100);

/// A scope and what of it is meant.
pub(crate) struct Matcher {
    selection: Selection,
    words: Option<Words>,
    except: HashSet<MessageId>,
    failed_by: Option<(i64, i64)>,
}

impl Matcher {
    pub(crate) fn new(conn: &Connection, see: &Scope, which: &Which) -> rusqlite::Result<Self> {
        Ok(Self {
            selection: Selection::of(conn, see, &which.filter)?,
            words: which.filter.search.as_ref().map(Words::of),
            except: which.except.iter().copied().collect(),
            failed_by: which.failed_by.map(|by| (by.route.0, by.cause.number())),
        })
    }

    /// At most `limit` messages behind `after`, up to `until`.
    pub(crate) fn pick(
        &self,
        conn: &Connection,
        after: MessageId,
        until: MessageId,
        limit: usize,
    ) -> rusqlite::Result<Picked> {
        let quest = Quest {
            selection: &self.selection,
            words: self.words.as_ref(),
            direction: Direction::Up,
            span: Span {
                low: after.ord().saturating_add(1),
                high: until.ord().saturating_add(1),
            },
            want: limit,
        };
        let found = find(conn, &quest, &mut Budget::start(LOOK))?;
        let upto = match found.end {
            End::Exhausted => until,
            End::Spent(ord) => MessageId::from_ord(ord),
            End::Full => found.ords.last().map_or(until, |ord| MessageId::from_ord(*ord)),
        };
        let mut ids = Vec::with_capacity(found.ords.len());
        for ord in found.ords {
            let id = MessageId::from_ord(ord);
            if !self.except.contains(&id) && self.is_failed_by(conn, ord)? {
                ids.push(id);
            }
        }
        Ok(Picked { ids, upto })
    }

    /// Looks at single messages whether they still are meant.
    pub(crate) fn still(&self, conn: &Connection, ids: &[MessageId]) -> rusqlite::Result<Vec<bool>> {
        let mut probe = Probe::new(conn, &self.selection, self.words.as_ref())?;
        ids.iter()
            .map(|id| Ok(probe.admits(&self.selection, id.ord())? && self.is_failed_by(conn, id.ord())?))
            .collect()
    }

    fn is_failed_by(&self, conn: &Connection, ord: i64) -> rusqlite::Result<bool> {
        let Some(wanted) = self.failed_by else {
            return Ok(true);
        };
        let found = conn
            .prepare_cached("SELECT route, cause FROM message WHERE ord = ?1")?
            .query_row([ord], |row| Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?)))
            .optional()?;
        Ok(found.is_some_and(|(route, cause): (i64, _)| cause.is_some_and(|cause| (route, cause) == wanted)))
    }
}
