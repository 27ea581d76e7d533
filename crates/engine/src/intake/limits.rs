//! What is taken in at most; everything has a limit.

use std::time::Duration;

/// The limits of intake. The HTTP and SMTP sides read theirs from here, so that both refuse the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntakeLimits {
    /// Octets of a message as it travels.
    pub message_bytes: usize,
    /// Recipients of a message.
    pub recipients: usize,
    /// Octets of a header block.
    pub header_bytes: usize,
    /// Fields of a header block.
    pub header_fields: usize,
    /// Octets of a header line without its end (RFC 5322 §2.1.1).
    pub header_line_bytes: usize,
    /// Octets of a body line without its end. RFC 5322 says 998 too, but mail with longer lines is common and
    /// relays take it; it travels unchanged.
    pub body_line_bytes: usize,
    /// `Received` fields: more is a loop (RFC 5321 §6.3).
    pub hops: usize,
    /// Attachments of a message.
    pub attachments: usize,
    /// Messages of a batch.
    pub batch: usize,
    /// Tags of a message.
    pub tags: usize,
    /// Characters of a tag.
    pub tag_chars: usize,
    /// Characters of an `external_id`.
    pub external_id_chars: usize,
    /// Octets of `metadata` as JSON.
    pub metadata_bytes: usize,
    /// How far ahead `send_at` may lie.
    pub send_ahead: Duration,
}

impl Default for IntakeLimits {
    fn default() -> Self {
        Self {
            message_bytes: 25 * 1024 * 1024,
            recipients: 1_000,
            header_bytes: 256 * 1024,
            header_fields: 1_000,
            header_line_bytes: 998,
            body_line_bytes: 64 * 1024,
            hops: 100,
            attachments: 100,
            batch: 1_000,
            tags: 20,
            tag_chars: 64,
            external_id_chars: 256,
            metadata_bytes: 16 * 1024,
            send_ahead: Duration::from_hours(366 * 24),
        }
    }
}
