//! Content of messages in memory, as metrics.

use std::sync::atomic::Ordering;

use postroom_engine::budget::ContentBudget;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// Content in memory, by share of its budget.
#[derive(Debug, Default)]
pub(super) struct ContentMetrics {
    used: Family<ShareLabel, Gauge>,
    capacity: Family<ShareLabel, Gauge>,
    waiting: Family<ShareLabel, Gauge>,
    waits: Family<ShareLabel, Counter>,
    refusals: Family<ShareLabel, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ShareLabel {
    share: String,
}

impl ContentMetrics {
    /// Registers them.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "content_memory",
            "Content of messages in memory",
            Unit::Bytes,
            self.used.clone(),
        );
        registry.register_with_unit(
            "content_memory_limit",
            "Most content of messages in memory (server.content_memory_mib)",
            Unit::Bytes,
            self.capacity.clone(),
        );
        registry.register(
            "content_waiting",
            "Messages and requests that wait for memory",
            self.waiting.clone(),
        );
        registry.register(
            "content_waits",
            "Messages and requests that had to wait for memory, since the start",
            self.waits.clone(),
        );
        registry.register(
            "content_refusals",
            "Messages and requests that found no memory in time, since the start",
            self.refusals.clone(),
        );
    }

    /// Reads what a budget is used for now.
    pub(super) fn refresh(&self, budget: &ContentBudget) {
        for (name, share) in budget.shares() {
            let label = ShareLabel {
                share: name.to_owned(),
            };
            let usage = share.usage();
            self.used
                .get_or_create(&label)
                .set(super::gauge(usage.used_bytes));
            self.capacity
                .get_or_create(&label)
                .set(super::gauge(usage.capacity_bytes));
            self.waiting.get_or_create(&label).set(usage.waiting.into());
            let (waits, refusals) = (
                self.waits.get_or_create(&label),
                self.refusals.get_or_create(&label),
            );
            waits.inner().store(usage.waits, Ordering::Relaxed);
            refusals.inner().store(usage.refusals, Ordering::Relaxed);
        }
    }
}
