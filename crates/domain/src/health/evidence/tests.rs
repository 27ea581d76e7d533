use super::*;

const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

fn after(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}

fn failed(n: i64, sender: i64, at: FailedAt) -> FailedMessage {
    FailedMessage {
        id: MessageId::from_ord(n),
        sender: UserId(sender),
        at,
    }
}

/// A row of three messages of the sender 1 whose content failed before others were taken, and now again.
fn failed_again() -> Row {
    let mut row = Row::default();
    for n in 1..=3 {
        assert!(!row.add(failed(n, 1, FailedAt::Content), Novelty::Repeated, START));
    }
    row
}

#[test]
fn one_senders_failures_take_no_more_than_three_places() {
    for at in [FailedAt::Sender, FailedAt::Content, FailedAt::Transaction] {
        let mut row = Row::default();
        for n in 1..=100 {
            assert!(!row.add(failed(n, 1, at), Novelty::New, START));
        }
        assert_eq!(row.0.len(), 3, "{at:?}");
    }
}

#[test]
fn message_that_fails_again_in_the_same_way_takes_no_second_place() {
    let mut row = Row::default();
    for _ in 0..3 {
        row.add(failed(1, 1, FailedAt::Content), Novelty::New, START);
    }
    assert_eq!(row.0.len(), 1);
    row.add(failed(1, 1, FailedAt::Transaction), Novelty::New, START);
    assert_eq!(row.0.len(), 2, "another way");
}

#[test]
fn new_failures_of_a_sender_take_the_places_of_those_that_failed_before() {
    let mut row = failed_again();
    let other = failed(9, 2, FailedAt::Content);
    assert!(!row.clone().add(other, Novelty::New, START), "one is new");
    for n in 4..=5 {
        assert!(!row.add(failed(n, 1, FailedAt::Content), Novelty::New, START));
        assert_eq!(row.0.len(), 3);
    }
    // The same again is no other one.
    assert!(!row.add(failed(5, 1, FailedAt::Content), Novelty::New, START));
    assert!(
        row.add(other, Novelty::New, START),
        "three of two senders are new"
    );
}

#[test]
fn only_a_new_failure_of_the_same_kind_takes_such_a_place() {
    let row = failed_again();
    for (again, novelty) in [
        (failed(2, 1, FailedAt::Content), Novelty::New),
        (failed(4, 1, FailedAt::Content), Novelty::Repeated),
    ] {
        let mut same = row.clone();
        same.add(again, novelty, START);
        assert_eq!(same, row, "{again:?} {novelty:?}");
    }
    let mut grown = row.clone();
    grown.add(failed(4, 1, FailedAt::Transaction), Novelty::New, START);
    grown.add(failed(5, 2, FailedAt::Content), Novelty::Repeated, START);
    assert_eq!(grown.0[..3], row.0[..]);
    assert_eq!(grown.0.len(), 5);
}

#[test]
fn row_lasts_since_its_first_failure_whatever_took_its_place() {
    let mut row = failed_again();
    for n in 4..=6 {
        assert!(!row.add(failed(n, 1, FailedAt::Content), Novelty::New, after(100)));
    }
    let seven = failed(7, 1, FailedAt::Content);
    assert!(!row.clone().add(seven, Novelty::New, after(3_599)));
    assert!(row.add(seven, Novelty::New, after(3_600)));
}

#[test]
fn failure_counts_for_six_hours_after_the_last_of_its_kind() {
    let mut row = Row::default();
    let age = EVIDENCE_AGE_MAX.as_secs();
    row.add(failed(1, 1, FailedAt::Content), Novelty::New, START);
    row.add(failed(2, 1, FailedAt::Content), Novelty::New, after(age));
    assert_eq!(row.0.len(), 2);
    row.add(failed(3, 2, FailedAt::Session), Novelty::New, after(2 * age));
    assert_eq!(row.0.len(), 3);
    row.add(failed(4, 2, FailedAt::Session), Novelty::New, after(3 * age));
    assert_eq!(row.0.len(), 2, "before MAIL: of any age");
}

#[test]
fn failures_of_one_sender_and_of_several_are_told_apart() {
    let mut row = Row::default();
    assert_eq!(row.only_sender(), None);
    row.add(failed(1, 7, FailedAt::Content), Novelty::New, START);
    row.add(failed(2, 7, FailedAt::Transaction), Novelty::New, START);
    assert_eq!(row.only_sender(), Some(UserId(7)));
    row.add(failed(3, 8, FailedAt::Sender), Novelty::New, START);
    assert_eq!(row.only_sender(), None);
}
