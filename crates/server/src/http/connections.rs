//! The open connections of a listener: at most so many, and a new one takes the place of the one that was idle longest.
//!
//! So strangers who connect and say nothing keep nobody out, health checks least of all: each newcomer is let in, and
//! ends the stranger who has been silent longest. A connection is idle while no request on it is under way, from the
//! end of its header to the end of its answer's body.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The open connections of a listener.
#[derive(Debug)]
pub(super) struct Connections {
    max: usize,
    open: Mutex<Open>,
    /// A place is free, or a connection has become idle.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Open {
    /// Counts what happens: the connection with the smallest number has been idle longest.
    count: u64,
    connections: HashMap<u64, State>,
}

#[derive(Debug)]
struct State {
    requests: u32,
    idle_since: u64,
    close: CancellationToken,
}

impl Open {
    fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }
}

impl Connections {
    /// Lets `max` connections in at a time.
    pub(super) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            max: max.max(1),
            open: Mutex::default(),
            changed: Notify::new(),
        })
    }

    /// Waits for a place, which the connection that has been idle longest has to give up where there is none; where
    /// none is idle, until one is.
    pub(super) async fn place(self: &Arc<Self>) -> Place {
        loop {
            let changed = self.changed.notified();
            if let Some(place) = self.try_place() {
                return place;
            }
            changed.await;
        }
    }

    fn try_place(self: &Arc<Self>) -> Option<Place> {
        let mut open = self.open();
        if open.connections.len() >= self.max {
            // One that has to give its place up is closed in a moment.
            if open.connections.values().any(|state| state.close.is_cancelled()) {
                return None;
            }
            let idle = open.connections.values().filter(|state| state.requests == 0);
            if let Some(longest) = idle.min_by_key(|state| state.idle_since) {
                longest.close.cancel();
            }
            return None;
        }
        let (id, close) = (open.next(), CancellationToken::new());
        let state = State {
            requests: 0,
            idle_since: id,
            close: close.clone(),
        };
        open.connections.insert(id, state);
        Some(Place {
            connections: Arc::clone(self),
            id,
            close,
        })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stands for one open connection; dropping it frees its place.
#[derive(Debug)]
pub(super) struct Place {
    connections: Arc<Connections>,
    id: u64,
    close: CancellationToken,
}

impl Place {
    /// Waits until the connection has to give up its place.
    pub(super) async fn taken(&self) {
        self.close.cancelled().await;
    }

    /// A request has begun; it ends with the guard.
    pub(super) fn begin(&self) -> RequestGuard {
        let mut open = self.connections.open();
        if let Some(state) = open.connections.get_mut(&self.id) {
            state.requests += 1;
        }
        RequestGuard {
            connections: Arc::clone(&self.connections),
            id: self.id,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.open().connections.remove(&self.id);
        self.connections.changed.notify_one();
    }
}

/// Stands for one request under way.
#[derive(Debug)]
pub(super) struct RequestGuard {
    connections: Arc<Connections>,
    id: u64,
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        let mut open = self.connections.open();
        let now = open.next();
        if let Some(state) = open.connections.get_mut(&self.id) {
            state.requests = state.requests.saturating_sub(1);
            state.idle_since = now;
        }
        let is_full = open.connections.len() >= self.connections.max;
        drop(open);
        if is_full {
            self.connections.changed.notify_one();
        }
    }
}

/// An answer's body with its request's guard.
pub(super) struct Guarded {
    body: Body,
    _guard: RequestGuard,
}

impl Guarded {
    /// Keeps the request under way until the body has been sent or dropped.
    pub(super) fn new(body: Body, guard: RequestGuard) -> Self {
        Self { body, _guard: guard }
    }
}

impl HttpBody for Guarded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn newcomer_takes_the_place_of_the_one_that_was_idle_longest() {
        let connections = Connections::new(2);
        let (first, second) = (connections.place().await, connections.place().await);
        // The first has just been served, so the second has been idle longer.
        drop(first.begin());
        let (newcomer, ()) = tokio::join!(connections.place(), async {
            second.taken().await;
            drop(second);
        });
        assert!(!first.close.is_cancelled() && !newcomer.close.is_cancelled());
    }

    #[tokio::test]
    async fn connection_with_a_request_keeps_its_place() {
        let connections = Connections::new(1);
        let busy = connections.place().await;
        let request = busy.begin();
        let waiting = tokio::spawn({
            let connections = Arc::clone(&connections);
            async move { connections.place().await }
        });
        tokio::task::yield_now().await;
        assert!(!busy.close.is_cancelled() && !waiting.is_finished());
        drop(request);
        busy.taken().await;
        drop(busy);
        waiting.await.unwrap();
    }
}
