//! What an action on all that match would come to: by kept counts where these tell it, else by looking at each row.

use std::time::Duration;

use postroom_domain::action::{Verb, Verdict};
use postroom_domain::{Kind, MessageId, MessageState, Scope};
use rusqlite::Connection;

use super::counts;
use super::matcher::Matcher;
use super::probe::{RowState, row_state};
use super::rows::is_meant;
use crate::contract::{Authority, Filter, Forecast, Picked, Which};

/// What of a filter kept counts know; it is never stopped early, for it does not look at rows.
const NO_HURRY: Duration = Duration::from_secs(10);

/// The largest id that was given.
pub(crate) fn latest(conn: &Connection) -> rusqlite::Result<MessageId> {
    let ord: Option<i64> = conn
        .prepare_cached("SELECT max(ord) FROM message")?
        .query_row([], |row| row.get(0))?;
    Ok(ord.map_or(MessageId::MIN, MessageId::from_ord))
}

/// Whether kept counts tell it all.
pub(crate) const fn is_counted(which: &Which) -> bool {
    which.filter.search.is_none() && which.failed_by.is_none()
}

/// The scope that a verb needs.
pub(crate) const fn permitted(who: &Authority, verb: Verb) -> &Scope {
    match verb {
        Verb::Requeue | Verb::Resend | Verb::Delete => &who.act,
        Verb::Hold | Verb::Release => &who.hold,
    }
}

/// A forecast from kept counts alone, in one snapshot; `None` where held mail is meant and why it is held decides.
pub(crate) fn counted(
    conn: &Connection,
    who: &Authority,
    verb: Verb,
    which: &Which,
    as_of: MessageId,
) -> rusqlite::Result<Option<Forecast>> {
    let mut forecast = Forecast {
        as_of,
        done: 0,
        skipped: 0,
        refused: 0,
    };
    let seen = by_state(conn, &who.see, &which.filter)?;
    let mut may = by_state(conn, permitted(who, verb), &which.filter)?;
    if verb == Verb::Resend {
        let live = with_live_links(conn, permitted(who, verb), &which.filter)?;
        for (may, live) in may.iter_mut().zip(live) {
            *may = may.saturating_sub(live);
        }
    }
    for (state, (seen, may)) in MessageState::ALL.into_iter().zip(seen.into_iter().zip(may)) {
        let may = may.min(seen);
        let asks_why = matches!(verb, Verb::Requeue | Verb::Hold | Verb::Release);
        if state == MessageState::Held && seen > 0 && asks_why {
            return Ok(None);
        }
        forecast.refused += seen - may;
        match verb.verdict(state) {
            Verdict::Do => forecast.done += may,
            Verdict::Skip => forecast.skipped += may,
            Verdict::Busy => forecast.refused += may,
        }
    }
    let selection = super::arms::Selection::of(conn, &who.see, &which.filter)?;
    for &id in &which.except {
        if id <= as_of && is_meant(conn, &selection, id)? {
            let n = count_of(conn, who, verb, id)?;
            *n.of(&mut forecast) -= 1;
        }
    }
    Ok(Some(forecast))
}

fn by_state(conn: &Connection, scope: &Scope, filter: &Filter) -> rusqlite::Result<[u64; 7]> {
    let mut states = counts::counts(conn, scope, filter, NO_HURRY)?.states;
    for (state, n) in MessageState::ALL.into_iter().zip(&mut states) {
        let meant = filter.shown.is_none_or(|shown| shown == state.shown())
            && filter.state.is_none_or(|wanted| wanted == state);
        if !meant {
            *n = 0;
        }
    }
    Ok(states)
}

/// How many carry a link that works once, which no resend copies.
fn with_live_links(conn: &Connection, scope: &Scope, filter: &Filter) -> rusqlite::Result<[u64; 7]> {
    let mut states = [0; 7];
    let kinds = Kind::ALL.into_iter().filter(|kind| kind.body_is_secret());
    for kind in kinds.filter(|kind| filter.kind.is_none_or(|wanted| wanted == *kind)) {
        let filter = Filter {
            kind: Some(kind),
            ..filter.clone()
        };
        for (sum, n) in states.iter_mut().zip(by_state(conn, scope, &filter)?) {
            *sum += n;
        }
    }
    Ok(states)
}

/// Which number of a forecast a message belongs to.
#[derive(Clone, Copy)]
enum Class {
    Done,
    Skipped,
    Refused,
}

impl Class {
    const fn of(self, forecast: &mut Forecast) -> &mut u64 {
        match self {
            Self::Done => &mut forecast.done,
            Self::Skipped => &mut forecast.skipped,
            Self::Refused => &mut forecast.refused,
        }
    }
}

fn class(who: &Authority, verb: Verb, row: &RowState) -> Class {
    if !permitted(who, verb).sees(row.sender, row.office, row.category) {
        return Class::Refused;
    }
    // Whether a daily limit has room is only known when it is asked; the rest of what holding means is known here.
    match (verb, row.hold.as_deref()) {
        (Verb::Requeue | Verb::Release, Some("paused")) => return Class::Refused,
        (Verb::Requeue, Some("administrator" | "restored"))
            if !who.hold.sees(row.sender, row.office, row.category) =>
        {
            return Class::Refused;
        }
        (Verb::Hold, Some(reason)) if reason != "administrator" => return Class::Done,
        _ => {}
    }
    if verb == Verb::Resend && row.has_live_link() {
        return Class::Refused;
    }
    match verb.verdict(row.state) {
        Verdict::Do => Class::Done,
        Verdict::Skip => Class::Skipped,
        Verdict::Busy => Class::Refused,
    }
}

fn count_of(conn: &Connection, who: &Authority, verb: Verb, id: MessageId) -> rusqlite::Result<Class> {
    let row = row_state(conn, id)?;
    Ok(row.map_or(Class::Refused, |row| class(who, verb, &row)))
}

/// Looks at the next messages and adds them to a forecast; answers up to which id it looked.
pub(crate) fn look(
    conn: &Connection,
    who: &Authority,
    verb: Verb,
    which: &Which,
    after: MessageId,
    forecast: &mut Forecast,
) -> rusqlite::Result<MessageId> {
    /// Messages of one look.
    const STEP: usize = 2_048;
    let matcher = Matcher::new(conn, &who.see, which)?;
    let Picked { ids, upto } = matcher.pick(conn, after, forecast.as_of, STEP)?;
    for id in ids {
        if let Some(row) = row_state(conn, id)? {
            *class(who, verb, &row).of(forecast) += 1;
        }
    }
    Ok(upto)
}
