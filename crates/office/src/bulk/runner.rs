//! Does the jobs that are kept, one step of each in turn, with the rights that their owners have at that moment.

use std::time::Duration;

use postroom_domain::MessageId;
use postroom_engine::budget::Reservation;
use postroom_engine::intake::{self, Prepared};
use postroom_store::{
    Actor, AuditNote, Enqueue, Job, JobEnd, JobStep, NewMessage, NoResend, Picked, StoreError, Verb,
};
use tokio_util::sync::CancellationToken;

use super::{Inner, Jobs};
use crate::principal::Principal;

/// Messages of a step.
const STEP: u32 = 256;
/// Messages of a step that copies their content.
const RESEND_STEP: u32 = 16;
/// Bytes of content from which on such a step ends: a few MiB at a time, or one large message.
const RESEND_BYTES_MAX: usize = 4 << 20;
/// Pause after the store could not answer.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// What a step of a resend takes in.
#[derive(Default)]
struct Copies {
    /// What becomes of each message, in their order.
    resend: Vec<Result<NewMessage, NoResend>>,
    /// Room in memory of a large one, the last.
    room: Option<Reservation>,
}

impl Jobs {
    /// Does jobs until `stopping`; those that a stop left are gone on with. `wake` is called when mail may
    /// have become due.
    pub async fn run(self, wake: impl Fn() + Send + Sync, stopping: CancellationToken) {
        loop {
            let round = tokio::select! {
                biased;
                () = stopping.cancelled() => return,
                round = self.round(&wake) => round,
            };
            let pause = async {
                match round {
                    Ok(0) => self.0.started.notified().await,
                    Ok(_) => tokio::task::yield_now().await,
                    Err(error) => {
                        tracing::warn!(%error, "jobs wait for the store");
                        tokio::time::sleep(STORE_PAUSE).await;
                    }
                }
            };
            tokio::select! {
                biased;
                () = stopping.cancelled() => return,
                () = pause => {}
            }
        }
    }

    /// One step of each job under way; answers how many there are.
    async fn round(&self, wake: &(impl Fn() + Send + Sync)) -> Result<usize, StoreError> {
        let running = self.0.parts.store.running_jobs().await?;
        for job in &running {
            match self.0.step(job).await {
                Err(error) if error.is_of_content() => self.0.give_up(job, &error).await?,
                stepped => stepped?,
            }
            self.tell();
            if !matches!(job.verb, Verb::Delete | Verb::Hold) {
                wake();
            }
        }
        Ok(running.len())
    }
}

impl Inner {
    /// Ends a job that damaged rows keep from going on, so that the others do.
    async fn give_up(&self, job: &Job, error: &StoreError) -> Result<(), StoreError> {
        tracing::error!(job.id = job.id.0, %error, "a job stops: something that is stored is damaged");
        let reason = "something that is stored is damaged: run postroom check".to_owned();
        let note = AuditNote::by(Actor::System);
        let parts = &self.parts;
        parts
            .store
            .end_job(job.id, JobEnd::Stopped(reason), &note, parts.clock.now())
            .await?;
        Ok(())
    }

    async fn step(&self, job: &Job) -> Result<(), StoreError> {
        let parts = &self.parts;
        // Before the rights are worked out: a change after this moment has the step left undone, and the next round
        // works them out anew.
        let rights = parts.store.rights_as_of().await?;
        let Some(who) = parts.authenticator.by_actor(job.owner).await? else {
            let reason = "whoever started it may not sign in any more".to_owned();
            let note = AuditNote::by(Actor::System);
            parts
                .store
                .end_job(job.id, JobEnd::Stopped(reason), &note, parts.clock.now())
                .await?;
            return Ok(());
        };
        let limit = if job.verb == Verb::Resend {
            RESEND_STEP
        } else {
            STEP
        };
        let mut picked = parts.store.pick(job, &who.authority, limit).await?;
        let Copies { resend, room } = if job.verb == Verb::Resend {
            self.copies(&who, &mut picked).await?
        } else {
            Copies::default()
        };
        let step = JobStep {
            job: job.id,
            from: job.cursor,
            picked,
            who: who.authority.clone(),
            rights,
            resend,
            enqueue: Enqueue {
                messages: Vec::new(),
                idempotency: None,
                slot: parts.intake.slot(),
                now: parts.clock.now(),
                audit: None,
            },
            note: who.note(),
        };
        // A job that was cancelled meanwhile answers false, and the next round does not see it any more; one whose
        // rights may have changed answers false, and the next round does the step with those of then.
        parts.store.step(step).await?;
        drop(room);
        Ok(())
    }

    /// The new messages of a resend: of those picked as many as fit in memory, the others are left for the next step.
    async fn copies(&self, who: &Principal, picked: &mut Picked) -> Result<Copies, StoreError> {
        let sender = self.parts.senders.principal(who).await?;
        let (mut copies, mut bytes) = (Copies::default(), 0);
        for &id in &picked.ids {
            let copy = self.copy(who, &sender, id).await.map(|(message, room)| {
                bytes += message.content.body.bytes.len();
                copies.room = room;
                message
            });
            copies.resend.push(copy);
            if copies.room.is_some() || bytes >= RESEND_BYTES_MAX {
                break;
            }
        }
        if copies.resend.len() < picked.ids.len() {
            picked.ids.truncate(copies.resend.len());
            picked.upto = picked.ids.last().copied().unwrap_or(picked.upto);
        }
        Ok(copies)
    }

    async fn copy(
        &self,
        who: &Principal,
        sender: &intake::Principal,
        id: MessageId,
    ) -> Result<(NewMessage, Option<Reservation>), NoResend> {
        let prepared = self
            .parts
            .intake
            .prepare_resend(sender, &who.authority.act, id)
            .await;
        match prepared {
            Ok(Prepared::Message(message, room)) => Ok((*message, room)),
            // The step looks at rights and state itself and has the exact words.
            Ok(Prepared::NotFound | Prepared::NotEnded(_) | Prepared::LiveLink) => Err(NoResend::NotFound),
            Ok(Prepared::ContentGone) => Err(NoResend::ContentGone),
            Err(refusal) => Err(NoResend::Refused(refusal)),
        }
    }
}
