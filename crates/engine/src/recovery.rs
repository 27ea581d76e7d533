//! After a crash: leases that an earlier start left behind become attempts that are `uncertain` (SPEC S3).

use std::collections::HashMap;

use postroom_domain::Clock;
use postroom_domain::retry::RetrySchedule;
use postroom_store::{AttemptResult, Deliverable, NodeLease, OutcomeBatch, Store, StoreError};

use crate::delivery::{Judge, ended_damaged};
use crate::random::Random;
use crate::settings::Pace;

/// What the attempt log says of an attempt that a stop of the process cut off.
const WORDS: &str = "Postroom stopped during this attempt, so it is not known whether the relay took the message; \
                     it is tried again under the same Message-ID";

/// Adopts every lease of the node's earlier epochs and records each as `uncertain`; answers how many.
///
/// # Errors
/// Those of the store; the rest is adopted at the next start.
pub(crate) async fn recover(
    store: &dyn Store,
    node: NodeLease,
    clock: &dyn Clock,
    random: &dyn Random,
    schedule: &RetrySchedule,
    pace: Pace,
) -> Result<u64, StoreError> {
    let mut recovered = 0;
    loop {
        let leases = store.adopt(node, pace.step, clock.now()).await?;
        if leases.is_empty() {
            return Ok(recovered);
        }
        let ids: Vec<_> = leases.iter().map(|lease| lease.id).collect();
        let loaded = store.load(&ids).await?;
        let damaged: HashMap<_, _> = loaded.damaged.into_iter().collect();
        let mut loaded: HashMap<_, Deliverable> = loaded.messages.into_iter().map(|m| (m.id, m)).collect();
        let now = clock.now();
        let outcomes = leases.iter().filter_map(|lease| {
            if let Some(&damage) = damaged.get(&lease.id) {
                return Some(ended_damaged(lease, damage));
            }
            let message = loaded.remove(&lease.id)?;
            let judge = Judge {
                schedule,
                relay: "",
                tls: None,
                now,
                chance: random.chance(),
            };
            Some(judge.without_session(lease, &message.pending, AttemptResult::Uncertain, WORDS))
        });
        let outcomes = outcomes.collect();
        store
            .record_outcomes(OutcomeBatch { node, outcomes, now })
            .await?;
        recovered += u64::try_from(ids.len()).unwrap_or(0);
    }
}
