//! Alerts as rows, and whose mail waits for a relay.

use std::collections::BTreeMap;

use postroom_domain::alert::AlertKind;
use postroom_domain::{MessageId, OfficeId, RouteId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::codes::from_json;
use crate::StoreError;
use crate::contract::{Alert, AlertId, AlertState, MailedAlerts, WaitingSenders};

/// Unfinished messages that one part of [`waiting_senders`] looks at.
const LOOK_AT: u32 = 10_000;

/// Reads alerts, see [`read_alerts`].
pub(super) const ALERT: &str =
    "SELECT id, person, kind, title, text, advice, link, count, first_at, last_at, state FROM alert";

/// The rows of a query that begins with [`ALERT`]; damaged ones are left out.
pub(super) fn read_alerts(
    conn: &Connection,
    sql: &str,
    parameters: impl Params,
) -> Result<Vec<Alert>, StoreError> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    let mut alerts = Vec::new();
    while let Some(row) = rows.next()? {
        match read(row) {
            Ok(alert) => alerts.push(alert),
            Err(error) if error.is_of_content() => {
                tracing::warn!(alert.id = row.get::<_, i64>(0)?, %error, "a stored alert is damaged: it is left out");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(alerts)
}

fn read(row: &Row<'_>) -> Result<Alert, StoreError> {
    let (kind, state): (i64, i64) = (row.get(2)?, row.get(10)?);
    let state = usize::try_from(state)
        .ok()
        .and_then(|n| AlertState::ALL.get(n).copied())
        .ok_or_else(|| StoreError::Corrupt(format!("state {state} of an alert")))?;
    let link: String = row.get(6)?;
    let count: i64 = row.get(7)?;
    Ok(Alert {
        id: AlertId(row.get(0)?),
        person: UserId(row.get(1)?),
        kind: AlertKind::from_number(kind)
            .ok_or_else(|| StoreError::Corrupt(format!("kind {kind} of an alert")))?,
        title: row.get(3)?,
        text: row.get(4)?,
        advice: row.get(5)?,
        link: from_json("link of an alert", &link)?,
        count: u64::try_from(count).unwrap_or(0),
        first_at: Timestamp::from_micros(row.get(8)?),
        last_at: Timestamp::from_micros(row.get(9)?),
        state,
    })
}

/// People's ids.
pub(super) fn person_ids(
    conn: &Connection,
    sql: &str,
    parameters: impl Params,
) -> Result<Vec<UserId>, StoreError> {
    Ok(conn
        .prepare_cached(sql)?
        .query_map(parameters, |row| Ok(UserId(row.get(0)?)))?
        .collect::<Result<_, _>>()?)
}

/// Which alerts a person wants by e-mail.
pub(super) fn mailed(conn: &Connection, person: UserId) -> Result<MailedAlerts, StoreError> {
    let bits: Option<i64> = conn
        .prepare_cached("SELECT mailed FROM alert_preference WHERE person = ?1")?
        .query_row([person.0], |row| row.get(0))
        .optional()?;
    Ok(MailedAlerts::from_bits(bits.unwrap_or(0)))
}

/// Which alerts everybody wants by e-mail who wants some.
pub(super) fn all_mailed(conn: &Connection) -> Result<Vec<(UserId, MailedAlerts)>, StoreError> {
    Ok(conn
        .prepare_cached("SELECT person, mailed FROM alert_preference WHERE mailed <> 0")?
        .query_map([], |row| {
            Ok((UserId(row.get(0)?), MailedAlerts::from_bits(row.get(1)?)))
        })?
        .collect::<Result<_, _>>()?)
}

/// Senders with user mail that is due or was tried, in a bounded part of the unfinished mail; not those whose mail is
/// scheduled or held, which does not wait for the relay. A notification's flow is negative.
pub(super) fn waiting_senders(
    conn: &Connection,
    route: RouteId,
    after: Option<MessageId>,
) -> Result<WaitingSenders, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT ord, sender, office, route = ?1 AND flow >= 0 AND (phase IN (0, 3) OR (phase = 1 AND attempts > 0))
         FROM work WHERE ord > ?2 ORDER BY ord LIMIT ?3",
    )?;
    let after = after.map_or(i64::MIN, MessageId::ord);
    let mut rows = statement.query(params![route.0, after, LOOK_AT])?;
    let (mut senders, mut looked, mut last) = (BTreeMap::new(), 0, None);
    while let Some(row) = rows.next()? {
        looked += 1;
        last = Some(MessageId::from_ord(row.get(0)?));
        // Of a damaged row nobody can be told.
        if let (Ok(true), Ok(sender), Ok(office)) = (row.get(3), row.get(1), row.get(2)) {
            senders.insert(UserId(sender), OfficeId(office));
        }
    }
    Ok(WaitingSenders {
        senders: senders.into_iter().collect(),
        next: last.filter(|_| looked == LOOK_AT),
    })
}
