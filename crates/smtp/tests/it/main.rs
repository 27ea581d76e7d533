//! The sessions as their users meet them: over a stream, against a peer that may misbehave.

mod client;
