//! Fails mail that found no relay Up for too long (SPEC D4), in steps beside the loop until none is left.

use std::collections::BTreeMap;
use std::sync::Arc;

use postroom_domain::RouteId;
use postroom_store::{Exhaust, Store};
use tokio_util::sync::CancellationToken;

use crate::counters::Counters;
use crate::relay::PoolParts;
use crate::settings::Pace;

/// The routes whose mail is being failed, each by a task of its own.
#[derive(Debug, Default)]
pub(super) struct Expiries {
    running: BTreeMap<RouteId, Expiry>,
}

#[derive(Debug)]
struct Expiry {
    end: CancellationToken,
    ended: CancellationToken,
}

impl Expiries {
    /// Starts to fail mail of a route, unless that is under way.
    pub(super) fn begin(
        &mut self,
        expired: Exhaust,
        store: &Arc<dyn Store>,
        counters: &Arc<Counters>,
        parts: &PoolParts,
    ) {
        let route = expired.route;
        if self
            .running
            .get(&route)
            .is_some_and(|expiry| !expiry.ended.is_cancelled())
        {
            return;
        }
        let (end, ended) = (CancellationToken::new(), CancellationToken::new());
        let steps = run(
            expired,
            Arc::clone(store),
            Arc::clone(counters),
            parts.pace,
            end.clone(),
        );
        let guard = ended.clone().drop_guard();
        parts.spawn(async move {
            let _ended = guard;
            steps.await;
        });
        self.running.insert(route, Expiry { end, ended });
    }

    /// Ends it after the step under way: a relay of the route is Up, or the route is gone.
    pub(super) fn end(&mut self, route: RouteId) {
        if let Some(expiry) = self.running.remove(&route) {
            expiry.end.cancel();
        }
    }

    /// Ends all of it.
    pub(super) fn end_all(&mut self) {
        for (_, expiry) in std::mem::take(&mut self.running) {
            expiry.end.cancel();
        }
    }
}

async fn run(
    mut expired: Exhaust,
    store: Arc<dyn Store>,
    counters: Arc<Counters>,
    pace: Pace,
    end: CancellationToken,
) {
    let mut failed = 0_u64;
    while !end.is_cancelled() {
        match store.exhaust(expired.clone()).await {
            Ok(step) => {
                counters.failed(step.changed.into());
                failed += u64::from(step.changed);
                expired.after = step.last;
                if step.last.is_none() {
                    break;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "expired mail could not be failed; will retry");
                tokio::select! {
                    biased;
                    () = end.cancelled() => {}
                    () = tokio::time::sleep(pace.store_retry) => {}
                }
            }
        }
        tokio::task::yield_now().await;
    }
    if failed > 0 {
        tracing::warn!(messages = failed, route = %expired.route, "mail that found no relay in time has failed");
    }
}
