//! What whoever tried too often is told: how long to wait, and what works meanwhile.

use std::time::Duration;

use axum::http::StatusCode;
use postroom_office::wait_seconds;

use super::problem::ApiError;

/// Too many attempts to sign in.
pub(super) fn sign_in(retry_after: Duration) -> ApiError {
    let detail = format!(
        "wait {} and try again; if you forgot the password, ask for a link to choose a new one: after that you can sign in at once",
        in_words(retry_after)
    );
    refused(detail, retry_after)
}

/// Too many requests for a link to choose a new password. Whether one was sent before is not known here: where too many were
/// asked for from one place, perhaps none was.
pub(super) fn reset(retry_after: Duration) -> ApiError {
    let detail = format!(
        "if you already have a link, use the newest one, which works for an hour; otherwise try again in {}",
        in_words(retry_after)
    );
    refused(detail, retry_after)
}

/// Too many attempts with links or secrets that do not work.
pub(super) fn token(retry_after: Duration) -> ApiError {
    let detail = format!("wait {} and try again", in_words(retry_after));
    refused(detail, retry_after)
}

fn refused(detail: String, retry_after: Duration) -> ApiError {
    let status = StatusCode::TOO_MANY_REQUESTS;
    ApiError::new(status, "too_many_attempts", "Too many attempts", detail).after(retry_after)
}

/// A time as one says it, not less than it is: "40 seconds", "20 minutes".
fn in_words(time: Duration) -> String {
    let seconds = wait_seconds(time);
    match seconds {
        1 => "1 second".to_owned(),
        2..120 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_is_never_said_too_short() {
        let words = |millis| in_words(Duration::from_millis(millis));
        assert_eq!(words(0), "1 second");
        assert_eq!(words(1_001), "2 seconds");
        assert_eq!(words(60_000), "60 seconds");
        assert_eq!(words(120_000), "2 minutes");
        assert_eq!(words(120_001), "3 minutes");
        assert_eq!(words(1_200_000), "20 minutes");
    }
}
