//! Takes messages apart for people to look at: on threads of their own, so many at a time, and no longer than they wait.
//!
//! Whoever sends a message decides what it costs to read. One message at a time for each person, and [`VIEWS_MAX`] in
//! all, leave the processor to the delivery of mail and to other people, whatever one message is made of.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use postroom_domain::{KeyId, UserId};
use postroom_office::{Principal, Who};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::problem::ApiError;

/// So many messages are taken apart at the same time.
const VIEWS_MAX: usize = 2;
/// How long a request waits for those before it.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// When to try again after that.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How long a view may take, until the text is shown in place of the HTML.
const VIEW_DURATION_MAX: Duration = Duration::from_millis(300);
/// A message of at most so many bytes takes a millisecond, and is read at once.
const SMALL_BYTES: u64 = 32 * 1024;

/// Who looks at messages now.
#[derive(Debug)]
pub struct Views {
    all: Arc<Semaphore>,
    people: Mutex<HashMap<Viewer, Arc<Semaphore>>>,
}

/// Somebody who looks at messages; a person's keys are that person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Viewer {
    Operator,
    Person(UserId),
    Office(KeyId),
}

/// The right to take one message apart, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    _own: OwnedSemaphorePermit,
    _shared: OwnedSemaphorePermit,
}

/// How long somebody waits for a view.
#[derive(Debug)]
pub(super) struct Patience {
    until: Instant,
    cancelled: CancellationToken,
}

/// Why nobody waits any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// The time is up.
    Late,
    /// The reader has left, or the server stops.
    Cancelled,
}

impl Default for Views {
    fn default() -> Self {
        Self {
            all: Arc::new(Semaphore::new(VIEWS_MAX)),
            people: Mutex::default(),
        }
    }
}

impl Views {
    /// Waits for the right to take a message apart.
    ///
    /// # Errors
    /// 429 `too_many_views` where others of the same person take too long, 503 `server_busy` where those of others do.
    pub(super) async fn seat(&self, who: &Principal) -> Result<Seat, ApiError> {
        self.seat_of(Viewer::of(who)).await
    }

    /// The same, where a message is large; a small one takes no seat.
    ///
    /// # Errors
    /// As for [`Self::seat`].
    pub(super) async fn seat_for(&self, who: &Principal, size_bytes: u64) -> Result<Option<Seat>, ApiError> {
        if size_bytes <= SMALL_BYTES {
            return Ok(None);
        }
        self.seat(who).await.map(Some)
    }

    async fn seat_of(&self, viewer: Viewer) -> Result<Seat, ApiError> {
        let own = self.own(viewer).acquire_owned();
        let own = in_time(own).await.ok_or_else(too_many)?;
        let shared = Arc::clone(&self.all).acquire_owned();
        let shared = in_time(shared).await.ok_or_else(busy)?;
        Ok(Seat {
            _own: own,
            _shared: shared,
        })
    }

    /// The one place of somebody; forgets those that nobody has or waits for.
    fn own(&self, viewer: Viewer) -> Arc<Semaphore> {
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        people.retain(|_, place| Arc::strong_count(place) > 1);
        let place = people
            .entry(viewer)
            .or_insert_with(|| Arc::new(Semaphore::new(1)));
        Arc::clone(place)
    }
}

impl Viewer {
    fn of(who: &Principal) -> Self {
        match &who.who {
            Who::Operator => Self::Operator,
            Who::Person(person) => Self::Person(person.user.id),
            Who::Key(key) => match &key.user {
                Some(user) => Self::Person(user.id),
                None => Self::Office(key.id),
            },
        }
    }
}

impl Patience {
    /// Waits for so long, unless cancelled before.
    pub(super) fn new(duration: Duration, cancelled: CancellationToken) -> Self {
        Self {
            until: Instant::now() + duration,
            cancelled,
        }
    }

    /// Whether somebody still waits.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn check(&self) -> Result<(), Over> {
        if self.cancelled.is_cancelled() {
            return Err(Over::Cancelled);
        }
        if Instant::now() >= self.until {
            return Err(Over::Late);
        }
        Ok(())
    }
}

/// Does the work of a view: on a thread of its own where it has a seat, which it keeps until it ends; at once where it
/// has none. Its patience ends with `stopping`, and when whoever waits for this is dropped.
///
/// # Errors
/// 500 where the work panicked.
pub(super) async fn run<T: Send + 'static>(
    seat: Option<Seat>,
    stopping: &CancellationToken,
    work: impl FnOnce(&Patience) -> T + Send + 'static,
) -> Result<T, ApiError> {
    match seat {
        None => Ok(work(&Patience::new(VIEW_DURATION_MAX, stopping.clone()))),
        Some(seat) => run_apart(seat, VIEW_DURATION_MAX, stopping, work).await,
    }
}

async fn run_apart<T: Send + 'static>(
    seat: Seat,
    duration_max: Duration,
    stopping: &CancellationToken,
    work: impl FnOnce(&Patience) -> T + Send + 'static,
) -> Result<T, ApiError> {
    let cancelled = stopping.child_token();
    let _left = cancelled.clone().drop_guard();
    let job = tokio::task::spawn_blocking(move || {
        let _seat = seat;
        work(&Patience::new(duration_max, cancelled))
    });
    job.await.map_err(|error| ApiError::internal(error.to_string()))
}

async fn in_time(
    permit: impl Future<Output = Result<OwnedSemaphorePermit, AcquireError>>,
) -> Option<OwnedSemaphorePermit> {
    timeout(WAIT_MAX, permit).await.ok()?.ok()
}

fn too_many() -> ApiError {
    ApiError::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_views",
        "Too many messages opened at once",
        "large messages and HTML are prepared one at a time for each person: try again in a moment",
    )
    .after(RETRY_AFTER)
}

fn busy() -> ApiError {
    ApiError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "server_busy",
        "The server is busy",
        "other people's messages are being prepared: try again in a moment",
    )
    .after(RETRY_AFTER)
}

#[cfg(test)]
mod tests;
