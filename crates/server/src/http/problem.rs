//! One error at HTTP: it becomes a problem document (RFC 9457) with a stable code.

use std::any::Any;
use std::borrow::Cow;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use postroom_domain::{Damage, Refusal, Rule};
use postroom_store::StoreError;

use super::wire::problem::Problem;

/// Why a request was not answered as asked.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: String,
    field: Option<String>,
    rule: Option<Rule>,
    suggestion: Option<String>,
    retry_after: Option<Duration>,
    cause: Option<Cause>,
}

/// What the log is told, and nobody else.
#[derive(Debug, Clone)]
pub(super) struct Cause(pub(super) String);

/// How long to wait before trying a store again that could not answer.
const STORE_PAUSE: Duration = Duration::from_secs(2);

impl ApiError {
    /// An error with its stable code and title, and a detail that is safe to show.
    pub(super) fn new(
        status: StatusCode,
        code: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code,
            title,
            detail: detail.into(),
            field: None,
            rule: None,
            suggestion: None,
            retry_after: None,
            cause: None,
        }
    }

    /// Names the field that is wrong.
    #[must_use]
    pub(super) fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Proposes a line of the configuration file that would allow it.
    #[must_use]
    pub(super) fn suggest(mut self, line: Option<String>) -> Self {
        self.suggestion = line;
        self
    }

    /// Says in which of several things it is.
    #[must_use]
    pub(super) fn within(mut self, place: &str) -> Self {
        self.field = Some(match self.field {
            Some(field) => format!("{place}.{field}"),
            None => place.to_owned(),
        });
        self.detail = format!("{place}: {}", self.detail);
        self
    }

    /// Says when to try again.
    #[must_use]
    pub(super) const fn after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Something that one may know of, but not do: names the rule (V6).
    pub(super) fn forbidden(rule: Rule) -> Self {
        let code = if rule == Rule::SecretBody {
            "body_is_secret"
        } else {
            "not_permitted"
        };
        let mut error = Self::new(StatusCode::FORBIDDEN, code, "You may not do this", rule.words());
        error.rule = Some(rule);
        error
    }

    /// A message that does not exist or is out of sight: the same words for both.
    pub(super) fn no_message() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "There is no such thing",
            "there is no such message among those that you may see",
        )
    }

    /// Something else that does not exist; `detail` says what.
    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "There is no such thing",
            detail,
        )
    }

    /// Nobody signed in.
    pub(super) fn not_signed_in() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "not_signed_in",
            "You are not signed in",
            "sign in, or send an API key as \"Authorization: Bearer pk_…\"",
        )
    }

    /// A parameter of the query that cannot be used.
    pub(super) fn bad_parameter(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "bad_parameter",
            "A parameter cannot be used",
            detail,
        )
        .at(field)
    }

    /// A fault of ours: the cause goes to the log.
    pub(super) fn internal(cause: impl Into<String>) -> Self {
        let mut error = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "Something went wrong in the server",
            "the fault is ours and has been logged with this request's id",
        );
        error.cause = Some(Cause(cause.into()));
        error
    }

    /// A message of which something stored is damaged: trying again gives the same.
    pub(super) fn damaged(damage: Damage) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "content_damaged",
            "The stored content is damaged",
            format!(
                "{}; a system administrator should run postroom check",
                damage.words()
            ),
        )
    }

    /// The document, without the request's id.
    pub(super) fn into_problem(self) -> Problem {
        Problem {
            kind: format!("urn:postroom:problem:{}", self.code),
            title: self.title.to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
            code: self.code.to_owned(),
            field: self.field,
            rule: self.rule.map(|rule| rule.name().to_owned()),
            suggestion: self.suggestion,
            request_id: None,
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let status = StatusCode::from_u16(refusal.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut error = Self::new(status, refusal.code(), refusal.title(), refusal.detail());
        error.field = refusal.field().map(str::to_owned);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            error.retry_after = Some(STORE_PAUSE);
        }
        error
    }
}

impl From<StoreError> for ApiError {
    fn from(cause: StoreError) -> Self {
        let (code, title, detail): (_, _, Cow<'static, str>) = match &cause {
            StoreError::Full => (
                "store_full",
                "There is no room to store anything",
                "the disk that holds the mail is full: nothing was kept, try again later".into(),
            ),
            StoreError::Exists { what, .. } => {
                return Self::new(
                    StatusCode::CONFLICT,
                    "exists",
                    "It exists already",
                    cause.to_string(),
                )
                .at(*what);
            }
            StoreError::Missing(what) => {
                return Self::not_found(format!("there is no such {what} among those that you may see"));
            }
            StoreError::Stale(what) => return super::etag::stale(what),
            StoreError::People(rule) => {
                let mut error = Self::new(
                    StatusCode::CONFLICT,
                    rule.code(),
                    "A rule of offices and people is in the way",
                    rule.to_string(),
                );
                error.field = rule.field().map(str::to_owned);
                return error;
            }
            StoreError::TooMuch(what) => {
                return Self::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "too_much",
                    "Too much for one request",
                    format!("{what}: send it in several requests"),
                );
            }
            StoreError::Damaged(_, damage) => {
                return Self::damaged(*damage);
            }
            StoreError::Corrupt(_) | StoreError::Database(_) => return Self::internal(cause.to_string()),
            StoreError::Unavailable(_) | StoreError::Closed => (
                "store_unavailable",
                "The store cannot answer now",
                "nothing was changed: try again in a few seconds".into(),
            ),
        };
        let mut error = Self::new(StatusCode::SERVICE_UNAVAILABLE, code, title, detail).after(STORE_PAUSE);
        error.cause = Some(Cause(cause.to_string()));
        error
    }
}

impl IntoResponse for ApiError {
    /// An answer without a body: `finish` writes it with the request's id.
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(cause) = self.cause.clone() {
            response.extensions_mut().insert(cause);
        }
        response.extensions_mut().insert(self.into_problem());
        response
    }
}

/// Answers a path that nothing answers.
pub(super) async fn missing() -> ApiError {
    ApiError::not_found("there is nothing at this address; the API is described at /api/v1/openapi.json")
}

/// Answers a method that a path does not have.
pub(super) async fn method_not_allowed() -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This address does not take this method",
        "the Allow header lists the methods that it takes",
    )
}

/// Answers a request whose handler panicked.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the layer hands the panic over like this"
)]
pub(super) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let words = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without words");
    ApiError::internal(format!("a handler panicked: {words}")).into_response()
}
