//! A clock that passes over short jumps of the machine's clock and follows those that last (SPEC D9).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::{Clock, Timestamp};

/// A jump that lasts this long is followed; one that is undone before is never seen by anybody.
const FOLLOWED_AFTER: Duration = Duration::from_mins(1);
/// Differences up to this are the machine's clock being adjusted, and followed at once.
const ADJUSTED: Duration = Duration::from_secs(2);

/// Reads another clock. Between jumps it shows that clock's time; after a jump it goes on at the pace of the monotonic
/// reading until the jump has lasted for a minute.
///
/// | the other clock | this one |
/// | --- | --- |
/// | runs, is adjusted by up to two seconds | shows its time |
/// | jumps, and jumps back within a minute | goes on as if nothing had happened |
/// | jumps, and stays there | follows after a minute, which [`Clock::moved`] counts |
#[derive(Debug)]
pub struct SteadyClock {
    inner: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// A moment and the monotonic reading at it.
    base: (Timestamp, Duration),
    /// A jump that is not followed yet.
    jump: Option<Jump>,
    moved_micros: i64,
    moved_at: Timestamp,
}

#[derive(Debug, Clone, Copy)]
struct Jump {
    seen_at: Duration,
    micros: i64,
}

impl SteadyClock {
    /// Starts at the time that `inner` shows.
    pub fn new(inner: Arc<dyn Clock>) -> Self {
        let began = inner.now();
        let state = State {
            base: (began, inner.monotonic()),
            jump: None,
            moved_micros: 0,
            moved_at: began,
        };
        Self {
            inner,
            state: Mutex::new(state),
        }
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.read(self.inner.now(), self.inner.monotonic())
    }

    fn monotonic(&self) -> Duration {
        self.inner.monotonic()
    }

    fn moved(&self) -> i64 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.read(self.inner.now(), self.inner.monotonic());
        state.moved_micros
    }

    fn moved_at(&self) -> Timestamp {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.moved_at
    }
}

impl State {
    /// The time to show where the other clock shows `wall`.
    fn read(&mut self, wall: Timestamp, monotonic: Duration) -> Timestamp {
        let (at, reading) = self.base;
        let expected = at.plus(monotonic.saturating_sub(reading));
        let micros = wall.as_micros().saturating_sub(expected.as_micros());
        if is_small(micros) {
            self.base = (wall, monotonic);
            self.jump = None;
            return wall;
        }
        let jump = match self.jump {
            Some(jump) if is_small(micros.saturating_sub(jump.micros)) => jump,
            Some(_) | None => Jump {
                seen_at: monotonic,
                micros,
            },
        };
        if monotonic.saturating_sub(jump.seen_at) < FOLLOWED_AFTER {
            self.jump = Some(jump);
            return expected;
        }
        self.base = (wall, monotonic);
        self.jump = None;
        self.moved_micros = self.moved_micros.saturating_add(micros);
        self.moved_at = wall;
        wall
    }
}

fn is_small(micros: i64) -> bool {
    Duration::from_micros(micros.unsigned_abs()) <= ADJUSTED
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    const START: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);
    const MONTH: Duration = Duration::from_hours(24 * 31);

    fn clocks() -> (Arc<ManualClock>, SteadyClock) {
        let machine = Arc::new(ManualClock::new(START));
        let steady = SteadyClock::new(Arc::clone(&machine) as Arc<dyn Clock>);
        (machine, steady)
    }

    fn pass(machine: &ManualClock, steady: &SteadyClock, seconds: u64) {
        for _ in 0..seconds {
            machine.advance(Duration::from_secs(1));
            steady.now();
        }
    }

    #[test]
    fn month_ahead_for_half_a_minute_is_never_seen() {
        let (machine, steady) = clocks();
        machine.set(START.plus(MONTH));
        pass(&machine, &steady, 30);
        assert_eq!(steady.now(), START.plus(Duration::from_secs(30)));
        machine.set(START.plus(Duration::from_secs(30)));
        pass(&machine, &steady, 300);
        assert_eq!(steady.now(), machine.now());
        assert_eq!(steady.moved(), 0);
    }

    #[test]
    fn jump_that_lasts_is_followed_after_a_minute_and_counted() {
        let (machine, steady) = clocks();
        let day = Duration::from_hours(24);
        machine.set(START.minus(day));
        pass(&machine, &steady, 60);
        assert_eq!(
            (steady.moved(), steady.now()),
            (0, START.plus(Duration::from_secs(60)))
        );
        pass(&machine, &steady, 1);
        assert_eq!(steady.moved(), -86_400_000_000);
        assert_eq!(steady.now(), machine.now());
    }

    #[test]
    fn move_is_told_with_the_time_right_after_it() {
        let (machine, steady) = clocks();
        assert_eq!(steady.moved_at(), START);
        machine.set(START.plus(MONTH));
        pass(&machine, &steady, 61);
        let moved_at = START.plus(MONTH).plus(Duration::from_secs(61));
        assert_eq!((steady.moved_at(), steady.now()), (moved_at, moved_at));
        pass(&machine, &steady, 5);
        assert_eq!(steady.moved_at(), moved_at);
        assert_eq!(steady.monotonic(), machine.monotonic());
    }

    #[test]
    fn two_seconds_are_an_adjustment_and_more_is_a_jump() {
        let (machine, steady) = clocks();
        let two = Duration::from_secs(2);
        machine.set(START.plus(two));
        assert_eq!(steady.now(), START.plus(two));
        machine.set(START.plus(two * 2).plus(Duration::from_micros(1)));
        assert_eq!(steady.now(), START.plus(two));
        machine.set(START);
        assert_eq!(steady.now(), START, "two back");
    }

    #[test]
    fn second_jump_begins_its_own_minute() {
        let (machine, steady) = clocks();
        machine.set(START.plus(MONTH));
        pass(&machine, &steady, 50);
        machine.set(START.plus(MONTH * 2));
        pass(&machine, &steady, 50);
        assert_eq!(steady.moved(), 0);
        assert_eq!(steady.now(), START.plus(Duration::from_secs(100)));
        pass(&machine, &steady, 20);
        assert!(steady.moved() > 0);
    }

    #[test]
    fn small_adjustments_are_followed_at_once_however_many() {
        let (machine, steady) = clocks();
        for n in 1..=100 {
            machine.set(START.plus(Duration::from_secs(n)));
            assert_eq!(steady.now(), machine.now());
        }
        assert_eq!(steady.moved(), 0);
    }
}
