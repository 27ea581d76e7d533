//! Sent On along its index, where the list is a good part of the server; then the rows that nobody accepted yet, by Date.

use postroom_domain::{ShownType, SortOrder};
use rusqlite::types::Value;

use super::best::Entry;
use super::{Ask, Beyond};
use crate::contract::{SortValue, SortedEdge, SortedPage, SortedPlace};
use crate::sqlite::arms::{Selection, Span};
use crate::sqlite::find::{self, Quest, find};
use crate::sqlite::merge::Direction;
use crate::sqlite::probe::{Budget, Look, Probe, key_columns, row_key};

/// Which way the list is read: as it is shown, or back from a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    On,
    Back,
}

/// Reads the page; `None` where the time was up first.
pub(super) fn page(ask: &Ask<'_>) -> rusqlite::Result<Option<SortedPage>> {
    let mut walk = Walk {
        ask,
        budget: Budget::start(ask.bounds.time),
        is_spent: false,
    };
    let want = ask.limit + 1;
    let (at, skip) = match ask.request.place {
        SortedPlace::First => (Some(0), 0),
        SortedPlace::At(at) => (Some(at), usize::try_from(at).unwrap_or(usize::MAX)),
        SortedPlace::After(_) | SortedPlace::Before(_) => (None, 0),
    };
    let mut found = match &ask.request.place {
        SortedPlace::First | SortedPlace::At(_) => walk.read(None, Way::On, want + skip)?,
        SortedPlace::After(edge) => walk.read(Some(edge), Way::On, want)?,
        SortedPlace::Before(edge) => walk.read(Some(edge), Way::Back, want)?,
    };
    let skip = skip.min(found.len());
    found.drain(..skip);
    let is_beyond = match &ask.request.place {
        SortedPlace::First => false,
        SortedPlace::At(_) => skip > 0,
        // The row that was asked beside counts as being there.
        SortedPlace::After(_) | SortedPlace::Before(_) => true,
    };
    if walk.is_spent {
        return Ok(None);
    }
    if matches!(ask.request.place, SortedPlace::Before(_)) {
        found.reverse();
    }
    ask.page_of(found, at, Beyond(is_beyond)).map(Some)
}

struct Walk<'a> {
    ask: &'a Ask<'a>,
    budget: Budget,
    is_spent: bool,
}

impl Walk<'_> {
    /// Reads rows of both parts: with a value, then without; the other way round on the way back.
    fn read(&mut self, from: Option<&SortedEdge>, way: Way, want: usize) -> rusqlite::Result<Vec<Entry>> {
        let in_sent = from.is_none_or(|edge| edge.value != SortValue::Empty);
        let mut found = Vec::new();
        match (way, in_sent) {
            (Way::On, true) => {
                self.sent(from, way, want, &mut found)?;
                self.unsent(None, way, want, &mut found)?;
            }
            (Way::On, false) => self.unsent(from, way, want, &mut found)?,
            (Way::Back, true) => self.sent(from, way, want, &mut found)?,
            (Way::Back, false) => {
                self.unsent(from, way, want, &mut found)?;
                self.sent(None, way, want, &mut found)?;
            }
        }
        Ok(found)
    }

    /// Whether the index or the dates are read towards the greater values.
    fn direction(&self, way: Way) -> Direction {
        match (self.ask.request.order, way) {
            (SortOrder::Ascending, Way::On) | (SortOrder::Descending, Way::Back) => Direction::Up,
            (SortOrder::Descending, Way::On) | (SortOrder::Ascending, Way::Back) => Direction::Down,
        }
    }

    fn sent(
        &mut self,
        from: Option<&SortedEdge>,
        way: Way,
        want: usize,
        found: &mut Vec<Entry>,
    ) -> rusqlite::Result<()> {
        if found.len() >= want || self.is_spent {
            return Ok(());
        }
        let (compare, order, start) = match self.direction(way) {
            Direction::Up => (">", "ASC", i64::MIN),
            Direction::Down => ("<", "DESC", i64::MAX),
        };
        let (value, ord) = match from {
            Some(SortedEdge {
                value: SortValue::Number(value),
                id,
            }) => (*value, id.ord()),
            _ => (start, start),
        };
        let sql = format!(
            "SELECT m.ord, {}, m.sent_on FROM message m INDEXED BY message_sent_on \
             WHERE m.sent_on IS NOT NULL AND (m.sent_on, m.ord) {compare} (?1, ?2) \
             ORDER BY m.sent_on {order}, m.ord {order}",
            key_columns!()
        );
        let selection = self.ask.selection;
        let mut probe = Probe::new(self.ask.conn, selection, self.ask.words)?;
        let mut statement = self.ask.conn.prepare_cached(&sql)?;
        let mut rows = statement.query([Value::from(value), Value::from(ord)])?;
        while let Some(row) = rows.next()? {
            let ord: i64 = row.get(0)?;
            let in_dates = selection.span.low <= ord && ord < selection.span.high;
            let is_meant = in_dates && probe.admits_key(selection, ord, &row_key(row, 1))?;
            if is_meant {
                found.push(Entry {
                    value: SortValue::Number(row.get(7)?),
                    ord,
                });
                if found.len() >= want {
                    return Ok(());
                }
            }
            if self.budget.is_spent(Look::of(is_meant)) {
                self.is_spent = true;
                return Ok(());
            }
        }
        Ok(())
    }

    /// Rows without a value, by Date: none of them is of Type Sent.
    fn unsent(
        &mut self,
        from: Option<&SortedEdge>,
        way: Way,
        want: usize,
        found: &mut Vec<Entry>,
    ) -> rusqlite::Result<()> {
        let mut selection: Selection = self.ask.selection.clone();
        selection.types.retain(|shown| *shown != ShownType::Sent);
        let direction = self.direction(way);
        let mut span = Span::ALL;
        match (direction, from) {
            (Direction::Down, Some(edge)) => span.high = edge.id.ord(),
            (Direction::Up, Some(edge)) => span.low = edge.id.ord().saturating_add(1),
            (_, None) => {}
        }
        while found.len() < want && !self.is_spent && !selection.types.is_empty() && !span.is_empty() {
            let quest = Quest {
                selection: &selection,
                words: self.ask.words,
                direction,
                span,
                want: want - found.len(),
            };
            let next = find(self.ask.conn, &quest, &mut self.budget)?;
            let mut statement = self
                .ask
                .conn
                .prepare_cached("SELECT sent_on IS NULL FROM message WHERE ord = ?1")?;
            for &ord in &next.ords {
                // A failed message may have been accepted for some of its recipients.
                if statement.query_row([ord], |row| row.get::<_, bool>(0))? {
                    found.push(Entry {
                        value: SortValue::Empty,
                        ord,
                    });
                }
            }
            match (next.end, direction, next.ords.last()) {
                (find::End::Spent(_), _, _) => self.is_spent = true,
                (find::End::Full, Direction::Down, Some(last)) => span.high = *last,
                (find::End::Full, Direction::Up, Some(last)) => span.low = last.saturating_add(1),
                (find::End::Full, _, None) | (find::End::Exhausted, _, _) => return Ok(()),
            }
        }
        Ok(())
    }
}
