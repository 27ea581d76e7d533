//! Framing: command lines, message data with its dots, and chunks.
//!
//! Nothing here waits or allocates per line; each piece takes the bytes that have arrived and says how many it used,
//! so the result never depends on how the network cut the stream.

mod chunk;
mod data;
mod line;

pub use chunk::ChunkChecker;
pub use data::{DataDecoder, DataProgress};
pub use line::{CommandLine, next_line};

use thiserror::Error;

/// A CR or LF that is not part of a CRLF pair, which is how mail is smuggled between servers that disagree on where a
/// line ends (RFC 5321 §2.3.8: both "MUST NOT" appear alone).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum BareLineEnd {
    /// A carriage return not followed by a line feed.
    #[error("bare CR")]
    CarriageReturn,
    /// A line feed not preceded by a carriage return.
    #[error("bare LF")]
    LineFeed,
}
