//! How many messages a relay is given in a minute and in an hour (SPEC D5), as a pure function of the time.
//!
//! Providers count over a window that slides: "30 a minute" refuses the 31st within any 60 seconds. A bucket that
//! refills steadily lets almost twice as many through in its first minute, so this counts what was taken in 60 slots
//! and never takes more than the rate in any window of that length.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// Slots of a window: a minute is counted by seconds, an hour by minutes.
const SLOTS: usize = 60;

/// The most messages of a time; `None` for no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rates {
    /// In any 60 seconds.
    pub per_minute: Option<u32>,
    /// In any 60 minutes.
    pub per_hour: Option<u32>,
}

/// Counts what was taken against [`Rates`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RateLimiter {
    windows: Vec<Window>,
}

impl RateLimiter {
    /// Starts with nothing taken.
    pub fn new(rates: Rates) -> Self {
        let window = |most: Option<u32>, length| most.map(|most| Window::new(most, length));
        let windows = [
            window(rates.per_minute, Duration::from_mins(1)),
            window(rates.per_hour, Duration::from_hours(1)),
        ];
        Self {
            windows: windows.into_iter().flatten().collect(),
        }
    }

    /// Starts with what another limiter has counted: the settings changed, what the relay has seen did not.
    #[must_use]
    pub fn continuing(mut self, old: &Self) -> Self {
        for window in &mut self.windows {
            if let Some(same) = old.windows.iter().find(|other| other.slot == window.slot) {
                window.slots.clone_from(&same.slots);
            }
        }
        self
    }

    /// How many may be taken now; `u32::MAX` without a limit.
    pub fn available(&self, now: Timestamp) -> u32 {
        let free = |window: &Window| window.most.saturating_sub(window.taken(now));
        self.windows.iter().map(free).min().unwrap_or(u32::MAX)
    }

    /// Notes that `n` were taken.
    pub fn take(&mut self, n: u32, now: Timestamp) {
        for window in &mut self.windows {
            window.add(n, now);
        }
    }

    /// Notes that one was given back unused. It is taken off the oldest slot, so that no window ever counts too little.
    pub fn give_back(&mut self, now: Timestamp) {
        for window in &mut self.windows {
            window.take_off(now);
        }
    }

    /// The clock was moved by so many microseconds to show `now`: what was taken moves along. What was counted by the moved
    /// clock already would lie ahead of it, and counts as taken now.
    pub fn clock_moved(&mut self, micros: i64, now: Timestamp) {
        for window in &mut self.windows {
            let (slots, newest) = (micros.div_euclid(window.slot_micros()), window.number(now));
            let mut moved = std::collections::BTreeMap::new();
            for (number, taken) in window.slots.drain(..) {
                let counted: &mut u32 = moved.entry(number.saturating_add(slots).min(newest)).or_default();
                *counted = counted.saturating_add(taken);
            }
            window.slots.extend(moved);
        }
    }

    /// When one more may be taken; `None` where that is now.
    pub fn next_at(&self, now: Timestamp) -> Option<Timestamp> {
        let full = |window: &&Window| window.taken(now) >= window.most;
        self.windows
            .iter()
            .filter(full)
            .map(|window| window.frees_at(now))
            .max()
    }
}

/// What was taken in the last [`SLOTS`] slots.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Window {
    most: u32,
    slot: Duration,
    /// (number of the slot since 1970, taken in it), oldest first.
    slots: std::collections::VecDeque<(i64, u32)>,
}

impl Window {
    fn new(most: u32, length: Duration) -> Self {
        Self {
            most,
            slot: length / u32::try_from(SLOTS).unwrap_or(1),
            slots: std::collections::VecDeque::with_capacity(SLOTS + 1),
        }
    }

    fn slot_micros(&self) -> i64 {
        i64::try_from(self.slot.as_micros()).unwrap_or(i64::MAX).max(1)
    }

    fn number(&self, at: Timestamp) -> i64 {
        at.as_micros().div_euclid(self.slot_micros())
    }

    /// Slots that a window ending now may touch: a slot counts whole until its last moment has left the window.
    fn first_counted(&self, now: Timestamp) -> i64 {
        self.number(now) - i64::try_from(SLOTS).unwrap_or(0)
    }

    fn taken(&self, now: Timestamp) -> u32 {
        let first = self.first_counted(now);
        self.slots
            .iter()
            .filter(|(number, _)| *number >= first)
            .map(|(_, n)| n)
            .sum()
    }

    fn forget_old(&mut self, now: Timestamp) {
        let first = self.first_counted(now);
        while self.slots.front().is_some_and(|(number, _)| *number < first) {
            self.slots.pop_front();
        }
    }

    fn add(&mut self, n: u32, now: Timestamp) {
        self.forget_old(now);
        let number = self.number(now);
        match self.slots.back_mut() {
            // A clock that was set back counts into the newest slot.
            Some((last, taken)) if *last >= number => *taken = taken.saturating_add(n),
            Some(_) | None => self.slots.push_back((number, n)),
        }
    }

    fn take_off(&mut self, now: Timestamp) {
        self.forget_old(now);
        if let Some((_, taken)) = self.slots.front_mut() {
            *taken = taken.saturating_sub(1);
            if *taken == 0 {
                self.slots.pop_front();
            }
        }
    }

    /// When the oldest slot that holds something leaves the window.
    fn frees_at(&self, now: Timestamp) -> Timestamp {
        let first = self.first_counted(now);
        let oldest = self
            .slots
            .iter()
            .find(|(number, taken)| *number >= first && *taken > 0)
            .map_or(self.number(now), |(number, _)| *number);
        let leaves = oldest.saturating_add(i64::try_from(SLOTS).unwrap_or(0) + 1);
        Timestamp::from_micros(leaves.saturating_mul(self.slot_micros()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn after(seconds: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(seconds))
    }

    fn a_minute(n: u32) -> RateLimiter {
        RateLimiter::new(Rates {
            per_minute: Some(n),
            per_hour: None,
        })
    }

    #[test]
    fn without_rates_there_is_no_limit() {
        let limiter = RateLimiter::new(Rates::default());
        assert_eq!((limiter.available(NOW), limiter.next_at(NOW)), (u32::MAX, None));
    }

    #[test]
    fn what_was_taken_by_a_moved_clock_does_not_lie_ahead_of_it() {
        let hours = 6 * 3_600;
        let mut limiter = a_minute(30);
        limiter.take(10, NOW);
        // Somebody has read the clock before the move is told.
        limiter.take(10, after(hours));
        limiter.clock_moved(i64::try_from(hours).unwrap() * 1_000_000, after(hours));
        assert_eq!(limiter.available(after(hours)), 20);
        assert_eq!(limiter.available(after(hours + 62)), 30);
    }

    #[test]
    fn what_was_taken_moves_with_the_clock() {
        for hours in [6_i64, -6] {
            let micros = hours * 3_600_000_000;
            let mut limiter = a_minute(30);
            limiter.take(10, NOW);
            limiter.clock_moved(micros, NOW.moved(micros));
            assert_eq!(limiter.available(after(30).moved(micros)), 20, "{hours} hours");
            assert_eq!(limiter.available(after(62).moved(micros)), 30, "{hours} hours");
        }
    }

    #[test]
    fn no_sixty_seconds_hold_more_than_the_rate() {
        let mut limiter = a_minute(30);
        let mut taken: Vec<u64> = Vec::new();
        for tenth in 0..3_000_u64 {
            let now = NOW.plus(Duration::from_millis(tenth * 100));
            // A sender that always wants two more.
            let n = limiter.available(now).min(2);
            limiter.take(n, now);
            taken.extend((0..n).map(|_| tenth));
        }
        for window in 0..2_400 {
            let within = taken
                .iter()
                .filter(|at| (window..window + 600).contains(*at))
                .count();
            assert!(within <= 30, "{within} from tenth {window}");
        }
        assert!(
            taken.len() >= 30 * 4,
            "the rate is used, not only kept: {}",
            taken.len()
        );
    }

    #[test]
    fn tells_when_the_next_may_go() {
        let mut limiter = a_minute(2);
        limiter.take(1, NOW);
        limiter.take(1, after(10));
        assert_eq!(limiter.available(after(10)), 0);
        let next = limiter.next_at(after(10)).unwrap();
        assert!(next > after(60) && next <= after(62), "{next}");
        assert_eq!(limiter.available(next), 1);
        assert_eq!(limiter.available(next.minus(Duration::from_micros(1))), 0);
    }

    #[test]
    fn narrower_of_minute_and_hour_decides() {
        let mut limiter = RateLimiter::new(Rates {
            per_minute: Some(10),
            per_hour: Some(15),
        });
        limiter.take(10, NOW);
        assert_eq!(limiter.available(after(62)), 5);
        limiter.take(5, after(62));
        assert_eq!(limiter.available(after(200)), 0);
        assert_eq!(limiter.available(after(3_661)), 10);
    }

    #[test]
    fn what_is_given_back_may_be_taken_again() {
        let mut limiter = a_minute(1);
        limiter.take(1, NOW);
        limiter.give_back(after(1));
        assert_eq!(limiter.available(after(1)), 1);
    }

    #[test]
    fn one_that_is_given_back_is_taken_off_the_oldest_that_counts() {
        let mut limiter = a_minute(9);
        limiter.take(3, NOW);
        limiter.take(2, after(30));
        limiter.take(1, after(80));
        limiter.give_back(after(80));
        assert_eq!(
            limiter.available(after(80)),
            7,
            "what went at first counts no more"
        );
        limiter.give_back(after(80));
        assert_eq!(limiter.available(after(80)), 8);
        assert_eq!(
            limiter.available(after(92)),
            8,
            "that of half a minute is used up"
        );
    }

    #[test]
    fn next_may_go_when_the_oldest_that_counts_leaves_the_window() {
        let mut limiter = a_minute(2);
        limiter.take(1, NOW);
        limiter.take(0, after(10));
        limiter.take(2, after(30));
        let next = limiter.next_at(after(70)).unwrap();
        assert!(next > after(90) && next <= after(92), "{next}");
    }

    #[test]
    fn counting_takes_a_place_for_each_second_and_no_more() {
        let mut limiter = a_minute(u32::MAX);
        for tenth in 0..6_000_u64 {
            limiter.take(1, NOW.plus(Duration::from_millis(tenth * 100)));
        }
        assert_eq!(limiter.windows[0].slots.len(), SLOTS + 1);
        limiter.take(1, NOW);
        assert_eq!(
            limiter.windows[0].slots.len(),
            SLOTS + 1,
            "by a clock set back, too"
        );
    }

    #[test]
    fn changed_rate_counts_what_went_before() {
        let mut old = a_minute(30);
        old.take(20, NOW);
        assert_eq!(a_minute(25).continuing(&old).available(NOW), 5);
    }

    #[test]
    fn changed_rates_count_each_window_for_itself() {
        let rates = |per_minute, per_hour| {
            RateLimiter::new(Rates {
                per_minute: Some(per_minute),
                per_hour: Some(per_hour),
            })
        };
        let mut old = rates(10, 100);
        old.take(10, NOW);
        let mut new = rates(10, 100).continuing(&old);
        assert_eq!(new, old);
        new.take(10, after(62));
        assert_eq!(rates(100, 25).continuing(&new).available(after(62)), 5);
    }

    #[test]
    fn zero_stops_everything() {
        let limiter = a_minute(0);
        assert_eq!(limiter.available(NOW), 0);
        assert!(limiter.next_at(NOW).is_some_and(|at| at > NOW));
    }
}
