//! Mail coming in: checked, built or completed, packed, and handed to the store (SPEC I).
//!
//! Two ways in, one way on: a [`Draft`] (the JSON API, notifications) is written as an RFC 5322 message; a
//! [`RawSubmission`] (SMTP, `/messages/raw`, sendmail) travels as it is but for a few header fields. Both become the
//! store's `NewMessage`, and [`Intake`] answers after the store's commit.
//!
//! Architecture invariant: nothing is mended silently. What cannot travel is a
//! [`Refusal`](postroom_domain::Refusal), and nothing of it was kept.

mod compose;
mod desk;
mod draft;
mod extras;
mod header;
mod json;
mod limits;
mod lines;
mod raw;
mod readdress;
mod recipients;
mod render;
mod resend;
mod sender;
mod service;
mod stamp;
mod text;

#[cfg(test)]
mod fixture;

pub use desk::Desk;
pub use draft::{Attachment, Draft};
pub use extras::Extras;
pub use limits::IntakeLimits;
pub use raw::{DeclaredCharset, Envelope, GivenEnvelope, RawSubmission};
pub use readdress::{readdress, readdress_header};
pub use recipients::EnvelopeRecipient;
pub use render::{Rendered, mbox};
pub use resend::Prepared;
pub use sender::{Directory, Identity, KindRights, NobodyKnown, Principal, SenderRights, folded};
pub use service::{Accepted, BatchItem, Intake, IntakeParts, IntakeSettings, QueueSwitch};
pub use stamp::{Origin, Protocol};
