//! The octets of a message, apart from its record.

use async_trait::async_trait;
use postroom_domain::{MessageId, Scope, Timestamp};

use crate::StoreError;

/// A message's octets: the header block (with the empty line that ends it) apart from the body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    /// The header block as it travels, without Bcc.
    pub header: Packed,
    /// The body.
    pub body: Packed,
}

/// Octets, perhaps compressed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Packed {
    /// How `bytes` are kept.
    pub encoding: Encoded,
    /// Length of the octets when unpacked.
    pub len: u64,
    /// The kept octets.
    pub bytes: Vec<u8>,
}

/// How octets are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoded {
    /// As they are.
    #[default]
    Plain,
    /// Zstandard (RFC 8878).
    Zstd,
}

/// Reads content.
#[async_trait]
pub trait ContentStore: Send + Sync {
    /// The content of a message in scope, verified against its checksums; `None` outside it or when retention has removed
    /// it.
    ///
    /// # Errors
    /// Those of the store; [`StoreError::Damaged`] where it is not what was stored, which is noted as found
    /// `now` and reported once.
    async fn content(
        &self,
        scope: &Scope,
        id: MessageId,
        now: Timestamp,
    ) -> Result<Option<Content>, StoreError>;
}
