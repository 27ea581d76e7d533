//! Cuts a case that fails down to the fewest events that still do (delta debugging).

use crate::case::{Case, Event};
use crate::judge::Violation;
use crate::world::run_until;

/// Runs that one reduction may take.
const RUNS: usize = 400;

/// The smallest case found in which a rule is broken as it is looked for.
pub fn shrink(case: &Case, found: impl Fn(&Violation) -> bool) -> Case {
    let mut runs = 0;
    let mut breaks = |case: &Case| {
        runs += 1;
        runs <= RUNS && run_until(case, &found).is_ok_and(|report| report.violations.iter().any(&found))
    };
    let mut best = case.clone();
    let mut part = best.events.len() / 2;
    while part > 0 {
        let mut from = 0;
        while from < best.events.len() {
            let mut less = best.clone();
            less.events.drain(from..(from + part).min(less.events.len()));
            if breaks(&less) {
                best = less;
            } else {
                from += part;
            }
        }
        part /= 2;
    }
    for place in 0..best.events.len() {
        for fewer in [1, 2, 3, 4, 6, 10] {
            let mut less = best.clone();
            if let Some(timed) = less.events.get_mut(place)
                && let Event::Submit { count, .. } = &mut timed.event
                && *count > fewer
            {
                *count = fewer;
                if breaks(&less) {
                    best = less;
                    break;
                }
            }
        }
    }
    best
}
