//! Reads what leased messages need and hands it to a relay's connections.

use std::collections::HashMap;
use std::sync::Arc;

use postroom_store::{AttemptResult, Deliverable, Store, StoreError};

use crate::delivery::{BoxedJob, HeldLease, Judge, Judgement, Signal, prepare};
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
        let mut loaded: HashMap<_, Deliverable> = loaded.into_iter().map(|m| (m.id, m)).collect();
        let now = self.parts.clock.now();
        let mut jobs = Vec::with_capacity(leases.len());
        for lease in leases {
            let Some(message) = loaded.remove(&lease.id) else {
                // It was deleted, or its lease is not ours any more: what is written now is fenced.
                lease.give_back().await;
                continue;
            };
            let pending = message.pending.clone();
            match prepare(lease, message, now) {
                Ok(job) => jobs.push(Box::new(job)),
                Err((lease, error)) => {
                    tracing::error!(message.id = %lease.id, error = %error, "a message's content is damaged");
                    let judge = Judge {
                        schedule: &self.parts.schedule,
                        relay: &self.pool.relay().name,
                        tls: None,
                        now,
                        chance: self.parts.random.chance(),
                    };
                    let text = error.to_string();
                    let outcome = judge.without_session(&lease, &pending, AttemptResult::Deferred, &text);
                    let signal = Signal::Untried;
                    lease.finish(Judgement { outcome, signal }).await;
                }
            }
        }
        if let Err(refused) = self.pool.push(jobs, self.allowed, self.ticket) {
            give_back(refused).await;
        }
    }
}
