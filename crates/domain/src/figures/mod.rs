//! What a server measures of itself over time: the figures of a step, and rings of steps at a few resolutions.

mod history;
mod latency;
mod step;

pub use history::{History, Reading, Span, Totals};
pub use latency::{LATENCY_CLASSES, Latencies, latency_class};
pub use step::{Figures, Step};
