//! A reload while the server runs: what can change does, and a mistake changes nothing. HTTPS besides.

use std::path::Path;
use std::sync::Arc;

use postroom_server::reload::{ReloadError, Source};
use postroom_store::{AuditAction, AuditView};
use postroom_testkit::relay;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::server::{GOOD, Server};

fn write_identity(folder: &Path) -> String {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    made.cert.pem()
}

/// Asks over HTTPS, trusting one certificate alone.
async fn get(server: &Server, trusted: &str) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(trusted.as_bytes()).unwrap())
        .unwrap();
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(server.running.http()).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    let request = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await?;
    let mut answer = Vec::new();
    // The server may close without a TLS goodbye.
    drop(stream.read_to_end(&mut answer).await);
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test]
async fn renewed_certificate_is_used_after_a_reload_and_a_broken_one_is_not() {
    let mut folder = None;
    let mut first = String::new();
    let server = Server::with(|config, path| {
        first = write_identity(path);
        config.http.tls_certificate = path.join("cert.pem");
        config.http.tls_key = path.join("key.pem");
        folder = Some(path.to_owned());
    })
    .await;
    let folder = folder.unwrap();
    assert!(get(&server, &first).await.unwrap().starts_with("HTTP/1.1 200 "));
    assert!(server.running.announcement().starts_with("listening https="));

    let file = folder.join("postroom.toml");
    let text = format!(
        "[http]\ntls_certificate = {:?}\ntls_key = {:?}\n",
        folder.join("cert.pem"),
        folder.join("key.pem")
    );
    std::fs::write(&file, &text).unwrap();
    let reloader = server.running.reloader(Source {
        path: Some(file),
        environment: Vec::new(),
    });
    let second = write_identity(&folder);
    reloader.reload().await.unwrap();
    assert!(get(&server, &second).await.unwrap().starts_with("HTTP/1.1 200 "));
    assert!(get(&server, &first).await.is_err());

    std::fs::write(folder.join("key.pem"), "nothing").unwrap();
    let error = reloader.reload().await.unwrap_err();
    assert!(matches!(error, ReloadError::Certificate(_)), "{error}");
    assert!(get(&server, &second).await.unwrap().starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn reload_switches_the_queue_off_and_on_and_moves_to_another_relay() {
    let server = Server::start().await;
    let key = server.with_case().await;
    let other = relay::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("postroom.toml");
    let reloader = server.running.reloader(Source {
        path: Some(file.clone()),
        environment: Vec::new(),
    });
    let relay = |port: u16| {
        format!("[[relay]]\nname = \"office\"\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\n")
    };

    std::fs::write(
        &file,
        format!(
            "brand = \"House\u{ad} Mail\"\n[queue]\nenabled = false\n{}",
            relay(other.addr().port())
        ),
    )
    .unwrap();
    let reloaded = reloader.reload().await.unwrap();
    assert!(reloaded.applied.contains(&"relay".to_owned()), "{reloaded:?}");
    // The test's own configuration differs from the file in what needs a start: named, and as it was.
    assert!(
        reloaded.kept.contains(&"server.hostname".to_owned()),
        "{reloaded:?}"
    );
    let audit = server
        .running
        .node()
        .store
        .audit_page(AuditView::Everything, None, 1)
        .await
        .unwrap();
    assert_eq!(audit[0].entry.action, AuditAction::ConfigReload);
    let status = server.get("/api/v1/status", &key).await;
    assert_eq!(status["brand"], "House Mail");
    assert_eq!(status["banners"][0]["kind"], "queue_disabled");
    let mut dialogue = server.signed_in().await;
    assert_eq!(dialogue.ask("MAIL FROM:<case@example.test>").await.code, 451);

    let before = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, "brnd = \"Other\"\n").unwrap();
    let error = reloader.reload().await.unwrap_err();
    assert!(error.to_string().contains("unknown key \"brnd\""), "{error}");
    assert_eq!(server.get("/api/v1/status", &key).await["brand"], "House Mail");

    std::fs::write(&file, before.replace("enabled = false", "enabled = true")).unwrap();
    reloader.reload().await.unwrap();
    let reply = dialogue.send("case", &["client@example.com"], GOOD).await;
    reply.expect(250);
    other.wait_for(1).await;
    assert!(server.relay.received().is_empty());
}

#[tokio::test]
async fn numbers_are_for_who_has_the_token_where_one_is_configured() {
    let server = Server::with(|config, _| config.metrics.token = "open sesame".to_owned()).await;
    for (given, status) in [
        (None, 401),
        (Some("Bearer sesame"), 401),
        (Some("Bearer open sesame"), 200),
    ] {
        let mut request = axum::http::Request::builder()
            .uri("/metrics")
            .header("host", "mail.example.test");
        if let Some(given) = given {
            request = request.header("authorization", given);
        }
        let (answered, _) = server
            .open(request.body(axum::body::Body::empty()).unwrap())
            .await;
        assert_eq!(answered.as_u16(), status, "{given:?}");
    }
}
