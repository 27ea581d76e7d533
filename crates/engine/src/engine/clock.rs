//! Follows a clock that was moved (SPEC D9): what waits, waits for the rest of its time.

use std::time::Duration;

use postroom_domain::alert::ServerTrouble;
use postroom_domain::{Clock, Timestamp};
use postroom_store::{ClockMove, StoreError};

use super::Engine;

/// Outcomes that were computed before the move may be written a moment after it: stored times are moved again then.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// A move of the clock: by how many microseconds, and what it showed after it.
#[derive(Debug, Clone, Copy)]
struct Move {
    micros: i64,
    at: Timestamp,
    /// What [`Clock::moved`] counted with it.
    moved_micros: i64,
}

/// How far the clock has been followed.
#[derive(Debug, Default)]
pub(super) struct Followed {
    moved_micros: i64,
    /// Moves whose stored times are to be moved, from the given monotonic reading on.
    to_store: Vec<(Duration, Move)>,
    /// Moves that nobody has been told of, in microseconds.
    to_tell: Vec<i64>,
}

impl Followed {
    /// Whether the clock was moved since.
    pub(super) fn is_behind(&self, clock: &dyn Clock) -> bool {
        clock.moved() != self.moved_micros
    }

    /// How long until stored times are to be moved.
    pub(super) fn due_in(&self, reading: Duration) -> Option<Duration> {
        let first = self.to_store.iter().map(|(at, _)| *at).min()?;
        Some(first.saturating_sub(reading))
    }
}

impl Engine {
    /// The time. A clock that was moved is taken notice of first, so that no event is told a time which the rest of the
    /// engine's times do not know yet, and would be moved once more.
    pub(super) fn now(&mut self) -> Timestamp {
        loop {
            self.notice_move();
            let now = self.parts.clock.now();
            if self.parts.clock.moved() == self.followed.moved_micros {
                return now;
            }
        }
    }

    fn notice_move(&mut self) {
        let clock = &self.parts.clock;
        let moved = clock.moved();
        let micros = moved.saturating_sub(self.followed.moved_micros);
        if micros == 0 {
            return;
        }
        let (now, reading) = (clock.now(), clock.monotonic());
        tracing::warn!(
            seconds = micros / 1_000_000,
            "the machine's clock was set; waiting mail goes on with the rest of its wait"
        );
        self.followed.moved_micros = moved;
        let this = Move {
            micros,
            at: clock.moved_at(),
            moved_micros: moved,
        };
        let twice = [reading, reading + AGAIN_AFTER].map(|from| (from, this));
        self.followed.to_store.extend(twice);
        self.followed.to_tell.push(micros);
        self.scheduler.clock_moved(micros, now);
        for account in self.pools.accounts() {
            account.clock_moved(micros, (this.at, now));
        }
        self.seen_at = self.seen_at.moved(micros);
    }

    /// Has stored times moved as the clock was.
    pub(super) async fn follow_clock(&mut self) -> Result<(), StoreError> {
        let now = self.now();
        let reading = self.parts.clock.monotonic();
        while let Some(at) = self
            .followed
            .to_store
            .iter()
            .position(|(from, _)| *from <= reading)
        {
            let Some(&(_, moved)) = self.followed.to_store.get(at) else {
                break;
            };
            // As the clock would show it without the moves that came later, which are followed next.
            let later = self.followed.moved_micros.saturating_sub(moved.moved_micros);
            let op = ClockMove {
                micros: moved.micros,
                at: moved.at,
                now: now.moved(later.saturating_neg()),
            };
            self.store.clock_moved(op).await?;
            self.followed.to_store.remove(at);
            self.scheduler.look_anew(now);
        }
        while let Some(&micros) = self.followed.to_tell.last() {
            let seconds = micros / 1_000_000;
            let trouble = ServerTrouble::ClockSet { seconds };
            self.store.note_server_trouble(trouble, now).await?;
            self.followed.to_tell.pop();
        }
        Ok(())
    }
}
