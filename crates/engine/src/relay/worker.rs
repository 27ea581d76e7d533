//! One connection: takes jobs, keeps its session open between them, sends the next envelope with each dot.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use postroom_domain::{MessageId, RouteId};
use postroom_smtp::client::{
    AtDot, Connection, Connector, Outcome as Spoken, PipeliningUse, Session, Untried,
};
use tokio::time::Instant;

use super::feed::{Feed, Taken};
use super::pool::{OpenGuard, PoolParts, UNTRIED_MOST};
use crate::delivery::{Job, Judge, Judgement, Signal, given_back};
use crate::scheduler::RelayId;
use crate::settings::RelaySettings;

/// The end of a lease, told to the scheduler.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) relay: RelayId,
    pub(crate) route: RouteId,
    pub(crate) id: MessageId,
    pub(crate) signal: Signal,
}

/// Whether envelopes go with the dot of the message before; learnt from the relay, shared by its connections.
#[derive(Debug, Default)]
pub(crate) struct AheadLearnt(AtomicU8);

impl AheadLearnt {
    fn is_broken(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    fn set_broken(&self) {
        self.0.store(1, Ordering::Relaxed);
    }
}

/// A connection task.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) id: RelayId,
    pub(super) relay: Arc<RelaySettings>,
    pub(super) connector: Arc<Connector>,
    pub(super) feed: Arc<Feed>,
    pub(super) ahead: Arc<AheadLearnt>,
    pub(super) parts: PoolParts,
    pub(super) open: OpenGuard,
}

/// A session and how much it has carried.
struct Line {
    session: Session<Connection>,
    carried: u32,
}

impl Worker {
    /// Works until nothing came for the idle time, or the feed is closed.
    pub(super) async fn run(self) {
        let mut line = None;
        let mut current = None;
        loop {
            let job = match current.take() {
                Some(job) => job,
                None => match self.feed.take(self.relay.idle_timeout).await {
                    Taken::Job(job) => *job,
                    Taken::Idle | Taken::Closed => break,
                },
            };
            current = self.attempt(job, &mut line).await;
        }
        if let Some(Line { session, .. }) = line {
            session.quit().await;
        }
        drop(self.open);
    }

    /// Tries one job; answers the one whose envelope went with its dot, or the same one where it was not tried.
    async fn attempt(&self, job: Job, line: &mut Option<Line>) -> Option<Job> {
        let began = Instant::now();
        if line.as_ref().is_none_or(|l| !l.session.is_open()) {
            if self.feed.is_closed() {
                // A new connection would use settings that hold no more.
                self.finish(&job, given_back(&job)).await;
                return None;
            }
            match self.connector.connect().await {
                Ok(session) => *line = Some(Line { session, carried: 0 }),
                Err(error) => {
                    *line = None;
                    let judgement = self.judge(None).session_failed(&job, &error, began.elapsed());
                    self.finish(&job, judgement).await;
                    return None;
                }
            }
        }
        let Some(Line { session, carried }) = line.as_mut() else {
            return Some(job);
        };
        *carried += 1;
        let last = *carried >= self.relay.messages_per_connection;
        let mut next_job = None;
        let at_dot = || {
            next_job = if last || self.ahead.is_broken() {
                None
            } else {
                self.feed.try_take()
            };
            AtDot::Write {
                next: next_job.as_ref().map(|next| next.transaction.clone()),
            }
        };
        let delivery = session.deliver(&job.transaction, at_dot).await;
        let tls = session.tls().map(|tls| tls.version);
        if session.pipelining() != PipeliningUse::AcrossMessages || is_broken(&delivery.outcome) {
            self.ahead.set_broken();
        }
        let again = self.conclude(job, &delivery.outcome, tls, began.elapsed()).await;
        if last && let Some(Line { session, .. }) = line.take() {
            session.quit().await;
        }
        match (again, next_job) {
            (Some(again), Some(next)) => {
                for refused in self.feed.push(vec![next]).err().into_iter().flatten() {
                    self.finish(&refused, given_back(&refused)).await;
                }
                Some(again)
            }
            (again, next) => again.or(next),
        }
    }

    /// Writes down what became of a job; answers it where another session shall try it.
    async fn conclude(
        &self,
        mut job: Job,
        spoken: &Spoken,
        tls: Option<&'static str>,
        elapsed: Duration,
    ) -> Option<Job> {
        if matches!(spoken, Spoken::Untried(_)) && job.untried < UNTRIED_MOST {
            job.untried += 1;
            job.started_at = self.parts.clock.now();
            return Some(job);
        }
        let judgement = self.judge(tls).judge(&job, spoken, elapsed);
        self.finish(&job, judgement).await;
        None
    }

    async fn finish(&self, job: &Job, judgement: Judgement) {
        let Judgement { outcome, signal } = judgement;
        if let Signal::Failed(reply) = &signal {
            tracing::warn!(
                message.id = %job.lease.id, relay.name = self.relay.name, attempt = job.lease.attempts + 1,
                reply.code = reply.code, "the relay failed"
            );
        }
        // Written before it is told, so that a lease asked for in between never passes the recorder's bound.
        self.parts.recorder.record(&job.lease, outcome).await;
        let ended = Ended {
            relay: self.id,
            route: self.relay.route,
            id: job.lease.id,
            signal,
        };
        if self.parts.ended.send(ended).is_err() {
            tracing::debug!(message.id = %job.lease.id, "the scheduler has ended");
        }
    }

    fn judge<'a>(&'a self, tls: Option<&'a str>) -> Judge<'a> {
        Judge {
            schedule: &self.parts.schedule,
            relay: &self.relay.name,
            tls,
            now: self.parts.clock.now(),
            chance: self.parts.random.chance(),
        }
    }
}

fn is_broken(spoken: &Spoken) -> bool {
    matches!(spoken, Spoken::Untried(Untried::PipeliningBroken))
}
