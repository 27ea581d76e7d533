//! How the queue list looks to somebody.

use postroom_domain::{Layout as Kept, LayoutError, SortOrder as Order};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the queue list looks. Columns that are not named are hidden.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// The columns, from left to right, each at most once.
    pub columns: Vec<Column>,
    /// What the list is sorted by.
    pub sort: Sort,
}

/// A column that is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// `date`, `from`, `to`, `cc`, `bcc`, `subject`, `body`, `user`, `office`, `source`, `status`, `sent`, `sent_on`,
    /// `send_attempts`, `next_attempt`, `held_until`, `error_message`, `code`, `mime_type` or `size`.
    #[schema(example = "subject")]
    pub column: String,
    /// How wide, in CSS pixels.
    #[schema(minimum = 40, maximum = 1200, example = 320)]
    pub width_px: u32,
}

/// What a list is sorted by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sort {
    /// `date`, `sent_on`, `from`, `subject`, `user`, `size`, `status`, `send_attempts` or `next_attempt`.
    #[schema(example = "date")]
    pub column: String,
    /// Which end comes first.
    pub order: SortOrder,
}

/// Which end of a list comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SortOrder {
    /// The least: oldest, smallest, A.
    Ascending,
    /// The greatest.
    Descending,
}

/// Whose a layout is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LayoutSource {
    /// One's own.
    Own,
    /// The office's, for everybody in it without an own one.
    Office,
    /// Nobody chose one.
    Default,
}

/// A layout and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ShownLayout {
    /// The columns, from left to right.
    pub columns: Vec<Column>,
    /// What the list is sorted by.
    pub sort: Sort,
    /// Whose it is.
    pub source: LayoutSource,
    /// Whether one may keep a layout of one's own, or the office's where it was asked for.
    pub may_change: bool,
}

impl From<Order> for SortOrder {
    fn from(order: Order) -> Self {
        match order {
            Order::Ascending => Self::Ascending,
            Order::Descending => Self::Descending,
        }
    }
}

impl From<SortOrder> for Order {
    fn from(order: SortOrder) -> Self {
        match order {
            SortOrder::Ascending => Self::Ascending,
            SortOrder::Descending => Self::Descending,
        }
    }
}

impl From<&Kept> for Layout {
    fn from(kept: &Kept) -> Self {
        let (by, order) = kept.sort();
        Self {
            columns: kept
                .columns()
                .iter()
                .map(|shown| Column {
                    column: shown.column.key().to_owned(),
                    width_px: shown.width_px.into(),
                })
                .collect(),
            sort: Sort {
                column: by.column().key().to_owned(),
                order: order.into(),
            },
        }
    }
}

impl Layout {
    /// Checks the columns, their widths, and the sort.
    ///
    /// # Errors
    /// [`LayoutError`] names the column that is wrong.
    pub fn checked(&self) -> Result<Kept, LayoutError> {
        let columns = self
            .columns
            .iter()
            .map(|shown| (shown.column.as_str(), shown.width_px));
        Kept::new(columns, (&self.sort.column, self.sort.order.into()))
    }
}
