//! Faults that a test puts between callers and the writer; in production there are none.

use std::fmt;
use std::time::Duration;

use super::inbox::Lane;
use crate::StoreError;

/// Decides what happens to writes. It is asked in the order in which operations arrive.
pub trait WriteFaults: fmt::Debug + Send + Sync {
    /// What happens to one operation; asked before it joins the writer's queue.
    fn on_operation(&self, operation: WriteOperation) -> WriteFault;

    /// How long the disk takes before it runs a group of so many operations, while everything else waits behind it.
    /// Asked only under [`Threads::Inline`](super::Threads::Inline).
    fn on_group(&self, operations: usize) -> Duration {
        let _ = operations;
        Duration::ZERO
    }
}

/// An operation that is about to be queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteOperation {
    /// The contract's method: `enqueue`, `lease`, `record_outcomes` …
    pub name: &'static str,
    /// Whether it waits behind everything that somebody waits for.
    pub priority: WritePriority,
    /// Bytes of content that it carries.
    pub content_bytes: usize,
}

/// Which of the writer's queues an operation waits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WritePriority {
    /// Somebody or some mail waits for it.
    Foreground,
    /// Nobody does.
    Background,
}

/// What happens to an operation.
#[derive(Debug, Clone)]
pub enum WriteFault {
    /// Nothing unusual.
    None,
    /// It joins the queue so much later; others may overtake it.
    Delay(Duration),
    /// It is not done, and this is the answer.
    Refuse(StoreError),
    /// It is done, but after its commit the caller reads [`StoreError::Unavailable`].
    LoseAnswer,
}

impl WriteOperation {
    /// The operation whose work is the closure type `F`.
    pub(super) fn of<F>(lane: Lane, content_bytes: usize) -> Self {
        Self {
            name: method_name(std::any::type_name::<F>()),
            priority: match lane {
                Lane::Hot => WritePriority::Foreground,
                Lane::Background => WritePriority::Background,
            },
            content_bytes,
        }
    }
}

/// The method in which a closure of this type was written.
fn method_name(closure: &'static str) -> &'static str {
    let method = closure.split("::{{closure}}").next().unwrap_or(closure);
    let last = method.rsplit("::").next().unwrap_or(method);
    last.split('<').next().unwrap_or(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operation_is_named_after_the_method_that_made_its_closure() {
        let closure = "<postroom_store::sqlite::open::SqliteStore as postroom_store::contract::queue::Queue>\
                       ::lease<'_, '_>::{{closure}}::{{closure}}";
        assert_eq!(method_name(closure), "lease");
        assert_eq!(method_name("lease"), "lease");
    }
}
