//! Clients who connect and do not sign in: they keep nobody out.

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use postroom_server::config::Trusted;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::dialogue::Dialogue;
use crate::server::{GOOD, Server};

async fn metrics(server: &Server) -> String {
    let request = Request::builder()
        .uri("/metrics")
        .header("host", "mail.example.test");
    let (status, body) = server.open(request.body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::OK);
    let bytes = to_bytes(body, 1024 * 1024).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn silent_strangers_make_room_and_who_signed_in_stays() {
    let server = Server::with(|config, _| config.submission.max_connections = 8).await;
    server.person("case").await;
    let mut before = server.signed_in().await;
    let mut strangers = Vec::new();
    for _ in 0..20 {
        strangers.push(Dialogue::connect(server.running.smtp()[0]).await);
    }
    let mut after = server.signed_in().await;
    for dialogue in [&mut before, &mut after] {
        let reply = dialogue.send("case", &["client@example.com"], GOOD).await;
        reply.expect(250);
    }
    let told = strangers[0].reply().await;
    told.expect(421);
    assert_eq!(told.enhanced(), "4.7.0");

    let metrics = metrics(&server).await;
    for line in [
        "postroom_connections{listener=\"smtp\",class=\"signed_in\"} 2",
        "postroom_connections_limit{listener=\"smtp\"} 8",
        "postroom_connections_closed_total{listener=\"smtp\",reason=\"evicted\"} ",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
}

#[tokio::test]
async fn sessions_with_mail_under_way_stay_and_idle_ones_make_room() {
    let server = Server::with(|config, _| config.submission.max_connections = 4).await;
    server.person("case").await;
    let mut first = server.signed_in().await;
    let mut second = server.signed_in().await;
    for dialogue in [&mut first, &mut second] {
        dialogue.ask("MAIL FROM:<case@example.test>").await.expect(250);
    }
    let mut third = TcpStream::connect(server.running.smtp()[0]).await.unwrap();
    let mut words = String::new();
    third.read_to_string(&mut words).await.unwrap();
    assert_eq!(
        words,
        "421 4.7.0 Too many connections from your address; try again later\r\n"
    );
    first.ask("RSET").await.expect(250);
    server.signed_in().await.ask("NOOP").await.expect(250);
    first.reply().await.expect(421);
    second.ask("NOOP").await.expect(250);
}

#[tokio::test]
async fn client_of_a_trusted_network_is_no_stranger() {
    let server = Server::with(|config, _| {
        config.submission.trusted = vec![Trusted {
            network: "127.0.0.0/8".parse().unwrap(),
            login: "printer".to_owned(),
        }];
    })
    .await;
    let mut printer = server.greeted().await;
    printer.ask("NOOP").await.expect(250);
    let metrics = metrics(&server).await;
    let line = "postroom_connections{listener=\"smtp\",class=\"signed_in\"} 1";
    assert!(metrics.contains(line), "{line} in {metrics}");
}
