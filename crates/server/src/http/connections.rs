//! One open connection: its place among the others, what is under way on it, and when it has to end because nothing moves.
//!
//! | state | begins | ends the connection |
//! | --- | --- | --- |
//! | opening: TLS, the protocol's version, the first header | when it is accepted | after [`Deadlines::first_request`] |
//! | idle: no request is under way | with the end of an answer's body | after [`Deadlines::idle`] |
//! | unread: an answer, or what comes before it, waits for its reader | when it is ready | after [`Deadlines::response`] |
//! | working: anything else | | never; bodies have deadlines of their own |
//!
//! A reader who is slow but reads has more time: the last two are prolonged while [`PROGRESS_BYTES_PER_SECOND`] leave.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use postroom_domain::Activity;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::traffic::Written;
use crate::connections::Place;

/// What has to leave so that a reader counts as one who reads. An HTTP/2 client's pings are answered with less.
const PROGRESS_BYTES_PER_SECOND: u64 = 1024;

/// How long connections may wait.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// From the accepted connection to the end of its first request's header.
    pub first_request: Duration,
    /// From an answer to the end of the next request's header.
    pub idle: Duration,
    /// For a part of an answer to be taken by its reader.
    pub response: Duration,
}

impl Deadlines {
    /// A connection that is to be closed again soon.
    pub(super) const SHORT: Self = Self {
        first_request: Duration::from_secs(2),
        idle: Duration::from_secs(2),
        response: Duration::from_secs(2),
    };

    /// The usual ones, with the configured idle time.
    #[must_use]
    pub const fn with_idle(idle: Duration) -> Self {
        Self {
            first_request: Duration::from_secs(10),
            idle,
            response: Duration::from_secs(60),
        }
    }

    const fn of(&self, wait: Wait) -> Duration {
        match wait {
            Wait::FirstRequest => self.first_request,
            Wait::Idle => self.idle,
            Wait::Response => self.response,
        }
    }

    /// The shortest: a wait that begins now needs no look before it.
    fn shortest(&self) -> Duration {
        self.first_request.min(self.idle).min(self.response)
    }
}

/// What a connection waited for too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// Its first request.
    FirstRequest,
    /// Another request.
    Idle,
    /// A reader of an answer.
    Response,
}

impl Wait {
    /// Names it for a metric's label.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::FirstRequest => "first_request",
            Self::Idle => "idle",
            Self::Response => "response",
        }
    }
}

/// One open connection.
#[derive(Debug)]
pub(super) struct Connection {
    place: Arc<Place>,
    written: Written,
    opened: Mark,
    /// Locked before the limiter, where both are.
    progress: Mutex<Progress>,
    /// Wakes who waits for the end of the last request under way.
    ended: Notify,
}

/// A moment, and what had been written until then.
#[derive(Debug, Clone, Copy)]
struct Mark {
    at: Instant,
    written: u64,
}

#[derive(Debug, Default)]
struct Progress {
    /// Requests under way.
    requests: u32,
    /// When the last of them ended; `None` before the first.
    idle: Option<Mark>,
    /// Requests whose answer, or a part of it, waits for its reader, by number.
    unread: Vec<(u64, Mark)>,
    /// Counts the requests.
    count: u64,
}

impl Connection {
    /// Begins when a connection is accepted.
    pub(super) fn new(place: Place, written: Written) -> Arc<Self> {
        let opened = Mark {
            at: Instant::now(),
            written: written.bytes(),
        };
        Arc::new(Self {
            place: Arc::new(place),
            written,
            opened,
            progress: Mutex::default(),
            ended: Notify::new(),
        })
    }

    /// Its place among the others.
    pub(super) const fn place(&self) -> &Arc<Place> {
        &self.place
    }

    /// A request has begun; it ends with the guard. It waits until [`RequestGuard::moves`]: HTTP/1 begins no work on it
    /// before the answers ahead of it are read.
    pub(super) fn begin(self: &Arc<Self>) -> RequestGuard {
        let since = self.mark();
        let mut progress = self.progress();
        progress.requests += 1;
        progress.count += 1;
        let number = progress.count;
        progress.unread.push((number, since));
        // Under the lock, so that the end of another request cannot come between the two; here and where one ends.
        if progress.requests == 1 {
            self.place.set_activity(Activity::Busy);
        }
        drop(progress);
        RequestGuard {
            connection: Arc::clone(self),
            number,
        }
    }

    /// Waits until it has to make room for another. Somebody who has signed in was idle when that was decided; where a
    /// request has begun since, it is still answered.
    pub(super) async fn must_go(&self) {
        self.place.evicted().cancelled().await;
        loop {
            let ended = self.ended.notified();
            if self.place.is_stranger() || self.progress().requests == 0 {
                return;
            }
            ended.await;
        }
    }

    /// Waits until something has not moved for too long.
    pub(super) async fn overdue(&self, deadlines: Deadlines) -> Wait {
        let mut prolonged: Option<Mark> = None;
        loop {
            let now = self.mark();
            let mut wake = now.at + deadlines.shortest();
            if let Some((wait, since)) = self.waits() {
                let since = match prolonged {
                    Some(later) if later.at > since.at => later,
                    Some(_) | None => since,
                };
                let due = since.at + deadlines.of(wait);
                if due > now.at {
                    wake = wake.min(due);
                } else if wait != Wait::FirstRequest && is_read(since, now) {
                    prolonged = Some(now);
                } else {
                    return wait;
                }
            }
            sleep_until(wake).await;
        }
    }

    /// What it waits for, and since when.
    fn waits(&self) -> Option<(Wait, Mark)> {
        let progress = self.progress();
        if progress.requests == 0 {
            return Some(match progress.idle {
                None => (Wait::FirstRequest, self.opened),
                Some(since) => (Wait::Idle, since),
            });
        }
        let unread = progress.unread.iter().map(|(_, since)| *since);
        unread
            .min_by_key(|since| since.at)
            .map(|since| (Wait::Response, since))
    }

    fn mark(&self) -> Mark {
        Mark {
            at: Instant::now(),
            written: self.written.bytes(),
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a reader took enough between two moments to count as one who reads.
fn is_read(from: Mark, until: Mark) -> bool {
    let seconds = until.at.duration_since(from.at).as_secs().max(1);
    until.written.saturating_sub(from.written) >= PROGRESS_BYTES_PER_SECOND.saturating_mul(seconds)
}

/// Stands for one request under way.
#[derive(Debug)]
pub(super) struct RequestGuard {
    connection: Arc<Connection>,
    number: u64,
}

impl RequestGuard {
    /// Something is ready, and waits until its reader makes room for the next.
    fn waits(&self) {
        let since = self.connection.mark();
        self.connection.progress().unread.push((self.number, since));
    }

    /// There is room for what comes next.
    pub(super) fn moves(&self) {
        let number = self.number;
        self.connection
            .progress()
            .unread
            .retain(|(other, _)| *other != number);
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.moves();
        let since = self.connection.mark();
        let mut progress = self.connection.progress();
        progress.requests = progress.requests.saturating_sub(1);
        if progress.requests == 0 {
            progress.idle = Some(since);
            self.connection.place.set_activity(Activity::Idle);
            self.connection.ended.notify_waiters();
        }
    }
}

/// An answer's body with its request's guard.
pub(super) struct Guarded {
    body: Body,
    guard: RequestGuard,
}

impl Guarded {
    /// Keeps the request under way until the body has been sent or dropped.
    pub(super) fn new(body: Body, guard: RequestGuard) -> Self {
        guard.waits();
        Self { body, guard }
    }
}

impl HttpBody for Guarded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        // HTTP/1 asks for the next part when there is room for it, HTTP/2 when the reader takes an octet more at least.
        self.guard.moves();
        let part = Pin::new(&mut self.body).poll_frame(context);
        if matches!(part, Poll::Ready(Some(Ok(_)))) {
            self.guard.waits();
        }
        part
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
