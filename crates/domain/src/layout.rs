//! How the queue list looks to somebody: which columns, in which order, how wide, sorted how (Q2).

use std::collections::HashSet;

/// A column of the queue list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Column {
    /// Date of the first submission.
    Date,
    /// From.
    From,
    /// To.
    To,
    /// Cc.
    Cc,
    /// Bcc.
    Bcc,
    /// Subject.
    Subject,
    /// The beginning of the body.
    Body,
    /// Whose mail it is.
    User,
    /// Of which office.
    Office,
    /// People's or the system's.
    Source,
    /// The state.
    Status,
    /// Yes or No.
    Sent,
    /// The last acceptance.
    SentOn,
    /// Attempts of this cycle.
    SendAttempts,
    /// When it is tried next.
    NextAttempt,
    /// Until when it is held.
    HeldUntil,
    /// What went wrong last.
    ErrorMessage,
    /// The reply code of what went wrong last.
    Code,
    /// Media type.
    MimeType,
    /// Octets.
    Size,
}

impl Column {
    /// Every column, in the order that a list has where nobody chose another.
    pub const ALL: [Self; 20] = [
        Self::Date,
        Self::From,
        Self::To,
        Self::Cc,
        Self::Bcc,
        Self::Subject,
        Self::Body,
        Self::User,
        Self::Office,
        Self::Source,
        Self::Status,
        Self::Sent,
        Self::SentOn,
        Self::SendAttempts,
        Self::NextAttempt,
        Self::HeldUntil,
        Self::ErrorMessage,
        Self::Code,
        Self::MimeType,
        Self::Size,
    ];

    /// Its key in the API and the store.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Date => "date",
            Self::From => "from",
            Self::To => "to",
            Self::Cc => "cc",
            Self::Bcc => "bcc",
            Self::Subject => "subject",
            Self::Body => "body",
            Self::User => "user",
            Self::Office => "office",
            Self::Source => "source",
            Self::Status => "status",
            Self::Sent => "sent",
            Self::SentOn => "sent_on",
            Self::SendAttempts => "send_attempts",
            Self::NextAttempt => "next_attempt",
            Self::HeldUntil => "held_until",
            Self::ErrorMessage => "error_message",
            Self::Code => "code",
            Self::MimeType => "mime_type",
            Self::Size => "size",
        }
    }

    /// Its heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Date => "Date",
            Self::From => "From",
            Self::To => "To",
            Self::Cc => "Cc",
            Self::Bcc => "Bcc",
            Self::Subject => "Subject",
            Self::Body => "Body",
            Self::User => "User",
            Self::Office => "Office",
            Self::Source => "Source",
            Self::Status => "Status",
            Self::Sent => "Sent",
            Self::SentOn => "Sent On",
            Self::SendAttempts => "Send Attempts",
            Self::NextAttempt => "Next Attempt",
            Self::HeldUntil => "Held Until",
            Self::ErrorMessage => "Error Message",
            Self::Code => "Code",
            Self::MimeType => "Mime Type",
            Self::Size => "Size",
        }
    }

    /// Finds a column by its key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.key() == key)
    }

    /// How a list is sorted by it; `None` for a column that does not sort.
    pub const fn sort_key(self) -> Option<SortKey> {
        match self {
            Self::Date => Some(SortKey::Date),
            Self::SentOn => Some(SortKey::SentOn),
            Self::From => Some(SortKey::From),
            Self::Subject => Some(SortKey::Subject),
            Self::User => Some(SortKey::User),
            Self::Size => Some(SortKey::Size),
            Self::Status => Some(SortKey::Status),
            Self::SendAttempts => Some(SortKey::Attempts),
            Self::NextAttempt => Some(SortKey::NextAttempt),
            Self::To
            | Self::Cc
            | Self::Bcc
            | Self::Body
            | Self::Office
            | Self::Source
            | Self::Sent
            | Self::HeldUntil
            | Self::ErrorMessage
            | Self::Code
            | Self::MimeType => None,
        }
    }
}

/// What a list can be sorted by (Q5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SortKey {
    /// The first submission.
    Date,
    /// The last acceptance.
    SentOn,
    /// From, letters alike in both cases.
    From,
    /// The subject, letters alike in both cases.
    Subject,
    /// The sender's name.
    User,
    /// Octets.
    Size,
    /// The state, in the order of a message's life.
    Status,
    /// Attempts of this cycle.
    Attempts,
    /// When it is tried next.
    NextAttempt,
}

impl SortKey {
    /// The column whose heading sorts by it.
    pub const fn column(self) -> Column {
        match self {
            Self::Date => Column::Date,
            Self::SentOn => Column::SentOn,
            Self::From => Column::From,
            Self::Subject => Column::Subject,
            Self::User => Column::User,
            Self::Size => Column::Size,
            Self::Status => Column::Status,
            Self::Attempts => Column::SendAttempts,
            Self::NextAttempt => Column::NextAttempt,
        }
    }
}

/// Which end comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SortOrder {
    /// The least first: oldest, smallest, A.
    Ascending,
    /// The greatest first.
    #[default]
    Descending,
}

/// A column as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShownColumn {
    /// Which.
    pub column: Column,
    /// How wide, in CSS pixels.
    pub width_px: u16,
}

/// How a list looks to somebody. Columns that it does not name are hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    columns: Vec<ShownColumn>,
    sort: (SortKey, SortOrder),
}

/// Why a layout cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// A key that is no column's.
    #[error("there is no column \"{0}\"; the columns are {list}", list = keys())]
    UnknownColumn(String),
    /// A column that stands twice.
    #[error("the column \"{}\" stands twice", .0.key())]
    Twice(Column),
    /// A width that nobody could use.
    #[error(
        "the column \"{}\" is {width_px} px wide; it is {} to {} px",
        column.key(), Layout::WIDTH_MIN_PX, Layout::WIDTH_MAX_PX
    )]
    Width {
        /// The column.
        column: Column,
        /// The width given.
        width_px: u32,
    },
    /// A list without columns.
    #[error("a layout shows at least one column")]
    Empty,
    /// A column that a list cannot be sorted by.
    #[error("a list cannot be sorted by the column \"{}\"; it can by {list}", .0.key(), list = sortable())]
    DoesNotSort(Column),
}

fn keys() -> String {
    Column::ALL.map(Column::key).join(", ")
}

fn sortable() -> String {
    let keys: Vec<&str> = Column::ALL
        .into_iter()
        .filter(|column| column.sort_key().is_some())
        .map(Column::key)
        .collect();
    keys.join(", ")
}

impl Layout {
    /// The narrowest column, in CSS pixels.
    pub const WIDTH_MIN_PX: u16 = 40;
    /// The widest column, in CSS pixels.
    pub const WIDTH_MAX_PX: u16 = 1200;

    /// Puts a layout together from keys and widths, and the column that it sorts by.
    ///
    /// # Errors
    /// [`LayoutError`] names the column that is wrong.
    pub fn new<'a>(
        columns: impl IntoIterator<Item = (&'a str, u32)>,
        sort: (&str, SortOrder),
    ) -> Result<Self, LayoutError> {
        let mut shown = Vec::new();
        let mut seen = HashSet::new();
        for (key, width_px) in columns {
            let column = column(key)?;
            if !seen.insert(column) {
                return Err(LayoutError::Twice(column));
            }
            let width = u16::try_from(width_px).ok();
            let width = width.filter(|width| (Self::WIDTH_MIN_PX..=Self::WIDTH_MAX_PX).contains(width));
            shown.push(ShownColumn {
                column,
                width_px: width.ok_or(LayoutError::Width { column, width_px })?,
            });
        }
        if shown.is_empty() {
            return Err(LayoutError::Empty);
        }
        let by = column(sort.0)?;
        let by = by.sort_key().ok_or(LayoutError::DoesNotSort(by))?;
        Ok(Self {
            columns: shown,
            sort: (by, sort.1),
        })
    }

    /// The columns, from left to right.
    pub fn columns(&self) -> &[ShownColumn] {
        &self.columns
    }

    /// What the list is sorted by.
    pub const fn sort(&self) -> (SortKey, SortOrder) {
        self.sort
    }
}

impl Default for Layout {
    /// What everybody sees where nobody chose: who, what, when, how it stands; newest first.
    fn default() -> Self {
        let columns = [
            (Column::Date, 150),
            (Column::User, 140),
            (Column::To, 220),
            (Column::Subject, 320),
            (Column::Status, 110),
            (Column::SendAttempts, 90),
            (Column::SentOn, 150),
            (Column::ErrorMessage, 260),
        ];
        Self {
            columns: columns
                .map(|(column, width_px)| ShownColumn { column, width_px })
                .to_vec(),
            sort: (SortKey::Date, SortOrder::Descending),
        }
    }
}

fn column(key: &str) -> Result<Column, LayoutError> {
    Column::from_key(key).ok_or_else(|| LayoutError::UnknownColumn(key.chars().take(40).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(columns: &[(&str, u32)], sort: &str) -> LayoutError {
        Layout::new(columns.iter().copied(), (sort, SortOrder::Ascending)).unwrap_err()
    }

    #[test]
    fn every_column_reads_back_by_its_key() {
        for column in Column::ALL {
            assert_eq!(Column::from_key(column.key()), Some(column));
            assert!(column.sort_key().is_none_or(|key| key.column() == column));
        }
    }

    #[test]
    fn what_is_wrong_with_a_layout_names_the_column() {
        assert_eq!(
            refused(&[("date", 39)], "date").to_string(),
            "the column \"date\" is 39 px wide; it is 40 to 1200 px"
        );
        assert_eq!(
            refused(&[("date", 80), ("date", 90)], "date"),
            LayoutError::Twice(Column::Date)
        );
        assert_eq!(refused(&[], "date"), LayoutError::Empty);
        assert!(
            matches!(refused(&[("colour", 80)], "date"), LayoutError::UnknownColumn(key) if key == "colour")
        );
        for key in ["body", "bcc", "cc", "error_message"] {
            let column = Column::from_key(key).unwrap();
            assert_eq!(refused(&[("date", 80)], key), LayoutError::DoesNotSort(column));
        }
    }

    #[test]
    fn list_can_be_sorted_by_a_column_that_is_hidden() {
        let layout = Layout::new([("date", 80)], ("size", SortOrder::Descending)).unwrap();
        assert_eq!(layout.sort(), (SortKey::Size, SortOrder::Descending));
    }
}
