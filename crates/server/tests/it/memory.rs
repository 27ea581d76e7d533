//! Content in memory stays within its budget, whoever asks for it.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use postroom_engine::budget::{ContentBudget, Reservation, Share};
use postroom_store::{JobId, Rights};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::dialogue::Dialogue;
use crate::house::{House, Person};
use crate::server::Server;

/// A little more than one of the messages takes.
const ONE: u64 = 1 << 20;

fn super_user() -> Rights {
    Rights {
        super_user: true,
        ..Rights::default()
    }
}

/// Hands in messages of 660 KB and lets them fail.
async fn large_failed(house: &House, who: &Person, n: usize) -> Vec<String> {
    let text = "A line of some words.\n".repeat(30_000);
    let mut ids = Vec::new();
    for _ in 0..n {
        let message = json!({
            "from": format!("{}@example.test", who.login), "to": ["a@example.com"], "subject": "Plans", "text": text
        });
        let ask = house.ask(Method::POST, "/api/v1/messages").key(&who.key);
        let answer = ask.json(&message).send().await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
        ids.push(answer.json()["id"].as_str().unwrap().to_owned());
    }
    let n = u32::try_from(n).unwrap();
    house.deliver(n, ids.len()).await;
    ids
}

fn budget(house: &House) -> Arc<ContentBudget> {
    Arc::clone(house.node.intake.budget())
}

async fn until(holds: impl Fn() -> bool, otherwise: &str) {
    let waiting = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), waiting).await;
    waited.expect(otherwise);
}

/// Takes all of a share until somebody waits for it, then leaves room for one message.
async fn leave_room_for_one(share: &Share) -> Reservation {
    let mut taken = share.try_reserve(u64::MAX).unwrap();
    until(|| share.is_contended(), "content was loaded without room for it").await;
    taken.shrink_to(share.usage().capacity_bytes - ONE);
    taken
}

#[tokio::test]
async fn job_sends_large_messages_again_one_at_a_time_as_there_is_room() {
    let house = House::open().await;
    let case = house.person("case", house.root, super_user()).await;
    large_failed(&house, &case, 5).await;
    let request = json!({"action": "resend", "filter": {"type": "failed"}, "background": true});
    let ask = house.ask(Method::POST, "/api/v1/messages/actions").key(&case.key);
    let begun = ask.json(&request).send().await.json();
    let budget = budget(&house);
    let (_work, others) = tokio::join!(async { house.work() }, leave_room_for_one(&budget.building));

    house
        .node
        .jobs
        .ended(JobId(begun["id"].as_i64().unwrap()))
        .await
        .unwrap();
    let ask = house.ask(Method::GET, &format!("/api/v1/jobs/{}", begun["id"]));
    let job = ask.key(&case.key).send().await.json();
    assert_eq!(
        (&job["state"], &job["done"], &job["visited"]),
        (&json!("done"), &json!(5), &json!(5)),
        "{job}"
    );
    assert_eq!(house.kept().await, 10);
    drop(others);
    assert_eq!(budget.building.usage().used_bytes, 0);
}

#[tokio::test]
async fn action_sends_large_messages_again_one_at_a_time_as_there_is_room() {
    let house = House::open().await;
    let case = house.person("case", house.root, super_user()).await;
    let ids = large_failed(&house, &case, 3).await;
    let request = json!({"action": "resend", "ids": ids});
    let ask = house.ask(Method::POST, "/api/v1/messages/actions").key(&case.key);
    let budget = budget(&house);
    let (answer, others) = tokio::join!(ask.json(&request).send(), leave_room_for_one(&budget.building));
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let results: Value = answer.json();
    assert_eq!(house.kept().await, 6, "{results}");
    drop(others);
    assert_eq!(budget.building.usage().used_bytes, 0);
}

/// The share of large messages coming in.
fn large(budget: &ContentBudget) -> &Share {
    budget.incoming.share_for(u64::MAX)
}

/// A session with an envelope of a message of 1 MB.
async fn envelope(server: &Server, size: usize) -> Dialogue {
    let mut dialogue = server.signed_in().await;
    let mail = format!("MAIL FROM:<case@example.test> SIZE={size}");
    dialogue.ask(&mail).await.expect(250);
    dialogue.ask("RCPT TO:<client@example.com>").await.expect(250);
    dialogue
}

#[tokio::test]
async fn room_of_a_message_is_given_back_however_the_message_ends() {
    let server = Server::start().await;
    server.person("case").await;
    let budget = Arc::clone(server.running.node().intake.budget());
    let used = || large(&budget).usage().used_bytes;
    for last in ["RSET", "EHLO client.example.test", "QUIT", ""] {
        let mut dialogue = envelope(&server, 1_000_000).await;
        dialogue.ask("BDAT 3\r\nx").await.expect(250);
        assert!(used() >= 1_000_000, "{last}: {}", used());
        if last.is_empty() {
            drop(dialogue);
        } else {
            dialogue.write(format!("{last}\r\n").as_bytes()).await;
        }
        until(|| used() == 0, last).await;
    }
    // Within the data: gone, refused, accepted.
    let mut dialogue = envelope(&server, 1_000_000).await;
    dialogue.ask("DATA").await.expect(354);
    dialogue.write(&[b'x'; 5_000]).await;
    assert!(used() >= 1_000_000);
    drop(dialogue);
    until(|| used() == 0, "a client that is gone").await;
    let mut dialogue = envelope(&server, 1_000_000).await;
    dialogue.ask("DATA").await.expect(354);
    dialogue
        .ask("From: somebody-else@example.org\r\n\r\nx\r\n.")
        .await
        .expect(550);
    assert_eq!(used(), 0);
    let mut dialogue = envelope(&server, 1_000_000).await;
    dialogue.ask("DATA").await.expect(354);
    dialogue
        .ask("From: case@example.test\r\n\r\nx\r\n.")
        .await
        .expect(250);
    assert_eq!(used(), 0);
    server.running.stop().await;
}

#[tokio::test]
async fn room_of_a_request_is_given_back_when_its_client_goes_away() {
    let server = Server::start().await;
    let key = server.with_case().await;
    let budget = Arc::clone(server.running.node().intake.budget());
    let mut stream = TcpStream::connect(server.running.http()).await.unwrap();
    let head = format!(
        "POST /api/v1/messages/raw?from=case@example.test&to=a@example.com HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \
         {key}\r\nContent-Type: message/rfc822\r\nContent-Length: 1000000\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&[b'x'; 100_000]).await.unwrap();
    until(|| large(&budget).usage().used_bytes >= 1_000_000, "it is read").await;
    drop(stream);
    until(
        || large(&budget).usage().used_bytes == 0,
        "its room is given back",
    )
    .await;
    server.running.stop().await;
}

#[tokio::test]
async fn message_larger_than_its_share_of_the_budget_goes_alone_in_and_out() {
    let server = Server::with(|config, _| config.server.content_memory_mib = 16).await;
    server.person("case").await;
    let message = format!(
        "From: case@example.test\r\n\r\n{}",
        "a line of words\r\n".repeat(500_000)
    );
    let mut dialogue = envelope(&server, message.len()).await;
    dialogue.ask("DATA").await.expect(354);
    dialogue.write(message.as_bytes()).await;
    dialogue.ask(".").await.expect(250);
    server.relay.wait_for(1).await;
    server.running.stop().await;
}

#[tokio::test]
async fn stop_ends_the_wait_of_a_message_for_room() {
    let server = Server::start().await;
    server.person("case").await;
    let budget = Arc::clone(server.running.node().intake.budget());
    let all = large(&budget).try_reserve(u64::MAX).unwrap();
    let mut dialogue = envelope(&server, 1_000_000).await;
    dialogue.write(b"DATA\r\n").await;
    until(|| large(&budget).is_contended(), "it waits").await;
    let began = std::time::Instant::now();
    server.running.stop().await;
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    dialogue.reply().await.expect(421);
    drop(all);
}
