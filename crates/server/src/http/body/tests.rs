use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Bytes, HttpBody};
use futures_util::stream;
use hyper::body::{Frame, SizeHint};

use super::*;

const LARGE: usize = 1 << 20;

fn budget() -> Arc<ContentBudget> {
    Arc::new(ContentBudget::new(16 << 20))
}

fn large(budget: &ContentBudget) -> &Share {
    budget.incoming.share_for(u64::MAX)
}

/// A body without a length, in pieces.
fn chunked(pieces: Vec<Vec<u8>>) -> Body {
    Body::from_stream(stream::iter(
        pieces
            .into_iter()
            .map(|piece| Ok::<_, Infallible>(Bytes::from(piece))),
    ))
}

/// A body that sends one piece and stops.
fn stalled(piece: Vec<u8>) -> Body {
    let first = stream::iter([Ok::<_, Infallible>(Bytes::from(piece))]);
    Body::from_stream(first.chain(stream::pending()))
}

async fn read(budget: &ContentBudget, mut body: Body, bytes_max: u64) -> Result<MessageBody, String> {
    let reader = Reader { budget, bytes_max };
    reader.all(&mut body).await.map_err(code)
}

fn code(error: ApiError) -> String {
    error.into_problem().code
}

#[tokio::test(start_paused = true)]
async fn message_holds_room_for_its_size_until_it_is_dropped() {
    let budget = budget();
    let body = read(&budget, Body::from(vec![b'x'; LARGE]), 4 << 20)
        .await
        .unwrap();
    assert_eq!(body.octets.len(), LARGE);
    assert_eq!(large(&budget).usage().used_bytes, LARGE as u64);
    drop(body);
    assert_eq!(large(&budget).usage().used_bytes, 0);
}

#[tokio::test(start_paused = true)]
async fn body_without_a_length_takes_the_large_room_once_it_outgrows_the_medium() {
    let budget = budget();
    let pieces = vec![vec![b'x'; 200_000]; 5];
    let body = read(&budget, chunked(pieces), 2 << 20).await.unwrap();
    assert_eq!(body.octets.len(), 1_000_000);
    let medium = budget.incoming.share_for(MEDIUM_BYTES);
    assert_eq!(
        (large(&budget).usage().used_bytes, medium.usage().used_bytes),
        (1_000_000_u64.next_multiple_of(1_024), 0)
    );
}

#[tokio::test(start_paused = true)]
async fn message_without_room_is_refused_after_a_bounded_wait_and_unread() {
    let budget = budget();
    let all = large(&budget).try_reserve(u64::MAX).unwrap();
    let began = Instant::now();
    let refused = read(&budget, Body::from(vec![b'x'; LARGE]), 4 << 20).await;
    assert_eq!(refused.unwrap_err(), "server_busy");
    assert_eq!(began.elapsed(), ROOM_WAIT_MAX);
    // A small one passes all the same.
    assert!(
        read(&budget, Body::from(vec![b'x'; 1_000]), 4 << 20)
            .await
            .is_ok()
    );
    drop(all);
}

#[tokio::test(start_paused = true)]
async fn message_over_the_limit_is_refused_by_its_length_without_taking_room() {
    let budget = budget();
    let refused = read(&budget, Body::from(vec![b'x'; LARGE]), 1_000).await;
    assert_eq!(refused.unwrap_err(), "too_large");
    assert_eq!(
        read(&budget, chunked(vec![vec![b'x'; 600]; 2]), 1_000)
            .await
            .unwrap_err(),
        "too_large"
    );
    let used: u64 = budget
        .shares()
        .iter()
        .map(|(_, share)| share.usage().used_bytes)
        .sum();
    assert_eq!(used, 0);
}

#[tokio::test(start_paused = true)]
async fn stalled_message_is_dropped_early_where_others_wait_and_late_where_none_do() {
    let budget = budget();
    let began = Instant::now();
    let refused = read(&budget, stalled(vec![b'x'; 300_000]), 4 << 20).await;
    assert_eq!(refused.unwrap_err(), "sender_too_slow");
    assert!(
        began.elapsed() >= SILENCE_MAX,
        "dropped after {:?}",
        began.elapsed()
    );

    let (held, waiting) = (Arc::clone(&budget), Arc::clone(&budget));
    let began = Instant::now();
    let stalled = tokio::spawn(async move { read(&held, stalled(vec![b'x'; 300_000]), 4 << 20).await });
    while large(&budget).usage().used_bytes == 0 {
        tokio::task::yield_now().await;
    }
    let next = tokio::spawn(async move { read(&waiting, Body::from(vec![b'x'; LARGE]), 4 << 20).await });
    assert_eq!(stalled.await.unwrap().unwrap_err(), "sender_too_slow");
    assert!(next.await.unwrap().is_ok());
    assert!(
        began.elapsed() <= 2 * SenderProgress::CHECK_EVERY,
        "dropped after {:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn message_that_drips_is_refused_and_a_slow_one_is_not() {
    for (piece_bytes, is_taken) in [(1, false), (10_000, true)] {
        let pieces = stream::iter(0..30).then(move |_| async move {
            tokio::time::sleep(Duration::from_secs(30)).await;
            Ok::<_, Infallible>(Bytes::from(vec![b'x'; piece_bytes]))
        });
        let began = Instant::now();
        let read = read(&budget(), Body::from_stream(pieces), 4 << 20).await;
        if is_taken {
            assert_eq!(read.unwrap().octets.len(), 300_000);
        } else {
            assert_eq!(read.unwrap_err(), "sender_too_slow");
            assert!(began.elapsed() <= SILENCE_MAX + SenderProgress::CHECK_EVERY);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn small_body_is_refused_by_its_length_and_holds_only_what_came() {
    let budget = budget();
    let share = &budget.requests;
    let long = small(share, Body::from(vec![b'x'; 1_900_000])).await;
    assert_eq!(long.map_err(code).unwrap_err(), "too_large");
    let (own, began) = (Arc::clone(&budget), Instant::now());
    let stalled =
        tokio::spawn(async move { small(&own.requests, stalled(vec![b'x'; 100])).await.map_err(code) });
    while share.usage().used_bytes == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(share.usage().used_bytes, SMALL_BODY_STEP_BYTES);
    assert_eq!(stalled.await.unwrap().unwrap_err(), "sender_too_slow");
    assert_eq!(began.elapsed(), SMALL_BODY_DURATION_MAX);
    assert_eq!(share.usage().used_bytes, 0);
    let all = share.try_reserve(u64::MAX).unwrap();
    let busy = small(share, Body::from(vec![b'x'; 10])).await.map_err(code);
    assert_eq!(busy.unwrap_err(), "server_busy");
    drop(all);
}

/// A body whose length is said, and that ends before it has come.
struct Short(Option<Bytes>);

impl HttpBody for Short {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|piece| Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(10)
    }
}

#[tokio::test]
async fn message_that_ends_before_its_length_is_refused() {
    let body = Body::new(Short(Some(Bytes::from_static(b"four"))));
    let refused = read(&budget(), body, 100).await.err();
    assert_eq!(refused.as_deref(), Some("incomplete_body"));
}
