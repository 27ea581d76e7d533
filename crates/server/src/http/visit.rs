//! For whom a request counts: its connection, or behind a proxy the client that the proxy names.
//!
//! A believed proxy's connections are not counted by their address, since many clients share them. Its clients are counted
//! by their requests under way instead, in the same shares as connections.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::{Frame, SizeHint};
use postroom_domain::ConnectionClass;

use super::App;
use super::peer::{Peer, Proxies};
use super::problem::ApiError;
use crate::connections::Place;

/// When somebody who found no place may try again.
const PAUSE: Duration = Duration::from_secs(10);

/// What a connection may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answers {
    /// Anything.
    All,
    /// Health checks alone: it has one of the places that are kept for them.
    HealthAlone,
}

/// The place that a request counts in; with every request. It keeps no place: a request may be carried on after its
/// connection has ended.
#[derive(Debug, Clone)]
pub(super) struct Visit(Weak<Place>);

impl Visit {
    /// A request that counts in this place.
    pub(super) fn new(place: &Arc<Place>) -> Self {
        Self(Arc::downgrade(place))
    }

    /// Somebody has proved who they are.
    pub(super) fn signed_in(&self) {
        if let Some(place) = self.0.upgrade() {
            place.signed_in();
        }
    }
}

/// Counts requests that come through proxies, and keeps the places for health checks free of others.
pub(super) async fn count(State(app): State<App>, request: Request, next: Next) -> Response {
    if request.uri().path().starts_with("/health/") {
        return next.run(request).await;
    }
    if request.extensions().get::<Answers>() == Some(&Answers::HealthAlone) {
        return no_place(
            StatusCode::SERVICE_UNAVAILABLE,
            "every connection is in use: try again in a moment",
        );
    }
    let (parts, body) = request.into_parts();
    let peer = parts.extensions.get::<Peer>().map(|Peer(peer)| *peer);
    let client = Proxies::new(&app.config().http.trusted_proxies).client(&parts);
    let request = Request::from_parts(parts, body);
    match peer {
        Some(peer) if peer != client => forwarded(&app, client, request, next).await,
        Some(_) | None => next.run(request).await,
    }
}

/// Answers a request of a client behind a proxy.
async fn forwarded(app: &App, client: IpAddr, mut request: Request, next: Next) -> Response {
    let too_many = || {
        no_place(
            StatusCode::TOO_MANY_REQUESTS,
            "too many requests from your address are under way: try again in a moment",
        )
    };
    let admitted = app
        .connections
        .forwarded
        .admit(Some(client), ConnectionClass::Stranger);
    let Ok(place) = admitted else {
        return too_many();
    };
    let place = Arc::new(place);
    request.extensions_mut().insert(Visit::new(&place));
    let answer = tokio::select! {
        biased;
        answer = next.run(request) => answer,
        () = has_to_go(&place) => return too_many(),
    };
    answer.map(|body| Body::new(PlacedBody { body, _place: place }))
}

/// Waits until a request has to make room for another; one of somebody who has signed in does not.
async fn has_to_go(place: &Place) {
    place.evicted().cancelled().await;
    if !place.is_stranger() {
        std::future::pending::<()>().await;
    }
}

fn no_place(status: StatusCode, detail: &str) -> Response {
    ApiError::new(status, "too_many_connections", "Too many connections", detail)
        .after(PAUSE)
        .into_response()
}

/// An answer's body that keeps its request's place.
struct PlacedBody {
    body: Body,
    _place: Arc<Place>,
}

impl HttpBody for PlacedBody {
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
    use postroom_domain::ConnectionLimits;

    use super::*;
    use crate::connections::ConnectionLimiter;

    #[test]
    fn request_that_outlives_its_connection_keeps_no_place() {
        let limiter = ConnectionLimiter::new(ConnectionLimits::of(4));
        let place = Arc::new(limiter.admit(None, ConnectionClass::Stranger).unwrap());
        let visit = Visit::new(&place);
        visit.signed_in();
        assert!(!place.is_stranger());
        drop(place);
        visit.signed_in();
        assert_eq!(limiter.usage().open, ConnectionClass::ALL.map(|class| (class, 0)));
    }
}
