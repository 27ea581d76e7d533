use std::thread;

use axum::http::header;
use axum::response::IntoResponse as _;
use tokio::sync::oneshot;

use super::*;

const ONE: Viewer = Viewer::Person(UserId(1));
const TWO: Viewer = Viewer::Person(UserId(2));
const THREE: Viewer = Viewer::Office(KeyId(1));

/// Works until it is cancelled.
fn endless(cancelled: &CancellationToken) {
    while !cancelled.is_cancelled() {
        thread::yield_now();
    }
}

async fn permit(views: &Views, viewer: Viewer) -> Result<Permit, ApiError> {
    views.own_permit_of(viewer).await?.permit().await
}

#[tokio::test(start_paused = true)]
async fn second_view_of_a_person_waits_a_while_and_is_told_when_to_come_back() {
    let views = Views::default();
    let first = permit(&views, ONE).await.unwrap();
    let began = Instant::now();
    let refused = permit(&views, ONE).await.unwrap_err();
    assert_eq!(began.elapsed().as_secs(), WAIT_MAX.as_secs());
    let response = refused.into_response();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    drop(first);
    permit(&views, ONE).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn second_view_of_a_person_begins_where_the_first_ends() {
    let views = Arc::new(Views::default());
    let first = permit(&views, ONE).await.unwrap();
    let second = tokio::spawn({
        let views = Arc::clone(&views);
        async move { permit(&views, ONE).await.is_ok() }
    });
    tokio::task::yield_now().await;
    drop(first);
    assert!(second.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn two_people_look_at_the_same_time_and_a_third_is_turned_away() {
    let views = Views::default();
    let first = permit(&views, ONE).await.unwrap();
    let _second = permit(&views, TWO).await.unwrap();
    let refused = permit(&views, THREE).await.unwrap_err().into_response();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key(header::RETRY_AFTER));
    drop(first);
    permit(&views, THREE).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn person_who_waits_for_others_is_not_blamed_for_it() {
    let views = Views::default();
    let _one = permit(&views, ONE).await.unwrap();
    let _two = permit(&views, TWO).await.unwrap();
    let began = Instant::now();
    let (first, second) = tokio::join!(permit(&views, THREE), permit(&views, THREE));
    // Both waits together take as long as one may.
    assert_eq!(began.elapsed().as_secs(), WAIT_MAX.as_secs());
    for refused in [first, second] {
        let status = refused.unwrap_err().into_response().status();
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    }
}

#[tokio::test(start_paused = true)]
async fn message_that_is_being_loaded_holds_up_nobody_else() {
    let views = Views::default();
    let _one = views.own_permit_of(ONE).await.unwrap();
    let _two = views.own_permit_of(TWO).await.unwrap();
    permit(&views, THREE).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn those_who_have_left_are_forgotten() {
    let views = Views::default();
    for n in 0..100 {
        drop(permit(&views, Viewer::Person(UserId(n))).await.unwrap());
    }
    assert_eq!(views.viewers.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn work_ends_when_its_reader_has_left_and_releases_its_permit() {
    let views = Views::default();
    let own = views.own_permit_of(ONE).await.unwrap();
    let (begin, began) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    let reader = tokio::spawn(async move {
        let stopping = CancellationToken::new();
        let work = move |cancelled: &CancellationToken| {
            begin.send(()).unwrap();
            endless(cancelled);
            end.send(()).unwrap();
        };
        run(Some(own), &stopping, work).await
    });
    began.await.unwrap();
    reader.abort();
    ended.await.unwrap();
    permit(&views, ONE).await.unwrap();
}

#[tokio::test]
async fn work_ends_when_the_server_stops() {
    let views = Views::default();
    let own = views.own_permit_of(ONE).await.unwrap();
    let stopping = CancellationToken::new();
    let (begin, began) = oneshot::channel();
    let work = move |cancelled: &CancellationToken| {
        begin.send(()).unwrap();
        endless(cancelled);
    };
    let running = run(Some(own), &stopping, work);
    let stop = async {
        began.await.unwrap();
        stopping.cancel();
    };
    let (ended, ()) = tokio::join!(running, stop);
    ended.unwrap();
}

#[tokio::test]
async fn work_that_nobody_left_is_not_cancelled() {
    let views = Views::default();
    let stopping = CancellationToken::new();
    let own = views.own_permit_of(ONE).await.unwrap();
    let apart = run(Some(own), &stopping, CancellationToken::is_cancelled).await;
    let at_once = run(None, &stopping, CancellationToken::is_cancelled).await;
    assert_eq!((apart.unwrap(), at_once.unwrap()), (false, false));
}

#[tokio::test]
async fn work_with_a_permit_leaves_the_threads_of_the_runtime_alone() {
    let views = Views::default();
    let here = thread::current().id();
    let own = views.own_permit_of(ONE).await.unwrap();
    let apart = run(Some(own), &CancellationToken::new(), |_| thread::current().id()).await;
    assert_ne!(apart.unwrap(), here);
}

#[tokio::test]
async fn large_messages_take_a_permit_and_small_ones_do_not() {
    let views = Views::default();
    let who = Principal::operator();
    assert!(views.own_permit_for(&who, SMALL_BYTES).await.unwrap().is_none());
    assert!(
        views
            .own_permit_for(&who, SMALL_BYTES + 1)
            .await
            .unwrap()
            .is_some()
    );
}
