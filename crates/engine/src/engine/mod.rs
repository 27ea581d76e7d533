//! The thin loop around the scheduler: does what a step says, tells it what came of that.

mod clock;
mod expiry;
mod handle;
mod leasing;
mod loading;
mod pools;
mod stop;

use std::sync::Arc;
use std::time::Duration;

use postroom_domain::health::HealthEdge;
use postroom_domain::{MessageId, RouteId, Timestamp};
use postroom_store::{
    ChangeKind, ChangeSet, Exhaust, NodeLease, Promote, Revive, Store, StoreError, WaitingMail,
};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use clock::Followed;
use expiry::Expiries;
pub use handle::{EngineHandle, RelayError, StartError};
use leasing::LeaseTimes;
use pools::{Pools, Prepared};
use stop::step_takes_too_long;

use crate::counters::Counters;
use crate::delivery::Signal;
use crate::relay::{Edges, Ended, LimitsWriter, Looks, PoolParts};
use crate::scheduler::{Scheduler, SeekProbe, Step};
use crate::settings::{Pace, Sending};
use crate::status::{EngineStatus, Place, RelayStatus};

/// What the engine is told while it runs.
#[derive(Debug)]
enum Command {
    Wake,
    TryNow,
    SetSending(Sending),
    SetRoute(RouteId, Vec<Prepared>),
}

struct Engine {
    store: Arc<dyn Store>,
    node: NodeLease,
    scheduler: Scheduler,
    pools: Pools,
    parts: Arc<PoolParts>,
    changes: broadcast::Receiver<Arc<ChangeSet>>,
    ended: mpsc::UnboundedReceiver<Ended>,
    commands: mpsc::UnboundedReceiver<Command>,
    status: watch::Sender<EngineStatus>,
    recording: JoinHandle<()>,
    counters: Arc<Counters>,
    edges: Edges,
    telling: JoinHandle<()>,
    limits: LimitsWriter,
    writing_limits: JoinHandle<()>,
    stop_timeout: Duration,
    pace: Pace,
    /// Routes whose relay came Up, whose deferred mail is being made due: behind which message to go on.
    revivals: Vec<(RouteId, Option<MessageId>)>,
    /// Mail that is being failed because it found no relay in time.
    expiries: Expiries,
    /// When it leased, and which answers it never got.
    lease_times: LeaseTimes,
    /// When this node was last recorded as seen.
    seen_at: Timestamp,
    /// How far the clock has been followed that somebody set.
    followed: Followed,
}

impl Engine {
    async fn run(mut self, stop: CancellationToken) {
        let stop_timeout = self.stop_timeout;
        tokio::select! {
            biased;
            () = self.work(&stop) => {}
            () = step_takes_too_long(&stop, stop_timeout) => {}
        }
        self.wind_up().await;
    }

    async fn work(&mut self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            self.take_in();
            let followed = self.follow_clock().await;
            let now = self.now();
            let step = self.scheduler.step(now);
            let done = match followed {
                Ok(()) => self.perform(step, now).await,
                Err(error) => Err(error),
            };
            let more = match done {
                Ok(more) => more,
                Err(error) => {
                    tracing::warn!(error = %error, "the queue cannot be read; trying again");
                    pause(stop, self.pace.store_retry).await;
                    // What the step did not come to is still to be done, and nothing else would say so.
                    let now = self.now();
                    self.scheduler.not_done(now);
                    true
                }
            };
            self.publish(now);
            if !more {
                self.wait(stop).await;
            }
        }
    }

    /// Waits for something to happen, or for the first time that something waits for.
    async fn wait(&mut self, stop: &CancellationToken) {
        let (now, reading) = (self.now(), self.parts.clock.monotonic());
        let longest = self.scheduler.wake_at(now).since(now).min(self.pace.look_every);
        let longest = self
            .followed
            .due_in(reading)
            .map_or(longest, |due| due.min(longest));
        let wake = Instant::now() + longest;
        loop {
            let seen = self.unseen_for();
            let rest = wake.saturating_duration_since(Instant::now());
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                Some(ended) = self.ended.recv() => return self.lease_ended(&ended),
                change = self.changes.recv() => return self.changed(change),
                Some(command) = self.commands.recv() => return self.obey(command),
                () = tokio::time::sleep(rest.min(seen)) => {}
            }
            // Nothing else is done then: what a timer forgets does not go with the heartbeat.
            let has_moved = self.followed.is_behind(&*self.parts.clock);
            if rest <= seen || has_moved {
                return;
            }
            let now = self.now();
            if self.be_seen(now).await.is_err() {
                return;
            }
        }
    }

    /// How long until the node is to be recorded as seen.
    fn unseen_for(&mut self) -> Duration {
        let every = self.pace.heartbeat_every;
        let now = self.now();
        every.saturating_sub(now.since(self.seen_at))
    }

    /// Takes in everything that has happened, without waiting.
    fn take_in(&mut self) {
        while let Ok(ended) = self.ended.try_recv() {
            self.lease_ended(&ended);
        }
        while let Ok(command) = self.commands.try_recv() {
            self.obey(command);
        }
        loop {
            match self.changes.try_recv() {
                Ok(change) => self.changed(Ok(change)),
                Err(broadcast::error::TryRecvError::Lagged(_)) => self.missed_changes(),
                Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => return,
            }
        }
    }

    fn changed(&mut self, change: Result<Arc<ChangeSet>, broadcast::error::RecvError>) {
        let Ok(set) = change else {
            return self.missed_changes();
        };
        if !set.try_now.is_empty() {
            self.try_now(|route| set.try_now.contains(&route));
        }
        if let Some(at) = set.due_at {
            self.scheduler.falls_due(at, &set.deferred);
        }
        if let Some(at) = set.settle_at {
            self.scheduler.settles_at(at);
        }
        self.scheduler.mail_returned(&set.ready);
        if set.changes.iter().any(|change| change.kind == ChangeKind::Added) {
            self.scheduler.mail_arrived();
        }
    }

    /// Changes came faster than they were looked at: anything may have changed.
    fn missed_changes(&mut self) {
        let now = self.now();
        self.scheduler.missed_changes(now);
    }

    /// Has relays of these routes probed that are Down: somebody wants their mail tried.
    fn try_now(&mut self, routes: impl Fn(RouteId) -> bool) {
        let now = self.now();
        self.scheduler.try_now(routes, now);
    }

    fn obey(&mut self, command: Command) {
        let now = self.now();
        match command {
            Command::Wake => self.scheduler.look_anew(now),
            Command::TryNow => self.try_now(|_| true),
            Command::SetSending(sending) => {
                if sending == Sending::Paused {
                    self.expiries.end_all();
                }
                self.scheduler.set_sending(sending, now);
            }
            Command::SetRoute(route, relays) => {
                // New settings may be the cure: nothing fails before a message has tried them.
                self.expiries.end(route);
                if relays.is_empty() {
                    self.pools.remove(route);
                    self.scheduler.remove_route(route);
                } else {
                    let limits = self.pools.set(route, relays);
                    self.scheduler.set_route(route, &limits, now);
                }
            }
        }
    }

    /// Does what a step says; answers whether to step again at once.
    async fn perform(&mut self, step: Step, now: Timestamp) -> Result<bool, StoreError> {
        self.return_unanswered(now).await?;
        let mut more = self.revive(now).await?;
        for seek in step.seek_probe {
            more |= self.seek_probe(seek, now).await?;
        }
        if step.settle {
            // Before leases and after what came in: held mail of a new day goes before the day's new mail.
            let settled = self.store.settle(now).await?;
            self.scheduler.settled(settled, now);
            more |= settled.more;
        }
        if let Some(blocked) = step.promote {
            let promoted = self
                .store
                .promote(Promote {
                    now,
                    blocked,
                    limit: self.pace.step,
                })
                .await?;
            self.scheduler.promoted(promoted, now);
            more |= promoted.moved > 0;
        }
        for (route, since_before, reply) in step.exhaust {
            let expired = Exhaust {
                route,
                after: None,
                since_before,
                reply,
                now,
            };
            self.expiries
                .begin(expired, &self.store, &self.counters, &self.parts);
        }
        self.be_seen(now).await?;
        if !step.grants.is_empty() {
            self.lease(step.grants, now).await?;
        }
        Ok(more)
    }

    /// Records once in a while that the node runs: a later start knows by it for how long none did.
    async fn be_seen(&mut self, now: Timestamp) -> Result<(), StoreError> {
        if now.since(self.seen_at) >= self.pace.heartbeat_every || now < self.seen_at {
            let paused = self.scheduler.paused_for(now);
            self.store.heartbeat(self.node, now, paused).await?;
            self.scheduler.pause_recorded();
            self.seen_at = now;
        }
        Ok(())
    }

    /// Makes a deferred message due for a probe, the first behind the last one's or the first of all; answers whether
    /// there was one.
    async fn seek_probe(&mut self, seek: SeekProbe, now: Timestamp) -> Result<bool, StoreError> {
        let one = |after| Revive {
            route: seek.route,
            after,
            not_of: seek.not_of,
            attempts_below: seek.attempts_below,
            since_before: seek.since_before,
            limit: 1,
            now,
        };
        let mut found = self.store.revive(one(seek.behind)).await?;
        if found.is_none() && seek.behind.is_some() {
            found = self.store.revive(one(None)).await?;
        }
        if found.is_some() {
            self.scheduler.look_anew(now);
        }
        Ok(found.is_some())
    }

    /// Makes some of the mail due that waits for a relay which is Up again (D4); answers whether there was any to do.
    async fn revive(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        let Some(&(route, after)) = self.revivals.last() else {
            return Ok(false);
        };
        let revive = Revive {
            route,
            after,
            not_of: None,
            attempts_below: u32::MAX,
            since_before: None,
            limit: self.pace.step,
            now,
        };
        let last = self.store.revive(revive).await?;
        self.revivals.pop();
        if last.is_some() {
            self.revivals.push((route, last));
        }
        self.scheduler.look_anew(now);
        Ok(true)
    }

    fn lease_ended(&mut self, ended: &Ended) {
        let now = self.now();
        let chance = self.parts.random.chance();
        let was_refused = self.scheduler.refusal(ended.relay).is_some();
        let edge = self
            .scheduler
            .ended(ended.relay, ended.id, &ended.signal, now, chance);
        if !was_refused {
            self.tell_refused(ended, now);
        }
        if matches!(ended.signal, Signal::Local(_)) {
            // What no connection has taken would only find the same.
            self.pools.drain(ended.relay);
        }
        if let Some(edge) = &edge {
            self.tell(ended, edge);
        }
        match edge {
            Some(HealthEdge::WentDown { error, .. }) => {
                tracing::warn!(route = %ended.route, reply.code = error.code, "the relay is Down");
                // What no connection has taken goes back: a relay that is Down costs it nothing.
                self.pools.drain(ended.relay);
                if !self.scheduler.is_served(ended.route) {
                    self.revivals.retain(|&(route, _)| route != ended.route);
                }
            }
            Some(HealthEdge::CameUp { down_since, at }) => {
                let outage_s = at.since(down_since).as_secs();
                tracing::info!(route = %ended.route, outage_s, "the relay is Up again");
                self.expiries.end(ended.route);
                self.revivals.push((ended.route, None));
            }
            None => {}
        }
    }

    /// Has an edge written down, which raises the alert.
    fn tell(&self, ended: &Ended, edge: &HealthEdge) {
        let place = self.pools.place(ended.route, ended.relay);
        if let (Some(place), Some(pool)) = (place, self.pools.get(ended.relay)) {
            let mail = if self.scheduler.is_served(ended.route) {
                WaitingMail::GoesElsewhere
            } else {
                WaitingMail::Waits
            };
            let name = &pool.relay().name;
            self.edges.tell((ended.route, place), name, edge, mail);
        }
    }

    /// Has it written down that connections to a relay are not allowed, where they are not, which raises the alert.
    fn tell_refused(&self, ended: &Ended, now: Timestamp) {
        let place = self.pools.place(ended.route, ended.relay);
        if let (Some((_, why)), Some(place), Some(pool)) = (
            self.scheduler.refusal(ended.relay),
            place,
            self.pools.get(ended.relay),
        ) {
            let name = &pool.relay().name;
            self.edges.tell_refused((ended.route, place), name, why, now);
        }
    }

    fn publish(&mut self, now: Timestamp) {
        for account in self.pools.accounts() {
            self.limits.look(account, now, Looks::Again);
        }
        let relays = self.scheduler.health().filter_map(|(route, id, health)| {
            let pool = self.pools.get(id)?;
            let refusal = self.scheduler.refusal(id);
            // Somebody has to do something about a refusal, whatever was wrong before.
            let said = refusal.map(|(_, why)| why).or_else(|| health.last_error());
            Some(RelayStatus {
                route,
                place: match self.pools.place(route, id)? {
                    0 => Place::First,
                    _ => Place::Second,
                },
                name: pool.relay().name.clone(),
                address: pool.relay().session.address.to_string(),
                state: health.state(),
                since: health.since(),
                last_error: said.or_else(|| self.scheduler.local_trouble(id)).cloned(),
                refused_since: refusal.map(|(since, _)| since),
                next_probe_at: health.next_probe_at(),
                unserved: self.scheduler.unserved(id),
                full_load_at: health.full_load_at(),
                connections: pool.open(),
                limits: pool.account().values(),
                paused_until: pool.account().paused_until(now),
            })
        });
        let status = EngineStatus {
            relays: relays.collect(),
        };
        self.status.send_if_modified(|kept| {
            let differs = *kept != status;
            if differs {
                *kept = status;
            }
            differs
        });
    }
}

async fn pause(stop: &CancellationToken, duration: Duration) {
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        () = tokio::time::sleep(duration) => {}
    }
}
