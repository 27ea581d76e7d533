mod learnt;

use postroom_domain::Witness;

use super::*;

const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
const FIRST: RelayId = RelayId(1);
const SECOND: RelayId = RelayId(2);

fn account() -> Arc<Account> {
    let name = RelayAccount {
        host: "smtp.example.com".to_owned(),
        port: 587,
        user: String::new(),
    };
    Arc::new(Account::new(name, LearntLimits::default()))
}

#[test]
fn refusals_leave_as_many_connections_as_work() {
    let account = account();
    let mut places: Vec<_> = (0..20).map(|_| account.connect(FIRST)).collect();
    for place in &places[..3] {
        place.took(START);
    }
    for place in places.split_off(3) {
        assert_eq!(place.witness(START), Witness::OtherSessions);
        place.refused(START);
    }
    assert_eq!(account.connections(FIRST, 20), 3);
    assert_eq!(account.ready_at(FIRST, START), START, "three of its own work");
}

#[test]
fn session_that_fell_silent_shows_no_more_than_that_it_is_open() {
    let account = account();
    let (one, other) = (account.connect(FIRST), account.connect(FIRST));
    one.took(START);
    let later = START.plus(WORKS_FOR).plus(Duration::from_secs(1));
    assert_eq!(other.witness(START), Witness::OtherSessions);
    assert_eq!(
        (other.witness(later), other.others(later)),
        (Witness::Lately, Others::Open)
    );
    drop(other);
    assert_eq!(one.witness(START), Witness::Lately, "not by its own word");
}

#[test]
fn connections_of_a_relay_without_mail_are_no_others() {
    let account = account();
    // One of settings that hold no more, one of those that do, and one too many.
    let (old, new, third) = (
        account.connect(FIRST),
        account.connect(SECOND),
        account.connect(SECOND),
    );
    for slot in [&old, &new] {
        slot.took(START);
    }
    account.given(SECOND, 3, 2, 20, START);
    third.refused(START);
    drop(third);
    assert_eq!(account.values().connections, Some(2));
    assert_eq!(
        account.connections(SECOND, 20),
        1,
        "or it would be refused at once, again and again"
    );
    drop(old);
    assert_eq!(account.connections(SECOND, 20), 2);
}

#[test]
fn session_whose_content_is_under_way_shows_that_it_is_open() {
    let account = account();
    let (one, other) = (account.connect(FIRST), account.connect(FIRST));
    one.answered(START);
    let progress = ContentProgress::default();
    one.carries(progress.clone());
    let later = START.plus(WORKS_FOR).plus(Duration::from_secs(1));
    assert_eq!(other.others(later), Others::Closed);
    progress.begin_content();
    assert_eq!(other.others(later), Others::Open, "it waits for the dot's answer");
    one.refused(later);
    assert_eq!(other.others(later), Others::Closed);
}

#[test]
fn what_a_connection_noted_by_the_moved_clock_is_not_moved_again() {
    let month: i64 = 30 * 86_400 * 1_000_000;
    let account = account();
    let (before, since, other) = (
        account.connect(FIRST),
        account.connect(FIRST),
        account.connect(FIRST),
    );
    let moved = START.moved(-month);
    before.answered(START);
    account.clock_moved(-month, (moved, moved));
    assert_eq!(other.witness(moved), Witness::OtherSessions);
    drop(before);
    assert_ne!(other.witness(moved), Witness::OtherSessions);
    let again = moved.moved(-month);
    since.answered(again);
    account.clock_moved(-month, (again, again));
    assert_eq!(other.witness(again), Witness::OtherSessions);
}

#[test]
fn what_was_known_before_the_clock_was_set_back_keeps_its_age() {
    let hour: i64 = 3_600 * 1_000_000;
    let account = account();
    let (one, other) = (account.connect(FIRST), account.connect(FIRST));
    one.took(START);
    drop(one);
    let now = START.plus(Duration::from_secs(3_600));
    assert_eq!(other.witness(now), Witness::Lately);
    let later = START.plus(Duration::from_secs(2 * 3_600));
    assert_eq!(other.witness(later), Witness::Nothing);
    let set_back = later.moved(-hour * 3 / 2);
    account.clock_moved(-hour * 3 / 2, (set_back, set_back));
    assert_eq!(other.witness(set_back), Witness::Nothing);
}

#[tokio::test(start_paused = true)]
async fn connection_that_ended_just_now_may_still_be_counted_by_the_relay() {
    let account = account();
    let (one, other) = (account.connect(FIRST), account.connect(FIRST));
    one.took(START);
    drop(one);
    assert_eq!(other.others(START), Others::Open);
    tokio::time::advance(ENDED_COUNTS_FOR + Duration::from_secs(1)).await;
    assert_eq!(other.others(START), Others::Closed);
}

#[test]
fn two_relays_that_are_refused_in_turn_wait_for_each_other_for_a_quarter_of_an_hour() {
    let account = account();
    let mut now = START;
    while now.since(START) <= OPEN_COUNTS_FOR {
        let (one, other) = (account.connect(FIRST), account.connect(SECOND));
        for slot in [&one, &other] {
            let progress = ContentProgress::default();
            progress.begin_content();
            slot.carries(progress);
        }
        assert_eq!(other.others(now), Others::Open);
        other.refused(now);
        now = now.plus(CROWDED.1);
    }
    let (one, other) = (account.connect(FIRST), account.connect(SECOND));
    let progress = ContentProgress::default();
    progress.begin_content();
    one.carries(progress);
    assert_eq!(other.others(now), Others::Closed);
}

#[test]
fn connection_that_only_opens_shows_nothing() {
    let account = account();
    let (opens, refused) = (account.connect(FIRST), account.connect(FIRST));
    assert_eq!(refused.witness(START), Witness::Nothing);
    refused.refused(START);
    assert!(account.ready_at(FIRST, START) > START, "nothing of its own works");
    opens.took(START);
    assert_eq!(account.ready_at(FIRST, START), START);
}

#[tokio::test(start_paused = true)]
async fn failure_to_open_is_judged_when_those_that_opened_at_once_are_known() {
    let account = account();
    let (one, other) = (account.connect(FIRST), account.connect(FIRST));
    let both = async { tokio::join!(one.failed_to_open(START), other.failed_to_open(START)) };
    let waited = tokio::time::timeout(WORKS_FOR / 2, both).await;
    assert!(waited.is_ok(), "they wait for each other");
    assert_eq!(one.witness(START), Witness::Nothing, "the relay is down");

    let (greeted, refused) = (account.connect(FIRST), account.connect(FIRST));
    let mut settles = Box::pin(refused.failed_to_open(START));
    let early = tokio::time::timeout(WORKS_FOR / 2, &mut settles).await;
    assert!(
        early.is_err(),
        "judged before it is known what the other comes to"
    );
    let later = account.connect(FIRST);
    greeted.answered(START);
    settles.await;
    assert_eq!(refused.witness(START), Witness::OtherSessions);
    drop(later);
}

#[test]
fn connection_that_closes_is_counted_and_serves_nobody() {
    let account = account();
    let closing = account.connect(FIRST);
    closing.took(START);
    let idle = START.plus(Duration::from_mins(1));
    closing.closes(idle);
    let next = account.connect(FIRST);
    assert_eq!(next.witness(idle), Witness::OtherSessions);
    next.refused(idle);
    assert_eq!(account.values().connections, Some(1));
    assert!(account.ready_at(FIRST, idle) > idle, "not again at once");
    drop((closing, next));
    assert_eq!(account.connect(FIRST).witness(idle), Witness::Lately);
}

#[test]
fn connection_that_ended_while_another_opened_shows_for_it() {
    let account = account();
    let (served, vanished, opens) = (
        account.connect(FIRST),
        account.connect(FIRST),
        account.connect(FIRST),
    );
    for other in [&served, &vanished] {
        other.took(START);
        other.closes(START);
    }
    drop(vanished);
    // A further address of the relay's name was tried meanwhile.
    let later = START.plus(WORKS_FOR * 2);
    assert_ne!(
        opens.witness(later),
        Witness::OtherSessions,
        "QUIT without an answer shows nothing"
    );
    served.closed();
    drop(served);
    assert_eq!(opens.witness(later), Witness::OtherSessions);
    assert_eq!(
        account.connect(FIRST).witness(START),
        Witness::Lately,
        "it came after"
    );
    opens.refused(later);
    assert_eq!(
        account.values().connections,
        None,
        "how many it takes is not known"
    );
    assert!(account.ready_at(FIRST, later) > later, "not again at once");
}

#[test]
fn what_a_connection_saw_while_it_opened_ends_with_its_first_answer() {
    let account = account();
    let (served, opens) = (account.connect(FIRST), account.connect(FIRST));
    served.took(START);
    served.closes(START);
    served.closed();
    drop(served);
    opens.answered(START);
    let later = START.plus(WORKS_FOR * 2);
    assert_ne!(opens.witness(later), Witness::OtherSessions);
}

#[test]
fn relays_that_are_refused_in_step_do_not_show_for_each_other_for_ever() {
    let account = account();
    let mut now = START;
    let mut witness = Witness::OtherSessions;
    for _ in 0..10 {
        let places = [account.connect(FIRST), account.connect(SECOND)];
        for place in &places {
            place.answered(now);
        }
        witness = places[0].witness(now);
        for place in &places {
            place.refused(now);
        }
        now = now.plus(CROWDED.1);
    }
    assert_eq!(witness, Witness::Nothing);
}

#[test]
fn bound_of_as_many_as_are_configured_leaves_out_what_closes() {
    let account = account();
    let open = [account.connect(FIRST), account.connect(FIRST)];
    for place in &open {
        place.took(START);
    }
    account.connect(FIRST).refused(START);
    open[0].closes(START);
    assert_eq!(account.connections(FIRST, 2), 1);
}

#[test]
fn none_is_opened_in_place_of_one_that_closes() {
    let account = account();
    let open: Vec<_> = (0..3).map(|_| account.connect(FIRST)).collect();
    for place in &open {
        place.took(START);
    }
    account.connect(FIRST).refused(START);
    assert_eq!(account.connections(FIRST, 20), 3);
    open[0].closes(START);
    assert_eq!(account.connections(FIRST, 20), 2);
    drop(open);
    assert_eq!(account.connections(FIRST, 20), 3);
}

#[test]
fn refused_connections_that_close_show_for_each_other_no_longer_than_what_worked_once() {
    let account = account();
    let works = account.connect(FIRST);
    works.took(START);
    let mut before = account.connect(FIRST);
    before.refused(START.plus(Duration::from_secs(1)));
    drop(works);
    for (seconds, witness) in [
        (10, Witness::OtherSessions),
        (20, Witness::OtherSessions),
        (31, Witness::Lately),
    ] {
        let now = START.plus(Duration::from_secs(seconds));
        let next = account.connect(FIRST);
        assert_eq!(next.witness(now), witness);
        next.refused(now);
        before = next;
    }
    drop(before);
}

#[test]
fn relay_without_a_connection_waits_ever_longer_and_has_its_share() {
    let account = account();
    let held = account.connect(FIRST);
    held.took(START);
    account.given(FIRST, 2, 1, 20, START);
    let waits = [500, 1_000, 2_000];
    let mut now = START;
    for wait in waits {
        let burst = [account.connect(SECOND), account.connect(SECOND)];
        for place in burst {
            // Being greeted is not enough: some relays refuse at MAIL.
            place.answered(now);
            place.refused(now);
        }
        let until = now.plus(Duration::from_millis(wait));
        assert_eq!(account.ready_at(SECOND, now), until);
        now = until;
    }
    for _ in 0..3 {
        let place = account.connect(SECOND);
        place.took(START);
        assert_eq!(account.ready_at(SECOND, START), START);
    }
}

#[test]
fn pace_counts_what_was_taken_and_what_is_in_hand() {
    let account = account();
    assert_eq!(account.pace(START), u32::MAX);
    let place = account.connect(FIRST);
    for _ in 0..30 {
        place.took(START);
    }
    account.refused(Throttle::Pace, 0, START);
    let next = START.plus(Duration::from_secs(62));
    assert_eq!((account.pace(START), account.pace(next)), (0, 30));
    account.given(FIRST, 12, 6, 20, next);
    assert_eq!(account.pace(next), 18);
    account.done(FIRST, 12);
    assert_eq!(account.pace(next), 30);
}
