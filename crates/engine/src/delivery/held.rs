//! A lease in this process's hands. It ends in one of two ways, and in no third:
//!
//! | how | outcome |
//! | --- | --- |
//! | [`HeldLease::finish`] | as judged |
//! | dropped, because its task died: no octet of content was written | given back untried; the second time, deferred |
//! | dropped: content began to leave, by DATA or BDAT | `uncertain`, which counts |
//!
//! Either way the next lease has a new generation, so that nothing of this one counts any more.

use std::ops::Deref;
use std::sync::Arc;

use postroom_smtp::client::Progress;
use postroom_store::{AttemptResult, Leased, Outcome};

use super::judge::{Judge, Judgement, Signal, untried};
use crate::relay::{Ended, PoolParts};
use crate::scheduler::RelayId;
use crate::settings::RelaySettings;

/// What the attempt log says of an attempt whose task died with the content under way.
const CUT_OFF: &str = "Postroom stopped working on this attempt while the message was being sent, so it is not known \
                       whether the relay took it; it is tried again under the same Message-ID";
/// What it says where tasks die again and again before any content leaves.
const FAILED_INSIDE: &str = "Postroom failed repeatedly while it prepared this message";

/// A lease that this process has to end.
#[derive(Debug)]
pub(crate) struct HeldLease {
    lease: Leased,
    relay: (RelayId, Arc<RelaySettings>),
    parts: Arc<PoolParts>,
    /// The recipients under way, and how far the content has come.
    recipients: Vec<u16>,
    progress: Progress,
    /// What became of it, once that is known.
    judgement: Option<Judgement>,
    ended: bool,
}

impl Deref for HeldLease {
    type Target = Leased;

    fn deref(&self) -> &Leased {
        &self.lease
    }
}

impl HeldLease {
    /// Takes a lease into hand, for a relay.
    pub(crate) fn new(lease: Leased, relay: (RelayId, Arc<RelaySettings>), parts: Arc<PoolParts>) -> Self {
        Self {
            lease,
            relay,
            parts,
            recipients: Vec::new(),
            progress: Progress::default(),
            judgement: None,
            ended: false,
        }
    }

    /// Notes who is to get the message in the transaction that comes; returns what the session marks when content begins to
    /// leave.
    pub(crate) fn carries(&mut self, recipients: &[u16]) -> Progress {
        recipients.clone_into(&mut self.recipients);
        self.progress = Progress::default();
        self.progress.clone()
    }

    /// Ends the lease: writes down what became of it, then tells the scheduler, so that a lease asked for in between
    /// never passes the recorder's bound.
    pub(crate) async fn finish(mut self, judgement: Judgement) {
        self.judgement = Some(judgement);
        let parts = Arc::clone(&self.parts);
        if let Some(room) = parts.recorder.room().await
            && let Some(Judgement { outcome, signal }) = self.judgement.take()
        {
            self.ended = true;
            room.record(&self.lease, outcome);
            self.tell(signal);
        }
    }

    /// Writes down what was accepted so far of an attempt that goes on.
    pub(crate) async fn record_part(&self, outcome: Outcome) {
        if let Some(room) = self.parts.recorder.room().await {
            room.record(&self.lease, outcome);
        }
    }

    /// Ends the lease without an attempt and at no cost.
    pub(crate) async fn give_back(self) {
        let judgement = untried(&self.lease);
        self.finish(judgement).await;
    }

    fn tell(&self, signal: Signal) {
        let ended = Ended {
            relay: self.relay.0,
            route: self.relay.1.route,
            id: self.lease.id,
            signal,
        };
        if self.parts.ended.send(ended).is_err() {
            tracing::debug!(message.id = %self.lease.id, "the scheduler has ended");
        }
    }

    /// What is known of a lease whose task died.
    fn lost(&self) -> Outcome {
        let (result, text) = if self.progress.content_began() {
            (AttemptResult::Uncertain, CUT_OFF)
        } else if self.parts.life.cut_off.is_cancelled() || self.parts.life.lost.is_first(self.lease.id) {
            return untried(&self.lease).outcome;
        } else {
            (AttemptResult::Deferred, FAILED_INSIDE)
        };
        let judge = Judge {
            schedule: &self.parts.schedule,
            relay: &self.relay.1.name,
            tls: None,
            now: self.parts.clock.now(),
            chance: self.parts.random.chance(),
        };
        judge.cut_off(&self.lease, &self.recipients, result, text)
    }
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let Judgement { outcome, signal } = self.judgement.take().unwrap_or_else(|| {
            let outcome = self.lost();
            let uncertain = outcome.attempt.is_some();
            if self.parts.life.cut_off.is_cancelled() {
                tracing::warn!(message.id = %self.lease.id, uncertain, "the stop cut an attempt off");
            } else {
                tracing::error!(
                    message.id = %self.lease.id, relay.name = self.relay.1.name, uncertain,
                    "the task of a message ended; its lease is returned"
                );
                self.parts.counters.lost_lease();
            }
            Judgement {
                outcome,
                signal: Signal::Untried,
            }
        });
        self.parts.recorder.record_now(&self.lease, outcome);
        self.tell(signal);
    }
}
