//! Messages that somebody has not finished writing.

use postroom_domain::Timestamp;
use postroom_store::DraftRow as Kept;
use serde::Serialize;
use utoipa::ToSchema;

/// One's drafts, the latest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct DraftList {
    /// The drafts.
    pub drafts: Vec<DraftRow>,
}

/// A draft in the list.
#[derive(Debug, Serialize, ToSchema)]
pub struct DraftRow {
    /// Its id.
    pub id: i64,
    /// Its subject, as far as there is one.
    pub subject: String,
    /// Whom it is to, as far as that is known.
    #[schema(example = "client@example.com, partner@example.com")]
    pub to: String,
    /// When it was kept last.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Octets of what is kept.
    pub size: u64,
}

/// A draft that was kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct DraftKept {
    /// Its id.
    pub id: i64,
    /// Its version, as the `ETag` says it too.
    pub version: i64,
}

impl From<Kept> for DraftRow {
    fn from(kept: Kept) -> Self {
        Self {
            id: kept.id.0,
            subject: kept.subject,
            to: kept.to,
            updated_at: kept.updated_at,
            size: kept.size_bytes,
        }
    }
}
