//! Reads what leased messages need, within the budget of content in memory, and hands it to a relay's connections.
//!
//! Small messages are loaded together, large ones one by one as room comes free. A message that finds none in time, or
//! whose relay's mail is taken back meanwhile, goes back to its lane untried and at no cost.

use std::collections::HashMap;
use std::sync::Arc;

use postroom_domain::{Damage, MessageId};
use postroom_store::{Deliverable, Loaded, Store, StoreError};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::budget::{LOAD_WAIT_MAX, NoRoom, OUTGOING_SMALL_BYTES, OUTGOING_TOGETHER_MAX, Reservation};
use crate::delivery::{BoxedJob, HeldLease, JobRoom, Judgement, Signal, ended_damaged, prepare};
use crate::relay::{Pool, PoolParts, Ticket};

/// Gives messages back that no connection will take, at no cost.
pub(super) async fn give_back(jobs: Vec<BoxedJob>) {
    for job in jobs {
        job.lease.give_back().await;
    }
}

/// Leased messages on their way to a relay's connections.
pub(super) struct Loading {
    pub(super) store: Arc<dyn Store>,
    pub(super) pool: Arc<Pool>,
    pub(super) parts: Arc<PoolParts>,
    pub(super) allowed: u32,
    /// The pool as it was when they set out.
    pub(super) ticket: Ticket,
    /// Changes when the pool's mail is taken back.
    pub(super) recalled: watch::Receiver<()>,
}

impl Loading {
    pub(super) async fn run(mut self, mut leases: Vec<HeldLease>) {
        let deadline = Instant::now() + LOAD_WAIT_MAX;
        let mut large = Vec::new();
        while !leases.is_empty() {
            let rest = leases.split_off(leases.len().min(OUTGOING_TOGETHER_MAX));
            let together = std::mem::replace(&mut leases, rest);
            self.load_small(together, deadline, &mut large).await;
        }
        for (lease, bytes) in large {
            self.load_large(lease, bytes, deadline).await;
        }
    }

    /// Loads the small ones of some messages; adds the others to `large`.
    async fn load_small(
        &mut self,
        leases: Vec<HeldLease>,
        deadline: Instant,
        large: &mut Vec<(HeldLease, u64)>,
    ) {
        let parts = Arc::clone(&self.parts);
        let bytes = OUTGOING_SMALL_BYTES.saturating_mul(leases.len() as u64);
        let wait_max = deadline.saturating_duration_since(Instant::now());
        let reserve = parts.budget.outgoing.small.reserve(bytes, wait_max);
        let Some(Ok(mut room)) = self.unless_recalled(reserve).await else {
            for lease in leases {
                lease.give_back().await;
            }
            return;
        };
        let ids: Vec<_> = leases.iter().map(|lease| lease.id).collect();
        let Some(Loaded {
            messages,
            damaged,
            larger,
        }) = self.read(&ids, OUTGOING_SMALL_BYTES).await
        else {
            return;
        };
        room.shrink_to(messages.iter().map(content_bytes).map(whole_units).sum());
        let mut loaded: HashMap<_, Deliverable> = messages.into_iter().map(|m| (m.id, m)).collect();
        let damaged: HashMap<_, Damage> = damaged.into_iter().collect();
        let larger: HashMap<_, u64> = larger.into_iter().collect();
        let mut jobs = Vec::with_capacity(loaded.len());
        for lease in leases {
            if let Some(message) = loaded.remove(&lease.id) {
                let held = room.split_off(content_bytes(&message));
                jobs.extend(self.prepare(lease, message, JobRoom::small(held)).await);
            } else if let Some(&bytes) = larger.get(&lease.id) {
                large.push((lease, bytes));
            } else {
                let damage = damaged.get(&lease.id).copied();
                end_without_content(lease, damage).await;
            }
        }
        self.push(jobs).await;
    }

    /// Loads one large message once there is room for it.
    async fn load_large(&mut self, lease: HeldLease, bytes: u64, deadline: Instant) {
        let (pool, parts) = (Arc::clone(&self.pool), Arc::clone(&self.parts));
        let left = || deadline.saturating_duration_since(Instant::now());
        let reserve = async {
            // First of what this relay may have: one that has stopped taking its mail leaves room for the others.
            let own = pool.large_share().reserve(bytes, left()).await?;
            let shared = parts.budget.outgoing.large.reserve(bytes, left()).await?;
            // What is read is there twice, until it is unpacked.
            let copies = parts.budget.building.reserve_in_turn(bytes).await?;
            Ok::<_, NoRoom>((JobRoom::large(shared, own), copies))
        };
        let Some(Ok((room, copies))) = self.unless_recalled(reserve).await else {
            return lease.give_back().await;
        };
        let Some(loaded) = self.read(&[lease.id], u64::MAX).await else {
            return;
        };
        let Some(message) = loaded.messages.into_iter().next() else {
            let damage = loaded.damaged.into_iter().next().map(|(_, damage)| damage);
            return end_without_content(lease, damage).await;
        };
        let job = self.prepare(lease, message, room).await;
        drop(copies);
        self.push(job.into_iter().collect()).await;
    }

    /// Waits, but not for a relay whose mail is taken back.
    async fn unless_recalled<T>(&mut self, waiting: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            _ = self.recalled.changed() => {
                // It holds for the messages after this one too.
                self.recalled.mark_changed();
                None
            }
            done = waiting => Some(done),
        }
    }

    /// Reads until the store answers; `None` where it is closed.
    async fn read(&self, ids: &[MessageId], content_max: u64) -> Option<Loaded> {
        loop {
            match self.store.load_up_to(ids, content_max).await {
                Ok(loaded) => return Some(loaded),
                Err(StoreError::Closed) => return None,
                Err(error) => {
                    tracing::warn!(error = %error, "leased messages cannot be read; trying again");
                    tokio::time::sleep(self.parts.pace.store_retry).await;
                }
            }
        }
    }

    /// Makes a job of a loaded message; one whose content cannot be unpacked ends.
    async fn prepare(&self, lease: HeldLease, message: Deliverable, room: JobRoom) -> Option<BoxedJob> {
        match prepare(lease, message, room, self.parts.clock.now()) {
            Ok(job) => Some(Box::new(job)),
            Err((lease, error)) => {
                tracing::error!(message.id = %lease.id, %error, "the stored content cannot be unpacked");
                end_without_content(lease, Some(Damage::Content)).await;
                None
            }
        }
    }

    async fn push(&self, jobs: Vec<BoxedJob>) {
        if let Err(refused) = self.pool.push(jobs, self.allowed, self.ticket) {
            give_back(refused).await;
        }
    }
}

/// Ends a lease whose message cannot be sent: it is damaged; or it was deleted, or its lease is not ours any more, and
/// what is written now is fenced.
async fn end_without_content(lease: HeldLease, damage: Option<Damage>) {
    let Some(damage) = damage else {
        return lease.give_back().await;
    };
    tracing::error!(message.id = %lease.id, "not sent: {}", damage.words());
    let outcome = ended_damaged(&lease, damage);
    let signal = Signal::Untried;
    lease.finish(Judgement { outcome, signal }).await;
}

/// Octets of a message's content, unpacked.
fn content_bytes(message: &Deliverable) -> u64 {
    let content = &message.content;
    content.header.len.saturating_add(content.body.len)
}

/// What a reservation of so many bytes holds.
const fn whole_units(bytes: u64) -> u64 {
    bytes.next_multiple_of(Reservation::UNIT_BYTES)
}
