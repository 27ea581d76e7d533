//! The thin loop around the desk: steps when something was written, and looks once a second besides.

use std::sync::Arc;
use std::time::Duration;

use postroom_domain::Clock;
use postroom_store::{ChangeSet, FactsWritten, StoreError};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::desk::{AlertDesk, Stepped};

/// The longest time between two looks, should a notice be missed or mail have been put off.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Looks between two rounds of purging: about a minute.
const PURGE_EVERY: u32 = 60;
/// How long an alert is kept after it came last.
const ALERTS_LAST: Duration = Duration::from_hours(24 * 90);

/// Works until `stopping`; what fails is tried again at the next look.
pub async fn run(mut desk: AlertDesk, clock: Arc<dyn Clock>, stopping: CancellationToken) {
    let mut changes = desk.store().changes();
    let (mut looks, mut failing) = (0_u32, false);
    while !stopping.is_cancelled() {
        let mut done = work(&mut desk, &stopping).await;
        if looks.is_multiple_of(PURGE_EVERY) && done.is_ok() {
            done = purge(&desk, &*clock, &stopping).await;
        }
        // Said once, not once a second.
        if let Err(error) = &done
            && !failing
        {
            tracing::warn!(%error, "alerts wait for the store");
        }
        failing = done.is_err();
        let woken = async {
            if failing {
                std::future::pending().await
            } else {
                facts_written(&mut changes).await;
            }
        };
        tokio::select! {
            biased;
            () = stopping.cancelled() => return,
            () = woken => {}
            () = tokio::time::sleep(LOOK_EVERY) => looks = looks.wrapping_add(1),
        }
    }
}

async fn work(desk: &mut AlertDesk, stopping: &CancellationToken) -> Result<(), StoreError> {
    while !stopping.is_cancelled() && desk.step().await? == Stepped::More {
        tokio::task::yield_now().await;
    }
    Ok(())
}

async fn purge(desk: &AlertDesk, clock: &dyn Clock, stopping: &CancellationToken) -> Result<(), StoreError> {
    let before = clock.now().minus(ALERTS_LAST);
    while !stopping.is_cancelled() && desk.store().purge_facts().await? > 0 {
        tokio::task::yield_now().await;
    }
    while !stopping.is_cancelled() && desk.store().purge_alerts(before).await? > 0 {
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Waits for a commit that wrote facts.
async fn facts_written(changes: &mut broadcast::Receiver<Arc<ChangeSet>>) {
    loop {
        match changes.recv().await {
            Ok(set) if set.facts == FactsWritten::None => {}
            Ok(_) | Err(RecvError::Lagged(_)) => return,
            // The store is closing; the loop's own look ends it.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
