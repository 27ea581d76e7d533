//! What a caller may say about a message besides its content.

use postroom_domain::{Kind, Refusal, Timestamp, legible};

use super::limits::IntakeLimits;

/// What a caller says about a message besides its content.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extras {
    /// What sort of mail, where the caller says.
    pub kind: Option<Kind>,
    /// Not before this time; a time that has passed means now.
    pub send_at: Option<Timestamp>,
    /// Free words.
    pub tags: Vec<String>,
    /// The caller's own id.
    pub external_id: Option<String>,
    /// The caller's JSON object, as text.
    pub metadata: Option<String>,
}

impl Extras {
    /// Checks the limits; forgets a `send_at` that has passed.
    ///
    /// # Errors
    /// A [`Refusal`] that names the field.
    pub(super) fn checked(mut self, limits: &IntakeLimits, now: Timestamp) -> Result<Self, Refusal> {
        let bad = |field: String, reason: String| {
            Err(Refusal::BadValue {
                field,
                reason: reason.into(),
            })
        };
        if self.tags.len() > limits.tags {
            return bad("tags".to_owned(), format!("there are more than {}", limits.tags));
        }
        for (place, tag) in self.tags.iter().enumerate() {
            let unusable = tag.trim().is_empty() || tag.chars().any(char::is_control);
            if unusable || tag.chars().nth(limits.tag_chars).is_some() {
                let reason = format!(
                    "a tag has 1 to {} characters, none of them a control character",
                    limits.tag_chars
                );
                return bad(format!("tags[{place}]"), reason);
            }
            if let Err(hidden) = legible::check(tag) {
                return bad(format!("tags[{place}]"), hidden.reason());
            }
        }
        if let Some(id) = &self.external_id {
            let long = id.chars().nth(limits.external_id_chars).is_some();
            if id.is_empty() || long || id.chars().any(char::is_control) {
                let reason = format!(
                    "has 1 to {} characters, none of them a control character",
                    limits.external_id_chars
                );
                return bad("external_id".to_owned(), reason);
            }
            if let Err(hidden) = legible::check(id) {
                return bad("external_id".to_owned(), hidden.reason());
            }
        }
        if let Some(metadata) = &self.metadata
            && metadata.len() > limits.metadata_bytes
        {
            return Err(Refusal::TooLarge {
                field: "metadata".to_owned(),
                most_bytes: u64::try_from(limits.metadata_bytes).unwrap_or(u64::MAX),
            });
        }
        match self.send_at {
            Some(at) if at > now.plus(limits.send_ahead) => {
                let most_days = limits.send_ahead.as_secs() / 86_400;
                return Err(Refusal::SendAtTooFar {
                    most_days: u32::try_from(most_days).unwrap_or(u32::MAX),
                });
            }
            Some(at) if at <= now => self.send_at = None,
            Some(_) | None => {}
        }
        Ok(self)
    }
}
