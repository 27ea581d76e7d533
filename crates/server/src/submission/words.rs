//! Says in SMTP what the rest of Postroom says in its own types.

use postroom_domain::Refusal;
use postroom_office::{SignInError, wait_seconds};
use postroom_smtp::reply::{EnhancedCode, Reply};
use postroom_store::Admitted;

/// Mail that was taken in; where it is held, why and until when.
pub(super) fn accepted(admitted: &Admitted) -> Reply {
    let mut text = format!("Queued as {}", admitted.id);
    if let Some(hold) = &admitted.hold {
        text.push_str("; held: ");
        text.push_str(&hold.reason);
        if let Some(until) = hold.until {
            text.push_str(&format!(", at least until {until}"));
        }
    }
    Reply::enhanced(250, EnhancedCode::new(2, 0, 0), text)
}

/// A refusal's SMTP face (DESIGN invariant 13).
pub(super) fn refusal(refusal: &Refusal) -> Reply {
    let (code, enhanced) = refusal.smtp();
    let enhanced = EnhancedCode::new(enhanced.0, enhanced.1, enhanced.2);
    Reply::enhanced(code, enhanced, refusal.detail())
}

/// What a failed sign-in is told (RFC 4954 §6); the words are the same for unknown names and wrong passwords.
pub(super) fn sign_in(error: &SignInError) -> Reply {
    match error {
        SignInError::Invalid => Reply::enhanced(
            535,
            EnhancedCode::new(5, 7, 8),
            "The name or the password is wrong; an API key can be used as the password",
        ),
        SignInError::TooMany { retry_after } => {
            let text = format!(
                "Too many attempts to sign in; try again in {} s; an API key as the password works at once",
                wait_seconds(*retry_after)
            );
            Reply::enhanced(454, EnhancedCode::new(4, 7, 0), text)
        }
        SignInError::Store(_) => try_later(),
    }
}

/// The store cannot answer.
pub(super) fn try_later() -> Reply {
    Reply::enhanced(
        451,
        EnhancedCode::new(4, 3, 0),
        "Postroom cannot reach its store now; try again later",
    )
}

/// Mail in a session whose sign-in holds no more (RFC 4954 §6).
pub(super) fn sign_in_ended() -> Reply {
    Reply::enhanced(
        530,
        EnhancedCode::new(5, 7, 0),
        "This sign-in has ended, by a new password or because the account or the API key was taken back; connect and sign in again",
    )
}

/// Mail of somebody who did not sign in (RFC 4954 §4).
pub(super) fn sign_in_first() -> Reply {
    Reply::enhanced(
        530,
        EnhancedCode::new(5, 7, 0),
        "Sign in first: AUTH with your login and password, or with an API key as the password",
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn wait_is_never_said_too_short() {
        let refused = |millis| {
            let retry_after = Duration::from_millis(millis);
            sign_in(&SignInError::TooMany { retry_after }).text
        };
        assert!(refused(0).contains("again in 1 s;"), "{}", refused(0));
        assert!(refused(59_001).contains("again in 60 s;"), "{}", refused(59_001));
    }
}
