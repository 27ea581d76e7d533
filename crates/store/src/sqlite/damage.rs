//! Messages whose rows cannot be read or written (SPEC X5): set aside as damaged and reported once, so that nothing
//! else waits for them.
//!
//! An operation over many messages does each of them through [`Group::each`]. It runs as fast as ever; only where the
//! content of the file has refused it, the writer runs it again with each message in a savepoint of its own.

use postroom_domain::{
    Damage, FailureCause, HoldReason, MessageId, MessageState, RouteId, Timestamp, UserId,
};
use rusqlite::{OptionalExtension, Row, params};

use super::codes::{self, to_json};
use super::facts;
use super::group::{Group, Owner};
use super::limits::SYSTEM;
use super::promote::{owner, unfinished};
use super::tally::Phase;
use crate::StoreError;
use crate::contract::{DamagedDetail, FactKind, NewFact};

/// How a group runs operations over many messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Care {
    /// All together: one that fails takes the operation with it.
    #[default]
    Together,
    /// Each in a savepoint of its own: one whose rows are damaged is set aside, and the others go on.
    Apart,
}

impl Group<'_> {
    /// Does something to one of many messages. `None` where its rows are damaged: it was set aside.
    pub(crate) fn each<T>(
        &mut self,
        id: MessageId,
        now: Timestamp,
        work: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        if self.care == Care::Together {
            return work(self).map(Some);
        }
        match self.apart(work)? {
            Ok(done) => Ok(Some(done)),
            Err(error) if is_of_message(self, id, &error)? => {
                tracing::error!(message.id = %id, %error, "the stored record of a message is damaged");
                set_aside(self, id, Damage::Record, MessageState::Failed, now)?;
                Ok(None)
            }
            // What is damaged is something that messages share: none of them is failed for it.
            Err(error) => Err(error),
        }
    }

    /// Does something in a savepoint; where damaged rows refuse it, nothing of it stays and their error is the answer.
    ///
    /// # Errors
    /// Those that are about more than the rows in question: a full disk, a file that cannot be read.
    pub(crate) fn apart<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<Result<T, StoreError>, StoreError> {
        let before = self.clone();
        self.conn.prepare_cached("SAVEPOINT apart")?.execute([])?;
        let done = work(self);
        match done {
            Err(error) if error.is_of_content() && !self.conn.is_autocommit() => {
                self.conn.prepare_cached("ROLLBACK TO apart")?.execute([])?;
                self.conn.prepare_cached("RELEASE apart")?.execute([])?;
                *self = before;
                Ok(Err(error))
            }
            Err(error) => Err(error),
            Ok(done) => {
                self.conn.prepare_cached("RELEASE apart")?.execute([])?;
                Ok(Ok(done))
            }
        }
    }
}

/// Whether an error comes of the message's own rows, and not of what messages share: they are read, and written as they
/// are.
pub(crate) fn is_of_message(
    group: &mut Group<'_>,
    id: MessageId,
    error: &StoreError,
) -> Result<bool, StoreError> {
    if matches!(error, StoreError::Damaged(of, _) if *of == id) {
        return Ok(true);
    }
    let tried = group.apart(|group| {
        let work: Option<u16> = group
            .conn
            .prepare_cached("SELECT attempts FROM work WHERE ord = ?1")?
            .query_row([id.ord()], |row| row.get(0))
            .optional()?;
        if work.is_some() && unfinished(group.conn, id)?.is_none() {
            return Err(StoreError::Damaged(id, Damage::Record));
        }
        let record = Remains::read(group, id)?;
        if record.owner(id).is_none() {
            return Err(StoreError::Damaged(id, Damage::Record));
        }
        for sql in [
            "UPDATE work SET phase = phase WHERE ord = ?1",
            "UPDATE message SET state = state WHERE ord = ?1",
            "UPDATE recipient SET state = state WHERE ord = ?1",
        ] {
            group.conn.prepare_cached(sql)?.execute([id.ord()])?;
        }
        Ok(())
    })?;
    Ok(tried.is_err())
}

/// Ends a damaged message as `ended` (Failed, or Sent where it is known to be delivered) and takes it out of the work,
/// with as much of its record as can be written. One that has ended before stays as it is. Reported once.
pub(crate) fn set_aside(
    group: &mut Group<'_>,
    id: MessageId,
    damage: Damage,
    ended: MessageState,
    now: Timestamp,
) -> Result<(), StoreError> {
    let record = Remains::read(group, id)?;
    if let Err(error) = group.apart(|group| mark(group, id, damage, &record, now))? {
        tracing::error!(message.id = %id, %error, "that a message is damaged cannot be reported");
    }
    let Some(work) = Work::read(group, id)? else {
        return Ok(());
    };
    work.leave(group, id)?;
    let written = group.apart(|group| {
        repair(group, id)?;
        end_record(group, id, damage, ended, now)
    })?;
    if let Err(error) = written {
        tracing::error!(message.id = %id, %error, "the record of a damaged message cannot be written");
        return Ok(());
    }
    let Some((owner, state)) = record.owner(id) else {
        return Ok(());
    };
    if ended == MessageState::Failed {
        // Whoever handed it in may be unreadable too; the administrators have been told above.
        let _told = group.apart(|group| facts::message_failed(group, &owner, Some(&damage.reply()), now))?;
    }
    group.moved(&owner, Some(state), Some(ended));
    Ok(())
}

/// Notes that a message is damaged; answers whether that is new. The first time it becomes a fact for the alerts.
pub(crate) fn note(
    group: &mut Group<'_>,
    id: MessageId,
    damage: Damage,
    now: Timestamp,
) -> Result<(), StoreError> {
    let record = Remains::read(group, id)?;
    mark(group, id, damage, &record, now)
}

fn mark(
    group: &mut Group<'_>,
    id: MessageId,
    damage: Damage,
    record: &Remains,
    now: Timestamp,
) -> Result<(), StoreError> {
    let new = group
        .conn
        .prepare_cached("INSERT OR IGNORE INTO damage (ord, what, found_at) VALUES (?1, ?2, ?3)")?
        .execute(params![id.ord(), damage.number(), now.as_micros()])?;
    if new == 0 {
        return Ok(());
    }
    let detail = DamagedDetail {
        damage: damage.number(),
    };
    let fact = NewFact {
        kind: FactKind::MessageDamaged,
        message: Some(id),
        office: postroom_domain::OfficeId(record.office.unwrap_or(0)),
        person: record.sender.map(UserId),
        detail: Some(to_json(&detail)?),
    };
    group.fact(now, &fact)
}

/// What can be read of a record.
#[derive(Debug, Default)]
struct Remains {
    sender: Option<i64>,
    office: Option<i64>,
    kind: Option<i64>,
    state: Option<i64>,
}

impl Remains {
    fn read(group: &Group<'_>, id: MessageId) -> Result<Self, StoreError> {
        let read = group
            .conn
            .prepare_cached("SELECT sender, office, kind, state FROM message WHERE ord = ?1")?
            .query_row([id.ord()], |row| {
                Ok(Self {
                    sender: number(row, 0),
                    office: number(row, 1),
                    kind: number(row, 2),
                    state: number(row, 3),
                })
            })
            .optional();
        unless_damaged(read)
    }

    fn owner(&self, id: MessageId) -> Option<(Owner, MessageState)> {
        let kind = codes::kind(self.kind?).ok()?;
        let state = codes::state(self.state?).ok()?;
        Some((owner(id, self.sender?, self.office?, kind), state))
    }
}

/// What can be read of the work of an unfinished message.
#[derive(Debug, Default)]
struct Work {
    route: Option<i64>,
    flow: Option<i64>,
    phase: Option<i64>,
    hold: Option<i64>,
    person: Option<i64>,
}

impl Work {
    fn read(group: &Group<'_>, id: MessageId) -> Result<Option<Self>, StoreError> {
        let read = group
            .conn
            .prepare_cached("SELECT route, flow, phase, hold, person FROM work WHERE ord = ?1")?
            .query_row([id.ord()], |row| {
                Ok(Some(Self {
                    route: number(row, 0),
                    flow: number(row, 1),
                    phase: number(row, 2),
                    hold: number(row, 3),
                    person: number(row, 4),
                }))
            })
            .optional();
        unless_damaged(read.map(Option::flatten).map(Some))
    }

    /// Takes it out of the work and out of what is counted of it.
    fn leave(&self, group: &mut Group<'_>, id: MessageId) -> Result<(), StoreError> {
        group
            .conn
            .prepare_cached("DELETE FROM work WHERE ord = ?1")?
            .execute([id.ord()])?;
        let phase = self.phase.and_then(|phase| Phase::from_number(phase).ok());
        let (Some(route), Some(phase)) = (self.route.map(RouteId), phase) else {
            return Ok(());
        };
        group.tallies.phase(route, Some(phase), None, 1);
        if let (Phase::Ready, Some(flow)) = (phase, self.flow) {
            group.lanes.add(group.conn, route, flow, -1)?;
        }
        let hold = self.hold.and_then(HoldReason::from_number);
        if let Some(reason) = hold.filter(|reason| reason.is_limit()) {
            group.limits.wait(self.person.unwrap_or(SYSTEM), reason, -1);
        }
        Ok(())
    }
}

fn number(row: &Row<'_>, at: usize) -> Option<i64> {
    row.get(at).ok()
}

/// What was read, or nothing where the page itself is damaged.
fn unless_damaged<T: Default>(read: rusqlite::Result<Option<T>>) -> Result<T, StoreError> {
    match read.map_err(StoreError::from) {
        Ok(read) => Ok(read.unwrap_or_default()),
        Err(error) if error.is_of_content() => Ok(T::default()),
        Err(error) => Err(error),
    }
}

/// Gives every column of a message's rows a value of its type again, without which the database refuses to change them.
pub(crate) fn repair(group: &Group<'_>, id: MessageId) -> Result<(), StoreError> {
    for sql in [REPAIR_MESSAGE, REPAIR_RECIPIENTS] {
        group.conn.prepare_cached(sql)?.execute([id.ord()])?;
    }
    Ok(())
}

const REPAIR_MESSAGE: &str = "UPDATE message SET
    sender = ifnull(CAST(sender AS INTEGER), 0), office = ifnull(CAST(office AS INTEGER), 0),
    category = ifnull(CAST(category AS INTEGER), 0), type = ifnull(CAST(type AS INTEGER), 0),
    state = ifnull(CAST(state AS INTEGER), 0), kind = ifnull(CAST(kind AS INTEGER), 0),
    route = ifnull(CAST(route AS INTEGER), 0), submitted_by = CAST(submitted_by AS TEXT),
    mail_from = ifnull(CAST(mail_from AS TEXT), ''), parameters = CAST(parameters AS TEXT),
    header_from = ifnull(CAST(header_from AS TEXT), ''), header_to = ifnull(CAST(header_to AS TEXT), ''),
    header_cc = ifnull(CAST(header_cc AS TEXT), ''), header_bcc = ifnull(CAST(header_bcc AS TEXT), ''),
    subject = ifnull(CAST(subject AS TEXT), ''), preview = ifnull(CAST(preview AS TEXT), ''),
    mime_type = ifnull(CAST(mime_type AS TEXT), ''), message_id = ifnull(CAST(message_id AS TEXT), ''),
    size = ifnull(CAST(size AS INTEGER), 0), recipients = ifnull(CAST(recipients AS INTEGER), 0),
    attempts = ifnull(CAST(attempts AS INTEGER), 0), cycle = ifnull(CAST(cycle AS INTEGER), 0),
    sent_on = CAST(sent_on AS INTEGER), next_attempt_at = CAST(next_attempt_at AS INTEGER),
    hold_reason = CAST(hold_reason AS TEXT), hold_until = CAST(hold_until AS INTEGER),
    send_at = CAST(send_at AS INTEGER), error_code = CAST(error_code AS INTEGER),
    error_enhanced = CAST(error_enhanced AS TEXT), error_text = CAST(error_text AS TEXT),
    tags = CAST(tags AS TEXT), external_id = CAST(external_id AS TEXT), metadata = CAST(metadata AS TEXT),
    resent_from = CAST(resent_from AS INTEGER), cause = CAST(cause AS INTEGER),
    submitted_at = CAST(submitted_at AS INTEGER)
    WHERE ord = ?1";

const REPAIR_RECIPIENTS: &str = "UPDATE recipient SET
    address = ifnull(CAST(address AS TEXT), ''), role = ifnull(CAST(role AS INTEGER), 0),
    state = ifnull(CAST(state AS INTEGER), 0), code = CAST(code AS INTEGER), enhanced = CAST(enhanced AS TEXT),
    text = CAST(text AS TEXT), at = CAST(at AS INTEGER), notify = CAST(notify AS TEXT), orcpt = CAST(orcpt AS TEXT)
    WHERE ord = ?1";

/// Writes the end of a damaged message into its record.
fn end_record(
    group: &Group<'_>,
    id: MessageId,
    damage: Damage,
    ended: MessageState,
    now: Timestamp,
) -> Result<(), StoreError> {
    let failed = ended == MessageState::Failed;
    let reply = damage.reply();
    let recipients = if failed {
        postroom_domain::RecipientState::Failed
    } else {
        postroom_domain::RecipientState::Sent
    };
    super::outcomes::close_recipients(group, id, recipients, failed.then_some(&reply), now)?;
    group
        .conn
        .prepare_cached(
            "UPDATE message SET type = ?2, state = ?3, next_attempt_at = NULL, hold_reason = NULL, hold_until = NULL,
                sent_on = ifnull(?4, sent_on), error_code = ?5, error_enhanced = NULL, error_text = ?6, cause = ?7
             WHERE ord = ?1",
        )?
        .execute(params![
            id.ord(),
            ended.shown().number(),
            ended.number(),
            (!failed).then_some(now.as_micros()),
            failed.then_some(reply.code),
            failed.then_some(&reply.text),
            failed.then_some(FailureCause::Damaged.number())
        ])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn every_column_is_repaired() {
        let conn = Connection::open_in_memory().expect("memory");
        super::super::migrate::migrate(&conn).expect("the schema");
        for (table, sql) in [("message", REPAIR_MESSAGE), ("recipient", REPAIR_RECIPIENTS)] {
            let columns: Vec<String> = conn
                .prepare("SELECT name FROM pragma_table_info(?1) WHERE pk = 0")
                .expect("a statement")
                .query_map([table], |row| row.get(0))
                .expect("rows")
                .collect::<Result<_, _>>()
                .expect("a row");
            assert!(!columns.is_empty());
            for column in columns {
                assert!(sql.contains(&format!("CAST({column} AS ")), "{table}.{column}");
            }
            conn.execute(sql, [1]).expect("a statement that can run");
        }
    }
}
