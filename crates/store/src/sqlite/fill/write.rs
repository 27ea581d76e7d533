//! Writes sample letters as their rows.

use std::collections::BTreeMap;

use postroom_domain::{MessageId, MessageState, OfficeId, RouteId, UserId};
use rusqlite::{Connection, params};

use super::letters::Letter;
use crate::StoreError;
use crate::sqlite::group::Owner;
use crate::sqlite::lanes::flow;
use crate::sqlite::tally::{Phase, Tallies};

const MICROS_PER_SECOND: i64 = 1_000_000;

/// What the letters written so far add up to.
#[derive(Debug, Default)]
pub(super) struct Sheaf {
    tallies: Tallies,
    lanes: BTreeMap<i64, i64>,
}

impl Sheaf {
    /// Writes one letter.
    pub(super) fn write(&mut self, conn: &Connection, letter: &Letter) -> Result<(), StoreError> {
        write_message(conn, letter)?;
        write_recipients(conn, letter)?;
        write_content(conn, letter)?;
        write_attempt(conn, letter)?;
        let owner = Owner {
            id: letter.id,
            sender: UserId(letter.sender.user),
            office: OfficeId(letter.sender.office),
            kind: letter.kind,
        };
        self.tallies.moved(&owner, None, Some(letter.state));
        let phase = match letter.state {
            MessageState::Sent | MessageState::Failed => return Ok(()),
            MessageState::Queued | MessageState::Sending => Phase::Ready,
            MessageState::Scheduled | MessageState::Deferred => Phase::Waiting,
            MessageState::Held => Phase::Held,
        };
        let flow = flow(owner.sender, owner.office, owner.kind);
        if phase == Phase::Ready {
            *self.lanes.entry(flow).or_default() += 1;
        }
        self.tallies.phase(RouteId::SERVER, None, Some(phase), 1);
        conn.prepare_cached(
            "INSERT INTO work (ord, sender, office, route, flow, seq, phase, due_at, since, attempts, charged_day, \
             hold) VALUES (?1, ?2, ?3, 0, ?4, ?1, ?5, ?6, ?7, ?8, iif(?5 = 1 AND ?8 = 0, NULL, 0), iif(?5 = 2, 3, NULL))",
        )?
        .execute(params![
            letter.id.ord(),
            owner.sender.0,
            owner.office.0,
            flow,
            phase.number(),
            due_at(letter),
            letter.id.submitted_at().as_micros(),
            letter.attempts
        ])?;
        Ok(())
    }

    /// Takes what was written since the last call into the full-text index; `last` is the newest of it.
    pub(super) fn index(&self, conn: &Connection, last: MessageId) -> Result<(), StoreError> {
        conn.prepare_cached(
            "INSERT INTO text (rowid, subject, address, scope) \
             SELECT ord, subject, header_from || ' ' || header_to || ' ' || header_cc || ' ' || header_bcc, \
                 CASE category WHEN 0 THEN 'm' || office || ' s' || sender || ' c0' ELSE 'n' || office || ' c1' END \
             FROM message WHERE ord > (SELECT ord FROM text_cursor) AND ord <= ?1",
        )?
        .execute([last.ord()])?;
        conn.prepare_cached("UPDATE text_cursor SET ord = ?1")?
            .execute([last.ord()])?;
        Ok(())
    }

    /// Writes kept counts and lanes.
    pub(super) fn sum_up(&mut self, conn: &Connection) -> Result<(), StoreError> {
        self.tallies.flush(conn)?;
        for (flow, ready) in &self.lanes {
            conn.prepare_cached("INSERT INTO lane (route, flow, vtag, ready) VALUES (0, ?1, 0, ?2)")?
                .execute(params![flow, ready])?;
        }
        Ok(())
    }
}

fn write_message(conn: &Connection, letter: &Letter) -> Result<(), StoreError> {
    let outcome = match letter.state {
        MessageState::Failed => Some((550, "5.1.1", "550 5.1.1 no such mailbox here")),
        MessageState::Deferred => Some((451, "4.3.0", "451 4.3.0 try again later")),
        MessageState::Queued
        | MessageState::Scheduled
        | MessageState::Held
        | MessageState::Sending
        | MessageState::Sent => None,
    };
    let at = letter.id.submitted_at().as_micros();
    conn.prepare_cached(
        "INSERT INTO message (ord, sender, office, category, type, state, kind, route, mail_from, header_from,
            header_to, header_cc, header_bcc, subject, preview, mime_type, message_id, size, recipients, attempts,
            sent_on, next_attempt_at, hold_reason, send_at, error_code, error_enhanced, error_text)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?8, ?9, ?10, '', ?11, ?12, 'text/plain', ?13, ?14, ?15, ?16, ?17,
            ?18, ?19, ?20, ?21, ?22, ?23)",
    )?
    .execute(params![
        letter.id.ord(),
        letter.sender.user,
        letter.sender.office,
        letter.kind.category().number(),
        letter.state.shown().number(),
        letter.state.number(),
        letter.kind.number(),
        letter.from,
        letter.to,
        letter.cc,
        letter.subject,
        format!("Hello, this is about {}. Please read the attached papers and tell us what you think of them, \
                 so that we can go on. Kind regards", letter.subject),
        format!("<{}@office.example.com>", letter.id),
        letter.size,
        1 + i64::from(!letter.cc.is_empty()),
        letter.attempts,
        (letter.state == MessageState::Sent).then_some(at + 2 * MICROS_PER_SECOND),
        (letter.state == MessageState::Deferred).then(|| due_at(letter)),
        (letter.state == MessageState::Held).then_some("administrator"),
        (letter.state == MessageState::Scheduled).then(|| due_at(letter)),
        outcome.map(|(code, _, _)| code),
        outcome.map(|(_, enhanced, _)| enhanced),
        outcome.map(|(_, _, text)| text),
    ])?;
    Ok(())
}

fn write_recipients(conn: &Connection, letter: &Letter) -> Result<(), StoreError> {
    let state = match letter.state {
        MessageState::Sent => 1,
        MessageState::Failed => 2,
        MessageState::Queued
        | MessageState::Scheduled
        | MessageState::Held
        | MessageState::Sending
        | MessageState::Deferred => 0,
    };
    let addresses = [(&letter.to, 0), (&letter.cc, 1)];
    for (n, (address, role)) in (0_i64..)
        .zip(addresses)
        .filter(|(_, (address, _))| !address.is_empty())
    {
        conn.prepare_cached(
            "INSERT INTO recipient (ord, n, address, role, state) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![letter.id.ord(), n, address, role, state])?;
    }
    Ok(())
}

fn write_content(conn: &Connection, letter: &Letter) -> Result<(), StoreError> {
    let header = format!(
        "From: {}\r\nTo: {}\r\nSubject: {}\r\nMessage-ID: <{}@office.example.com>\r\n\r\n",
        letter.from, letter.to, letter.subject, letter.id
    );
    let body = format!("Hello, this is about {}.\r\n", letter.subject);
    conn.prepare_cached(
        "INSERT INTO content (ord, header_encoding, header_len, header, body_encoding, body_len, body) \
         VALUES (?1, 0, ?2, ?3, 0, ?4, ?5)",
    )?
    .execute(params![
        letter.id.ord(),
        i64::try_from(header.len()).unwrap_or(0),
        header.as_bytes(),
        i64::try_from(body.len()).unwrap_or(0),
        body.as_bytes()
    ])?;
    Ok(())
}

fn write_attempt(conn: &Connection, letter: &Letter) -> Result<(), StoreError> {
    if letter.attempts == 0 {
        return Ok(());
    }
    let (result, code, text) = match letter.state {
        MessageState::Sent => (0, 250, "2.0.0 accepted"),
        MessageState::Failed => (3, 550, "5.1.1 no such mailbox here"),
        MessageState::Queued
        | MessageState::Scheduled
        | MessageState::Held
        | MessageState::Sending
        | MessageState::Deferred => (2, 451, "4.3.0 try again later"),
    };
    conn.prepare_cached(
        "INSERT INTO attempt (ord, seq, cycle, number, started_at, duration_us, relay, result, code, text) \
         VALUES (?1, 0, 0, ?2, ?3, 1500, 'relay', ?4, ?5, ?6)",
    )?
    .execute(params![
        letter.id.ord(),
        letter.attempts,
        letter.id.submitted_at().as_micros() + MICROS_PER_SECOND,
        result,
        code,
        text
    ])?;
    Ok(())
}

/// Ten years on: what waits in sample mail never becomes due by itself.
fn due_at(letter: &Letter) -> i64 {
    let at = letter.id.submitted_at().as_micros();
    match letter.state {
        MessageState::Scheduled | MessageState::Deferred => at + 3_650 * 86_400 * MICROS_PER_SECOND,
        MessageState::Queued
        | MessageState::Held
        | MessageState::Sending
        | MessageState::Sent
        | MessageState::Failed => at,
    }
}
