//! STARTTLS and implicit TLS, with real handshakes.

use std::sync::Arc;

use insta::assert_snapshot;
use postroom_smtp::server::{SessionConfig, SessionEnd, TlsMode};
use postroom_smtp::tls::acceptor_from_pem;
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::support::{FOREIGN, Talk};

const GOOD: &str = "AUTH PLAIN AGFubkBleGFtcGxlLmNvbQBzZWNyZXQ=\r\n";

fn keys() -> (TlsAcceptor, TlsConnector) {
    let made = rcgen::generate_simple_self_signed(vec!["mail.example.com".into()]).unwrap();
    let acceptor = acceptor_from_pem(
        made.cert.pem().as_bytes(),
        made.signing_key.serialize_pem().as_bytes(),
    )
    .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (acceptor, TlsConnector::from(Arc::new(config)))
}

async fn encrypt(talk: Talk<DuplexStream>, connector: &TlsConnector) -> Talk<TlsStream<DuplexStream>> {
    let name = ServerName::try_from("mail.example.com").unwrap();
    let stream = connector.connect(name, talk.stream).await.unwrap();
    Talk {
        stream,
        transcript: talk.transcript + "-- TLS --\n",
        house: talk.house,
        shutdown: talk.shutdown,
        session: talk.session,
    }
}

#[tokio::test(start_paused = true)]
async fn starttls_begins_anew_and_then_offers_auth() {
    let (acceptor, connector) = keys();
    let config = SessionConfig::submission("mail.example.com");
    let mut talk = Talk::connect(config, TlsMode::StartTls(acceptor), FOREIGN);
    talk.listen().await;
    talk.say("EHLO client.example.com\r\n").await;
    talk.say("STARTTLS\r\n").await;
    let mut talk = encrypt(talk, &connector).await;
    talk.say("MAIL FROM:<ann@example.com>\r\n").await;
    talk.say("EHLO client.example.com\r\n").await;
    talk.say("STARTTLS\r\n").await;
    talk.say(GOOD).await;
    talk.say("MAIL FROM:<ann@example.com>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n")
        .await;
    talk.say("hello\r\n.\r\nQUIT\r\n").await;
    let told = talk.end().await;
    assert_snapshot!(told.transcript);
    assert_eq!(told.received[0].protocol, "ESMTPSA");
    assert_eq!(told.summary.end, SessionEnd::Quit);
}

#[tokio::test(start_paused = true)]
async fn implicit_tls_greets_after_the_handshake() {
    let (acceptor, connector) = keys();
    let config = SessionConfig::submission("mail.example.com");
    let talk = Talk::connect(config, TlsMode::Implicit(acceptor), FOREIGN);
    let mut talk = encrypt(talk, &connector).await;
    talk.listen().await;
    talk.say("EHLO client.example.com\r\n").await;
    talk.say(GOOD).await;
    assert_snapshot!(talk.end().await.transcript);
}

#[tokio::test(start_paused = true)]
async fn plain_text_behind_starttls_ends_the_session() {
    let (acceptor, _) = keys();
    let config = SessionConfig::submission("mail.example.com");
    let mut talk = Talk::connect(config, TlsMode::StartTls(acceptor), FOREIGN);
    talk.listen().await;
    talk.say("EHLO client.example.com\r\n").await;
    talk.transcript.clear();
    talk.say("STARTTLS\r\nRSET\r\n").await;
    let told = talk.end().await;
    assert_snapshot!(told.transcript);
    assert_eq!(told.summary.end, SessionEnd::PlainTextAfterStartTls);
}

#[tokio::test(start_paused = true)]
async fn plain_text_in_place_of_the_handshake_ends_the_session() {
    let (acceptor, _) = keys();
    let config = SessionConfig::submission("mail.example.com");
    let mut talk = Talk::connect(config, TlsMode::StartTls(acceptor), FOREIGN);
    talk.listen().await;
    talk.say("EHLO client.example.com\r\n").await;
    talk.say("STARTTLS\r\n").await;
    talk.stream
        .write_all(b"MAIL FROM:<evil@example.com>\r\n")
        .await
        .unwrap();
    let told = talk.end().await;
    assert_eq!(told.summary.end, SessionEnd::TlsHandshake);
    assert!(told.received.is_empty());
}

#[tokio::test(start_paused = true)]
async fn handshake_that_never_comes_is_not_waited_for() {
    let (acceptor, _) = keys();
    let config = SessionConfig::submission("mail.example.com");
    let talk = Talk::connect(config, TlsMode::Implicit(acceptor), FOREIGN);
    assert_eq!(talk.session.await.unwrap().end, SessionEnd::TlsHandshake);
}
