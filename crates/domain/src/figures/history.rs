//! Rings of steps: an hour in steps of ten seconds, a day in steps of five minutes, a week in steps of half an hour.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Figures, Latencies, Step};
use crate::Timestamp;

/// How far back one looks, and so how finely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Span {
    /// An hour, in steps of ten seconds.
    Hour,
    /// A day, in steps of five minutes.
    Day,
    /// A week, in steps of half an hour.
    Week,
}

impl Span {
    /// All of them, the finest first.
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Week];

    /// Returns the span of as many hours: 1, 24 or 168.
    pub fn of_hours(hours: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|span| span.hours() == hours)
    }

    /// Returns the span whose steps are this long.
    pub fn of_step(seconds: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|span| span.step_seconds() == seconds)
    }

    /// How long it is, in hours.
    pub const fn hours(self) -> u32 {
        match self {
            Self::Hour => 1,
            Self::Day => 24,
            Self::Week => 168,
        }
    }

    /// How long one of its steps is, in seconds.
    pub const fn step_seconds(self) -> u32 {
        match self {
            Self::Hour => 10,
            Self::Day => 300,
            Self::Week => 1_800,
        }
    }

    /// How long it is.
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.hours() as u64 * 3_600)
    }

    const fn step(self) -> Duration {
        Duration::from_secs(self.step_seconds() as u64)
    }

    /// Steps that a ring holds; one more than fit, since the first and the last are seldom whole.
    const fn most(self) -> usize {
        (self.hours() as usize * 3_600) / self.step_seconds() as usize + 1
    }

    /// When the step begins in which a moment lies.
    fn begin(self, moment: Timestamp) -> Timestamp {
        let step = i64::from(self.step_seconds()) * 1_000_000;
        Timestamp::from_micros(moment.as_micros().div_euclid(step) * step)
    }
}

/// What has been counted since the process began.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    /// Messages taken in.
    pub accepted: u64,
    /// Messages sent.
    pub sent: u64,
    /// Messages that ended undelivered.
    pub failed: u64,
    /// How long the messages sent took.
    pub latencies: Latencies,
}

/// What one look at the server found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// Messages that wait, neither held nor scheduled.
    pub waiting: u64,
    /// How long the oldest of them has waited.
    pub oldest: Option<Duration>,
    /// What has been counted.
    pub totals: Totals,
}

/// What a server measured of itself, in bounded memory.
///
/// A step in which nobody looked is not there: nothing is made up for the time in which the process did not run.
#[derive(Debug, Clone)]
pub struct History {
    rings: [Ring; 3],
    before: Totals,
    started_at: Timestamp,
    looked_at: Option<Timestamp>,
}

#[derive(Debug, Clone)]
struct Ring {
    span: Span,
    steps: VecDeque<Step>,
    /// The newest steps that have changed since the last `mark_kept`.
    changed: usize,
}

impl History {
    /// Begins with a process that has counted nothing yet.
    pub fn new(started_at: Timestamp) -> Self {
        let ring = |span: Span| Ring {
            span,
            steps: VecDeque::with_capacity(span.most()),
            changed: 0,
        };
        Self {
            rings: Span::ALL.map(ring),
            before: Totals::default(),
            started_at,
            looked_at: None,
        }
    }

    /// Goes on with steps that an earlier process kept, oldest first.
    pub fn restore(&mut self, kept: impl IntoIterator<Item = (Span, Step)>) {
        for (span, step) in kept {
            if let Some(ring) = self.rings.iter_mut().find(|ring| ring.span == span) {
                ring.push(step);
            }
        }
    }

    /// Adds what was found at `now`. The counts since the last look belong to the step in the middle of that time, so
    /// that a look a moment late does not move them to the next.
    pub fn add(&mut self, now: Timestamp, reading: Reading) {
        let elapsed = now.since(self.looked_at.unwrap_or(self.started_at));
        let Reading {
            waiting,
            oldest,
            totals,
        } = reading;
        let figures = Figures {
            waiting,
            oldest,
            accepted: totals.accepted.saturating_sub(self.before.accepted),
            sent: totals.sent.saturating_sub(self.before.sent),
            failed: totals.failed.saturating_sub(self.before.failed),
            latencies: totals.latencies.since(&self.before.latencies),
        };
        for ring in &mut self.rings {
            let place = now.minus(elapsed.min(ring.span.step()) / 2);
            ring.add(ring.span.begin(place), &figures);
        }
        self.before = totals;
        self.looked_at = Some(now);
    }

    /// When was looked last, since the process began.
    pub const fn looked_at(&self) -> Option<Timestamp> {
        self.looked_at
    }

    /// Returns the steps of a span that ends now, oldest first. The newest may still be under way.
    pub fn steps(&self, span: Span, now: Timestamp) -> impl Iterator<Item = &Step> {
        let (first, last) = (now.minus(span.duration()), now);
        self.rings
            .iter()
            .filter(move |ring| ring.span == span)
            .flat_map(|ring| &ring.steps)
            .filter(move |step| step.at >= span.begin(first) && step.at <= last)
    }

    /// Returns the steps that have changed since the last [`History::mark_kept`], oldest first.
    pub fn unkept(&self) -> Vec<(Span, Step)> {
        let of = |ring: &Ring| {
            let (span, skipped) = (ring.span, ring.steps.len().saturating_sub(ring.changed));
            let steps: Vec<_> = ring.steps.iter().skip(skipped).cloned().collect();
            steps.into_iter().map(move |step| (span, step))
        };
        self.rings.iter().flat_map(of).collect()
    }

    /// Takes note that every step is kept as it is now.
    pub fn mark_kept(&mut self) {
        for ring in &mut self.rings {
            ring.changed = 0;
        }
    }
}

impl Ring {
    fn add(&mut self, at: Timestamp, figures: &Figures) {
        match self.steps.back_mut() {
            // A clock that was set back adds to the newest step until it has caught up: the ring stays in order.
            Some(newest) if newest.at >= at => {
                newest.figures.merge(figures);
                self.changed = self.changed.max(1);
            }
            Some(_) | None => {
                self.push(Step {
                    at,
                    figures: figures.clone(),
                });
                self.changed = self.steps.len().min(self.changed + 1);
            }
        }
    }

    fn push(&mut self, step: Step) {
        while self.steps.len() >= self.span.most() {
            self.steps.pop_front();
        }
        self.steps.push_back(step);
    }
}

#[cfg(test)]
mod tests;
