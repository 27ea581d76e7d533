//! Reads what leased messages need and hands it to a relay's connections.

use std::collections::HashMap;
use std::sync::Arc;

use postroom_domain::Damage;
use postroom_store::{Deliverable, Store, StoreError};

use crate::delivery::{BoxedJob, HeldLease, Judgement, Signal, ended_damaged, prepare};
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
}

impl Loading {
    pub(super) async fn run(self, leases: Vec<HeldLease>) {
        let ids: Vec<_> = leases.iter().map(|lease| lease.id).collect();
        let loaded = loop {
            match self.store.load(&ids).await {
                Ok(loaded) => break loaded,
                Err(StoreError::Closed) => return,
                Err(error) => {
                    tracing::warn!(error = %error, "leased messages cannot be read; trying again");
                    tokio::time::sleep(self.parts.pace.store_retry).await;
                }
            }
        };
        let mut damaged: HashMap<_, Damage> = loaded.damaged.into_iter().collect();
        let mut loaded: HashMap<_, Deliverable> = loaded.messages.into_iter().map(|m| (m.id, m)).collect();
        let now = self.parts.clock.now();
        let mut jobs = Vec::with_capacity(leases.len());
        for lease in leases {
            let (lease, damage) = match (loaded.remove(&lease.id), damaged.remove(&lease.id)) {
                (Some(message), _) => match prepare(lease, message, now) {
                    Ok(job) => {
                        jobs.push(Box::new(job));
                        continue;
                    }
                    Err((lease, error)) => {
                        tracing::error!(message.id = %lease.id, %error, "the stored content cannot be unpacked");
                        (lease, Damage::Content)
                    }
                },
                (None, Some(damage)) => (lease, damage),
                (None, None) => {
                    // It was deleted, or its lease is not ours any more: what is written now is fenced.
                    lease.give_back().await;
                    continue;
                }
            };
            tracing::error!(message.id = %lease.id, "not sent: {}", damage.words());
            let outcome = ended_damaged(&lease, damage);
            let signal = Signal::Untried;
            lease.finish(Judgement { outcome, signal }).await;
        }
        if let Err(refused) = self.pool.push(jobs, self.allowed, self.ticket) {
            give_back(refused).await;
        }
    }
}
