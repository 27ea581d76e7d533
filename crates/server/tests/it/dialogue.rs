//! A client's side of an SMTP session, said line by line.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A reply that takes longer counts as a hang.
const HANG: Duration = Duration::from_secs(20);

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A client in a session.
pub(crate) struct Dialogue {
    stream: BufReader<Box<dyn Stream>>,
}

/// A reply, its lines put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) code: u16,
    pub(crate) text: String,
}

impl Said {
    /// Fails unless the code is this one.
    #[track_caller]
    pub(crate) fn expect(&self, code: u16) {
        assert_eq!(self.code, code, "{self:?}");
    }

    /// The enhanced code, or nothing.
    pub(crate) fn enhanced(&self) -> &str {
        let first = self.text.split(' ').next().unwrap_or_default();
        if first.split('.').count() == 3 { first } else { "" }
    }
}

impl Dialogue {
    /// Connects in clear and takes the greeting.
    pub(crate) async fn connect(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).await.unwrap();
        let mut dialogue = Self::over(stream);
        dialogue.reply().await.expect(220);
        dialogue
    }

    /// Connects with TLS from the first byte and takes the greeting.
    pub(crate) async fn connect_tls(server: SocketAddr, trusted: &CertificateDer<'static>) -> Self {
        let stream = TcpStream::connect(server).await.unwrap();
        let mut dialogue = Self::over(encrypted(stream, trusted).await);
        dialogue.reply().await.expect(220);
        dialogue
    }

    fn over(stream: impl Stream + 'static) -> Self {
        Self {
            stream: BufReader::new(Box::new(stream)),
        }
    }

    /// Goes on encrypted, after the server's 220 to STARTTLS.
    pub(crate) async fn upgrade(self, trusted: &CertificateDer<'static>) -> Self {
        assert!(self.stream.buffer().is_empty());
        Self::over(encrypted(self.stream.into_inner(), trusted).await)
    }

    /// Writes octets as they are; a server that has gone already is not the writer's matter.
    pub(crate) async fn write(&mut self, octets: &[u8]) {
        let written = tokio::time::timeout(HANG, self.stream.get_mut().write_all(octets)).await;
        drop(written.expect("the server reads on"));
    }

    /// Says that nothing more comes.
    pub(crate) async fn finish(&mut self) {
        // A server that has closed already makes this fail.
        drop(self.stream.get_mut().shutdown().await);
    }

    /// Says one line and takes the reply.
    pub(crate) async fn ask(&mut self, line: &str) -> Said {
        self.write(format!("{line}\r\n").as_bytes()).await;
        self.reply().await
    }

    /// Takes the next reply.
    pub(crate) async fn reply(&mut self) -> Said {
        self.next_reply()
            .await
            .expect("the server closed without a reply")
    }

    /// Takes the next reply; `None` once the server has closed.
    pub(crate) async fn next_reply(&mut self) -> Option<Said> {
        let mut text = String::new();
        loop {
            let mut line = String::new();
            let read = tokio::time::timeout(HANG, self.stream.read_line(&mut line)).await;
            match read.expect("the server hangs") {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
            assert!(line.ends_with("\r\n") && line.len() <= 512, "{line:?}");
            let (code, rest) = line.trim_end().split_at(3);
            text.push_str(rest.get(1..).unwrap_or_default());
            if !rest.starts_with('-') {
                let code = code.parse().unwrap_or_else(|_| panic!("{line:?}"));
                return Some(Said { code, text });
            }
            text.push('\n');
        }
    }

    /// Signs in with PLAIN.
    pub(crate) async fn sign_in(&mut self, login: &str, password: &str) -> Said {
        let response = BASE64_STANDARD.encode(format!("\0{login}\0{password}"));
        self.ask(&format!("AUTH PLAIN {response}")).await
    }

    /// Begins a message of `login@example.test`.
    pub(crate) async fn begin(&mut self, login: &str, recipients: &[&str]) {
        self.ask(&format!("MAIL FROM:<{login}@example.test>"))
            .await
            .expect(250);
        for recipient in recipients {
            self.ask(&format!("RCPT TO:<{recipient}>")).await.expect(250);
        }
        self.ask("DATA").await.expect(354);
    }

    /// Sends a message of `login@example.test` and answers the reply to its final dot.
    pub(crate) async fn send(&mut self, login: &str, recipients: &[&str], message: &str) -> Said {
        self.begin(login, recipients).await;
        self.write(format!("{message}.\r\n").as_bytes()).await;
        self.reply().await
    }
}

async fn encrypted<S: Stream>(stream: S, trusted: &CertificateDer<'static>) -> TlsStream<S> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("mail.example.test").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .unwrap()
}
