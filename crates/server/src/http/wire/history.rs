//! What the server measured of itself.

use postroom_domain::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// How far back.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// Hours back: 1 in steps of ten seconds, 24 in steps of five minutes, 168 in steps of half an hour.
    #[param(default = 1, example = 24)]
    pub hours: Option<u32>,
}

/// What the server measured of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StatusHistory {
    /// How long a step is.
    pub step_seconds: u32,
    /// When the server measured last, every ten seconds; null where it has not since its start. A step that ends later
    /// is still under way.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub measured_at: Option<Timestamp>,
    /// The steps, oldest first; one in which the server did not run is not there.
    pub points: Vec<HistoryPoint>,
    /// The last hour in one.
    pub last_hour: LastHour,
    /// The processes that do the work.
    pub nodes: Vec<NodeStatus>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct HistoryPoint {
    /// When it begins.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The most messages that waited in it, neither held nor scheduled.
    pub waiting: u64,
    /// The greatest age that the oldest of them reached; null where none waited.
    #[schema(required)]
    pub oldest_seconds: Option<u64>,
    /// Messages taken in by HTTP and SMTP.
    pub accepted: u64,
    /// Messages handed over to a relay whole.
    pub sent: u64,
    /// Messages that ended undelivered.
    pub failed: u64,
    /// From acceptance, or from when it fell due, was released or requeued, to hand-over: half of those sent took no
    /// longer. Null where none was sent.
    #[schema(required)]
    pub latency_p50_ms: Option<u64>,
    /// The same for 95 of 100.
    #[schema(required)]
    pub latency_p95_ms: Option<u64>,
}

/// The last hour in one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LastHour {
    /// When its measuring begins: an hour ago, or later where the server has not measured for so long; null where it
    /// has not measured yet.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// Messages taken in.
    pub accepted: u64,
    /// Messages sent.
    pub sent: u64,
    /// Messages that ended undelivered.
    pub failed: u64,
    /// Half of those sent took no longer; null where none was sent.
    #[schema(required)]
    pub latency_p50_ms: Option<u64>,
    /// 95 of 100 took no longer; null where none was sent.
    #[schema(required)]
    pub latency_p95_ms: Option<u64>,
}

/// A process that does the work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NodeStatus {
    /// Its name: the host name it greets with.
    pub name: String,
    /// Its version of Postroom.
    pub version: String,
    /// When it started.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// What it does among the others.
    pub role: NodeRole,
}

/// What a node does among the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeRole {
    /// All of it: there is no other.
    Single,
}
