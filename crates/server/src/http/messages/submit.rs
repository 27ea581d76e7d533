//! Handing mail in: one message, many, or as it is.

use aws_lc_rs::digest;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use postroom_domain::{Address, Refusal};
use postroom_engine::budget::IncomingRoom;
use postroom_engine::intake::{
    DeclaredCharset, Draft, Envelope, Extras, GivenEnvelope, Origin, Principal as Sender, RawSubmission,
};
use postroom_store::IdempotencyClaim;

use crate::http::App;
use crate::http::auth::Caller;
use crate::http::body::{MessageBody, read_message, require_type};
use crate::http::problem::ApiError;
use crate::http::wire::problem::Problem;
use crate::http::wire::submit::{Accepted, BatchAnswer, BatchItem, NewBatch, NewMessage};

/// How much longer JSON may be than the message in it: base64 takes 4/3, quoting some more.
pub(super) const JSON_GROWTH: u64 = 2;
/// Room for what is around the content.
pub(in crate::http) const SLACK_BYTES: u64 = 1024 * 1024;

/// Takes one message in; the answer comes once it is on the disk.
///
/// # Errors
/// A refusal that names the field; 409 `idempotency_key_reused`.
#[utoipa::path(
    post, path = "/api/v1/messages", tag = "submit", request_body = NewMessage,
    params(("Idempotency-Key" = Option<String>, Header, description = "gives the same answer again for 24 hours")),
    responses((status = 202, body = Accepted), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn submit(
    State(app): State<App>,
    Caller(who): Caller,
    request: Request,
) -> Result<(StatusCode, axum::Json<Accepted>), ApiError> {
    require_type(request.headers(), "application/json")?;
    let sender = app.senders.principal(&who).await?;
    let Given { body, claim, room } = Given::read(&app, request, &sender, JSON_GROWTH).await?;
    let draft = app.intake.parse(body, Draft::from_json).await?;
    let taken = app.intake.submit(&sender, draft, claim).await?;
    drop(room);
    app.metrics.accepted(1);
    Ok((StatusCode::ACCEPTED, axum::Json(taken.admitted.into())))
}

/// Takes up to 1,000 messages in: those that can be, in one step; the others are refused one by one.
///
/// # Errors
/// For what is wrong with the batch itself.
#[utoipa::path(
    post, path = "/api/v1/messages/batch", tag = "submit", request_body = NewBatch,
    params(("Idempotency-Key" = Option<String>, Header, description = "gives the same answer again for 24 hours")),
    responses((status = 200, body = BatchAnswer), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn batch(
    State(app): State<App>,
    Caller(who): Caller,
    request: Request,
) -> Result<axum::Json<BatchAnswer>, ApiError> {
    require_type(request.headers(), "application/json")?;
    let sender = app.senders.principal(&who).await?;
    let Given { body, claim, room } = Given::read(&app, request, &sender, JSON_GROWTH).await?;
    let most = app.intake.settings().limits.batch;
    let parse = |body: &[u8]| Draft::batch_from_json(body, most);
    let drafts = app.intake.parse(body, parse).await?;
    let results = app.intake.submit_batch(&sender, drafts, claim).await?;
    drop(room);
    let mut answer = BatchAnswer {
        accepted: 0,
        refused: 0,
        items: Vec::with_capacity(results.len()),
    };
    for (index, result) in (0u32..).zip(results) {
        match result {
            Ok(admitted) => {
                answer.accepted += 1;
                answer.items.push(BatchItem::accepted(index, admitted.into()));
            }
            Err(refusal) => {
                answer.refused += 1;
                let problem = ApiError::from(refusal).into_problem();
                answer.items.push(BatchItem::refused(index, problem));
            }
        }
    }
    app.metrics.accepted(answer.accepted.into());
    Ok(axum::Json(answer))
}

/// Takes a message in as it is; the envelope comes from `?from=` and repeated `?to=`, or from the header fields.
///
/// # Errors
/// A refusal that names what is wrong.
#[utoipa::path(
    post, path = "/api/v1/messages/raw", tag = "submit",
    request_body(content = String, content_type = "message/rfc822"),
    params(
        ("from" = Option<String>, Query, description = "MAIL FROM"),
        ("to" = Option<Vec<String>>, Query, description = "RCPT TO, repeated"),
        ("Idempotency-Key" = Option<String>, Header, description = "gives the same answer again for 24 hours"),
    ),
    responses((status = 202, body = Accepted), (status = "default", body = Problem, content_type = "application/problem+json"))
)]
pub(in crate::http) async fn raw(
    State(app): State<App>,
    Caller(who): Caller,
    request: Request,
) -> Result<(StatusCode, axum::Json<Accepted>), ApiError> {
    require_type(request.headers(), "message/rfc822")?;
    let envelope = envelope_of(request.uri().query().unwrap_or(""))?;
    let sender = app.senders.principal(&who).await?;
    let Given { body, claim, room } = Given::read(&app, request, &sender, 1).await?;
    let submission = RawSubmission {
        octets: body,
        envelope,
        origin: Origin::HTTP,
        extras: Extras::default(),
    };
    let taken = app.intake.submit_raw(&sender, submission, claim).await?;
    drop(room);
    app.metrics.accepted(1);
    Ok((StatusCode::ACCEPTED, axum::Json(taken.admitted.into())))
}

/// A body, the promise that goes with it, and its room in memory until the message is stored.
struct Given {
    body: Vec<u8>,
    claim: Option<IdempotencyClaim>,
    room: IncomingRoom,
}

impl Given {
    async fn read(app: &App, request: Request, sender: &Sender, growth: u64) -> Result<Self, ApiError> {
        // Asked before the body is read: there is no use in sending 25 MiB to a queue that is off.
        app.intake.check_open()?;
        let message = u64::try_from(app.intake.settings().limits.message_bytes).unwrap_or(u64::MAX);
        let most = message.saturating_mul(growth).saturating_add(SLACK_BYTES);
        let key = idempotency_key(request.headers())?;
        let path = request
            .uri()
            .path_and_query()
            .map(|path| path.as_str().to_owned());
        let MessageBody { octets, room } = read_message(app, request, most).await?;
        let claim = key
            .map(|key| sender.claim(&key, digest_of(path.as_deref().unwrap_or(""), &octets)))
            .transpose()?;
        Ok(Self {
            body: octets,
            claim,
            room,
        })
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    match value.to_str() {
        Ok(key) => Ok(Some(key.to_owned())),
        Err(_) => Err(Refusal::IdempotencyKeyInvalid {
            reason: "has octets that are not printable ASCII: use letters, digits and punctuation".into(),
        }),
    }
}

fn digest_of(path: &str, body: &[u8]) -> [u8; 32] {
    let mut hasher = digest::Context::new(&digest::SHA256);
    hasher.update(path.as_bytes());
    hasher.update(b"\0");
    hasher.update(body);
    let mut bytes = [0; 32];
    for (to, from) in bytes.iter_mut().zip(hasher.finish().as_ref()) {
        *to = *from;
    }
    bytes
}

/// Reads `from` and `to` of the query; without any of them the header fields tell.
fn envelope_of(query: &str) -> Result<Envelope, ApiError> {
    let mut from = None;
    let mut to = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let address = |field: String| {
            value
                .parse::<Address>()
                .map_err(|error| Refusal::BadAddress { field, error })
        };
        match name.as_ref() {
            "from" if from.is_none() => from = Some(address("from".to_owned())?),
            "from" => return Err(ApiError::bad_parameter("from", "from: is given twice")),
            "to" => to.push(address(format!("to[{}]", to.len()))?.into()),
            other => {
                let detail = format!("there is no parameter {other:?}; the parameters are from, to");
                return Err(ApiError::bad_parameter(other, detail));
            }
        }
    }
    match (from, to) {
        (None, to) if to.is_empty() => Ok(Envelope::FromHeader),
        (None, _) => Err(ApiError::bad_parameter(
            "from",
            "from: goes with to: give both or none",
        )),
        (Some(_), to) if to.is_empty() => Err(ApiError::bad_parameter(
            "to",
            "to: goes with from: give both or none",
        )),
        (Some(from), recipients) => Ok(Envelope::Given(GivenEnvelope {
            mail_from: Some(from),
            recipients,
            charset: DeclaredCharset::Unsaid,
            ret: None,
            envid: None,
        })),
    }
}
