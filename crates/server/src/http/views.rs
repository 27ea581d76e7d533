//! Prepares messages for people to look at: on threads of their own, and so many at a time.
//!
//! Whoever sends a message decides what it costs to read. One message at a time for each person, and [`VIEWS_MAX`] in
//! all, leave the processor to the delivery of mail and to other people, whatever one message is made of. A person's own
//! permit is taken before the content is loaded, so that one person loads one large message at a time; the shared one
//! after that, so that a slow disk holds up nobody else.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use postroom_domain::{KeyId, UserId};
use postroom_office::{Principal, Who};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::problem::ApiError;

/// So many messages are prepared at the same time.
const VIEWS_MAX: usize = 2;
/// How long a request waits for those before it, its own and those of others together.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// When to try again after that.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// A message of at most so many bytes takes a millisecond, and is read at once.
const SMALL_BYTES: u64 = 32 * 1024;

/// Who looks at messages now.
#[derive(Debug)]
pub struct Views {
    all: Arc<Semaphore>,
    viewers: Mutex<HashMap<Viewer, Arc<Own>>>,
}

/// Somebody who looks at messages; a person's keys are that person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Viewer {
    Operator,
    Person(UserId),
    Office(KeyId),
}

/// What one viewer has.
#[derive(Debug)]
struct Own {
    /// Has one permit.
    semaphore: Arc<Semaphore>,
    /// Whether whoever has the permit waits for the messages of others.
    waits_for_others: AtomicBool,
}

/// The permit of one viewer, which gives them the next free thread.
#[derive(Debug)]
pub(super) struct OwnPermit {
    own: Arc<Own>,
    permit: OwnedSemaphorePermit,
    all: Arc<Semaphore>,
    wait_until: Instant,
}

/// The permit to prepare one message, until it is dropped.
#[derive(Debug)]
struct Permit {
    /// As long as this is here, the viewer is not forgotten.
    _viewer: Arc<Own>,
    _own: OwnedSemaphorePermit,
    _shared: OwnedSemaphorePermit,
}

/// While this is here, whoever has the own permit waits for the messages of others.
struct WaitForOthers<'a>(&'a AtomicBool);

impl Default for Views {
    fn default() -> Self {
        Self {
            all: Arc::new(Semaphore::new(VIEWS_MAX)),
            viewers: Mutex::default(),
        }
    }
}

impl Views {
    /// Waits for a person's own permit.
    ///
    /// # Errors
    /// 429 `too_many_views` where another message of the same person takes too long, 503 `server_busy` where that waits
    /// for those of others.
    pub(super) async fn own_permit(&self, who: &Principal) -> Result<OwnPermit, ApiError> {
        self.own_permit_of(Viewer::of(who)).await
    }

    /// The same, where a message is large; a small one takes no permit.
    ///
    /// # Errors
    /// As for [`Self::own_permit`].
    pub(super) async fn own_permit_for(
        &self,
        who: &Principal,
        size_bytes: u64,
    ) -> Result<Option<OwnPermit>, ApiError> {
        if size_bytes <= SMALL_BYTES {
            return Ok(None);
        }
        self.own_permit(who).await.map(Some)
    }

    async fn own_permit_of(&self, viewer: Viewer) -> Result<OwnPermit, ApiError> {
        let wait_until = Instant::now() + WAIT_MAX;
        let own = self.own(viewer);
        let permit = in_time(wait_until, Arc::clone(&own.semaphore).acquire_owned()).await;
        let Some(permit) = permit else {
            return Err(if own.waits_for_others.load(Ordering::Relaxed) {
                busy()
            } else {
                too_many()
            });
        };
        Ok(OwnPermit {
            own,
            permit,
            all: Arc::clone(&self.all),
            wait_until,
        })
    }

    /// What somebody has; forgets what nobody has or waits for.
    fn own(&self, viewer: Viewer) -> Arc<Own> {
        let mut viewers = self.viewers.lock().unwrap_or_else(PoisonError::into_inner);
        viewers.retain(|_, own| Arc::strong_count(own) > 1);
        let own = viewers.entry(viewer).or_insert_with(|| Arc::new(Own::new()));
        Arc::clone(own)
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

impl Own {
    fn new() -> Self {
        Self {
            semaphore: Arc::new(Semaphore::new(1)),
            waits_for_others: AtomicBool::new(false),
        }
    }
}

impl OwnPermit {
    /// Waits for a thread, for what is left of the time.
    ///
    /// # Errors
    /// 503 `server_busy` where the messages of others take too long.
    async fn permit(self) -> Result<Permit, ApiError> {
        let waiting = WaitForOthers::new(&self.own.waits_for_others);
        let shared = in_time(self.wait_until, self.all.acquire_owned()).await;
        drop(waiting);
        let shared = shared.ok_or_else(busy)?;
        Ok(Permit {
            _viewer: self.own,
            _own: self.permit,
            _shared: shared,
        })
    }
}

impl<'a> WaitForOthers<'a> {
    fn new(waits: &'a AtomicBool) -> Self {
        waits.store(true, Ordering::Relaxed);
        Self(waits)
    }
}

impl Drop for WaitForOthers<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Prepares a message: on a thread of its own where there is a permit, which is released when the work ends; at once where
/// there is none. The token is cancelled with `stopping`, and when whoever waits for this is dropped.
///
/// # Errors
/// 503 `server_busy` where the messages of others take too long, 500 where the work panicked.
pub(super) async fn run<T: Send + 'static>(
    own: Option<OwnPermit>,
    stopping: &CancellationToken,
    work: impl FnOnce(&CancellationToken) -> T + Send + 'static,
) -> Result<T, ApiError> {
    let cancelled = stopping.child_token();
    let _left = cancelled.clone().drop_guard();
    let Some(own) = own else {
        return Ok(work(&cancelled));
    };
    let permit = own.permit().await?;
    let job = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work(&cancelled)
    });
    job.await.map_err(|error| ApiError::internal(error.to_string()))
}

async fn in_time(
    until: Instant,
    permit: impl Future<Output = Result<OwnedSemaphorePermit, AcquireError>>,
) -> Option<OwnedSemaphorePermit> {
    timeout_at(until, permit).await.ok()?.ok()
}

fn too_many() -> ApiError {
    ApiError::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_views",
        "Too many messages at once",
        "Only one large message can be prepared at a time. Try again in a moment.",
    )
    .after(RETRY_AFTER)
}

fn busy() -> ApiError {
    ApiError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "server_busy",
        "The server is busy",
        "Other people's messages are being prepared. Try again in a moment.",
    )
    .after(RETRY_AFTER)
}

#[cfg(test)]
mod tests;
