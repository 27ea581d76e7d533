//! Reads what leased messages need and hands it to a relay's connections.

use std::collections::HashMap;
use std::sync::Arc;

use postroom_store::{AttemptResult, Deliverable, Leased, Store, StoreError};

use crate::delivery::{Job, Judge, Signal, given_back, prepare};
use crate::relay::{Ended, Pool, PoolParts};

/// Gives messages back that no connection will take, at no cost.
pub(super) async fn give_back(jobs: Vec<Job>, pool: Arc<Pool>, parts: PoolParts) {
    for job in jobs {
        parts.recorder.record(&job.lease, given_back(&job).outcome).await;
        let over = Ended {
            relay: pool.id(),
            route: job.lease.route,
            id: job.lease.id,
            signal: Signal::Untried,
        };
        if parts.ended.send(over).is_err() {
            return;
        }
    }
}

/// Leased messages on their way to a relay's connections.
pub(super) struct Loading {
    pub(super) store: Arc<dyn Store>,
    pub(super) pool: Arc<Pool>,
    pub(super) parts: PoolParts,
    pub(super) allowed: u32,
}

impl Loading {
    pub(super) async fn run(self, leases: Vec<Leased>) {
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
                self.over(&lease);
                continue;
            };
            let pending = message.pending.clone();
            match prepare(lease, message, now) {
                Ok(job) => jobs.push(job),
                Err(error) => {
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
                    self.parts.recorder.record(&lease, outcome).await;
                    self.over(&lease);
                }
            }
        }
        if let Err(refused) = self.pool.push(jobs, self.allowed) {
            give_back(refused, self.pool, self.parts).await;
        }
    }

    fn over(&self, lease: &Leased) {
        let over = Ended {
            relay: self.pool.id(),
            route: lease.route,
            id: lease.id,
            signal: Signal::Untried,
        };
        if self.parts.ended.send(over).is_err() {
            tracing::debug!(message.id = %lease.id, "the engine has stopped");
        }
    }
}
