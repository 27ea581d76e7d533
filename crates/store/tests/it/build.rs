//! Builds what cases need, in few words.

use std::time::Duration;

use postroom_domain::{
    EnhancedCode, Kind, MessageId, MessageState, NodeSlot, OfficeId, RecipientState, Reply, RouteId, Scope,
    Timestamp, UserId,
};
use postroom_store::{
    Actor, AttemptRecord, AttemptResult, AuditNote, Authority, By, Content, Enqueue, Enqueued, LeaseRequest,
    Leased, NewMessage, NewRecipient, Next, NodeLease, Outcome, OutcomeBatch, Packed, Promote, Promoted,
    RecipientOutcome, RecipientRole, Recorded, Row, Shown, SmtpParameters, Store, Submitter, Want,
};

/// The node of every case that needs but one.
pub(crate) const SLOT: NodeSlot = NodeSlot(1);

/// Noon of a day in 2026, and so many seconds.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_790_000_000_000_000 + seconds * 1_000_000)
}

/// A letter of `sender`, who is of office 1, to one recipient.
pub(crate) fn letter(sender: i64) -> NewMessage {
    NewMessage {
        sender: UserId(sender),
        office: OfficeId(1),
        submitted_by: Submitter::User(UserId(sender)),
        kind: Kind::Direct,
        route: RouteId::SERVER,
        mail_from: format!("user{sender}@example.com"),
        recipients: vec![recipient("ada@example.test")],
        parameters: SmtpParameters::default(),
        shown: Shown {
            from: format!("user{sender}@example.com"),
            to: "ada@example.test".to_owned(),
            subject: "Minutes of the meeting".to_owned(),
            mime_type: "text/plain".to_owned(),
            message_id: "<1@example.com>".to_owned(),
            size_bytes: 11,
            ..Shown::default()
        },
        send_at: None,
        tags: Vec::new(),
        external_id: None,
        metadata: None,
        resent_from: None,
        content: Content {
            header: plain(b"Subject: Minutes of the meeting\r\n\r\n"),
            body: plain(b"Dear Ada\r\n"),
        },
    }
}

/// A form letter of `sender`.
pub(crate) fn form_letter(sender: i64) -> NewMessage {
    NewMessage {
        kind: Kind::FormLetter,
        ..letter(sender)
    }
}

/// A letter to several recipients.
pub(crate) fn letter_to(sender: i64, addresses: &[&str]) -> NewMessage {
    NewMessage {
        recipients: addresses.iter().map(|address| recipient(address)).collect(),
        ..letter(sender)
    }
}

/// A recipient in To.
pub(crate) fn recipient(address: &str) -> NewRecipient {
    NewRecipient {
        address: address.to_owned(),
        role: RecipientRole::To,
        notify: None,
        orcpt: None,
    }
}

fn plain(bytes: &[u8]) -> Packed {
    Packed {
        len: bytes.len() as u64,
        bytes: bytes.to_vec(),
        ..Packed::default()
    }
}

/// Messages to take in at a time.
pub(crate) fn intake(messages: Vec<NewMessage>, now: Timestamp) -> Enqueue {
    Enqueue {
        messages,
        idempotency: None,
        slot: SLOT,
        now,
        audit: None,
    }
}

/// Takes messages in and answers their ids.
pub(crate) async fn put(store: &dyn Store, messages: Vec<NewMessage>, now: Timestamp) -> Vec<MessageId> {
    match store.enqueue(intake(messages, now)).await.unwrap() {
        Enqueued::Accepted(admitted) => admitted.into_iter().map(|one| one.id).collect(),
        other @ (Enqueued::Replayed(_) | Enqueued::KeyReused) => panic!("not accepted: {other:?}"),
    }
}

/// Starts an epoch of the node.
pub(crate) async fn join(store: &dyn Store) -> NodeLease {
    store.join(SLOT, at(0)).await.unwrap()
}

/// The state of a message.
pub(crate) async fn state(store: &dyn Store, id: MessageId) -> MessageState {
    row(store, id).await.state
}

/// The row of a message.
pub(crate) async fn row(store: &dyn Store, id: MessageId) -> Row {
    store.rows(&Scope::everything(), &[id]).await.unwrap().remove(0)
}

/// Promotes what is due.
pub(crate) async fn promote(store: &dyn Store, now: Timestamp, blocked: Vec<RouteId>) -> Promoted {
    store
        .promote(Promote {
            now,
            blocked,
            limit: 256,
        })
        .await
        .unwrap()
}

/// Asks for `n` messages of the server's route.
pub(crate) async fn lease(store: &dyn Store, node: NodeLease, n: u32, now: Timestamp) -> Vec<Leased> {
    let wants = vec![Want {
        route: RouteId::SERVER,
        n,
    }];
    store.lease(LeaseRequest { node, wants, now }).await.unwrap()
}

/// A relay's words.
pub(crate) fn reply(code: u16, enhanced: EnhancedCode, text: &str) -> Reply {
    Reply {
        code,
        enhanced: Some(enhanced),
        text: text.to_owned(),
    }
}

/// The words of acceptance.
pub(crate) fn accepted() -> Reply {
    reply(250, EnhancedCode(2, 0, 0), "queued")
}

/// The words of a greylisting relay.
pub(crate) fn greylisted() -> Reply {
    reply(450, EnhancedCode(4, 2, 0), "try again later")
}

/// The operator, for the audit log.
pub(crate) const fn operator() -> AuditNote {
    AuditNote::by(Actor::Operator)
}

/// The operator at the beginning, who makes what a case needs.
pub(crate) fn made() -> By {
    By::of(Actor::Operator, at(0))
}

/// An attempt that ended so.
pub(crate) fn attempt(result: AttemptResult, reply: Reply, now: Timestamp) -> AttemptRecord {
    AttemptRecord {
        started_at: now,
        duration: Duration::from_millis(12),
        relay: "smart host".to_owned(),
        tls: Some("TLSv1.3".to_owned()),
        result,
        reply,
        trouble: None,
    }
}

/// What one recipient was told.
pub(crate) fn told(index: u16, state: RecipientState, reply: Reply) -> RecipientOutcome {
    RecipientOutcome { index, state, reply }
}

/// An outcome: every recipient accepted.
pub(crate) fn sent(lease: &Leased, now: Timestamp) -> Outcome {
    Outcome {
        id: lease.id,
        generation: lease.generation,
        attempt: Some(attempt(AttemptResult::Sent, accepted(), now)),
        recipients: vec![told(0, RecipientState::Sent, accepted())],
        next: Next::Sent,
    }
}

/// An outcome: nobody accepted, tried again at `next`.
pub(crate) fn deferred(lease: &Leased, now: Timestamp, next: Timestamp) -> Outcome {
    Outcome {
        id: lease.id,
        generation: lease.generation,
        attempt: Some(attempt(AttemptResult::Deferred, greylisted(), now)),
        recipients: vec![told(0, RecipientState::Pending, greylisted())],
        next: Next::Defer(next),
    }
}

/// An outcome: over.
pub(crate) fn failed(lease: &Leased, now: Timestamp) -> Outcome {
    Outcome {
        attempt: Some(attempt(AttemptResult::Failed, greylisted(), now)),
        next: Next::Failed,
        ..deferred(lease, now, now)
    }
}

/// An outcome: not tried.
pub(crate) fn given_back(lease: &Leased) -> Outcome {
    Outcome {
        id: lease.id,
        generation: lease.generation,
        attempt: None,
        recipients: Vec::new(),
        next: Next::GiveBack,
    }
}

/// Records outcomes.
pub(crate) async fn record(
    store: &dyn Store,
    node: NodeLease,
    outcomes: Vec<Outcome>,
    now: Timestamp,
) -> Vec<Recorded> {
    let batch = OutcomeBatch { node, outcomes, now };
    store.record_outcomes(batch).await.unwrap()
}

/// May do everything.
pub(crate) fn anyone() -> Authority {
    Authority {
        see: Scope::everything(),
        act: Scope::everything(),
        hold: Scope::everything(),
    }
}

/// Fails where kept counts differ from what is there.
pub(crate) async fn assert_consistent(store: &dyn Store) {
    let report = store.check().await.unwrap();
    assert!(report.differences.is_empty(), "{:#?}", report.differences);
}
