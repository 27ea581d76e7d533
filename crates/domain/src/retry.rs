//! When a message that was not delivered is tried again (SPEC D2).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::outcome::{Blame, Lasting};

/// A number of [0, 1] from the random source that was passed in: where in a jitter's range a time falls.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Chance(f64);

impl Chance {
    /// The middle: no jitter at all.
    pub const EVEN: Self = Self(0.5);

    /// Takes a number of [0, 1]; what lies outside is brought to the nearer end, what is no number to the middle.
    pub fn new(unit: f64) -> Self {
        if unit.is_nan() {
            Self::EVEN
        } else {
            Self(unit.clamp(0.0, 1.0))
        }
    }

    /// `wait`, moved by up to `percent` of itself to either side.
    pub fn spread(self, wait: Duration, percent: u8) -> Duration {
        let share = f64::from(percent.min(100)) / 100.0;
        wait.mul_f64(1.0 - share + 2.0 * share * self.0)
    }
}

/// What happens to a 5xx about a recipient or the message (SPEC D2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PermanentFailures {
    /// It is tried again like any other failure; the product's rule.
    #[default]
    Retry,
    /// It ends the recipient at once.
    Fail,
}

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFailure {
    /// Try again then.
    Retry {
        /// The moment of the next attempt.
        at: Timestamp,
    },
    /// No further attempt.
    GiveUp,
}

/// How often and when a message is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrySchedule {
    waits: Vec<Duration>,
    permanent: PermanentFailures,
}

/// A schedule that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSchedule {
    /// More attempts than a message may have.
    #[error("a schedule has at most 9 waits, for 10 attempts; this one has {0}")]
    TooManyWaits(usize),
    /// A wait that is too short or too long.
    #[error("a wait between attempts lies between 1 second and 7 days; number {0} does not")]
    WaitOutOfRange(usize),
    /// A wait that is shorter than the one before.
    #[error("waits between attempts do not get shorter; number {0} does")]
    Shrinking(usize),
}

impl RetrySchedule {
    /// Most attempts of one cycle, "for any reason".
    pub const MAX_ATTEMPTS: u32 = 10;
    /// How far a wait strays to either side, in percent.
    pub const JITTER_PERCENT: u8 = 10;

    /// Makes a schedule of `waits` after the first, second … attempt; one more attempt than waits is made.
    ///
    /// # Errors
    /// [`BadSchedule`] for more than nine waits, a wait outside 1 second to 7 days, or one shorter than that before it.
    pub fn new(waits: Vec<Duration>, permanent: PermanentFailures) -> Result<Self, BadSchedule> {
        if u32::try_from(waits.len()).map_or(true, |n| n >= Self::MAX_ATTEMPTS) {
            return Err(BadSchedule::TooManyWaits(waits.len()));
        }
        let week = Duration::from_hours(7 * 24);
        let mut before = Duration::ZERO;
        for (place, &wait) in waits.iter().enumerate() {
            if wait < Duration::from_secs(1) || wait > week {
                return Err(BadSchedule::WaitOutOfRange(place + 1));
            }
            if wait < before {
                return Err(BadSchedule::Shrinking(place + 1));
            }
            before = wait;
        }
        Ok(Self { waits, permanent })
    }

    /// Attempts that a message gets in one cycle.
    pub fn attempts_max(&self) -> u32 {
        u32::try_from(self.waits.len()).map_or(Self::MAX_ATTEMPTS, |n| n + 1)
    }

    /// The wait after attempt number `attempts` without jitter; `None` after the last.
    pub fn wait_after(&self, attempts: u32) -> Option<Duration> {
        let place = usize::try_from(attempts.checked_sub(1)?).ok()?;
        self.waits.get(place).copied()
    }

    /// Whether a failure ends a recipient at once: a permanent one, where the schedule says so, and the relay itself is
    /// not to blame, nor what it lets a sender do: settings get fixed, an address that does not exist stays so.
    pub fn ends_at_once(&self, lasting: Lasting, blame: Blame) -> bool {
        self.permanent == PermanentFailures::Fail
            && lasting == Lasting::Permanent
            && matches!(blame, Blame::Recipient | Blame::Message)
    }

    /// What follows when attempt number `attempts` of this cycle (1 for the first) failed at `now`.
    pub fn after_failure(
        &self,
        attempts: u32,
        lasting: Lasting,
        blame: Blame,
        now: Timestamp,
        chance: Chance,
    ) -> AfterFailure {
        match self.wait_after(attempts.max(1)) {
            Some(wait) if !self.ends_at_once(lasting, blame) => AfterFailure::Retry {
                at: now.plus(chance.spread(wait, Self::JITTER_PERCENT)),
            },
            _ => AfterFailure::GiveUp,
        }
    }
}

impl Default for RetrySchedule {
    /// Ten attempts: after 1, 5, 15, 30 minutes, then 1, 2, 4, 6, 8 hours (SPEC D2).
    fn default() -> Self {
        let minutes = [1, 5, 15, 30, 60, 120, 240, 360, 480];
        Self {
            waits: minutes.map(Duration::from_mins).to_vec(),
            permanent: PermanentFailures::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn wait(attempts: u32, chance: f64) -> Option<Duration> {
        let schedule = RetrySchedule::default();
        let chance = Chance::new(chance);
        match schedule.after_failure(attempts, Lasting::Transient, Blame::Relay, NOW, chance) {
            AfterFailure::Retry { at } => Some(at.since(NOW)),
            AfterFailure::GiveUp => None,
        }
    }

    #[test]
    fn nine_waits_follow_ten_attempts() {
        let minutes: Vec<_> = (1..=10).map(|n| wait(n, 0.5).map(|w| w.as_secs() / 60)).collect();
        let expected = [1, 5, 15, 30, 60, 120, 240, 360, 480].map(Some);
        assert_eq!(minutes, [&expected[..], &[None]].concat());
    }

    #[test]
    fn permanent_failure_ends_at_once_only_where_asked_and_never_for_the_relay() {
        let fail = RetrySchedule::new(vec![Duration::from_mins(1)], PermanentFailures::Fail).expect("good");
        let after = |schedule: &RetrySchedule, lasting, blame| {
            schedule.after_failure(1, lasting, blame, NOW, Chance::EVEN)
        };
        let retry = AfterFailure::Retry {
            at: NOW.plus(Duration::from_mins(1)),
        };
        for blame in [Blame::Recipient, Blame::Message] {
            assert_eq!(after(&fail, Lasting::Permanent, blame), AfterFailure::GiveUp);
            assert_eq!(after(&fail, Lasting::Transient, blame), retry);
            assert_eq!(after(&RetrySchedule::default(), Lasting::Permanent, blame), retry);
        }
        assert_eq!(after(&fail, Lasting::Permanent, Blame::Relay), retry);
    }

    #[test]
    fn unusable_schedule_is_refused_by_name() {
        let new = |waits: &[u64]| {
            let waits = waits.iter().copied().map(Duration::from_secs).collect();
            RetrySchedule::new(waits, PermanentFailures::Retry)
        };
        assert_eq!(new(&[1; 10]), Err(BadSchedule::TooManyWaits(10)));
        assert_eq!(new(&[5, 0]), Err(BadSchedule::WaitOutOfRange(2)));
        assert_eq!(new(&[5, 4]), Err(BadSchedule::Shrinking(2)));
        assert_eq!(new(&[]).map(|s| s.attempts_max()), Ok(1));
        let week = 7 * 24 * 3_600;
        assert_eq!(new(&[1, week + 1]), Err(BadSchedule::WaitOutOfRange(2)));
        assert_eq!(new(&[1, 1, week]).map(|s| s.attempts_max()), Ok(4));
        assert_eq!(new(&[1; 9]).map(|s| s.attempts_max()), Ok(10));
    }

    #[test]
    fn refused_sender_is_tried_again_like_a_relay() {
        let fail = RetrySchedule::new(vec![Duration::from_mins(1)], PermanentFailures::Fail).expect("good");
        assert!(!fail.ends_at_once(Lasting::Permanent, Blame::Sender));
    }

    #[test]
    fn chance_moves_a_wait_to_either_side_by_the_percentage() {
        let wait = Duration::from_secs(100);
        let spread = |chance, percent| Chance::new(chance).spread(wait, percent).as_secs_f64().round();
        let of_ten = [0.0, 0.25, 0.5, 1.0].map(|chance| spread(chance, 10));
        assert_eq!(of_ten, [90.0, 95.0, 100.0, 110.0]);
        assert_eq!(
            [spread(0.0, 200), spread(1.0, 200)],
            [0.0, 200.0],
            "by all of it at most"
        );
        assert_eq!(spread(7.0, 10), 110.0);
        assert_eq!(spread(f64::NAN, 10), 100.0);
    }

    #[test]
    fn attempt_that_was_not_counted_is_followed_like_the_first() {
        assert_eq!(RetrySchedule::default().wait_after(0), None);
        assert_eq!(wait(0, 0.5), wait(1, 0.5));
    }

    proptest! {
        #[test]
        fn every_wait_stays_within_a_tenth_and_waits_grow(attempts in 1_u32..9, one in 0.0..=1.0, two in 0.0..=1.0) {
            let plain = RetrySchedule::default().wait_after(attempts).expect("a wait");
            let jittered = wait(attempts, one).expect("a wait");
            prop_assert!(jittered >= plain.mul_f64(0.8999) && jittered <= plain.mul_f64(1.1001));
            prop_assert!(jittered < wait(attempts + 1, two).expect("a wait"));
        }

        #[test]
        fn nothing_is_tried_an_eleventh_time(attempts in 10_u32.., chance in proptest::num::f64::ANY) {
            prop_assert_eq!(wait(attempts, chance), None);
        }
    }
}
