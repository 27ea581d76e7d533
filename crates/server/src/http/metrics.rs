//! Numbers for Prometheus: never addresses, subjects or names of people.

mod connections;
mod content;

use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use postroom_domain::{MessageState, Scope, Timestamp};
use postroom_office::AcceptedTotal;
use postroom_store::Filter;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use self::connections::ConnectionMetrics;
use self::content::ContentMetrics;
use super::App;
use super::peer::{ClientAddress, Proxies};
use super::problem::ApiError;
use crate::supervision::Part;

/// What the server counts.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    started_at: Timestamp,
    accepted: Counter,
    requests: Family<RequestLabels, Histogram>,
    messages: Family<StateLabel, Gauge>,
    queue: Family<PhaseLabel, Gauge>,
    oldest: Gauge<f64, AtomicU64>,
    relay_up: Family<RelayLabel, Gauge>,
    relay_connections: Family<RelayLabel, Gauge>,
    lost_leases: Counter,
    restarts: Family<PartLabel, Counter>,
    content: ContentMetrics,
    connections: ConnectionMetrics,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabel {
    state: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PhaseLabel {
    phase: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RelayLabel {
    relay: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PartLabel {
    part: &'static str,
}

impl AcceptedTotal for Metrics {
    fn accepted_total(&self) -> u64 {
        self.accepted.get()
    }
}

impl Metrics {
    /// Starts to count.
    pub fn new(started_at: Timestamp) -> Self {
        let metrics = Self {
            registry: Registry::default(),
            started_at,
            accepted: Counter::default(),
            requests: Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.000_5, 2.0, 14))),
            messages: Family::default(),
            queue: Family::default(),
            oldest: Gauge::default(),
            relay_up: Family::default(),
            relay_connections: Family::default(),
            lost_leases: Counter::default(),
            restarts: Family::default(),
            content: ContentMetrics::default(),
            connections: ConnectionMetrics::default(),
        };
        Self {
            registry: metrics.registered(),
            ..metrics
        }
    }

    fn registered(&self) -> Registry {
        let mut registry = Registry::with_prefix("postroom");
        registry.register(
            "accepted",
            "Messages taken in and durable, since the start",
            self.accepted.clone(),
        );
        registry.register_with_unit(
            "http_request_duration",
            "Time from a request's header to its answer's",
            Unit::Seconds,
            self.requests.clone(),
        );
        registry.register("messages", "Messages by state", self.messages.clone());
        registry.register(
            "log_lines_lost",
            "Log lines that could not be written, since the start",
            crate::logging::lost_lines(),
        );
        registry.register("queue_depth", "Unfinished messages by phase", self.queue.clone());
        registry.register_with_unit(
            "queue_oldest_age",
            "Age of the oldest unfinished message",
            Unit::Seconds,
            self.oldest.clone(),
        );
        registry.register(
            "relay_up",
            "1 while a relay takes mail, 0 while it is down or being probed",
            self.relay_up.clone(),
        );
        registry.register(
            "relay_connections",
            "Open connections to a relay",
            self.relay_connections.clone(),
        );
        registry.register(
            "lost_leases",
            "Messages taken back because the task that was sending them failed, since the start",
            self.lost_leases.clone(),
        );
        registry.register(
            "part_restarts",
            "Starts of a part of the server after it had ended unexpectedly",
            self.restarts.clone(),
        );
        self.content.register(&mut registry);
        self.connections.register(&mut registry);
        registry
    }

    /// When the process began.
    pub const fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// Messages were taken in, by HTTP or SMTP.
    pub fn accepted(&self, messages: u64) {
        self.accepted.inc_by(messages);
    }

    /// A part of the server ended unexpectedly and is started again.
    pub(crate) fn part_restarted(&self, part: Part) {
        let label = PartLabel { part: part.name() };
        self.restarts.get_or_create(&label).inc();
    }

    /// A request was answered.
    pub(super) fn http_answered(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let method = match *method {
            Method::GET | Method::POST | Method::PUT | Method::DELETE | Method::HEAD | Method::OPTIONS => {
                method.as_str()
            }
            // Anybody can invent methods, and every label is kept for ever.
            _ => "other",
        };
        let labels = RequestLabels {
            method: method.to_owned(),
            route: route.to_owned(),
            status: status.as_u16(),
        };
        self.requests.get_or_create(&labels).observe(took.as_secs_f64());
    }
}

/// Answers Prometheus.
pub(super) async fn scrape(
    State(app): State<App>,
    ClientAddress(client): ClientAddress,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let config = app.config();
    let token = &config.metrics.token;
    if token.is_empty() {
        if !is_local(client, &headers, Proxies::new(&config.http.trusted_proxies)) {
            return Err(ApiError::new(
                StatusCode::FORBIDDEN,
                "metrics_are_local",
                "Metrics are for this machine",
                "Without metrics.token, /metrics only answers requests from 127.0.0.1 or ::1. Set metrics.token and send it as a bearer token.",
            ));
        }
    } else if !brings(token, &headers) {
        return Err(ApiError::not_signed_in());
    }
    refresh(&app).await?;
    let mut body = String::new();
    if text::encode(&mut body, &app.metrics.registry).is_err() {
        body.clear();
        let _ = writeln!(body, "# the numbers could not be written");
    }
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, media_type)], body).into_response())
}

/// Whether a request brings the token.
fn brings(token: &str, headers: &HeaderMap) -> bool {
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    // Compared in a time that says nothing about where the two differ.
    given.is_some_and(|given| {
        aws_lc_rs::constant_time::verify_slices_are_equal(given, token.as_bytes()).is_ok()
    })
}

/// Whether a request comes through 127.0.0.1 or ::1, and not from a proxy there: one of the configured ones, or one that
/// names whom it asks for.
fn is_local(client: IpAddr, headers: &HeaderMap, proxies: Proxies<'_>) -> bool {
    const OF_PROXIES: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];
    client.to_canonical().is_loopback()
        && !proxies.contain(client)
        && OF_PROXIES.iter().all(|name| !headers.contains_key(*name))
}

/// Reads the numbers that are looked up, not counted.
async fn refresh(app: &App) -> Result<(), ApiError> {
    let metrics = &app.metrics;
    metrics.content.refresh(app.intake.budget());
    metrics.connections.refresh(&app.connections);
    let counts = app.store.counts(&Scope::everything(), &Filter::default()).await?;
    for (state, n) in MessageState::ALL.into_iter().zip(counts.states) {
        let label = StateLabel {
            state: state.name().to_owned(),
        };
        metrics.messages.get_or_create(&label).set(gauge(n));
    }
    let depth = app.store.depth(None).await?;
    let phases = [
        ("ready", depth.ready),
        ("waiting", depth.waiting),
        ("held", depth.held),
        ("leased", depth.leased),
    ];
    for (phase, n) in phases {
        let label = PhaseLabel {
            phase: phase.to_owned(),
        };
        metrics.queue.get_or_create(&label).set(gauge(n));
    }
    let age = depth
        .oldest
        .map_or(0.0, |id| app.clock.now().since(id.submitted_at()).as_secs_f64());
    metrics.oldest.set(age);
    if let Some(engine) = &app.engine {
        metrics
            .lost_leases
            .inner()
            .store(engine.lost_leases(), Ordering::Relaxed);
    }
    let relays = app.engine.as_ref().map(|engine| engine.status().relays);
    for relay in relays.into_iter().flatten() {
        let up = i64::from(relay.is_fit());
        let label = RelayLabel { relay: relay.name };
        metrics.relay_up.get_or_create(&label).set(up);
        metrics
            .relay_connections
            .get_or_create(&label)
            .set(relay.connections.into());
    }
    Ok(())
}

fn gauge(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_is_local_from_loopback_without_a_proxy_alone() {
        for (client, header, local) in [
            ("127.0.0.1", None, true),
            ("127.9.9.9", None, true),
            ("::1", None, true),
            ("::ffff:127.0.0.1", None, true),
            ("0.0.0.0", None, false),
            ("192.0.2.1", None, false),
            ("::ffff:192.0.2.1", None, false),
            ("10.0.0.1", None, false),
            ("127.0.0.1", Some("x-forwarded-for"), false),
            ("127.0.0.1", Some("forwarded"), false),
            ("127.0.0.1", Some("x-real-ip"), false),
            ("127.0.0.1", Some("via"), false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(name) = header {
                headers.insert(name, "203.0.113.5".parse().unwrap());
            }
            assert_eq!(
                is_local(client.parse().unwrap(), &headers, Proxies::new(&[])),
                local,
                "{client} {header:?}"
            );
        }
        let proxies = ["127.0.0.0/8".parse().unwrap()];
        let client = "127.0.0.1".parse().unwrap();
        assert!(!is_local(client, &HeaderMap::new(), Proxies::new(&proxies)));
    }
}
