use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::clock::Timestamp;
use crate::outcome::{Blame, Lasting};
use crate::retry::{AfterFailure, Chance, RetrySchedule};

const EVENTS: [MessageEvent; 11] = [
    MessageEvent::Lease,
    MessageEvent::Accepted,
    MessageEvent::Undelivered,
    MessageEvent::Defer,
    MessageEvent::GiveBack,
    MessageEvent::Due,
    MessageEvent::Exhaust,
    MessageEvent::Hold,
    MessageEvent::Release,
    MessageEvent::Postpone,
    MessageEvent::Requeue,
];

/// The module's table, read from its documentation: keep one list, not two.
fn table() -> Vec<(String, String, String)> {
    let name = |text: &str| {
        text.split('(')
            .next()
            .unwrap_or_default()
            .trim()
            .replace(' ', "_")
    };
    let mut rows = Vec::new();
    for line in include_str!("../state.rs")
        .lines()
        .filter_map(|l| l.strip_prefix("//! | "))
    {
        let cells: Vec<_> = line.trim_end_matches(" |").split(" | ").collect();
        if let [from, event, to] = cells[..]
            && !matches!(from, "from" | "---")
        {
            for from in from.split(", ") {
                rows.push((name(from), name(event), to.to_owned()));
            }
        }
    }
    rows
}

fn event_name(event: MessageEvent) -> &'static str {
    match event {
        MessageEvent::Lease => "lease",
        MessageEvent::Accepted => "accepted",
        MessageEvent::Undelivered => "undelivered",
        MessageEvent::Defer => "defer",
        MessageEvent::GiveBack => "give_back",
        MessageEvent::Due => "due",
        MessageEvent::Exhaust => "exhaust",
        MessageEvent::Hold => "hold",
        MessageEvent::Release => "release",
        MessageEvent::Postpone => "postpone",
        MessageEvent::Requeue => "requeue",
    }
}

#[test]
fn the_documented_table_is_the_whole_truth() {
    let table = table();
    assert!(table.len() >= 18, "the table was read: {table:?}");
    for state in MessageState::ALL {
        for event in EVENTS {
            let row = table
                .iter()
                .find(|(from, e, _)| from == state.name() && e == event_name(event));
            match (row, state.after(event)) {
                (Some((_, _, to)), Ok(next)) => assert_eq!(next.name(), to),
                (None, Err(error)) => assert_eq!(error, InvalidTransition { state, event }),
                (row, next) => panic!("{state:?} {event:?}: table {row:?}, code {next:?}"),
            }
        }
    }
}

#[test]
fn kept_numbers_read_back() {
    for state in MessageState::ALL {
        assert_eq!(MessageState::from_number(state.number()), Some(state));
    }
    assert_eq!(MessageState::from_number(7), None);
    assert_eq!(MessageState::from_number(-1), None);
    for number in 0..3 {
        assert_eq!(
            RecipientState::from_number(number).map(RecipientState::number),
            Some(number)
        );
    }
}

#[test]
fn list_shows_three_types() {
    let shown = MessageState::ALL.map(|state| state.shown().name());
    let outbox = "outbox";
    assert_eq!(shown, [outbox, outbox, outbox, outbox, outbox, "sent", "failed"]);
    assert_eq!(ShownType::ALL.map(ShownType::number), [0, 1, 2]);
    let ended = MessageState::ALL.map(MessageState::is_final);
    assert_eq!(ended, [false, false, false, false, false, true, true]);
    assert_eq!(RecipientState::from_number(3), None);
    let numbers = [
        RecipientState::Pending,
        RecipientState::Sent,
        RecipientState::Failed,
    ];
    assert_eq!(numbers.map(RecipientState::number), [0, 1, 2]);
}

proptest! {
    /// However it is held, released and given back: once it is let be, every path ends within ten attempts.
    #[test]
    fn every_path_ends(events in proptest::collection::vec(select(&EVENTS[..]), 0..60), start in select(&MessageState::ALL[..])) {
        let mut state = start;
        for event in events {
            if let Ok(next) = state.after(event) {
                prop_assert!(!state.is_final() || next == MessageState::Queued, "a final message moves by requeue alone");
                prop_assert!(state != MessageState::Sent, "nothing follows sent");
                state = next;
            }
        }
        let schedule = RetrySchedule::default();
        let mut attempts = 0;
        for _ in 0..100 {
            let event = match state {
                MessageState::Scheduled => MessageEvent::Due,
                MessageState::Held => MessageEvent::Release,
                MessageState::Queued | MessageState::Deferred => { attempts += 1; MessageEvent::Lease }
                MessageState::Sending => {
                    let now = Timestamp::from_micros(0);
                    match schedule.after_failure(attempts, Lasting::Transient, Blame::Relay, now, Chance::EVEN) {
                        AfterFailure::Retry { .. } => MessageEvent::Defer,
                        AfterFailure::GiveUp => MessageEvent::Undelivered,
                    }
                }
                MessageState::Sent | MessageState::Failed => break,
            };
            state = state.after(event).expect("a path of the table");
        }
        prop_assert!(state.is_final());
        prop_assert!(attempts <= RetrySchedule::MAX_ATTEMPTS, "{attempts} attempts");
    }
}
