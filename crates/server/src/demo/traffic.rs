//! Live mail: somebody writes a letter every few seconds, as long as the demo runs.

use std::sync::Arc;
use std::time::Duration;

use postroom_engine::intake::Intake;
use postroom_office::{Authenticator, Senders};
use tokio_util::sync::CancellationToken;

use super::letters::letter;

/// Letters are numbered on from the past's.
const FIRST: usize = 420;
/// The pauses between letters, in turn: now a lull, now a rush.
const PAUSES_MS: [u64; 7] = [2_500, 900, 4_000, 300, 300, 1_800, 6_000];

/// Submits letters until it is told to stop.
pub async fn live_mail(
    authenticator: Arc<Authenticator>,
    senders: Arc<Senders>,
    intake: Intake,
    stop: CancellationToken,
) {
    for (n, pause_ms) in (FIRST..).zip(PAUSES_MS.into_iter().cycle()) {
        if let Some((person, draft)) = letter(n)
            && let Ok(Some(principal)) = authenticator.trusted(person.login).await
            && let Ok(principal) = senders.principal(&principal).await
            && let Err(refusal) = intake.submit(&principal, draft, None).await
        {
            tracing::warn!(refusal = refusal.code(), "a sample letter was refused");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_millis(pause_ms)) => {}
        }
    }
}
