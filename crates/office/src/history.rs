//! What the server measures of itself for `/status/history`: a look every ten seconds, in memory, kept every few minutes.
//! When API keys were last used is written with it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use postroom_domain::{Clock, History, MessageState, NodeSlot, Reading, Scope, Span, Step, Timestamp};
use postroom_engine::EngineHandle;
use postroom_store::{Filter, Store, StoreError};
use tokio_util::sync::CancellationToken;

use crate::authenticator::Authenticator;

/// Looks between two writes: five minutes.
const KEEP_EVERY: u32 = 30;
/// Steps that are written at a time: the contract's limit.
const STEPS_MOST: usize = 256;

/// Knows how many messages were taken in.
pub trait AcceptedTotal: Send + Sync {
    /// Messages taken in since the start.
    fn accepted_total(&self) -> u64;
}

/// What measuring works with.
pub struct MeasuringParts {
    /// Where mail and what was measured are kept.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Counts what is taken in.
    pub accepted: Arc<dyn AcceptedTotal>,
    /// Knows which API keys were used.
    pub authenticator: Arc<Authenticator>,
    /// The node that is measured.
    pub node: NodeSlot,
    /// When it started to count.
    pub started_at: Timestamp,
}

/// Looks at the server, and remembers.
pub struct Measuring {
    parts: MeasuringParts,
    history: Mutex<History>,
}

impl std::fmt::Debug for Measuring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Measuring")
            .field("node", &self.parts.node)
            .finish_non_exhaustive()
    }
}

impl Measuring {
    /// Goes on from what the node kept when it ran last.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn open(parts: MeasuringParts) -> Result<Self, StoreError> {
        let mut history = History::new(parts.started_at);
        history.restore(parts.store.measured(parts.node).await?);
        Ok(Self {
            parts,
            history: Mutex::new(history),
        })
    }

    /// Looks now. Kept counts answer, and a walk of a bounded part of the unfinished mail.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn look(&self, engine: Option<&EngineHandle>) -> Result<(), StoreError> {
        let counts = self
            .parts
            .store
            .counts(&Scope::everything(), &Filter::default())
            .await?;
        let waiting = MessageState::ALL
            .into_iter()
            .zip(counts.states)
            .filter(|(state, _)| waits(*state))
            .map(|(_, n)| n)
            .sum();
        let since = self.parts.store.longest_waiting().await?;
        let mut totals = engine.map(EngineHandle::totals).unwrap_or_default();
        totals.accepted = self.parts.accepted.accepted_total();
        let now = self.parts.clock.now();
        let reading = Reading {
            waiting,
            oldest: since.map(|since| now.since(since)),
            totals,
        };
        self.history().add(now, reading);
        Ok(())
    }

    /// Writes what changed since the last time.
    ///
    /// # Errors
    /// Those of the store; all of it is then written the next time.
    pub async fn keep(&self) -> Result<(), StoreError> {
        let MeasuringParts { store, node, .. } = &self.parts;
        let unkept = self.history().unkept();
        for some in unkept.chunks(STEPS_MOST) {
            let now = self.parts.clock.now();
            store.keep_measured(*node, some.to_vec(), now).await?;
        }
        self.history().mark_kept();
        Ok(())
    }

    /// Returns the steps of a span that ends now, oldest first. The newest may still be under way.
    pub fn steps(&self, span: Span) -> Vec<Step> {
        let now = self.parts.clock.now();
        self.history().steps(span, now).cloned().collect()
    }

    /// When was looked last.
    pub fn looked_at(&self) -> Option<Timestamp> {
        self.history().looked_at()
    }

    /// Looks every ten seconds and writes every five minutes, until `stopping`; then once more.
    pub async fn run(self: Arc<Self>, engine: Arc<EngineHandle>, stopping: CancellationToken) {
        let mut looks = 0u32;
        let mut failing = false;
        let authenticator = &self.parts.authenticator;
        while !stopping.is_cancelled() {
            tokio::select! {
                biased;
                () = stopping.cancelled() => {}
                () = tokio::time::sleep(self.until_next()) => {}
            }
            looks = looks.wrapping_add(1);
            let mut done = self.look(Some(&engine)).await;
            if looks.is_multiple_of(KEEP_EVERY) || stopping.is_cancelled() {
                if done.is_ok() {
                    done = self.keep().await;
                }
                if let Err(error) = authenticator.save_key_uses().await {
                    tracing::warn!(%error, "when API keys were last used could not be written; it is tried again");
                }
            }
            // Said once, not every ten seconds.
            if let Err(error) = &done
                && !failing
            {
                tracing::warn!(%error, "the server's own figures have a gap");
            }
            failing = done.is_err();
        }
    }

    /// How long until the finest step ends.
    fn until_next(&self) -> Duration {
        let step_us = i64::from(Span::Hour.step_seconds()) * 1_000_000;
        let into_us = self.parts.clock.now().as_micros().rem_euclid(step_us);
        Duration::from_micros(u64::try_from(step_us - into_us).unwrap_or(1))
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether mail in this state is on its way: held and scheduled mail stays on purpose.
const fn waits(state: MessageState) -> bool {
    match state {
        MessageState::Queued | MessageState::Sending | MessageState::Deferred => true,
        MessageState::Scheduled | MessageState::Held | MessageState::Sent | MessageState::Failed => false,
    }
}
