//! Actions on all that match a filter (SPEC C4): started, done in steps, watched, cancelled.

mod runner;

use std::fmt;
use std::sync::Arc;

use postroom_domain::Clock;
use postroom_engine::intake::Intake;
use postroom_store::{Forecast, Job, JobEnd, JobId, JobState, NewJob, Store, StoreError, Verb, Which};
use tokio::sync::{Notify, watch};

use crate::authenticator::Authenticator;
use crate::principal::Principal;
use crate::sending::Senders;

/// What jobs work with.
#[derive(Clone)]
pub struct JobParts {
    /// Where mail and jobs are kept.
    pub store: Arc<dyn Store>,
    /// Knows what a job's owner may do now.
    pub authenticator: Arc<Authenticator>,
    /// Knows as whom they may send.
    pub senders: Arc<Senders>,
    /// Makes the new messages of a resend.
    pub intake: Intake,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Starts jobs and tells of their progress; cheap to clone.
#[derive(Clone)]
pub struct Jobs(Arc<Inner>);

struct Inner {
    parts: JobParts,
    started: Notify,
    progress: watch::Sender<u64>,
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs").finish_non_exhaustive()
    }
}

impl Jobs {
    /// Works on these parts; [`Jobs::run`] does the work.
    pub fn new(parts: JobParts) -> Self {
        Self(Arc::new(Inner {
            parts,
            started: Notify::new(),
            progress: watch::Sender::new(0),
        }))
    }

    /// Starts a job that does `verb` to what a forecast has counted.
    ///
    /// # Errors
    /// [`StoreError::TooMuch`] where its owner has ten jobs under way, and those of the store.
    pub async fn start(
        &self,
        who: &Principal,
        verb: Verb,
        which: Which,
        forecast: &Forecast,
    ) -> Result<JobId, StoreError> {
        let parts = &self.0.parts;
        let job = NewJob {
            owner: who.note().actor,
            office: who.office_id(),
            verb,
            which,
            as_of: forecast.as_of,
            total: forecast.total(),
            now: parts.clock.now(),
        };
        let id = parts.store.start_job(job).await?;
        self.tell();
        self.0.started.notify_one();
        Ok(id)
    }

    /// Waits until a job has ended and answers it as it is then; `None` where it is gone.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn ended(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        let mut progress = self.watch();
        loop {
            progress.borrow_and_update();
            match self.0.parts.store.job(id).await? {
                Some(job) if job.state == JobState::Running => {}
                other => return Ok(other),
            }
            if progress.changed().await.is_err() {
                return Ok(None);
            }
        }
    }

    /// Cancels a job; what was done stays done. `false` where it had ended.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn cancel(&self, who: &Principal, id: JobId) -> Result<bool, StoreError> {
        let parts = &self.0.parts;
        let ended = parts
            .store
            .end_job(id, JobEnd::Cancelled, &who.note(), parts.clock.now())
            .await?;
        self.tell();
        Ok(ended)
    }

    /// Changes whenever a job has started, gone on or ended.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.0.progress.subscribe()
    }

    fn tell(&self) {
        self.0.progress.send_modify(|n| *n = n.wrapping_add(1));
    }
}
