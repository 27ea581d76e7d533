use std::time::Duration;

use postroom_domain::{Kind, ManualClock, MessageState, Reply};
use postroom_store::{
    Actor, Administration as _, AttemptRecord, AttemptResult, AuditAction, AuditNote, Branches, By,
    ContentStore as _, LeaseRequest, List as _, NewOffice, NewUser, Next, Outcome, OutcomeBatch, Queue as _,
    Rights, SqliteOptions, SqliteStore, Upkeep as _, Want,
};

use super::*;
use crate::intake::fixture::{NOW, OfficePeople, address, by_smtp, case_of};
use crate::intake::{Identity, KindRights};
use crate::packing::unpack_into;
use crate::random::Seeded;

/// Intake over a store in a folder of its own, with Case's office and user.
struct Bench {
    _dir: tempfile::TempDir,
    store: Arc<SqliteStore>,
    clock: Arc<ManualClock>,
    intake: Intake,
    case: Principal,
}

async fn bench() -> Bench {
    let dir = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(dir.path().join("mail.db"), SqliteOptions::default());
    let store = Arc::new(store.expect("a store"));
    let by = By::of(Actor::Operator, NOW);
    let office = NewOffice {
        parent: None,
        name: "System Office".to_owned(),
        route: RouteId::SERVER,
    };
    let office = store.add_office(office, &by).await.expect("an office").id;
    let user = NewUser {
        office,
        login: "case".to_owned(),
        name: "Case Clerk".to_owned(),
        email: "case@office.example.com".to_owned(),
        password_hash: String::new(),
        rights: Rights::default(),
    };
    let user = store.add_user(user, Branches::All, &by).await;
    let user = user.expect("a user").id;
    let clock = Arc::new(ManualClock::new(NOW));
    let parts = IntakeParts {
        store: Arc::clone(&store) as Arc<dyn Store>,
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        random: Arc::new(Seeded::new(7)),
        directory: Arc::new(OfficePeople),
        slot: NodeSlot(0),
    };
    let settings = IntakeSettings {
        host: "mail.example.com".to_owned(),
        limits: IntakeLimits::default(),
        queue: QueueSwitch::On,
    };
    let identity = Identity {
        user,
        office,
        route: RouteId::SERVER,
    };
    Bench {
        _dir: dir,
        store,
        clock,
        intake: Intake::new(parts, settings),
        case: case_of(identity),
    }
}

impl Bench {
    async fn kept(&self) -> u64 {
        self.store.depth(None).await.expect("a depth").ready
    }

    async fn header(&self, id: MessageId) -> String {
        let content = self
            .store
            .content(&Scope::everything(), id, self.clock.now())
            .await;
        let content = content.expect("the store answers").expect("content");
        let mut octets = Vec::new();
        unpack_into(&content.header, &mut octets).expect("unpacks");
        String::from_utf8(octets).expect("ASCII")
    }

    /// Delivers whatever is ready.
    async fn deliver(&self) {
        let now = self.clock.now();
        let node = self.store.join(NodeSlot(0), now).await.expect("joined");
        let wants = vec![Want {
            route: RouteId::SERVER,
            n: 10,
        }];
        let leased = self
            .store
            .lease(LeaseRequest { node, wants, now })
            .await
            .expect("leased");
        let outcome = |lease: &postroom_store::Leased| Outcome {
            id: lease.id,
            generation: lease.generation,
            attempt: Some(AttemptRecord {
                started_at: now,
                duration: Duration::from_millis(5),
                relay: "relay".to_owned(),
                tls: None,
                result: AttemptResult::Sent,
                reply: Reply::none("ok"),
                trouble: None,
            }),
            recipients: Vec::new(),
            next: Next::Sent,
        };
        let outcomes = leased.iter().map(outcome).collect();
        let batch = OutcomeBatch { node, outcomes, now };
        self.store.record_outcomes(batch).await.expect("recorded");
    }
}

fn draft(subject: &str) -> Draft {
    let mut draft = Draft::new(address("case@office.example.com").into());
    draft.to = vec![address("client@example.com").into()];
    draft.subject = subject.to_owned();
    draft
}

#[tokio::test]
async fn answer_names_what_the_store_keeps() {
    let bench = bench().await;
    let accepted = bench
        .intake
        .submit(&bench.case, draft("one"), None)
        .await
        .expect("accepted");
    assert_eq!(
        (accepted.admitted.state, accepted.replayed),
        (MessageState::Queued, false)
    );
    let raw = by_smtp(
        "From: case@office.example.com\r\n\r\nx",
        &["a@x.test", "b@x.test"],
    );
    let raw = bench
        .intake
        .submit_raw(&bench.case, raw, None)
        .await
        .expect("accepted");
    assert_eq!((raw.admitted.recipients, bench.kept().await), (2, 2));
    let header = bench.header(accepted.admitted.id).await;
    assert!(header.contains(&accepted.admitted.message_id), "{header}");
}

#[tokio::test]
async fn same_key_gives_the_same_answer_and_another_body_is_refused() {
    let bench = bench().await;
    let submit = async |digest: u8| {
        let claim = bench.case.claim("order-7", [digest; 32]).expect("a key");
        bench.intake.submit(&bench.case, draft("one"), Some(claim)).await
    };
    let first = submit(1).await.expect("accepted");
    let again = submit(1).await.expect("accepted");
    assert_eq!((again.admitted, again.replayed), (first.admitted, true));
    assert_eq!(submit(2).await, Err(Refusal::IdempotencyKeyReused));
    assert_eq!(bench.kept().await, 1);
    for key in ["", &"x".repeat(257), "a\nb"] {
        let refusal = bench.case.claim(key, [0; 32]).expect_err("no key");
        assert_eq!(refusal.code(), "idempotency_key_invalid");
    }
}

#[tokio::test]
async fn disabled_queue_takes_nothing_in() {
    let bench = bench().await;
    let mut settings = (*bench.intake.settings()).clone();
    settings.queue = QueueSwitch::Off;
    bench.intake.set(settings);
    let raw = by_smtp("From: case@office.example.com\r\n\r\nx", &["a@x.test"]);
    let refused = [
        bench.intake.submit(&bench.case, draft("one"), None).await.err(),
        bench.intake.submit_raw(&bench.case, raw, None).await.err(),
        bench
            .intake
            .submit_batch(&bench.case, vec![Ok(draft("one"))], None)
            .await
            .err(),
    ];
    assert!(
        refused
            .iter()
            .all(|refusal| refusal == &Some(Refusal::QueueDisabled))
    );
    assert_eq!(bench.kept().await, 0);
}

#[tokio::test]
async fn batch_keeps_the_good_and_names_the_bad() {
    let bench = bench().await;
    let mut stranger = draft("two");
    stranger.from = address("eve@office.example.com").into();
    let drafts = vec![
        Ok(draft("one")),
        Ok(stranger),
        Err(Refusal::EmptyMessage),
        Ok(draft("four")),
    ];
    let items = bench
        .intake
        .submit_batch(&bench.case, drafts, None)
        .await
        .expect("a batch");
    let codes: Vec<_> = items
        .iter()
        .map(|item| item.as_ref().err().map(Refusal::code))
        .collect();
    assert_eq!(
        codes,
        [None, Some("from_not_permitted"), Some("empty_message"), None]
    );
    assert_eq!(bench.kept().await, 2);

    let drafts = (0..1001).map(|_| Ok(draft("x"))).collect();
    let refusal = bench
        .intake
        .submit_batch(&bench.case, drafts, None)
        .await
        .expect_err("too many");
    assert_eq!(refusal.code(), "batch_too_large");
}

#[tokio::test]
async fn resent_message_is_a_new_one_with_the_same_content() {
    let bench = bench().await;
    let first = bench
        .intake
        .submit(&bench.case, draft("one"), None)
        .await
        .expect("accepted")
        .admitted;
    let everything = Scope::everything();
    let prepare = async |scope: &Scope, id| bench.intake.prepare_resend(&bench.case, scope, id).await;
    assert!(matches!(
        prepare(&everything, first.id).await,
        Ok(Prepared::NotEnded(MessageState::Queued))
    ));
    assert!(matches!(
        prepare(&Scope::nothing(), first.id).await,
        Ok(Prepared::NotFound)
    ));

    bench.deliver().await;
    bench.clock.advance(Duration::from_secs(3600));
    let Ok(Prepared::Message(message, None)) = prepare(&everything, first.id).await else {
        panic!("it cannot be sent again");
    };
    let note = AuditNote::by(Actor::Operator);
    let entry = AuditEntry::new(bench.clock.now(), &note, AuditAction::Resend, "messages");
    let mut admitted = bench
        .intake
        .resend(vec![*message], entry)
        .await
        .expect("taken in");
    let second = admitted.remove(0);
    assert_ne!((second.id, &second.message_id), (first.id, &first.message_id));
    let detail = bench
        .store
        .detail(&everything, second.id)
        .await
        .expect("answers")
        .expect("there");
    assert_eq!((detail.resent_from, detail.recipients.len()), (Some(first.id), 1));
    let (old, new) = (bench.header(first.id).await, bench.header(second.id).await);
    let expected = old.replace(&first.message_id, &second.message_id).replace(
        "\r\nDate: Mon, 23 Nov 2026 09:30:00",
        "\r\nDate: Mon, 23 Nov 2026 10:30:00",
    );
    assert_eq!(new, expected);
    assert_ne!(new, old);
}

#[tokio::test]
async fn mail_with_a_live_link_is_not_sent_again() {
    let bench = bench().await;
    let postroom = Principal {
        kinds: KindRights::Every,
        ..bench.case.clone()
    };
    let mut reset = draft("reset");
    reset.extras.kind = Some(Kind::PasswordReset);
    let reset = bench.intake.submit(&postroom, reset, None).await;
    let id = reset.expect("accepted").admitted.id;
    bench.deliver().await;
    let everything = Scope::everything();
    let prepared = bench.intake.prepare_resend(&postroom, &everything, id).await;
    assert!(matches!(prepared, Ok(Prepared::LiveLink)));
}

#[tokio::test]
async fn store_that_is_closed_refuses_and_keeps_nothing() {
    let bench = bench().await;
    bench.store.close().await;
    let refusal = bench
        .intake
        .submit(&bench.case, draft("one"), None)
        .await
        .expect_err("refused");
    assert_eq!(
        (refusal.code(), refusal.http_status()),
        ("store_unavailable", 503)
    );
}
