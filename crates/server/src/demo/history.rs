//! A fortnight of mail that has gone before the demo started, through the same doors as all mail.

use std::sync::Arc;
use std::time::Duration;

use postroom_domain::{
    Clock, EnhancedCode, ManualClock, NodeSlot, RecipientState, Reply, RouteId, Timestamp,
};
use postroom_engine::SystemRandom;
use postroom_engine::intake::{Intake, IntakeParts, IntakeSettings};
use postroom_office::{Authenticator, Senders};
use postroom_store::{
    AttemptRecord, AttemptResult, Deliverable, LeaseRequest, Leased, Next, NodeLease, Outcome, OutcomeBatch,
    RecipientOutcome, Store, Want,
};

use super::letters::letter;

/// Messages of the fortnight.
const MESSAGES: u32 = 420;
/// How far back they go.
const BACK: Duration = Duration::from_hours(14 * 24);

/// Writes the past: messages, spread over two weeks, with the ends they came to.
///
/// # Errors
/// What stopped it; the demo is then short of a past, not of a present.
pub async fn write_history(
    store: &Arc<dyn Store>,
    settings: IntakeSettings,
    now: Timestamp,
) -> anyhow::Result<()> {
    let clock = Arc::new(ManualClock::new(now.minus(BACK)));
    let senders = Arc::new(Senders::new(
        Arc::clone(store),
        Arc::clone(&clock) as Arc<dyn Clock>,
    ));
    senders.refresh().await?;
    let authenticator = Authenticator::new(Arc::clone(store), Arc::clone(&clock) as Arc<dyn Clock>)?;
    let parts = IntakeParts {
        store: Arc::clone(store),
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        random: Arc::new(SystemRandom),
        directory: Arc::clone(&senders) as Arc<_>,
        slot: NodeSlot(0),
    };
    let intake = Intake::new(parts, settings);
    let node = store.join(NodeSlot(0), clock.now()).await?;
    for n in 0..MESSAGES {
        let Some((person, draft)) = letter(usize::try_from(n)?) else {
            continue;
        };
        let Some(principal) = authenticator.trusted(person.login).await? else {
            continue;
        };
        let principal = senders.principal(&principal).await?;
        intake
            .submit(&principal, draft, None)
            .await
            .map_err(|refusal| anyhow::anyhow!(refusal.detail()))?;
        deliver(store, node, clock.now()).await?;
        clock.advance(BACK / (MESSAGES + 1));
    }
    Ok(())
}

/// Ends what waits, as the relay would have.
async fn deliver(store: &Arc<dyn Store>, node: NodeLease, now: Timestamp) -> anyhow::Result<()> {
    let wants = vec![Want {
        route: RouteId::SERVER,
        n: 16,
    }];
    let leases = store.lease(LeaseRequest { node, wants, now }).await?;
    let ids: Vec<_> = leases.iter().map(|lease| lease.id).collect();
    let messages = store.load(&ids).await?.messages;
    let now = now.plus(Duration::from_millis(740));
    let ended = |message: &Deliverable| {
        let lease = leases.iter().find(|lease| lease.id == message.id)?;
        Some(outcome(lease, message, now))
    };
    let outcomes = messages.iter().filter_map(ended).collect();
    store
        .record_outcomes(OutcomeBatch { node, outcomes, now })
        .await?;
    Ok(())
}

fn outcome(lease: &Leased, message: &Deliverable, now: Timestamp) -> Outcome {
    let told = |index, address: &str| {
        let (state, reply) = verdict(address);
        RecipientOutcome { index, state, reply }
    };
    let recipients: Vec<_> = message
        .pending
        .iter()
        .map(|p| told(p.index, &p.address))
        .collect();
    let failed = recipients.iter().find(|r| r.state == RecipientState::Failed);
    let (result, next) = match failed {
        Some(_) => (AttemptResult::Failed, Next::Failed),
        None => (AttemptResult::Sent, Next::Sent),
    };
    let reply = failed
        .or(recipients.first())
        .map_or_else(|| Reply::none("sent"), |r| r.reply.clone());
    let attempt = AttemptRecord {
        started_at: now.minus(Duration::from_millis(85)),
        duration: Duration::from_millis(85),
        relay: "demo sink".to_owned(),
        tls: None,
        result,
        reply,
        trouble: None,
    };
    Outcome {
        id: lease.id,
        generation: lease.generation,
        attempt: Some(attempt),
        recipients,
        next,
    }
}

fn verdict(address: &str) -> (RecipientState, Reply) {
    let said = |code, enhanced, text: &str| Reply {
        code,
        enhanced: Some(enhanced),
        text: text.to_owned(),
    };
    if address.starts_with("fail@") {
        (
            RecipientState::Failed,
            said(550, EnhancedCode(5, 1, 1), "No such mailbox here"),
        )
    } else if address.starts_with("full@") {
        (
            RecipientState::Failed,
            said(552, EnhancedCode(5, 2, 2), "The mailbox is full"),
        )
    } else {
        (RecipientState::Sent, said(250, EnhancedCode(2, 0, 0), "Accepted"))
    }
}
