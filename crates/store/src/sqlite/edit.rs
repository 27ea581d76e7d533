//! Changing a recipient of a kept letter.

use async_trait::async_trait;
use postroom_domain::{MessageState, RecipientState, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::actions::{self, Target};
use super::checksum::{Digest, Part};
use super::codes::shorten;
use super::enqueue::encoding;
use super::group::Group;
use super::inbox::Lane;
use super::{SqliteStore, audit, text};
use crate::StoreError;
use crate::contract::{
    ActionOutcome, AuditAction, AuditEntry, AuditNote, Authority, ChangeKind, Edit, Packed, Readdress,
    Readdressed,
};

/// Characters that the list's columns keep of the addresses.
const SHOWN_MAX: usize = 1_000;

fn readdress(
    group: &mut Group<'_>,
    who: &Authority,
    change: &Readdress,
    note: &AuditNote,
    now: Timestamp,
) -> Result<Readdressed, StoreError> {
    let target = match actions::permitted(group, who, change.message)? {
        Ok(target) => target,
        Err(outcome) => return Ok(Readdressed::Outcome(outcome)),
    };
    if let Some(refused) = refusal(group, change)? {
        return Ok(refused);
    }
    if !swap_header(group, change)? {
        return Ok(Readdressed::Stale);
    }
    write(group, change)?;
    text::index_again(group, change.message)?;
    group.changed(&target.owner, ChangeKind::Updated);
    let subject = format!("message {} recipient {}", change.message, change.index);
    let entry = AuditEntry::new(now, note, AuditAction::ChangeRecipient, subject)
        .with_ids(&[change.message])
        .of_office(target.owner.office);
    audit::append(group.conn, &entry)?;
    try_again(group, who, &target, now)
}

/// Reads the recipient and says what keeps it from being changed.
fn refusal(group: &Group<'_>, change: &Readdress) -> Result<Option<Readdressed>, StoreError> {
    let ord = change.message.ord();
    let found = group
        .conn
        .prepare_cached("SELECT address, state FROM recipient WHERE ord = ?1 AND n = ?2")?
        .query_row(params![ord, change.index], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
        })
        .optional()?;
    let Some((address, state)) = found else {
        return Ok(Some(Readdressed::Stale));
    };
    if state == RecipientState::Sent.number() {
        return Ok(Some(Readdressed::Delivered));
    }
    if address != change.old {
        return Ok(Some(Readdressed::Stale));
    }
    let taken = group
        .conn
        .prepare_cached("SELECT 1 FROM recipient WHERE ord = ?1 AND n <> ?2 AND lower(address) = lower(?3)")?
        .exists(params![ord, change.index, change.new])?;
    Ok(taken.then_some(Readdressed::Duplicate))
}

/// Puts the new header in the place of the old one; `false` where the letter has another by now.
fn swap_header(group: &Group<'_>, change: &Readdress) -> Result<bool, StoreError> {
    let Some((old, new)) = &change.header else {
        return Ok(true);
    };
    let length = |packed: &Packed| i64::try_from(packed.len).unwrap_or(i64::MAX);
    let swapped = group
        .conn
        .prepare_cached(
            "UPDATE content SET header_encoding = ?2, header_len = ?3, header = ?4, header_sum = ?6
             WHERE ord = ?1 AND header = ?5",
        )?
        .execute(params![
            change.message.ord(),
            encoding(new.encoding),
            length(new),
            new.bytes,
            old.bytes,
            Digest::of(Part::Header, new).bound_to(change.message)
        ])?;
    if swapped == 0 {
        return Ok(false);
    }
    group
        .conn
        .prepare_cached("UPDATE message SET size = size + ?2 WHERE ord = ?1")?
        .execute(params![change.message.ord(), length(new) - length(old)])?;
    Ok(true)
}

fn write(group: &Group<'_>, change: &Readdress) -> Result<(), StoreError> {
    let ord = change.message.ord();
    group
        .conn
        .prepare_cached(
            "UPDATE recipient SET address = ?3, code = NULL, enhanced = NULL, text = NULL, at = NULL, orcpt = NULL
             WHERE ord = ?1 AND n = ?2",
        )?
        .execute(params![ord, change.index, change.new])?;
    let [to, cc, bcc] = &change.shown;
    group
        .conn
        .prepare_cached("UPDATE message SET header_to = ?2, header_cc = ?3, header_bcc = ?4 WHERE ord = ?1")?
        .execute(params![
            ord,
            shorten(to, SHOWN_MAX),
            shorten(cc, SHOWN_MAX),
            shorten(bcc, SHOWN_MAX)
        ])?;
    Ok(())
}

/// A failed or deferred message is tried at once; others wait as they did.
fn try_again(
    group: &mut Group<'_>,
    who: &Authority,
    target: &Target,
    now: Timestamp,
) -> Result<Readdressed, StoreError> {
    if matches!(target.state, MessageState::Failed | MessageState::Deferred) {
        let outcomes = actions::requeue(group, who, &[target.owner.id], now)?;
        return Ok(Readdressed::Outcome(
            outcomes.first().copied().unwrap_or(ActionOutcome::Done),
        ));
    }
    Ok(Readdressed::Outcome(ActionOutcome::Done))
}

#[async_trait]
impl Edit for SqliteStore {
    async fn readdress(
        &self,
        who: &Authority,
        change: Readdress,
        note: &AuditNote,
        now: Timestamp,
    ) -> Result<Readdressed, StoreError> {
        let (who, note) = (who.clone(), note.clone());
        self.writer
            .run(Lane::Hot, 0, move |group| {
                readdress(group, &who, &change, &note, now)
            })
            .await
    }
}
