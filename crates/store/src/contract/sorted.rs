//! The list in another order than newest first (Q5).

use async_trait::async_trait;
use postroom_domain::{MessageId, Scope, SortKey, SortOrder};

use super::list::{Filter, More, Row};
use crate::StoreError;

/// Reads the list sorted by a column.
#[async_trait]
pub trait Sorting: Send + Sync {
    /// One page, at most 200 rows. By Date and Sent On at the speed of an index; by the others every match is looked at,
    /// up to a million.
    ///
    /// # Errors
    /// Those of the store.
    async fn sorted(&self, request: &SortedRequest) -> Result<Sorted, StoreError>;
}

/// Which page, in which order.
#[derive(Debug, Clone)]
pub struct SortedRequest {
    /// Who asks.
    pub scope: Scope,
    /// What narrows it.
    pub filter: Filter,
    /// By what. Rows without a value come last in both orders.
    pub by: SortKey,
    /// Which end comes first.
    pub order: SortOrder,
    /// Where it starts.
    pub place: SortedPlace,
    /// Rows, 1 to 200.
    pub limit: u32,
}

/// Where a sorted page starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SortedPlace {
    /// At the beginning.
    First,
    /// After a row.
    After(SortedEdge),
    /// Before a row: the rows just above it, in the same order.
    Before(SortedEdge),
    /// At a row position from 0; by other keys than Date up to [`SortedPlace::AT_MAX`].
    At(u64),
}

impl SortedPlace {
    /// The last position that can be jumped to where the list is not sorted by Date.
    pub const AT_MAX: u64 = 10_000;
}

/// A row's place in an order. It stays where it is when the row changes or goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortedEdge {
    /// The value it is sorted by.
    pub value: SortValue,
    /// The row, which decides between equal values.
    pub id: MessageId,
}

/// What a row is sorted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SortValue {
    /// It has none.
    Empty,
    /// A number, a time in microseconds, or a state's place in a message's life.
    Number(i64),
    /// The first [`SortValue::TEXT_CHARS`] characters in small letters.
    Text(String),
}

impl SortValue {
    /// Characters of a text that decide.
    pub const TEXT_CHARS: usize = 48;

    /// The value of a text; nothing for an empty one.
    pub fn of_text(text: &str) -> Self {
        let start = text.trim_start().chars().take(Self::TEXT_CHARS);
        let text: String = start.flat_map(char::to_lowercase).collect();
        if text.is_empty() {
            Self::Empty
        } else {
            Self::Text(text)
        }
    }
}

/// The answer.
#[derive(Debug, Clone)]
pub enum Sorted {
    /// A page.
    Page(SortedPage),
    /// More matches than can be looked at in time: narrow the list.
    TooMany {
        /// How many match, or at least match.
        matches: u64,
    },
}

/// A page of the sorted list.
#[derive(Debug, Clone)]
pub struct SortedPage {
    /// The rows in order.
    pub rows: Vec<Row>,
    /// The place of the first row, where there is one.
    pub first: Option<SortedEdge>,
    /// The place of the last row, or where an unfinished search goes on.
    pub last: Option<SortedEdge>,
    /// Position of the first row, where known.
    pub at: Option<u64>,
    /// Whether rows follow.
    pub more: More,
    /// Whether rows precede.
    pub before: bool,
}
