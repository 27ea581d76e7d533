//! Takes messages in.

use std::time::Duration;

use postroom_domain::{MessageId, MessageState, RouteId, Timestamp, UserId};
use rusqlite::{OptionalExtension, params};

use super::audit;
use super::checksum::Digests;
use super::codes::{from_json, shorten, to_json};
use super::group::{Group, Owner};
use super::hold::{Kept, Place, charged, place};
use super::lanes::flow;
use super::limits::Comes;
use super::room::Room;
use super::tally::Phase;
use crate::StoreError;
use crate::contract::{
    Admitted, Content, Encoded, Enqueue, Enqueued, IdempotencyClaim, NewMessage, SmtpParameters, Submitter,
};

/// Messages of one operation.
const MESSAGES_MAX: usize = 1_000;
/// Characters of a header field that the list keeps.
const SHOWN_CHARS: usize = 1_000;
/// An id that is further ahead of the clock does not say when its message was submitted; within it lie ids of one
/// busy microsecond after the other.
const RUNS_AHEAD: Duration = Duration::from_secs(1);

/// Bytes that an operation weighs in its group.
pub(crate) fn weight(op: &Enqueue) -> usize {
    let content = |content: &Content| content.header.bytes.len() + content.body.bytes.len();
    op.messages
        .iter()
        .map(|message| 1_024 + content(&message.content))
        .sum()
}

/// Refuses what passes the contract's limits.
pub(crate) fn check(op: &Enqueue) -> Result<(), StoreError> {
    if op.messages.is_empty() || op.messages.len() > MESSAGES_MAX {
        return Err(StoreError::TooMuch("one enqueue takes 1 to 1,000 messages"));
    }
    if op.messages.iter().any(|message| message.recipients.is_empty()) {
        return Err(StoreError::TooMuch("a message needs at least one recipient"));
    }
    if op
        .messages
        .iter()
        .any(|message| u16::try_from(message.recipients.len()).is_err())
    {
        return Err(StoreError::TooMuch("a message has at most 65,535 recipients"));
    }
    Ok(())
}

/// Takes messages in, all or none. Hashes of their content that are not in `digests` are computed here.
pub(crate) fn enqueue(
    group: &mut Group<'_>,
    op: &Enqueue,
    digests: &[Digests],
) -> Result<Enqueued, StoreError> {
    if let Some(claim) = &op.idempotency
        && let Some(earlier) = replay(group, claim)?
    {
        return Ok(earlier);
    }
    if group.room == Room::Little {
        return Err(StoreError::Full);
    }
    let mut admitted = Vec::with_capacity(op.messages.len());
    for (n, message) in op.messages.iter().enumerate() {
        let digests = digests.get(n).copied();
        let digests = digests.unwrap_or_else(|| Digests::of(&message.content));
        admitted.push(admit(group, op, (message, digests))?);
    }
    if let Some(claim) = &op.idempotency {
        promise(group, claim, &admitted, op.now)?;
    }
    if let Some(entry) = &op.audit {
        audit::append(group.conn, entry)?;
    }
    Ok(Enqueued::Accepted(admitted))
}

fn replay(group: &Group<'_>, claim: &IdempotencyClaim) -> Result<Option<Enqueued>, StoreError> {
    let kept = group
        .conn
        .prepare_cached("SELECT digest, answer FROM idempotency WHERE credential = ?1 AND key = ?2")?
        .query_row(params![claim.credential, claim.key], |row| {
            Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, String>(1)?))
        })
        .optional()?;
    match kept {
        None => Ok(None),
        Some((digest, _)) if digest != claim.digest => Ok(Some(Enqueued::KeyReused)),
        Some((_, answer)) => Ok(Some(Enqueued::Replayed(from_json(
            "idempotency.answer",
            &answer,
        )?))),
    }
}

fn promise(
    group: &Group<'_>,
    claim: &IdempotencyClaim,
    admitted: &[Admitted],
    now: Timestamp,
) -> Result<(), StoreError> {
    group
        .conn
        .prepare_cached(
            "INSERT INTO idempotency (credential, key, digest, answer, made_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            claim.credential,
            claim.key,
            claim.digest,
            to_json(&admitted)?,
            now.as_micros()
        ])?;
    Ok(())
}

fn admit(
    group: &mut Group<'_>,
    op: &Enqueue,
    (message, digests): (&NewMessage, Digests),
) -> Result<Admitted, StoreError> {
    let id = group.next_id(op.now, op.slot);
    let later = message.send_at.filter(|at| *at > op.now);
    let owner = Owner {
        id,
        sender: message.sender,
        office: message.office,
        kind: message.kind,
    };
    let entry = enter(group, &owner, message, later, op.now)?;
    let (state, phase) = (entry.state, entry.phase);
    let route = message.kind.route(group.route_of(message.office, message.route));
    insert_message(group, id, state, entry.held, route, message)?;
    if id.submitted_at() > op.now.plus(RUNS_AHEAD) {
        submitted_at(group, id, op.now)?;
    }
    insert_recipients(group, id, message)?;
    insert_content(group, id, &message.content, digests)?;
    let flow = flow(message.sender, message.office, message.kind);
    group
        .conn
        .prepare_cached(
            "INSERT INTO work (ord, sender, office, route, flow, seq, phase, due_at, since, charged_day,
                hold, person)
             VALUES (?1, ?2, ?3, ?4, ?5, ?1, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            id.ord(),
            message.sender.0,
            message.office.0,
            route.0,
            flow,
            phase.number(),
            entry.due_at.as_micros(),
            op.now.as_micros(),
            entry.charged_day,
            entry.held.map(|held| held.reason.number()),
            entry.charged_day.is_none().then_some(entry.person.0)
        ])?;
    if phase == Phase::Ready {
        group.lanes.add(group.conn, route, flow, 1)?;
    }
    group.tallies.phase(route, None, Some(phase), 1);
    if phase == Phase::Waiting {
        group.due(entry.due_at);
    }
    if let Some(until) = entry.held.and_then(|held| held.until) {
        group.settles(until);
    }
    group.moved(&owner, None, Some(state));
    Ok(Admitted {
        id,
        state,
        recipients: u16::try_from(message.recipients.len()).unwrap_or(u16::MAX),
        message_id: message.shown.message_id.clone(),
        hold: entry.held.map(Kept::told),
    })
}

/// Writes when a message was submitted whose id does not say so: ids run ahead of a clock that was set back.
fn submitted_at(group: &Group<'_>, id: MessageId, now: Timestamp) -> Result<(), StoreError> {
    group
        .conn
        .prepare_cached("UPDATE message SET submitted_at = ?2 WHERE ord = ?1")?
        .execute([id.ord(), now.as_micros()])?;
    Ok(())
}

/// How a message enters.
struct Entry {
    state: MessageState,
    phase: Phase,
    due_at: Timestamp,
    charged_day: Option<i64>,
    person: UserId,
    held: Option<Kept>,
}

/// Decides how a message enters: to wait for its time, into its lane, or to what is held.
fn enter(
    group: &mut Group<'_>,
    owner: &Owner,
    message: &NewMessage,
    later: Option<Timestamp>,
    now: Timestamp,
) -> Result<Entry, StoreError> {
    let person = charged(message.submitted_by, message.sender);
    let entry = Entry {
        state: MessageState::Scheduled,
        phase: Phase::Waiting,
        due_at: later.unwrap_or(now),
        charged_day: None,
        person,
        held: None,
    };
    if later.is_some() {
        return Ok(entry);
    }
    Ok(match place(group, owner, person, now, Comes::Anew)? {
        Place::Lane(charged_day) => Entry {
            state: MessageState::Queued,
            phase: Phase::Ready,
            charged_day: Some(charged_day),
            ..entry
        },
        Place::Back(kept) => Entry {
            state: MessageState::Held,
            phase: Phase::Held,
            due_at: kept.until.unwrap_or(now),
            held: Some(kept),
            ..entry
        },
    })
}

fn insert_message(
    group: &Group<'_>,
    id: MessageId,
    state: MessageState,
    held: Option<Kept>,
    route: RouteId,
    message: &NewMessage,
) -> Result<(), StoreError> {
    let shown = &message.shown;
    let submitted_by = match message.submitted_by {
        Submitter::User(user) if user == message.sender => None,
        other @ (Submitter::User(_) | Submitter::Key(_) | Submitter::System) => Some(to_json(&other)?),
    };
    let parameters = match &message.parameters {
        plain if *plain == SmtpParameters::default() => None,
        other => Some(to_json(other)?),
    };
    let tags = if message.tags.is_empty() {
        None
    } else {
        Some(to_json(&message.tags)?)
    };
    group
        .conn
        .prepare_cached(
            "INSERT INTO message (ord, sender, office, category, type, state, kind, route, submitted_by, mail_from,
                parameters, header_from, header_to, header_cc, header_bcc, subject, preview, mime_type, message_id,
                size, recipients, send_at, tags, external_id, metadata, resent_from, hold_reason, hold_until)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
                ?22, ?23, ?24, ?25, ?26, ?27, ?28)",
        )?
        .execute(params![
            id.ord(),
            message.sender.0,
            message.office.0,
            message.kind.category().number(),
            state.shown().number(),
            state.number(),
            message.kind.number(),
            route.0,
            submitted_by,
            message.mail_from,
            parameters,
            shorten(&shown.from, SHOWN_CHARS),
            shorten(&shown.to, SHOWN_CHARS),
            shorten(&shown.cc, SHOWN_CHARS),
            shorten(&shown.bcc, SHOWN_CHARS),
            shorten(&shown.subject, SHOWN_CHARS),
            shorten(&shown.preview, SHOWN_CHARS),
            shown.mime_type,
            shown.message_id,
            i64::try_from(shown.size_bytes).unwrap_or(i64::MAX),
            i64::try_from(message.recipients.len()).unwrap_or(i64::MAX),
            message.send_at.map(Timestamp::as_micros),
            tags,
            message.external_id,
            message.metadata,
            message.resent_from.map(MessageId::ord),
            held.map(|held| held.reason.name()),
            held.and_then(|held| held.until).map(Timestamp::as_micros)
        ])?;
    Ok(())
}

fn insert_recipients(group: &Group<'_>, id: MessageId, message: &NewMessage) -> Result<(), StoreError> {
    let mut insert = group.conn.prepare_cached(
        "INSERT INTO recipient (ord, n, address, role, notify, orcpt) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (n, recipient) in (0_i64..).zip(&message.recipients) {
        insert.execute(params![
            id.ord(),
            n,
            recipient.address,
            recipient.role.number(),
            recipient.notify,
            recipient.orcpt
        ])?;
    }
    Ok(())
}

fn insert_content(
    group: &Group<'_>,
    id: MessageId,
    content: &Content,
    digests: Digests,
) -> Result<(), StoreError> {
    let length = |len: u64| i64::try_from(len).unwrap_or(i64::MAX);
    group
        .conn
        .prepare_cached(
            "INSERT INTO content (ord, header_encoding, header_len, header, body_encoding, body_len, body, header_sum,
                body_sum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            id.ord(),
            encoding(content.header.encoding),
            length(content.header.len),
            content.header.bytes,
            encoding(content.body.encoding),
            length(content.body.len),
            content.body.bytes,
            digests.header.bound_to(id),
            digests.body.bound_to(id)
        ])?;
    Ok(())
}

/// The number that the store keeps for an encoding.
pub(crate) const fn encoding(encoded: Encoded) -> i64 {
    match encoded {
        Encoded::Plain => 0,
        Encoded::Zstd => 1,
    }
}
