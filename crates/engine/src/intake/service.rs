//! The service: takes submissions, hands them to the store, answers after its commit.

mod building;

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use postroom_domain::{Clock, MessageId, NodeSlot, Refusal, RouteId, Scope};
use postroom_store::{
    Admitted, AuditEntry, Enqueue, Enqueued, IdempotencyClaim, NewMessage, Store, StoreError,
};

use self::building::Building;
use super::compose;
use super::desk::Desk;
use super::draft::Draft;
use super::limits::IntakeLimits;
use super::raw::{self, RawSubmission};
use super::resend::{self, Prepared};
use super::sender::{Directory, Principal};
use crate::budget::SharedBudget;
use crate::random::Random;

/// What an [`Intake`] is made of.
#[derive(Clone)]
pub struct IntakeParts {
    /// Where mail is kept.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance, for Message-IDs and boundaries.
    pub random: Arc<dyn Random>,
    /// Who is a user.
    pub directory: Arc<dyn Directory>,
    /// The node's place.
    pub slot: NodeSlot,
}

impl fmt::Debug for IntakeParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntakeParts")
            .field("slot", &self.slot)
            .finish_non_exhaustive()
    }
}

/// What can change while intake runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntakeSettings {
    /// The name of this server in Message-ID and Received: a domain name.
    pub host: String,
    /// The limits.
    pub limits: IntakeLimits,
    /// Whether anybody can send (I8).
    pub queue: QueueSwitch,
}

/// Whether the queue service is on (I8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum QueueSwitch {
    /// Mail is taken in.
    #[default]
    On,
    /// Nobody can send; what is queued waits.
    Off,
}

/// Mail that was taken in, durably.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Its id, state and Message-ID.
    pub admitted: Admitted,
    /// Whether this is the answer to the same request once more (I2).
    pub replayed: bool,
}

/// One message of a batch: taken in, or why not.
pub type BatchItem = Result<Admitted, Refusal>;

/// Takes mail in.
#[derive(Debug, Clone)]
pub struct Intake {
    parts: IntakeParts,
    settings: Arc<ArcSwap<IntakeSettings>>,
    budget: SharedBudget,
}

impl Intake {
    /// Opens intake, with a content budget of its own.
    pub fn new(parts: IntakeParts, settings: IntakeSettings) -> Self {
        Self {
            parts,
            settings: Arc::new(ArcSwap::from_pointee(settings)),
            budget: SharedBudget::default(),
        }
    }

    /// Shares a content budget with others.
    #[must_use]
    pub fn with_budget(self, budget: SharedBudget) -> Self {
        Self { budget, ..self }
    }

    /// The budget of content in memory: code that reads messages from clients reserves from it first.
    pub const fn budget(&self) -> &SharedBudget {
        &self.budget
    }

    /// Parses a body, a large one where blocking does no harm, and drops it.
    ///
    /// # Errors
    /// What `parse` refuses.
    pub async fn parse<T>(
        &self,
        body: Vec<u8>,
        parse: impl FnOnce(&[u8]) -> Result<T, Refusal> + Send,
    ) -> Result<T, Refusal> {
        let building = Building::of_draft(body.len());
        let run = move || parse(&body);
        self.run(building, run).await
    }

    /// The settings of now.
    pub fn settings(&self) -> Arc<IntakeSettings> {
        self.settings.load_full()
    }

    /// Changes the settings from the next message on.
    pub fn set(&self, settings: IntakeSettings) {
        self.settings.store(Arc::new(settings));
    }

    /// Refuses everything while the queue service is off; SMTP asks this at MAIL, before the content is sent in vain.
    ///
    /// # Errors
    /// [`Refusal::QueueDisabled`].
    pub fn check_open(&self) -> Result<(), Refusal> {
        match self.settings.load().queue {
            QueueSwitch::On => Ok(()),
            QueueSwitch::Off => Err(Refusal::QueueDisabled),
        }
    }

    /// Takes a draft in.
    ///
    /// # Errors
    /// A [`Refusal`]; nothing was kept.
    pub async fn submit(
        &self,
        principal: &Principal,
        draft: Draft,
        claim: Option<IdempotencyClaim>,
    ) -> Result<Accepted, Refusal> {
        self.check_open()?;
        let message = self.build_draft(principal, draft).await?;
        principal.rights.check_queued(message.office, message.kind)?;
        self.enqueue_one(message, claim).await
    }

    /// Takes a raw message in.
    ///
    /// # Errors
    /// A [`Refusal`]; nothing was kept.
    pub async fn submit_raw(
        &self,
        principal: &Principal,
        submission: RawSubmission,
        claim: Option<IdempotencyClaim>,
    ) -> Result<Accepted, Refusal> {
        self.check_open()?;
        let building = Building::of_raw(submission.octets.len());
        let message = self
            .build(principal, building, |desk| raw::build(desk, submission))
            .await?;
        principal.rights.check_queued(message.office, message.kind)?;
        self.enqueue_one(message, claim).await
    }

    /// Takes a batch in: those that can be, in one transaction; the others are refused one by one.
    ///
    /// The same key with the same body gives the same answer again, because what is refused depends on the body, the
    /// person's rights and the limits alone.
    ///
    /// # Errors
    /// A [`Refusal`] of the whole batch; nothing was kept.
    pub async fn submit_batch(
        &self,
        principal: &Principal,
        drafts: Vec<Result<Draft, Refusal>>,
        claim: Option<IdempotencyClaim>,
    ) -> Result<Vec<BatchItem>, Refusal> {
        self.check_open()?;
        let most = self.settings.load().limits.batch;
        if drafts.len() > most {
            return Err(Refusal::BatchTooLarge {
                count: drafts.len(),
                most,
            });
        }
        let mut messages = Vec::with_capacity(drafts.len());
        let mut places = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let built = match draft {
                Ok(draft) => self.build_draft(principal, draft).await,
                Err(refusal) => Err(refusal),
            };
            let built = built.and_then(|message| {
                principal.rights.check_queued(message.office, message.kind)?;
                Ok(message)
            });
            places.push(built.map(|message| messages.push(message)));
        }
        let mut admitted = if messages.is_empty() {
            Vec::new().into_iter()
        } else {
            self.enqueue(messages, claim, None).await?.0.into_iter()
        };
        Ok(places
            .into_iter()
            .map(|place| place.and_then(|()| admitted.next().ok_or(Refusal::StoreUnavailable)))
            .collect())
    }

    /// Takes in the new messages of a resend together with its entry in the audit log: all of it or nothing.
    ///
    /// # Errors
    /// A [`Refusal`]; nothing was kept.
    pub async fn resend(
        &self,
        messages: Vec<NewMessage>,
        entry: AuditEntry,
    ) -> Result<Vec<Admitted>, Refusal> {
        Ok(self.enqueue(messages, None, Some(entry)).await?.0)
    }

    /// Makes the new message of a resend of an ended message of `scope`, without taking it in: a new record with a new Date
    /// and Message-ID, linked to it (C2). It takes the route that its office has now.
    ///
    /// # Errors
    /// A [`Refusal`]; nothing was kept.
    pub async fn prepare_resend(
        &self,
        principal: &Principal,
        scope: &Scope,
        id: MessageId,
    ) -> Result<Prepared, Refusal> {
        self.check_open()?;
        let store = &*self.parts.store;
        let Some(detail) = store.detail(scope, id).await.map_err(|e| refused(&e))? else {
            return Ok(Prepared::NotFound);
        };
        if detail.row.kind.body_is_secret() {
            return Ok(Prepared::LiveLink);
        }
        if !detail.row.state.is_final() {
            return Ok(Prepared::NotEnded(detail.row.state));
        }
        let room = self.room_to_load(detail.row.size_bytes).await?;
        let Some(content) = store
            .content(scope, id, self.now())
            .await
            .map_err(|e| refused(&e))?
        else {
            return Ok(Prepared::ContentGone);
        };
        let offices = store.offices().await.map_err(|e| refused(&e))?;
        let route = offices
            .iter()
            .find(|office| office.id == detail.row.office.0)
            .map_or(RouteId::SERVER, |office| office.route);
        let building = Building::of_stored(detail.row.size_bytes);
        let message = self
            .build(principal, building, |desk| {
                resend::build(desk, route, detail, content)
            })
            .await?;
        principal.rights.check_queued(message.office, message.kind)?;
        Ok(Prepared::Message(Box::new(message), room))
    }

    /// The time.
    pub(super) fn now(&self) -> postroom_domain::Timestamp {
        self.parts.clock.now()
    }

    /// The node's place, which is in the ids of what it takes in.
    pub const fn slot(&self) -> NodeSlot {
        self.parts.slot
    }

    pub(super) async fn build_draft(
        &self,
        principal: &Principal,
        draft: Draft,
    ) -> Result<NewMessage, Refusal> {
        let building = Building::of_draft(draft.content_bytes());
        self.build(principal, building, |desk| compose::build(desk, draft))
            .await
    }

    /// Runs a builder.
    async fn build(
        &self,
        principal: &Principal,
        building: Building,
        builder: impl FnOnce(&Desk<'_>) -> Result<NewMessage, Refusal> + Send,
    ) -> Result<NewMessage, Refusal> {
        let settings = self.settings.load_full();
        let run = || {
            builder(&Desk {
                limits: &settings.limits,
                host: &settings.host,
                now: self.parts.clock.now(),
                random: &*self.parts.random,
                directory: &*self.parts.directory,
                principal,
            })
        };
        self.run(building, run).await
    }

    async fn enqueue_one(
        &self,
        message: NewMessage,
        claim: Option<IdempotencyClaim>,
    ) -> Result<Accepted, Refusal> {
        let (admitted, replayed) = self.enqueue(vec![message], claim, None).await?;
        let admitted = admitted.into_iter().next().ok_or(Refusal::StoreUnavailable)?;
        Ok(Accepted { admitted, replayed })
    }

    async fn enqueue(
        &self,
        messages: Vec<NewMessage>,
        idempotency: Option<IdempotencyClaim>,
        audit: Option<AuditEntry>,
    ) -> Result<(Vec<Admitted>, bool), Refusal> {
        let operation = Enqueue {
            messages,
            idempotency,
            slot: self.parts.slot,
            now: self.parts.clock.now(),
            audit,
        };
        match self.parts.store.enqueue(operation).await {
            Ok(Enqueued::Accepted(admitted)) => Ok((admitted, false)),
            Ok(Enqueued::Replayed(admitted)) => Ok((admitted, true)),
            Ok(Enqueued::KeyReused) => Err(Refusal::IdempotencyKeyReused),
            Err(error) => Err(refused(&error)),
        }
    }
}

/// What a person is told when the store fails; the cause is logged here, once.
fn refused(error: &StoreError) -> Refusal {
    tracing::error!(error = %error, "mail was refused because the store failed");
    match error {
        StoreError::Full => Refusal::StoreFull,
        StoreError::Damaged(..) => Refusal::ContentDamaged,
        StoreError::Unavailable(_)
        | StoreError::Exists { .. }
        | StoreError::TooMuch(_)
        | StoreError::Corrupt(_)
        | StoreError::Closed
        | StoreError::Missing(_)
        | StoreError::Stale(_)
        | StoreError::People(_)
        | StoreError::Database(_) => Refusal::StoreUnavailable,
    }
}

#[cfg(test)]
mod tests;
