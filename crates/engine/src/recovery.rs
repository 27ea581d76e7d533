//! After a crash: leases that an earlier start left behind become attempts that are `uncertain` (SPEC S3).

use std::collections::HashMap;

use postroom_domain::retry::RetrySchedule;
use postroom_domain::{Clock, Damage, MessageId};
use postroom_store::{AttemptResult, Loaded, NodeLease, OutcomeBatch, PendingRecipient, Store, StoreError};

use crate::budget::{OUTGOING_SMALL_BYTES, OUTGOING_TOGETHER_MAX};
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
        let mut found = pending_recipients(store, &ids).await?;
        let now = clock.now();
        let outcomes = leases.iter().filter_map(|lease| {
            let pending = match found.remove(&lease.id)? {
                Ok(pending) => pending,
                Err(damage) => return Some(ended_damaged(lease, damage)),
            };
            let judge = Judge {
                schedule,
                relay: "",
                tls: None,
                now,
                chance: random.chance(),
            };
            Some(judge.without_session(lease, &pending, AttemptResult::Uncertain, WORDS))
        });
        let outcomes = outcomes.collect();
        store
            .record_outcomes(OutcomeBatch { node, outcomes, now })
            .await?;
        recovered += u64::try_from(ids.len()).unwrap_or(0);
    }
}

/// The recipients still to be tried of each message, or what of it is damaged. Content is loaded with them and dropped:
/// little at a time.
async fn pending_recipients(
    store: &dyn Store,
    ids: &[MessageId],
) -> Result<HashMap<MessageId, Result<Vec<PendingRecipient>, Damage>>, StoreError> {
    let mut found = HashMap::with_capacity(ids.len());
    for together in ids.chunks(OUTGOING_TOGETHER_MAX) {
        let mut loaded = store.load_up_to(together, OUTGOING_SMALL_BYTES).await?;
        for (id, _) in std::mem::take(&mut loaded.larger) {
            note(&mut found, store.load(&[id]).await?);
        }
        note(&mut found, loaded);
    }
    Ok(found)
}

fn note(found: &mut HashMap<MessageId, Result<Vec<PendingRecipient>, Damage>>, loaded: Loaded) {
    found.extend(loaded.messages.into_iter().map(|m| (m.id, Ok(m.pending))));
    found.extend(loaded.damaged.into_iter().map(|(id, damage)| (id, Err(damage))));
}
