//! One connection: takes jobs, keeps its session open between them, sends the next envelope with each dot.

mod conclude;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use postroom_domain::{MessageId, Progress, RouteId, Throttle, Timestamp, Witness};
use postroom_smtp::client::{
    Activity, AtDot, Connection, Outcome as Spoken, PipeliningUse, Session, SessionError, Transaction,
    Untried,
};
use tokio::time::Instant;

use super::account::Slot;
use super::feed::{Place, Taken};
use super::parts::PoolParts;
use super::pool::Pool;
use super::roster::Leave;
use crate::delivery::{BoxedJob, Judge, Judgement, LocalTrouble, Signal, limit_of, log_limit, untried};
use crate::scheduler::RelayId;

/// A wait that something else ends.
const UNBOUNDED: Duration = Duration::from_hours(24);

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
pub(super) struct AheadLearnt(AtomicBool);

impl AheadLearnt {
    fn is_broken(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn set_broken(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A connection task.
#[derive(Debug)]
pub(super) struct Worker {
    pool: Arc<Pool>,
    place: Place,
}

/// A session and how much it has carried.
struct Line {
    session: Session<Connection>,
    carried: u32,
    slot: Slot,
}

impl Line {
    /// Counts a message that it carries now.
    fn begins(&mut self, job: &BoxedJob) {
        self.carried += 1;
        self.slot.carries(job.transaction.progress.clone());
    }

    /// Ends the session; until the relay has answered, the connection counts as one.
    async fn quit(self, now: Timestamp) {
        self.slot.closes(now);
        if self.session.quit().await.is_some_and(|said| said.is_success()) {
            self.slot.closed();
        }
    }
}

/// What a connection does after a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// Takes the next.
    Next,
    /// Ends: the relay takes fewer connections.
    Leave,
}

/// What a transaction came to.
struct Said<'a> {
    outcome: &'a Spoken,
    tls: Option<&'static str>,
    elapsed: Duration,
}

impl Worker {
    /// Makes a worker for a place that is taken.
    pub(super) fn new(place: Place) -> Self {
        Self {
            pool: Arc::clone(place.pool()),
            place,
        }
    }

    /// Works until nothing came for the idle time, the feed is closed, or the relay takes fewer connections. Whatever else
    /// ends the task, its leases and its place are given up by their own drop.
    pub(super) async fn run(mut self) {
        let mut line = None;
        // What this connection does next: an envelope that went ahead, or the rest of a message's recipients.
        let mut own = VecDeque::new();
        loop {
            let job = match own.pop_front() {
                Some(job) => job,
                None => match self.next_job(&mut line).await {
                    Some(job) => job,
                    None => return,
                },
            };
            if self.attempt(job, &mut line, &mut own).await == Flow::Leave {
                own.extend(self.place.retire());
                give_back(own).await;
                return;
            }
        }
    }

    /// Takes the next job; `None` once the place is given up, which nothing but the last look at the jobs does.
    async fn next_job(&mut self, line: &mut Option<Line>) -> Option<BoxedJob> {
        loop {
            if let Taken::Job(job) = self.place.take(self.pool.relay.idle_timeout).await {
                return Some(job);
            }
            if let Some(job) = self.quit(line).await {
                return Some(job);
            }
            if self.place.leave() == Leave::Left {
                return None;
            }
        }
    }

    /// Ends the session. A job that comes while the relay has not answered QUIT ends the wait: the place is wanted.
    async fn quit(&mut self, line: &mut Option<Line>) -> Option<BoxedJob> {
        let mut quit = Box::pin(line.take()?.quit(self.now()));
        let taken = tokio::select! {
            biased;
            () = &mut quit => return None,
            taken = self.place.take(UNBOUNDED) => taken,
        };
        match taken {
            Taken::Job(job) => {
                self.parts().spawn(quit);
                Some(job)
            }
            Taken::Idle | Taken::Closed => {
                quit.await;
                None
            }
        }
    }

    /// Tries one job; what is to follow on this connection is in `own` then.
    async fn attempt(
        &mut self,
        job: BoxedJob,
        line: &mut Option<Line>,
        own: &mut VecDeque<BoxedJob>,
    ) -> Flow {
        let began = Instant::now();
        let mut job = match self.open_session(job, line, began).await {
            Ok(job) => job,
            Err(flow) => return flow,
        };
        let Some(open) = line.as_mut() else {
            own.push_front(job);
            return Flow::Next;
        };
        let account = &self.pool.account;
        limit(&mut job, open, account.recipients());
        open.begins(&job);
        let most = self.pool.relay.messages_per_connection;
        let last = open.carried >= account.messages(open.carried, most, self.now());
        let ahead = Ahead::default();
        let at_dot = || {
            let goes_ahead = !last && !self.pool.ahead.is_broken() && !job.has_rest();
            let next = goes_ahead.then(|| own.pop_front().or_else(|| self.pool.feed.roster().take_spare()));
            let mut next = next.flatten();
            if let Some(next) = &mut next {
                next.limit_recipients(account.recipients());
            }
            AtDot::Write {
                next: ahead.put(next),
            }
        };
        let pace = self.pool.parts.pace;
        let mut silence = Silence::new(open.session.activity().clone());
        let delivery = {
            let delivering = open.session.deliver(&job.transaction, at_dot);
            tokio::pin!(delivering);
            loop {
                tokio::select! {
                    biased;
                    delivery = &mut delivering => break delivery,
                    () = tokio::time::sleep(pace.take_back_after) => {
                        ahead.pass_on(&self.pool);
                        match silence.lasts() {
                            lasts if lasts >= pace.silent_after => self.place.fell_silent(),
                            _ => self.place.not_silent(),
                        }
                    }
                }
            }
        };
        self.place.not_silent();
        if matches!(delivery.outcome, Spoken::Finished(_)) {
            self.place.answered();
        }
        let next_job = ahead.take();
        let passed_on = delivery.next.is_some() && next_job.is_none();
        if open.session.pipelining() != PipeliningUse::AcrossMessages || is_broken(&delivery.outcome) {
            self.pool.ahead.set_broken();
        }
        own.extend(next_job);
        let said = Said {
            outcome: &delivery.outcome,
            tls: open.session.tls().map(|tls| tls.version),
            elapsed: began.elapsed(),
        };
        let flow = self.conclude(job, &said, line, own).await;
        if passed_on {
            // The relay waits for the content of a message that another connection carries: it must see none, and no
            // command, which it would take for content. What it has is an envelope without an end, and it forgets that.
            *line = None;
        }
        if last && flow == Flow::Next {
            self.change_session(line, own).await;
        }
        flow
    }

    /// Ends a session that has carried its messages. Behind its last one none goes ahead.
    async fn change_session(&mut self, line: &mut Option<Line>, own: &mut VecDeque<BoxedJob>) {
        if own.is_empty() {
            own.extend(self.quit(line).await);
        } else if let Some(line) = line.take() {
            self.parts().spawn(line.quit(self.now()));
        }
    }

    /// Opens a session for a job where none is open; where none comes about, the job is done with.
    async fn open_session(
        &self,
        job: BoxedJob,
        line: &mut Option<Line>,
        began: Instant,
    ) -> Result<BoxedJob, Flow> {
        if line.as_ref().is_some_and(|line| line.session.is_open()) {
            return Ok(job);
        }
        *line = None;
        if self.pool.feed.roster().is_closed() {
            // A new connection would use settings that hold no more.
            job.lease.give_back().await;
            return Err(Flow::Next);
        }
        let slot = self.pool.account.connect(self.pool.id);
        let error = match self.pool.connector.connect().await {
            Ok(session) => {
                slot.answered(self.now());
                *line = Some(Line {
                    session,
                    carried: 0,
                    slot,
                });
                return Ok(job);
            }
            Err(error) => error,
        };
        let local = LocalTrouble::of(&error);
        let limit = match local {
            Some(_) => None,
            None => self.limit_of(&error, &slot).await,
        };
        let Some(throttle) = limit else {
            let judgement = match local {
                Some(trouble) => Judgement {
                    signal: Signal::Local(trouble),
                    ..untried(&job.lease)
                },
                None => {
                    if slot.witness(self.now()) != Witness::OtherSessions && !slot.others_are_open() {
                        self.pool.account.nothing_works();
                    }
                    self.judge(None).session_failed(&job, &error, began.elapsed())
                }
            };
            drop(slot);
            self.finish(job, judgement).await;
            return Err(Flow::Next);
        };
        log_limit(&self.pool.relay.name, throttle, error.reply());
        if throttle == Throttle::Connections {
            slot.refused(self.now());
        } else {
            self.pool.account.refused(throttle, 0, self.now());
            give_back(self.pool.drain()).await;
        }
        job.lease.give_back().await;
        Err(Flow::Leave)
    }

    /// The limit that keeps a session from opening, if it is one. Where that depends on whether the relay works, those that
    /// open at the same time are waited for.
    async fn limit_of(&self, error: &SessionError, slot: &Slot) -> Option<Throttle> {
        let others = slot.others(self.now());
        let limit = |witness| {
            let progress = Progress {
                witness,
                others,
                ..Progress::default()
            };
            limit_of(error, progress)
        };
        if let Some(known) = limit(slot.witness(self.now())) {
            return Some(known);
        }
        limit(Witness::OtherSessions)?;
        slot.failed_to_open(self.now()).await;
        limit(slot.witness(self.now()))
    }

    async fn finish(&self, job: BoxedJob, judgement: Judgement) {
        if let Signal::Failed(failure) = &judgement.signal {
            tracing::warn!(
                message.id = %job.lease.id, relay.name = self.pool.relay.name, attempt = job.lease.attempts + 1,
                reply.code = failure.reply.code, "the relay failed"
            );
        }
        job.lease.finish(judgement).await;
    }

    fn now(&self) -> Timestamp {
        self.parts().clock.now()
    }

    fn parts(&self) -> &PoolParts {
        &self.pool.parts
    }

    fn judge<'a>(&'a self, tls: Option<&'a str>) -> Judge<'a> {
        let parts = self.parts();
        Judge {
            schedule: &parts.schedule,
            relay: &self.pool.relay.name,
            tls,
            now: parts.clock.now(),
            chance: parts.random.chance(),
        }
    }
}

/// How long nothing has moved on a connection.
struct Silence {
    activity: Activity,
    octets: u64,
    since: Instant,
}

impl Silence {
    fn new(activity: Activity) -> Self {
        Self {
            octets: activity.octets(),
            activity,
            since: Instant::now(),
        }
    }

    fn lasts(&mut self) -> Duration {
        let octets = self.activity.octets();
        if octets != self.octets {
            self.octets = octets;
            self.since = Instant::now();
        }
        self.since.elapsed()
    }
}

/// The message whose envelope went ahead with a dot, while the relay has not answered that dot.
///
/// Nothing of its content is on the wire before the dot's answer is read, so until then it can be taken back and given to
/// another connection: the relay may at most have accepted MAIL, RCPT and DATA, and a transaction whose content never
/// comes is no message (RFC 5321 §4.1.1.4). The connection is closed behind the dot's answer, for after DATA there is no
/// other way to end that transaction. So the message is handed over once, and the one before it keeps its answer.
#[derive(Debug, Default)]
struct Ahead(Mutex<Option<BoxedJob>>);

impl Ahead {
    fn job(&self) -> MutexGuard<'_, Option<BoxedJob>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a job whose envelope goes ahead; returns its transaction.
    fn put(&self, job: Option<BoxedJob>) -> Option<Transaction> {
        let transaction = job.as_ref().map(|job| job.transaction.clone());
        *self.job() = job;
        transaction
    }

    fn take(&self) -> Option<BoxedJob> {
        self.job().take()
    }

    /// Gives the job to another connection, if one is free for it.
    fn pass_on(&self, pool: &Arc<Pool>) {
        let mut kept = self.job();
        if let Some(job) = kept.take() {
            *kept = pool.pass_on(job).err();
        }
    }
}

/// Leaves recipients over the relay's limit for a further transaction, unless the envelope is on the wire already.
fn limit(job: &mut BoxedJob, open: &Line, recipients: usize) {
    if !open.session.has_sent(job.transaction.id) {
        job.limit_recipients(recipients);
    }
}

async fn give_back(jobs: impl IntoIterator<Item = BoxedJob>) {
    for job in jobs {
        job.lease.give_back().await;
    }
}

fn is_broken(spoken: &Spoken) -> bool {
    matches!(spoken, Spoken::Untried(Untried::PipeliningBroken))
}
