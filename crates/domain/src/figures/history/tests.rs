//! Steps, gaps and what is kept.

use super::super::latency_class;
use super::*;

const SECOND: Duration = Duration::from_secs(1);
/// On the boundary of every step.
const START: Timestamp = Timestamp::from_micros(1_795_001_400_000_000);

fn reading(waiting: u64, accepted: u64) -> Reading {
    Reading {
        waiting,
        oldest: (waiting > 0).then_some(SECOND),
        totals: Totals {
            accepted,
            ..Totals::default()
        },
    }
}

fn accepted(history: &History, span: Span, now: Timestamp) -> Vec<(u64, u64)> {
    let after = |at: Timestamp| at.since(START).as_secs();
    let steps = history.steps(span, now);
    steps
        .map(|step| (after(step.at), step.figures.accepted))
        .collect()
}

#[test]
fn start_is_on_a_boundary() {
    for span in Span::ALL {
        assert_eq!(span.begin(START), START, "{span:?}");
    }
}

#[test]
fn counts_belong_to_the_step_in_which_they_were_counted() {
    let mut history = History::new(START);
    // Looks come a moment late, and once a moment early.
    for (at_ms, total) in [(10_003, 4), (20_001, 4), (29_998, 9), (40_050, 10)] {
        history.add(START.plus(Duration::from_millis(at_ms)), reading(0, total));
    }
    let now = START.plus(SECOND * 41);
    assert_eq!(
        accepted(&history, Span::Hour, now),
        [(0, 4), (10, 0), (20, 5), (30, 1)]
    );
    assert_eq!(accepted(&history, Span::Day, now), [(0, 10)]);
    assert_eq!(accepted(&history, Span::Week, now), [(0, 10)]);
}

#[test]
fn levels_of_a_step_reach_as_high_as_the_highest() {
    let mut history = History::new(START);
    for (at, waiting) in [(10, 3), (20, 70), (30, 5)] {
        history.add(START.plus(SECOND * at), reading(waiting, 0));
    }
    let now = START.plus(SECOND * 30);
    let day: Vec<_> = history
        .steps(Span::Day, now)
        .map(|step| step.figures.waiting)
        .collect();
    assert_eq!(day, [70]);
}

#[test]
fn time_in_which_nobody_looked_is_a_gap() {
    let mut history = History::new(START);
    history.add(START.plus(SECOND * 10), reading(0, 1));
    history.add(START.plus(SECOND * 70), reading(0, 7));
    let now = START.plus(SECOND * 70);
    assert_eq!(accepted(&history, Span::Hour, now), [(0, 1), (60, 6)]);
}

#[test]
fn ring_is_bounded_and_what_is_older_than_the_span_is_not_told() {
    let mut history = History::new(START);
    for step in 1..=1_000 {
        history.add(START.plus(SECOND * 10 * step), reading(0, u64::from(step)));
    }
    let now = START.plus(SECOND * 10_000);
    let steps = accepted(&history, Span::Hour, now);
    assert_eq!(steps.len(), 360);
    assert_eq!(steps.first(), Some(&(6_400, 1)));
    assert_eq!(history.rings[0].steps.len(), Span::Hour.most());
    let long_after = now.plus(Span::Hour.duration() * 2);
    assert!(accepted(&history, Span::Hour, long_after).is_empty());
}

#[test]
fn clock_that_is_set_back_keeps_the_order() {
    let mut history = History::new(START);
    history.add(START.plus(SECOND * 100), reading(0, 1));
    history.add(START.plus(SECOND * 50), reading(0, 3));
    history.add(START.plus(SECOND * 110), reading(0, 4));
    let now = START.plus(SECOND * 110);
    let steps = accepted(&history, Span::Hour, now);
    assert_eq!(steps.iter().map(|step| step.1).sum::<u64>(), 4);
    assert!(steps.is_sorted());
}

#[test]
fn restored_history_goes_on_in_its_open_steps() {
    let mut first = History::new(START);
    first.add(START.plus(SECOND * 10), reading(0, 5));
    let kept = first.unkept();
    assert_eq!(kept.len(), 3);
    first.mark_kept();
    assert!(first.unkept().is_empty());
    let mut second = History::new(START.plus(SECOND * 20));
    second.restore(kept);
    second.add(START.plus(SECOND * 30), reading(0, 2));
    let now = START.plus(SECOND * 30);
    assert_eq!(accepted(&second, Span::Hour, now), [(0, 5), (20, 2)]);
    assert_eq!(accepted(&second, Span::Week, now), [(0, 7)]);
    // Only what the second process changed is written again.
    let changed: Vec<_> = second
        .unkept()
        .into_iter()
        .map(|(span, step)| (span, step.figures.accepted))
        .collect();
    assert_eq!(changed, [(Span::Hour, 2), (Span::Day, 7), (Span::Week, 7)]);
}

#[test]
fn latency_of_a_step_is_that_of_its_own_messages() {
    let mut history = History::new(START);
    let mut totals = Totals::default();
    for (at, took_ms) in [(10, 5), (20, 500)] {
        let class = latency_class(Duration::from_millis(took_ms));
        totals.latencies.merge(&[(class, 1)].into_iter().collect());
        let reading = Reading {
            totals: totals.clone(),
            ..Reading::default()
        };
        history.add(START.plus(SECOND * at), reading);
    }
    let now = START.plus(SECOND * 20);
    let p95: Vec<_> = history
        .steps(Span::Hour, now)
        .filter_map(|step| step.figures.latencies.quantile(95))
        .map(|took| took.as_millis())
        .collect();
    assert!(p95[0] < 10 && p95[1] > 400, "{p95:?}");
}
