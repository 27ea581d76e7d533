//! Connections of HTTP and SMTP clients, as metrics.

use std::sync::atomic::Ordering;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::connections::ConnectionLimiters;

/// Connections by listener.
#[derive(Debug, Default)]
pub(super) struct ConnectionMetrics {
    open: Family<ClassLabels, Gauge>,
    limit: Family<ListenerLabel, Gauge>,
    closed: Family<ReasonLabels, Counter>,
    refused: Family<LimitLabels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ListenerLabel {
    listener: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClassLabels {
    listener: &'static str,
    class: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    listener: &'static str,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabels {
    listener: &'static str,
    limit: &'static str,
}

impl ConnectionMetrics {
    /// Registers them.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "connections",
            "Open connections of clients, by whether they have signed in",
            self.open.clone(),
        );
        registry.register(
            "connections_limit",
            "Most connections of clients at a time",
            self.limit.clone(),
        );
        registry.register(
            "connections_closed",
            "Connections closed by the server because others needed their place or nothing moved, since the start",
            self.closed.clone(),
        );
        registry.register(
            "connections_refused",
            "Connections refused because all places of a limit were in use, since the start",
            self.refused.clone(),
        );
    }

    /// Reads what is open now, and what was counted.
    pub(super) fn refresh(&self, limiters: &ConnectionLimiters) {
        for (listener, limiter) in limiters.named() {
            let usage = limiter.usage();
            for (class, open) in usage.open {
                let labels = ClassLabels {
                    listener,
                    class: class.name(),
                };
                self.open.get_or_create(&labels).set(super::gauge(open as u64));
            }
            self.limit
                .get_or_create(&ListenerLabel { listener })
                .set(super::gauge(usage.connections_max as u64));
            for (reason, count) in usage.closed {
                let closed = self.closed.get_or_create(&ReasonLabels { listener, reason });
                closed.inner().store(count, Ordering::Relaxed);
            }
            for (limit, count) in usage.refused {
                let refused = self.refused.get_or_create(&LimitLabels { listener, limit });
                refused.inner().store(count, Ordering::Relaxed);
            }
        }
    }
}
