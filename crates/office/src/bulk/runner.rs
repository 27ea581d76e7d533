//! Does the jobs that are kept, one step of each in turn, with the rights that their owners have at that moment.

use std::time::Duration;

use postroom_domain::MessageId;
use postroom_engine::intake::{self, Prepared};
use postroom_store::{
    Actor, AuditNote, Enqueue, Job, JobEnd, JobStep, NewMessage, NoResend, Picked, StoreError, Verb,
};
use tokio_util::sync::CancellationToken;

use super::{Inner, Jobs};
use crate::principal::Principal;

/// Messages of a step.
const STEP: u32 = 256;
/// Messages of a step that copies their content: a few MiB at a time.
const RESEND_STEP: u32 = 16;
/// Pause after the store could not answer.
const STORE_PAUSE: Duration = Duration::from_secs(1);

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
        let picked = parts.store.pick(job, &who.authority, limit).await?;
        let resend = if job.verb == Verb::Resend {
            self.letters(&who, &picked).await?
        } else {
            Vec::new()
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
        Ok(())
    }

    /// The new messages of a resend.
    async fn letters(
        &self,
        who: &Principal,
        picked: &Picked,
    ) -> Result<Vec<Result<NewMessage, NoResend>>, StoreError> {
        let sender = self.parts.senders.principal(who).await?;
        let mut letters = Vec::with_capacity(picked.ids.len());
        for &id in &picked.ids {
            letters.push(self.letter(who, &sender, id).await);
        }
        Ok(letters)
    }

    async fn letter(
        &self,
        who: &Principal,
        sender: &intake::Principal,
        id: MessageId,
    ) -> Result<NewMessage, NoResend> {
        let prepared = self
            .parts
            .intake
            .prepare_resend(sender, &who.authority.act, id)
            .await;
        match prepared {
            Ok(Prepared::Message(message)) => Ok(*message),
            // The step looks at rights and state itself and has the exact words.
            Ok(Prepared::NotFound | Prepared::NotEnded(_)) => Err(NoResend::NotFound),
            Ok(Prepared::ContentGone) => Err(NoResend::ContentGone),
            Err(refusal) => Err(NoResend::Refused(refusal)),
        }
    }
}
