//! Which jobs wait for the connections of a relay, and who will look at them: plain state, without waiting or tasks.
//!
//! A *place* is the right to have one connection. Invariant: while jobs wait in an open roster, somebody holds a place,
//! and whoever holds one looks for a job in the same step in which it gives the place up. So no job waits for nobody.
//!
//! | event | places | who looks at the jobs |
//! | --- | --- | --- |
//! | [`Roster::push`] | one more for each job that nobody waits for, up to the limit | the new ones, and those that wait |
//! | [`Roster::take`] finds a job | | whoever holds the other places |
//! | [`Roster::leave`] finds no job | one fewer | nobody has to |
//! | [`Roster::leave`] finds a job | | the one that wanted to leave |
//! | [`Roster::retire`]: the relay takes fewer connections | one fewer, and no more than are left | the others; where none is left, the jobs go back |
//! | [`Roster::abandoned`]: the holder's runtime ends | one fewer | nobody can |
//! | [`Roster::lost`]: the holder's task died | one fewer, and more where jobs wait | the successors |

use std::collections::VecDeque;

/// The jobs that wait and the places that are held.
#[derive(Debug)]
pub(super) struct Roster<J> {
    jobs: VecDeque<J>,
    /// Places held, by workers that start, work or wait.
    held: u32,
    /// Of these, how many take a job as soon as they run: they wait for one, or have just been started.
    ready: usize,
    /// Most places, as the last push said.
    allowed: u32,
    /// Busy places whose connection moved nothing for long.
    silent: u32,
    /// Whether the relay answered on another connection while these were silent.
    answers: Answers,
    /// How often jobs were taken back: what was on its way then is not taken any more.
    drains: u64,
    closed: bool,
}

/// Silent connections that are suspicious, where the relay may have so many.
const SILENT_MIN: u32 = 3;

/// Whether a relay answers while some of its connections are silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answers {
    Unknown,
    /// On another connection.
    Elsewhere,
}

/// Whether a worker may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// Its place is free.
    Left,
    /// A job waits: it keeps its place and takes the job.
    Stay,
}

/// The state of a feed when jobs set out for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

impl<J> Default for Roster<J> {
    fn default() -> Self {
        Self {
            jobs: VecDeque::new(),
            held: 0,
            ready: 0,
            allowed: 0,
            silent: 0,
            answers: Answers::Unknown,
            drains: 0,
            closed: false,
        }
    }
}

impl<J> Roster<J> {
    /// What jobs that set out now show when they arrive.
    pub(super) const fn ticket(&self) -> Ticket {
        Ticket(self.drains)
    }

    /// Adds jobs, and takes a place for each worker that the caller is to start; returns how many those are.
    ///
    /// # Errors
    /// The jobs, where the relay is used no more, or its jobs were taken back since the ticket was given.
    pub(super) fn push(&mut self, jobs: Vec<J>, allowed: u32, ticket: Ticket) -> Result<u32, Vec<J>> {
        if self.closed || ticket != self.ticket() {
            return Err(jobs);
        }
        self.jobs.extend(jobs);
        // A job without anybody to look at it would wait for ever: one place is always allowed.
        self.allowed = allowed.max(1);
        Ok(self.fill())
    }

    /// Takes places for the jobs that nobody is ready for, as far as the limit allows.
    fn fill(&mut self) -> u32 {
        let missing = u32::try_from(self.jobs.len().saturating_sub(self.ready)).unwrap_or(u32::MAX);
        let more = missing.min(self.limit().saturating_sub(self.held));
        self.held += more;
        self.ready += usize::try_from(more).unwrap_or(0);
        more
    }

    /// Places that may be held. Several connections that are silent at once are suspicious: their host may be gone, and
    /// what took its place knows nothing of them. One connection more then tries a message, and while the relay answers
    /// on new ones, silent ones take nobody's place.
    fn limit(&self) -> u32 {
        if self.silent < SILENT_MIN.min(self.allowed) {
            return self.allowed;
        }
        match self.answers {
            Answers::Elsewhere => self.allowed + self.silent,
            Answers::Unknown => self.allowed.max(self.silent + 1),
        }
    }

    /// A busy connection has become silent; returns how many workers the caller is to start.
    pub(super) fn fell_silent(&mut self) -> u32 {
        self.silent += 1;
        if self.closed { 0 } else { self.fill() }
    }

    /// A silent connection moves again, or ends.
    pub(super) const fn not_silent(&mut self) {
        self.silent = self.silent.saturating_sub(1);
        if self.silent == 0 {
            self.answers = Answers::Unknown;
        }
    }

    /// The relay answered for a message; returns how many workers the caller is to start.
    pub(super) fn answered(&mut self) -> u32 {
        if self.silent == 0 || self.closed {
            return 0;
        }
        self.answers = Answers::Elsewhere;
        self.fill()
    }

    /// Takes the first job, if one waits.
    pub(super) fn take(&mut self) -> Option<J> {
        self.jobs.pop_front()
    }

    /// Takes the first job if more wait than others are ready to take: it goes with a message's dot.
    pub(super) fn take_spare(&mut self) -> Option<J> {
        if self.jobs.len() > self.ready {
            self.jobs.pop_front()
        } else {
            None
        }
    }

    /// Puts a job in front for another worker; returns how many the caller is to start.
    ///
    /// # Errors
    /// The job, where every other place is busy.
    pub(super) fn pass_on(&mut self, job: J) -> Result<u32, J> {
        if self.closed || (self.jobs.len() >= self.ready && self.held >= self.limit()) {
            return Err(job);
        }
        self.jobs.push_front(job);
        Ok(self.fill())
    }

    /// Puts a job in front that nobody has begun; returns how many workers the caller is to start.
    ///
    /// # Errors
    /// The job, where the relay is used no more.
    pub(super) fn put_back(&mut self, job: J) -> Result<u32, J> {
        if self.closed {
            return Err(job);
        }
        self.jobs.push_front(job);
        Ok(self.fill())
    }

    /// A worker waits for a job from now on.
    pub(super) const fn ready(&mut self) {
        self.ready += 1;
    }

    /// A worker that waited, or was started, is busy or ends.
    pub(super) const fn busy(&mut self) {
        self.ready = self.ready.saturating_sub(1);
    }

    /// Gives up a place, unless a job waits.
    pub(super) fn leave(&mut self) -> Leave {
        if self.jobs.is_empty() || self.closed {
            self.held = self.held.saturating_sub(1);
            Leave::Left
        } else {
            Leave::Stay
        }
    }

    /// Gives up a place although jobs may wait, because the relay takes fewer connections; returns the jobs that nobody is
    /// left to take.
    pub(super) fn retire(&mut self) -> Vec<J> {
        self.held = self.held.saturating_sub(1);
        self.allowed = self.allowed.min(self.held).max(1);
        if self.held == 0 { self.drain() } else { Vec::new() }
    }

    /// Gives up the place of a worker that ended without leaving; returns how many the caller is to start in its stead.
    pub(super) fn lost(&mut self) -> u32 {
        self.held = self.held.saturating_sub(1);
        if self.closed { 0 } else { self.fill() }
    }

    /// Gives up the place of a worker that never ran; nobody starts in its stead.
    pub(super) const fn abandoned(&mut self) {
        self.held = self.held.saturating_sub(1);
    }

    /// Takes every waiting job back.
    pub(super) fn drain(&mut self) -> Vec<J> {
        self.drains += 1;
        self.jobs.drain(..).collect()
    }

    /// Takes no more jobs.
    pub(super) const fn close(&mut self) {
        self.closed = true;
    }

    /// Whether the relay is used no more.
    pub(super) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Places held.
    pub(super) const fn held(&self) -> u32 {
        self.held
    }
}

#[cfg(test)]
mod tests;
