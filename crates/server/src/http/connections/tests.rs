//! Deadlines by a clock that the test moves, and who has to go.

use postroom_domain::{ConnectionClass, ConnectionLimits};

use super::*;
use crate::connections::ConnectionLimiter;

const DEADLINES: Deadlines = Deadlines::with_idle(Duration::from_secs(60));

fn connection() -> (Arc<Connection>, Written) {
    let limiter = ConnectionLimiter::new(ConnectionLimits::of(4));
    let place = limiter.admit(None, ConnectionClass::Stranger).unwrap();
    let written = Written::default();
    (Connection::new(place, written.clone()), written)
}

async fn first_part(body: &mut Guarded) {
    let part = std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await;
    assert!(part.is_some_and(|part| part.is_ok()));
}

async fn ended(connection: &Connection) -> (Wait, u64) {
    let began = Instant::now();
    let wait = connection.overdue(DEADLINES).await;
    (wait, began.elapsed().as_secs())
}

#[tokio::test(start_paused = true)]
async fn silent_connection_has_ten_seconds_and_one_that_was_served_a_minute() {
    let (connection, _) = connection();
    assert_eq!(ended(&connection).await, (Wait::FirstRequest, 10));
    drop(connection.begin());
    assert_eq!(ended(&connection).await, (Wait::Idle, 60));
}

#[tokio::test(start_paused = true)]
async fn request_under_way_has_no_deadline_until_its_answer_is_not_read() {
    let (connection, _) = connection();
    let guard = connection.begin();
    assert_eq!(
        ended(&connection).await,
        (Wait::Response, 60),
        "nobody works on it"
    );
    guard.moves();
    let long = tokio::time::timeout(Duration::from_secs(3_600), connection.overdue(DEADLINES)).await;
    assert!(long.is_err(), "{long:?}");
    let mut body = Guarded::new(Body::from("answer"), guard);
    first_part(&mut body).await;
    assert_eq!(ended(&connection).await, (Wait::Response, 60));
    drop(body);
    assert_eq!(ended(&connection).await, (Wait::Idle, 60));
}

#[tokio::test]
async fn request_that_began_before_its_connection_went_is_answered() {
    for (signs_in, waits) in [(true, true), (false, false)] {
        let limiter = ConnectionLimiter::new(ConnectionLimits::of(1));
        let place = limiter.admit(None, ConnectionClass::Stranger).unwrap();
        let connection = Connection::new(place, Written::default());
        let first = connection.begin();
        if signs_in {
            connection.place().signed_in();
        }
        drop(first);
        let other = limiter.admit(None, ConnectionClass::Stranger).unwrap();
        let guard = connection.begin();
        let mut must_go = std::pin::pin!(connection.must_go());
        let waited = futures_util::poll!(must_go.as_mut()).is_pending();
        assert_eq!(waited, waits);
        drop(guard);
        if waited {
            must_go.await;
        }
        drop(other);
    }
}

#[tokio::test(start_paused = true)]
async fn reader_who_is_slow_but_reads_has_more_time_and_pings_give_none() {
    for (bytes_a_second, seconds) in [(2_000, 300), (17, 60)] {
        let (connection, written) = connection();
        let mut body = Guarded::new(Body::from("answer"), connection.begin());
        first_part(&mut body).await;
        let began = Instant::now();
        let ended = tokio::select! {
            biased;
            wait = connection.overdue(DEADLINES) => Some(wait),
            () = async {
                for _ in 0..299 {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    written.add(bytes_a_second);
                }
            } => None,
        };
        assert_eq!(began.elapsed().as_secs(), seconds.min(299), "{ended:?}");
        assert_eq!(ended.is_none(), seconds == 300);
    }
}
