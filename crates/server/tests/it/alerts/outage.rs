//! A relay that is really stopped, and started again (A1's first failure to connect, A2, A3).

use std::time::Duration;

use postroom_smtp::sink::Mode;
use postroom_testkit::relay;

use super::Place;

const FAILED: (&str, u64) = ("Postroom failed to connect to the SMTP server", 1);
const DOWN: (&str, u64) = ("E-mail Server for system is Down", 1);
const UP: (&str, u64) = ("The E-mail Server for your office is back online", 1);

#[tokio::test]
async fn outage_is_told_to_administrators_and_to_senders_with_waiting_mail_and_so_is_its_end() {
    let sink = relay::start().await;
    sink.set_mode(Mode::Down).await;
    let place = Place::open(&sink, |_| {}).await;
    place.letter(&place.case, "a@example.com").await;
    // The first failure to connect: the sender and the office's administrator alone.
    place.until_told(&place.case, &[FAILED]).await;
    place.until_told(&place.head, &[FAILED]).await;
    for _ in 0..2 {
        place.letter(&place.lee, "b@example.com").await;
    }
    place.until_told(&place.chief, &[DOWN]).await;
    place.until_told(&place.head, &[FAILED, DOWN]).await;
    place.until_told(&place.case, &[FAILED, DOWN]).await;
    place.until_told(&place.lee, &[DOWN]).await;

    // A restart in between doubles nothing.
    let place = place.restarted(&sink).await;
    // Mail that comes later waits too, and its sender is told within a minute or so.
    place.letter(&place.idle, "c@example.com").await;
    place.pass(Duration::from_secs(61));
    place.until_told(&place.idle, &[DOWN]).await;

    sink.set_mode(Mode::Up).await;
    place.pass(Duration::from_mins(11));
    place.until_told(&place.chief, &[DOWN, UP]).await;
    place.until_told(&place.head, &[FAILED, DOWN, UP]).await;
    place.until_told(&place.case, &[FAILED, DOWN, UP]).await;
    place.until_told(&place.lee, &[DOWN, UP]).await;
    place.until_told(&place.idle, &[DOWN, UP]).await;
}
