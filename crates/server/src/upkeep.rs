//! Work behind the scenes: the full-text index, and forgetting what has had its time.

use std::sync::Arc;
use std::time::Duration;

use postroom_domain::Clock;
use postroom_store::{Store, StoreError};
use tokio_util::sync::CancellationToken;

/// How often new messages are brought into the full-text index.
const INDEX_EVERY: Duration = Duration::from_millis(500);
/// How long an idempotency key is kept (I2).
const KEYS_LAST: Duration = Duration::from_secs(24 * 3600);
/// Rounds of the index between two rounds of forgetting: about a minute.
const FORGET_EVERY: u32 = 120;

/// Works until `stopping`; what fails is tried again in the next round.
pub async fn run(store: Arc<dyn Store>, clock: Arc<dyn Clock>, stopping: CancellationToken) {
    let mut round = 0u32;
    let mut failing = false;
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(INDEX_EVERY) => {}
        }
        let mut done = index(&*store, &stopping).await;
        if round.is_multiple_of(FORGET_EVERY) && done.is_ok() {
            done = forget(&*store, &*clock, &stopping).await;
        }
        round = round.wrapping_add(1);
        // Said once, not twice a second.
        if let Err(error) = &done
            && !failing
        {
            tracing::warn!(%error, "work behind the scenes is put off");
        }
        failing = done.is_err();
    }
}

async fn index(store: &dyn Store, stopping: &CancellationToken) -> Result<(), StoreError> {
    while !stopping.is_cancelled() && store.index_text().await? {
        tokio::task::yield_now().await;
    }
    Ok(())
}

async fn forget(
    store: &dyn Store,
    clock: &dyn Clock,
    stopping: &CancellationToken,
) -> Result<(), StoreError> {
    let now = clock.now();
    while !stopping.is_cancelled() && store.forget(now.minus(KEYS_LAST), now).await? > 0 {
        tokio::task::yield_now().await;
    }
    Ok(())
}
