use std::thread;

use axum::http::header;
use axum::response::IntoResponse as _;
use tokio::sync::oneshot;

use super::*;

const ONE: Viewer = Viewer::Person(UserId(1));
const TWO: Viewer = Viewer::Person(UserId(2));
const THREE: Viewer = Viewer::Office(KeyId(1));
const HOUR: Duration = Duration::from_secs(3600);

/// Works until nobody waits any longer, and says why nobody does.
fn endless(patience: &Patience) -> Over {
    loop {
        if let Err(over) = patience.check() {
            return over;
        }
        thread::yield_now();
    }
}

#[tokio::test(start_paused = true)]
async fn second_view_of_a_person_waits_a_while_and_is_told_when_to_come_back() {
    let views = Views::default();
    let first = views.seat_of(ONE).await.unwrap();
    let began = tokio::time::Instant::now();
    let refused = views.seat_of(ONE).await.unwrap_err();
    assert_eq!(began.elapsed().as_secs(), WAIT_MAX.as_secs());
    let response = refused.into_response();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    drop(first);
    views.seat_of(ONE).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn second_view_of_a_person_begins_where_the_first_ends() {
    let views = Arc::new(Views::default());
    let first = views.seat_of(ONE).await.unwrap();
    let second = tokio::spawn({
        let views = Arc::clone(&views);
        async move { views.seat_of(ONE).await.is_ok() }
    });
    tokio::task::yield_now().await;
    drop(first);
    assert!(second.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn two_people_look_at_the_same_time_and_a_third_is_turned_away() {
    let views = Views::default();
    let first = views.seat_of(ONE).await.unwrap();
    let _second = views.seat_of(TWO).await.unwrap();
    let refused = views.seat_of(THREE).await.unwrap_err().into_response();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key(header::RETRY_AFTER));
    drop(first);
    views.seat_of(THREE).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn those_who_have_left_are_forgotten() {
    let views = Views::default();
    for n in 0..100 {
        drop(views.seat_of(Viewer::Person(UserId(n))).await.unwrap());
    }
    assert_eq!(views.people.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn work_ends_when_its_reader_has_left_and_gives_its_seat_back() {
    let views = Views::default();
    let seat = views.seat_of(ONE).await.unwrap();
    let (begin, began) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    let reader = tokio::spawn(async move {
        let stopping = CancellationToken::new();
        let work = move |patience: &Patience| {
            begin.send(()).unwrap();
            end.send(endless(patience)).unwrap();
        };
        run_apart(seat, HOUR, &stopping, work).await
    });
    began.await.unwrap();
    reader.abort();
    assert_eq!(ended.await.unwrap(), Over::Cancelled);
    views.seat_of(ONE).await.unwrap();
}

#[tokio::test]
async fn work_ends_when_the_server_stops() {
    let views = Views::default();
    let seat = views.seat_of(ONE).await.unwrap();
    let stopping = CancellationToken::new();
    let (begin, began) = oneshot::channel();
    let work = move |patience: &Patience| {
        begin.send(()).unwrap();
        endless(patience)
    };
    let running = run_apart(seat, HOUR, &stopping, work);
    let stop = async {
        began.await.unwrap();
        stopping.cancel();
    };
    let (over, ()) = tokio::join!(running, stop);
    assert_eq!(over.unwrap(), Over::Cancelled);
}

#[tokio::test]
async fn work_ends_when_its_time_is_up() {
    let views = Views::default();
    let seat = views.seat_of(ONE).await.unwrap();
    let over = run(Some(seat), &CancellationToken::new(), endless).await;
    assert_eq!(over.unwrap(), Over::Late);
}

#[tokio::test]
async fn work_with_a_seat_leaves_the_threads_of_the_runtime_alone() {
    let views = Views::default();
    let here = thread::current().id();
    let seat = views.seat_of(ONE).await.unwrap();
    let apart = run(Some(seat), &CancellationToken::new(), |_| thread::current().id()).await;
    assert_ne!(apart.unwrap(), here);
}

#[tokio::test]
async fn large_messages_take_a_seat_and_small_ones_do_not() {
    let views = Views::default();
    let who = Principal::operator();
    assert!(views.seat_for(&who, SMALL_BYTES).await.unwrap().is_none());
    assert!(views.seat_for(&who, SMALL_BYTES + 1).await.unwrap().is_some());
}
