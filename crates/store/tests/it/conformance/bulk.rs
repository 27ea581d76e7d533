//! Actions on all that match a filter.

use postroom_domain::{
    Arm, EnhancedCode, FailureCause, Kind, MessageId, OfficeId, Reply, RouteId, Rule, Scope, ShownType,
    Trouble, UserId,
};
use postroom_store::{
    Actor, AuditAction, AuditView, Authority, FailedBy, Failures, Filter, ItemOutcome, Job, JobEnd, JobState,
    JobStep, NewJob, NewMessage, SearchQuery, Store, Verb, Which,
};

use super::Harness;
use crate::build::{
    anyone, assert_consistent, at, failed, intake, join, lease, letter, operator, put, record, sent,
};

/// All of somebody's scope.
pub(super) fn all() -> Which {
    Which::default()
}

pub(super) async fn start(store: &dyn Store, who: &Authority, verb: Verb, which: Which) -> Job {
    let forecast = store.foresee(who, verb, &which, None).await.unwrap();
    let job = NewJob {
        owner: Actor::Operator,
        office: None,
        verb,
        which,
        as_of: forecast.as_of,
        total: forecast.total(),
        now: at(9),
    };
    let id = store.start_job(job).await.unwrap();
    store.job(id).await.unwrap().unwrap()
}

/// The next step of a job, ready to be done.
pub(super) async fn prepared(store: &dyn Store, job: &Job, who: &Authority, limit: u32) -> JobStep {
    let rights = store.rights_as_of().await.unwrap();
    let picked = store.pick(job, who, limit).await.unwrap();
    JobStep {
        job: job.id,
        from: job.cursor,
        picked,
        who: who.clone(),
        rights,
        resend: Vec::new(),
        enqueue: intake(Vec::new(), at(10)),
        note: operator(),
    }
}

/// Does the steps that are left, each of `limit` messages.
async fn finish(store: &dyn Store, mut job: Job, who: &Authority, limit: u32) -> Job {
    while job.state == JobState::Running {
        let step = prepared(store, &job, who, limit).await;
        assert!(store.step(step).await.unwrap());
        job = store.job(job.id).await.unwrap().unwrap();
    }
    job
}

pub(super) const fn counts(job: &Job) -> (u64, u64, u64) {
    (job.done, job.skipped, job.refused)
}

pub(crate) async fn forecast_is_what_is_done_with_words_rights_and_exceptions(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    let named = |sender, subject: &str| {
        let mut message = letter(sender);
        message.shown.subject = subject.to_owned();
        message
    };
    let mut messages: Vec<NewMessage> = Vec::new();
    for n in 0..40 {
        let subject = if n % 2 == 0 { "Policy renewal" } else { "Minutes" };
        messages.push(named(1 + n % 3, subject));
    }
    let ids = put(store, messages, at(0)).await;
    // Half of the words are in the index, the others are not yet.
    store.index_text().await.unwrap();
    let more = (0..10).map(|_| named(1, "policy of another year")).collect();
    put(store, more, at(1)).await;
    let under_way = lease(store, node, 5, at(2)).await;
    record(store, node, vec![failed(&under_way[0], at(3))], at(3)).await;
    let who = Authority {
        see: Scope::everything(),
        act: Scope::own(UserId(1)).with(Arm::Sender(UserId(2))),
        hold: Scope::nothing(),
    };
    for search in [None, SearchQuery::parse("policy")] {
        for verb in [Verb::Resend, Verb::Requeue, Verb::Delete] {
            let which = Which {
                filter: Filter {
                    search: search.clone(),
                    ..Filter::default()
                },
                except: ids[10..14].to_vec(),
                failed_by: None,
            };
            let foreseen = store.foresee(&who, verb, &which, None).await.unwrap();
            assert!(foreseen.refused > 0, "others' mail and what is under way");
            if verb == Verb::Resend {
                continue;
            }
            let job = start(store, &who, verb, which).await;
            let job = finish(store, job, &who, 7).await;
            assert_eq!(
                counts(&job),
                (foreseen.done, foreseen.skipped, foreseen.refused),
                "{verb:?} {search:?}"
            );
            assert_eq!(job.total, foreseen.total());
        }
    }
    assert_consistent(store).await;
}

pub(crate) async fn mail_with_a_live_link_is_not_sent_again(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    let of_kind = |kind| NewMessage { kind, ..letter(1) };
    let kinds = [
        Kind::Direct,
        Kind::PasswordReset,
        Kind::AccountCreated,
        Kind::Alert,
    ];
    let ids = put(store, kinds.map(of_kind).to_vec(), at(0)).await;
    let leased = lease(store, node, 9, at(1)).await;
    let outcomes = leased.iter().map(|one| sent(one, at(1))).collect();
    record(store, node, outcomes, at(1)).await;
    for search in [None, SearchQuery::parse("minutes")] {
        let filter = Filter {
            search,
            ..Filter::default()
        };
        let which = Which { filter, ..all() };
        let before = store.counts(&Scope::everything(), &Filter::default()).await;
        let job = start(store, &anyone(), Verb::Resend, which.clone()).await;
        let forecast = store
            .foresee(&anyone(), Verb::Resend, &which, Some(job.as_of))
            .await
            .unwrap();
        let mut step = prepared(store, &job, &anyone(), 256).await;
        step.resend = step.picked.ids.iter().map(|_| Ok(letter(1))).collect();
        assert!(store.step(step).await.unwrap());
        let job = store.job(job.id).await.unwrap().unwrap();
        assert_eq!(
            counts(&job),
            (forecast.done, forecast.skipped, forecast.refused),
            "{which:?}"
        );
        let refused = store.job_items(job.id, None).await.unwrap();
        let refused: Vec<_> = refused.iter().map(|item| (item.id, item.rule)).collect();
        let live = [ids[1], ids[2]].map(|id| (id, Some(Rule::SecretBody)));
        assert!(live.iter().all(|item| refused.contains(item)), "{refused:?}");
        let after = store.counts(&Scope::everything(), &Filter::default()).await;
        assert_eq!(after.unwrap().total, before.unwrap().total + job.done);
    }
    assert_consistent(store).await;
}

pub(crate) async fn newcomers_are_not_visited(h: &mut impl Harness) {
    let store = h.store();
    put(store, (0..5).map(|_| letter(1)).collect(), at(0)).await;
    let job = start(store, &anyone(), Verb::Delete, all()).await;
    put(store, (0..3).map(|_| letter(1)).collect(), at(20)).await;
    let job = finish(store, job, &anyone(), 2).await;
    assert_eq!((job.total, counts(&job)), (5, (5, 0, 0)));
    let left = store
        .counts(&Scope::everything(), &Filter::default())
        .await
        .unwrap();
    assert_eq!(left.total, 3);
    let later = store
        .foresee(&anyone(), Verb::Delete, &all(), Some(job.as_of))
        .await
        .unwrap();
    assert_eq!(later.total(), 0, "an older as_of counts no newcomers");
}

pub(crate) async fn message_that_left_the_filter_is_skipped(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    put(store, (0..3).map(|_| letter(1)).collect(), at(0)).await;
    let leased = lease(store, node, 3, at(1)).await;
    record(
        store,
        node,
        leased.iter().map(|one| failed(one, at(1))).collect(),
        at(1),
    )
    .await;
    let which = Which {
        filter: Filter {
            shown: Some(ShownType::Failed),
            ..Filter::default()
        },
        ..all()
    };
    let job = start(store, &anyone(), Verb::Delete, which).await;
    let step = prepared(store, &job, &anyone(), 256).await;
    store
        .requeue(&anyone(), &[leased[1].id], &operator(), at(5))
        .await
        .unwrap();
    assert!(store.step(step).await.unwrap());
    let job = store.job(job.id).await.unwrap().unwrap();
    assert_eq!(counts(&job), (2, 1, 0));
    let items = store.job_items(job.id, None).await.unwrap();
    assert_eq!(
        (items.len(), items[0].id, items[0].outcome),
        (1, leased[1].id, ItemOutcome::Skipped)
    );
}

pub(crate) async fn job_goes_on_after_a_kill_and_sends_nothing_twice(h: &mut impl Harness) {
    let who = anyone();
    let node = join(h.store()).await;
    let ids = put(h.store(), (0..20).map(|_| letter(1)).collect(), at(0)).await;
    let leased = lease(h.store(), node, 20, at(1)).await;
    record(
        h.store(),
        node,
        leased.iter().map(|one| failed(one, at(1))).collect(),
        at(1),
    )
    .await;
    let mut job = start(h.store(), &who, Verb::Resend, all()).await;
    while job.state == JobState::Running {
        let mut step = prepared(h.store(), &job, &who, 3).await;
        step.resend = step
            .picked
            .ids
            .iter()
            .map(|id| {
                Ok(NewMessage {
                    resent_from: Some(*id),
                    ..letter(1)
                })
            })
            .collect();
        assert!(h.store().step(step.clone()).await.unwrap());
        h.kill().await;
        assert!(!h.store().step(step).await.unwrap(), "a step is done once");
        job = h.store().job(job.id).await.unwrap().unwrap();
    }
    assert_eq!((job.state, counts(&job)), (JobState::Done, (20, 0, 0)));
    for id in ids {
        let detail = h.store().detail(&Scope::everything(), id).await.unwrap().unwrap();
        assert_eq!(detail.resent_as.len(), 1, "each was sent again once");
    }
    assert_consistent(h.store()).await;
}

pub(crate) async fn rights_count_at_each_step(h: &mut impl Harness) {
    let store = h.store();
    put(store, (0..4).map(|_| letter(2)).collect(), at(0)).await;
    let job = start(store, &anyone(), Verb::Delete, all()).await;
    let step = prepared(store, &job, &anyone(), 2).await;
    assert!(store.step(step).await.unwrap());
    let job = store.job(job.id).await.unwrap().unwrap();
    let onlooker = Authority {
        see: Scope::everything(),
        act: Scope::own(UserId(1)),
        hold: Scope::nothing(),
    };
    let job = finish(store, job, &onlooker, 2).await;
    assert_eq!(counts(&job), (2, 0, 2));
    // What is picked with yesterday's rights is refused with today's.
    let job = start(store, &anyone(), Verb::Delete, all()).await;
    let mut step = prepared(store, &job, &anyone(), 2).await;
    step.who = Authority {
        see: Scope::nothing(),
        act: Scope::nothing(),
        hold: Scope::nothing(),
    };
    assert!(store.step(step).await.unwrap());
    let job = store.job(job.id).await.unwrap().unwrap();
    assert_eq!((job.done, job.skipped + job.refused), (0, 2));
}

pub(crate) async fn job_whose_owner_lost_sight_says_what_it_left_out(h: &mut impl Harness) {
    let store = h.store();
    put(store, (0..6).map(|_| letter(2)).collect(), at(0)).await;
    let job = start(store, &anyone(), Verb::Hold, all()).await;
    let step = prepared(store, &job, &anyone(), 2).await;
    assert!(store.step(step).await.unwrap());
    let job = store.job(job.id).await.unwrap().unwrap();
    let own = Authority {
        see: Scope::own(UserId(1)),
        act: Scope::own(UserId(1)),
        hold: Scope::nothing(),
    };
    let job = finish(store, job, &own, 2).await;
    assert_eq!((job.state, counts(&job)), (JobState::Done, (2, 0, 0)));
    let reason = job.reason.unwrap();
    assert!(
        reason.starts_with("4 of them") && reason.contains("may not see them"),
        "{reason}"
    );
}

pub(crate) async fn cancelled_job_does_nothing_more_and_is_audited(h: &mut impl Harness) {
    let store = h.store();
    let ids = put(store, (0..6).map(|_| letter(1)).collect(), at(0)).await;
    let job = start(store, &anyone(), Verb::Delete, all()).await;
    let first = prepared(store, &job, &anyone(), 2).await;
    assert!(store.step(first).await.unwrap());
    let job = store.job(job.id).await.unwrap().unwrap();
    let next = prepared(store, &job, &anyone(), 2).await;
    let cancelled = store
        .end_job(job.id, JobEnd::Cancelled, &operator(), at(11))
        .await
        .unwrap();
    assert!(cancelled);
    assert!(!store.step(next).await.unwrap());
    assert!(
        !store
            .end_job(job.id, JobEnd::Cancelled, &operator(), at(11))
            .await
            .unwrap()
    );
    let job = store.job(job.id).await.unwrap().unwrap();
    assert_eq!(
        (job.state, counts(&job), job.ended_at),
        (JobState::Cancelled, (2, 0, 0), Some(at(11)))
    );
    assert_eq!(store.running_jobs().await.unwrap(), []);
    let log = store.audit_page(AuditView::Everything, None, 10).await.unwrap();
    let log: Vec<_> = log
        .iter()
        .map(|record| (record.entry.action, record.entry.count))
        .collect();
    assert_eq!(
        log,
        [
            (AuditAction::Delete, 2),
            (AuditAction::JobCancel, 1),
            (AuditAction::JobStart, 6)
        ]
    );
    let record = &store.audit_page(AuditView::Everything, None, 1).await.unwrap()[0];
    assert_eq!(
        record.entry.ids_digest,
        Some(postroom_store::IdsDigest::of(&ids[..2]).0)
    );
}

#[expect(
    clippy::too_many_lines,
    reason = "one story: what fails, how it is grouped, what is requeued"
)]
pub(crate) async fn failed_mail_is_grouped_by_cause_and_exactly_that_is_requeued(h: &mut impl Harness) {
    let store = h.store();
    let node = join(store).await;
    put(store, (0..6).map(|_| letter(1)).collect(), at(0)).await;
    let leased = lease(store, node, 6, at(1)).await;
    let outcomes = leased
        .iter()
        .enumerate()
        .map(|(n, one)| {
            let mut outcome = failed(one, at(1));
            let attempt = outcome.attempt.as_mut().unwrap();
            if n < 4 {
                attempt.trouble = Some(Trouble::Auth);
            } else {
                attempt.reply = Reply {
                    code: 550,
                    enhanced: Some(EnhancedCode(5, 1, 1)),
                    text: "no such user".to_owned(),
                };
            }
            outcome
        })
        .collect();
    record(store, node, outcomes, at(1)).await;
    let Failures { groups, complete } = store.failures(&Scope::everything(), 6).await.unwrap();
    assert!(complete);
    let found: Vec<_> = groups.iter().map(|group| (group.by.cause, group.count)).collect();
    assert_eq!(found, [(FailureCause::Auth, 4), (FailureCause::Recipient, 2)]);
    assert_eq!(
        (groups[1].latest, groups[1].latest_at),
        (leased[5].id, Some(at(1)))
    );
    let nobody = store
        .failures(&Scope::own(UserId(9)).with(Arm::OfficeMail(OfficeId(8))), 6)
        .await
        .unwrap();
    assert_eq!((nobody.groups, nobody.complete), (Vec::new(), true));
    // Of the newest three one has another cause.
    let newest = store.failures(&Scope::everything(), 3).await.unwrap();
    let found: Vec<_> = newest
        .groups
        .iter()
        .map(|group| (group.by.cause, group.count))
        .collect();
    assert_eq!(found, [(FailureCause::Recipient, 2), (FailureCause::Auth, 1)]);
    assert!(!newest.complete);
    let which = Which {
        filter: Filter {
            shown: Some(ShownType::Failed),
            ..Filter::default()
        },
        failed_by: Some(FailedBy {
            route: RouteId::SERVER,
            cause: FailureCause::Auth,
        }),
        ..all()
    };
    let foreseen = store
        .foresee(&anyone(), Verb::Requeue, &which, None)
        .await
        .unwrap();
    assert_eq!((foreseen.done, foreseen.total()), (4, 4));
    let job = start(store, &anyone(), Verb::Requeue, which).await;
    let job = finish(store, job, &anyone(), 3).await;
    assert_eq!(counts(&job), (4, 0, 0));
    let ready: Vec<MessageId> = lease(store, node, 9, at(12))
        .await
        .iter()
        .map(|one| one.id)
        .collect();
    assert_eq!(ready, leased[..4].iter().map(|one| one.id).collect::<Vec<_>>());
    let left = store.failures(&Scope::everything(), 6).await.unwrap();
    assert_eq!(left.groups.len(), 1);
}
