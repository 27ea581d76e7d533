//! A notice as its subject and two bodies.

/// A notice that was put together.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Letter {
    /// The subject.
    pub(super) subject: String,
    /// The text body.
    pub(super) text: String,
    /// The HTML body.
    pub(super) html: String,
}

impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the bodies: they may carry a live link.
        f.debug_struct("Letter")
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}
