//! The end of the engine: within one bound, whatever relays and the store do.
//!
//! | part of `stop_timeout` | waits for |
//! | --- | --- |
//! | the first quarter | the step under way: what the store is asked |
//! | the half after it | what is on the wire; what no connection has begun is given back at once |
//! | the last quarter | the outcomes of all that, and health edges, to be written |
//!
//! What is on the wire at the end of its time is cut off: `uncertain` where content began to leave, else given back. Only
//! what the store does not take in the last quarter is left to the next start, which adopts it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Engine;
use super::loading::give_back;
use crate::relay::Looks;

/// Ends a quarter of `stop_timeout` after the stop.
pub(super) async fn step_takes_too_long(stop: &CancellationToken, stop_timeout: Duration) {
    stop.cancelled().await;
    tokio::time::sleep(stop_timeout / 4).await;
    tracing::warn!("the store did not answer in time; the engine stops without it");
}

impl Engine {
    /// Lets what is on the wire end, gives back the rest, and writes all of it down.
    pub(super) async fn wind_up(mut self) {
        let now = self.now();
        let paused = self.scheduler.paused_for(now);
        let Self {
            store,
            node,
            mut expiries,
            pools,
            parts,
            recording,
            edges,
            telling,
            mut limits,
            writing_limits,
            stop_timeout,
            ..
        } = self;
        expiries.end_all();
        for pool in pools.all() {
            pool.close();
            parts.spawn(give_back(pool.drain()));
        }
        parts.life.tasks.close();
        if timeout(stop_timeout / 2, parts.life.tasks.wait()).await.is_err() {
            tracing::warn!("some relays did not answer in time; their attempts are cut off");
            parts.life.cut_off.cancel();
        }
        let (tasks, clock) = (parts.life.tasks.clone(), Arc::clone(&parts.clock));
        for account in pools.accounts() {
            limits.look(account, now, Looks::Last);
        }
        drop((pools, parts, edges, limits));
        let written = async {
            tasks.wait().await;
            // Without it the next start takes what has run since the last time for time in which nothing did.
            if let Err(error) = store.heartbeat(node, clock.now(), paused).await {
                tracing::warn!(%error, "the end of this run could not be recorded");
            }
            (recording.await, telling.await, writing_limits.await)
        };
        if timeout(stop_timeout / 4, written).await.is_err() {
            tracing::warn!(
                "the last outcomes could not be written; these attempts are uncertain at the next start"
            );
        }
    }
}
