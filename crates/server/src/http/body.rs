//! Reads bodies: refused by size before they are read, and only within the budget of content in memory.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt as _;
use postroom_domain::Refusal;
use postroom_engine::budget::{
    ContentBudget, IncomingRoom, MEDIUM_BYTES, NoRoom, Reservation, SenderProgress, Share,
};
use tokio::time::{Instant, timeout, timeout_at};

use super::App;
use super::problem::ApiError;

/// Longest body of a request that is not a message, in bytes.
const SMALL_BODY_BYTES_MAX: u64 = 64 * 1024;
/// Room for a small body is taken in such steps, as it comes.
const SMALL_BODY_STEP_BYTES: u64 = 4 * 1024;
/// How long a small body may take.
const SMALL_BODY_DURATION_MAX: Duration = Duration::from_secs(30);
/// How long a message waits for room: less than most clients wait for an answer.
const ROOM_WAIT_MAX: Duration = Duration::from_secs(30);
/// How much of a message has to come in [`SILENCE_MAX`], in bytes; a silence with an octet now and then is one, too.
const MOVING_BYTES_MIN: usize = 16 * 1024;
/// Longest silence within a message.
const SILENCE_MAX: Duration = Duration::from_secs(120);
/// How long, and how much of, a body is still taken in whose request was refused: a client that is cut off while it
/// sends does not read why.
const DRAIN_DURATION_MAX: Duration = Duration::from_secs(30);
const DRAIN_BYTES_MAX: u64 = 64 << 20;

/// A body that holds a message, and its room in memory: to be kept until the message is stored.
#[derive(Debug)]
pub(super) struct MessageBody {
    pub(super) octets: Vec<u8>,
    pub(super) room: IncomingRoom,
}

/// Reads the body of a request that carries no message.
///
/// # Errors
/// 413 before anything is read where its length says so, 408 where it does not come, 503 where there is no room.
pub(super) async fn read_small(app: &App, request: Request) -> Result<Vec<u8>, ApiError> {
    small(&app.intake.budget().requests, request.into_body()).await
}

async fn small(share: &Share, body: Body) -> Result<Vec<u8>, ApiError> {
    let most = SMALL_BODY_BYTES_MAX;
    check_length(&body, most)?;
    let mut frames = body.into_data_stream();
    let deadline = Instant::now() + SMALL_BODY_DURATION_MAX;
    let mut octets = Vec::new();
    let mut room: Option<Reservation> = None;
    loop {
        let frame = match timeout_at(deadline, frames.next()).await {
            Err(_) => return Err(Refusal::SenderTooSlow.into()),
            Ok(None) => return Ok(octets),
            Ok(Some(Err(_))) => return Err(incomplete()),
            Ok(Some(Ok(frame))) => frame,
        };
        let needed = (octets.len() + frame.len()) as u64;
        if needed > most {
            return Err(too_large(most));
        }
        let held = room.as_ref().map_or(0, Reservation::bytes);
        if needed > held {
            let more = (needed - held).next_multiple_of(SMALL_BODY_STEP_BYTES);
            let more = share.try_reserve(more).ok_or(Refusal::ServerBusy)?;
            match &mut room {
                Some(room) => room.merge(more),
                none => *none = Some(more),
            }
        }
        octets.extend_from_slice(&frame);
    }
}

/// Reads a body that holds a message or several, of at most `bytes_max` bytes.
///
/// # Errors
/// 413 before anything is read where its length says so; 503 where no room came free in time; 408 where it stops
/// coming, or comes too slowly while others wait.
pub(super) async fn read_message(
    app: &App,
    request: Request,
    bytes_max: u64,
) -> Result<MessageBody, ApiError> {
    let asks_first = request.headers().contains_key(header::EXPECT);
    let mut body = request.into_body();
    let read = Reader {
        budget: app.intake.budget(),
        bytes_max,
    };
    let outcome = read.all(&mut body).await;
    if outcome.is_err() && !asks_first && !body.is_end_stream() {
        tokio::spawn(drain(body));
    }
    outcome
}

struct Reader<'a> {
    budget: &'a ContentBudget,
    bytes_max: u64,
}

impl Reader<'_> {
    async fn all(&self, body: &mut Body) -> Result<MessageBody, ApiError> {
        check_length(body, self.bytes_max)?;
        let declared = body.size_hint().exact();
        let incoming = &self.budget.incoming;
        let busy = |NoRoom| Refusal::ServerBusy;
        let mut room_bytes = declared.unwrap_or(MEDIUM_BYTES);
        let mut room = incoming.reserve(room_bytes, ROOM_WAIT_MAX).await.map_err(busy)?;
        let mut octets = Vec::with_capacity(declared.map_or(0, capacity));
        let began = Instant::now();
        let (mut progress, mut silent_since, mut moved_bytes) = (SenderProgress::new(began), began, 0);
        loop {
            let next = std::future::poll_fn(|cx| std::pin::Pin::new(&mut *body).poll_frame(cx));
            let frame = timeout(SenderProgress::CHECK_EVERY, next).await;
            let now = Instant::now();
            match frame {
                Err(_) => {}
                Ok(None) => break,
                Ok(Some(Err(_))) => return Err(incomplete()),
                Ok(Some(Ok(frame))) => {
                    let data = frame.into_data().unwrap_or_default();
                    let needed = (octets.len() + data.len()) as u64;
                    if needed > self.bytes_max {
                        return Err(too_large(self.bytes_max));
                    }
                    if needed > room_bytes {
                        // It has no length and is no small one: it may be as large as any.
                        room_bytes = self.bytes_max;
                        let grown = incoming.grow(room, room_bytes, ROOM_WAIT_MAX);
                        room = grown.await.map_err(busy)?;
                        progress = SenderProgress::new(Instant::now());
                        octets.reserve_exact(capacity(self.bytes_max).saturating_sub(octets.len()));
                    }
                    octets.extend_from_slice(&data);
                    if octets.len() - moved_bytes >= MOVING_BYTES_MIN {
                        (silent_since, moved_bytes) = (now, octets.len());
                    }
                }
            }
            if now.duration_since(silent_since) >= SILENCE_MAX {
                return Err(Refusal::SenderTooSlow.into());
            }
            progress
                .check(octets.len() as u64, incoming.share_of(&room), now)
                .map_err(|NoRoom| Refusal::SenderTooSlow)?;
        }
        if declared.is_some_and(|declared| declared != octets.len() as u64) {
            return Err(incomplete());
        }
        room.shrink_to(octets.len() as u64);
        Ok(MessageBody { octets, room })
    }
}

fn capacity(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(0)
}

/// Refuses a body by the length that its request gives.
fn check_length(body: &Body, bytes_max: u64) -> Result<(), ApiError> {
    if body.size_hint().lower() > bytes_max {
        return Err(too_large(bytes_max));
    }
    Ok(())
}

/// Takes in what a refused client still sends, for a while.
async fn drain(body: Body) {
    let mut frames = body.into_data_stream();
    let mut left = DRAIN_BYTES_MAX;
    let draining = async {
        while let Some(Ok(frame)) = frames.next().await {
            left = left.saturating_sub(frame.len() as u64);
            if left == 0 {
                return;
            }
        }
    };
    // Nothing depends on how it went.
    drop(timeout(DRAIN_DURATION_MAX, draining).await);
}

/// Refuses a body of another media type.
pub(super) fn require_type(headers: &HeaderMap, expected: &str) -> Result<(), ApiError> {
    let given = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    let essence = given.split(';').next().unwrap_or("").trim();
    if essence.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    let shown: String = essence.chars().take(80).collect();
    Err(ApiError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "The body has the wrong media type",
        format!("send \"Content-Type: {expected}\" and a body of that type; this request says {shown:?}"),
    ))
}

/// A connection that ended early.
fn incomplete() -> ApiError {
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "incomplete_body",
        "The body did not arrive",
        "the connection ended before the body did: send the request again",
    )
}

/// A body over the limit.
fn too_large(most_bytes: u64) -> ApiError {
    Refusal::TooLarge {
        field: "body".to_owned(),
        most_bytes,
    }
    .into()
}

#[cfg(test)]
mod tests;
