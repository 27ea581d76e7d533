//! Requests by hand, octet for octet: each is to exactly one valid host (RFC 9112 §3.2).

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::server::Server;

/// Says a request and reads everything that comes back.
async fn answer(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect(server.running.http()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn request_without_exactly_one_valid_host_is_a_bad_request() {
    let server = Server::start().await;
    for (line, hosts, status) in [
        ("/health/live HTTP/1.1", "Host: mail.example.test\r\n", 200),
        ("/health/live HTTP/1.1", "host:MAIL.example.test:8080\r\n", 200),
        ("/health/live HTTP/1.1", "Host: [::1]:8080\r\n", 200),
        ("/health/live HTTP/1.1", "", 400),
        ("/health/live HTTP/1.1", "Host: a.test\r\nHost: b.test\r\n", 400),
        ("/health/live HTTP/1.1", "Host: a.test\r\nHost: a.test\r\n", 400),
        ("/health/live HTTP/1.1", "Host: a.test, b.test\r\n", 400),
        ("/health/live HTTP/1.1", "Host: \r\n", 400),
        ("/health/live HTTP/1.1", "Host: a b\r\n", 400),
        ("/health/live HTTP/1.1", "Host: user@a.test\r\n", 400),
        ("/health/live HTTP/1.1", "Host: a.test/x\r\n", 400),
        ("/health/live HTTP/1.1", "Host: a.test:65536\r\n", 400),
        ("/health/live HTTP/1.1", "Host: [::1\r\n", 400),
        ("/health/live HTTP/1.1", "Host: m\u{fc}nchen.test\r\n", 400),
        ("http://b.test/health/live HTTP/1.1", "Host: a.test\r\n", 200),
        ("http://b.test/health/live HTTP/1.1", "", 400),
        ("/health/live HTTP/1.0", "", 200),
        ("/health/live HTTP/1.0", "Host: a.test\r\nHost: b.test\r\n", 400),
        // What is nowhere, and the page, are no exception.
        ("/nowhere.txt HTTP/1.1", "", 400),
        ("/ HTTP/1.1", "", 400),
    ] {
        let request = format!("GET {line}\r\n{hosts}Connection: close\r\n\r\n");
        let answer = answer(&server, &request).await;
        let found = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
        assert_eq!(found, Some(status), "{request:?}: {answer}");
        assert_eq!(
            answer.contains("\"code\":\"bad_host\""),
            status == 400,
            "{request:?}: {answer}"
        );
    }
}
