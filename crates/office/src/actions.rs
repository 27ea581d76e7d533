//! Acting on messages by ids (SPEC C1–C3): what would become of each, and the act itself.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use postroom_domain::{Clock, MessageId, Refusal, Verb, Verdict};
use postroom_engine::budget::Reservation;
use postroom_engine::intake::{Intake, Prepared};
use postroom_store::{
    ActionOutcome, AuditAction, AuditEntry, Authority, NewMessage, Release, Store, StoreError,
};

use crate::principal::Principal;
use crate::sending::Senders;

/// New messages of a resend in one transaction.
const BATCH_MAX: usize = 64;
/// Bytes of content from which on a batch is taken in.
const BATCH_BYTES_MAX: usize = 4 << 20;

/// What actions work with.
pub struct ActionParts {
    /// Where mail is kept.
    pub store: Arc<dyn Store>,
    /// Knows as whom somebody may send.
    pub senders: Arc<Senders>,
    /// Makes the new messages of a resend.
    pub intake: Intake,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Acts on messages.
pub struct Actions(ActionParts);

impl fmt::Debug for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actions").finish_non_exhaustive()
    }
}

/// What became of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionResult {
    /// What the store says.
    Acted(ActionOutcome),
    /// It was sent again as this new message.
    Resent(MessageId),
    /// It cannot be sent again: its content has been removed by retention.
    ContentGone,
    /// The new message was refused.
    Refused(Refusal),
}

/// Why a release may not go past the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PastLimitsError {
    /// Only administrators of the System Office may (L3).
    #[error("only administrators of the System Office may release past the limits")]
    NotPermitted,
    /// Only a release can.
    #[error("only a release can go past the limits")]
    NotRelease,
}

/// Whether `who` may do `verb` in the way that `release` says.
///
/// # Errors
/// [`PastLimitsError`] where they may not.
pub fn check_release(who: &Principal, verb: Verb, release: Release) -> Result<(), PastLimitsError> {
    match (release, verb) {
        (Release::WithinLimits, _) => Ok(()),
        (Release::PastLimits, Verb::Release) if who.is_system_administrator() => Ok(()),
        (Release::PastLimits, Verb::Release) => Err(PastLimitsError::NotPermitted),
        (Release::PastLimits, _) => Err(PastLimitsError::NotRelease),
    }
}

/// New messages of a resend that are taken in together, with one entry in the audit log.
#[derive(Default)]
struct Batch {
    /// Where each message's result stands.
    places: Vec<usize>,
    originals: Vec<MessageId>,
    messages: Vec<NewMessage>,
    bytes: usize,
    /// Of its large message, the last one: with it the batch is full.
    room: Option<Reservation>,
}

impl Batch {
    fn push(&mut self, place: usize, original: MessageId, message: NewMessage, room: Option<Reservation>) {
        self.places.push(place);
        self.originals.push(original);
        self.bytes += message.content.body.bytes.len();
        self.messages.push(message);
        self.room = room;
    }

    fn is_full(&self) -> bool {
        self.messages.len() >= BATCH_MAX || self.bytes >= BATCH_BYTES_MAX || self.room.is_some()
    }
}

impl Actions {
    /// Works with these parts.
    pub const fn new(parts: ActionParts) -> Self {
        Self(parts)
    }

    /// Acts on at most 200 messages, and answers for each, in their order.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn act(
        &self,
        who: &Principal,
        verb: Verb,
        release: Release,
        ids: &[MessageId],
    ) -> Result<Vec<ActionResult>, StoreError> {
        let (store, now) = (&self.0.store, self.0.clock.now());
        let (authority, note) = (&who.authority, who.note());
        let outcomes = match verb {
            Verb::Requeue => store.requeue(authority, ids, &note, now).await?,
            Verb::Delete => store.delete(authority, ids, &note, now).await?,
            Verb::Resend => return self.resend(who, ids).await,
            Verb::Hold => store.hold(authority, ids, &note, now).await?,
            Verb::Release => store.release(authority, ids, release, &note, now).await?,
        };
        Ok(outcomes.into_iter().map(ActionResult::Acted).collect())
    }

    async fn resend(&self, who: &Principal, ids: &[MessageId]) -> Result<Vec<ActionResult>, StoreError> {
        let previews = self.preview(who, Verb::Resend, ids).await?;
        let sender = self.0.senders.principal(who).await?;
        let mut results = Vec::with_capacity(ids.len());
        let mut batch = Batch::default();
        for (&id, preview) in ids.iter().zip(previews) {
            if preview != ActionOutcome::Done {
                results.push(ActionResult::Acted(preview));
                continue;
            }
            let prepared = self
                .0
                .intake
                .prepare_resend(&sender, &who.authority.act, id)
                .await;
            results.push(match prepared {
                Ok(Prepared::Message(message, room)) => {
                    batch.push(results.len(), id, *message, room);
                    // Replaced once the batch is taken in.
                    ActionResult::Acted(ActionOutcome::Done)
                }
                Ok(Prepared::NotFound) => ActionResult::Acted(ActionOutcome::NotFound),
                Ok(Prepared::NotEnded(state)) => ActionResult::Acted(ActionOutcome::WrongState(state)),
                Ok(Prepared::LiveLink) => ActionResult::Acted(ActionOutcome::LiveLink),
                Ok(Prepared::ContentGone) => ActionResult::ContentGone,
                Err(refusal) => ActionResult::Refused(refusal),
            });
            if batch.is_full() {
                self.take_in(who, std::mem::take(&mut batch), &mut results).await;
            }
        }
        self.take_in(who, batch, &mut results).await;
        Ok(results)
    }

    /// Takes a batch in with its entry in the audit log, all or nothing, and sets its results.
    async fn take_in(&self, who: &Principal, batch: Batch, results: &mut [ActionResult]) {
        if batch.messages.is_empty() {
            return;
        }
        let subject = match batch.originals.as_slice() {
            [one] => format!("message {one}"),
            _ => "messages".to_owned(),
        };
        let now = self.0.clock.now();
        let mut entry =
            AuditEntry::new(now, &who.note(), AuditAction::Resend, subject).with_ids(&batch.originals);
        entry.office = who.office_id();
        let taken = self.0.intake.resend(batch.messages, entry).await;
        for (n, place) in batch.places.into_iter().enumerate() {
            let result = match &taken {
                Ok(admitted) => match admitted.get(n) {
                    Some(admitted) => ActionResult::Resent(admitted.id),
                    None => ActionResult::Refused(Refusal::StoreUnavailable),
                },
                Err(refusal) => ActionResult::Refused(refusal.clone()),
            };
            if let Some(place) = results.get_mut(place) {
                *place = result;
            }
        }
    }

    /// What would become of at most 200 messages, by the same rules, in their order.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn preview(
        &self,
        who: &Principal,
        verb: Verb,
        ids: &[MessageId],
    ) -> Result<Vec<ActionOutcome>, StoreError> {
        let Authority { see, act, hold } = &who.authority;
        let permitted = match verb {
            Verb::Requeue | Verb::Resend | Verb::Delete => act,
            Verb::Hold | Verb::Release => hold,
        };
        let rows = self.0.store.rows(see, ids).await?;
        let rows: HashMap<_, _> = rows.into_iter().map(|row| (row.id, row)).collect();
        let outcome = |id: &MessageId| {
            let Some(row) = rows.get(id) else {
                return ActionOutcome::NotFound;
            };
            if !permitted.sees(row.sender.0, row.office.0, row.kind.category()) {
                return ActionOutcome::NotPermitted;
            }
            // Whether a daily limit has room is only known when it is asked; the rest of what holding means is known here.
            let reason = row.hold.as_ref().map(|held| held.reason.as_str());
            match (verb, reason) {
                (Verb::Requeue | Verb::Release, Some("paused")) => return ActionOutcome::Paused,
                (Verb::Requeue, Some("administrator" | "restored"))
                    if !hold.sees(row.sender.0, row.office.0, row.kind.category()) =>
                {
                    return ActionOutcome::HeldBack;
                }
                (Verb::Hold, Some(reason)) if reason != "administrator" => return ActionOutcome::Done,
                _ => {}
            }
            if verb == Verb::Resend && row.kind.body_is_secret() {
                return ActionOutcome::LiveLink;
            }
            match verb.verdict(row.state) {
                Verdict::Do => ActionOutcome::Done,
                Verdict::Skip => ActionOutcome::WrongState(row.state),
                Verdict::Busy => ActionOutcome::Sending,
            }
        };
        Ok(ids.iter().map(outcome).collect())
    }
}
