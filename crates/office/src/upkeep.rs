//! Background maintenance: the full-text index, checksums for content of an earlier version, and purging expired rows.

use std::sync::Arc;
use std::time::Duration;

use postroom_domain::Clock;
use postroom_store::{Store, StoreError};
use tokio_util::sync::CancellationToken;

/// How long an idempotency key is kept (I2).
const KEYS_LAST: Duration = Duration::from_secs(24 * 3600);

/// How often what is done.
#[derive(Debug, Clone, Copy)]
pub struct UpkeepSettings {
    /// How often new messages are brought into the full-text index.
    pub index_every: Duration,
    /// Rounds of the index between two rounds of forgetting.
    pub forget_rounds: u32,
}

impl Default for UpkeepSettings {
    fn default() -> Self {
        Self {
            index_every: Duration::from_millis(500),
            // About a minute.
            forget_rounds: 120,
        }
    }
}

/// Works until `stopping`; what fails is tried again in the next round.
pub async fn run(
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    settings: UpkeepSettings,
    stopping: CancellationToken,
) {
    let mut round = 0u32;
    let mut failing = false;
    let mut space = Space::Released;
    let mut checksums = Checksums::Missing;
    loop {
        tokio::select! {
            biased;
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(settings.index_every) => {}
        }
        let mut done = index(&*store, &stopping).await;
        if round.is_multiple_of(settings.forget_rounds) && done.is_ok() {
            done = forget(&*store, &*clock, &stopping).await;
            space = Space::MayBeUnused;
        }
        if space == Space::MayBeUnused && done.is_ok() {
            match release_space(&*store, settings.index_every, &stopping).await {
                Ok(found) => space = found,
                Err(error) => done = Err(error),
            }
        }
        if checksums == Checksums::Missing && done.is_ok() {
            done = store.fill_checksums(clock.now()).await.map(|more| {
                if !more {
                    checksums = Checksums::Complete;
                }
            });
        }
        round = round.wrapping_add(1);
        // Said once, not twice a second.
        if let Err(error) = &done
            && !failing
        {
            tracing::warn!(%error, "background maintenance failed; will retry");
        }
        failing = done.is_err();
    }
}

/// Whether all content has checksums: an earlier version has stored it without. A round fills in those of 256 messages or
/// 4 MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Checksums {
    /// Some may be missing.
    Missing,
    /// None is.
    Complete,
}

/// What is known of unused space in the store's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Space {
    /// There may be some.
    MayBeUnused,
    /// It was given back.
    Released,
}

/// Gives unused space back for about as long as there is between two rounds of the index, so that new mail is found soon
/// while gigabytes are given back.
async fn release_space(
    store: &dyn Store,
    time: Duration,
    stopping: &CancellationToken,
) -> Result<Space, StoreError> {
    let began = tokio::time::Instant::now();
    while !stopping.is_cancelled() && began.elapsed() < time {
        if !store.release_space().await? {
            return Ok(Space::Released);
        }
        tokio::task::yield_now().await;
    }
    Ok(Space::MayBeUnused)
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
