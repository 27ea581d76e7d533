//! Submits messages over TLS and AUTH from many sessions at once and says how long that took: what business software
//! does. Postfix's smtp-source, which loads the plain comparisons, speaks neither.
//!
//! `cargo run --release -p postroom-smtp --example submit_rate -- PORT MESSAGES SESSIONS CA.PEM USER PASSWORD`
//!
//! Prints the seconds from the first connection to the last acknowledgement.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::Context as _;
use postroom_smtp::client::{
    AtDot, Connector, Content, Credentials, Outcome, Recipient, RelayAddress, RelayConfig, TlsPolicy,
    Transaction, Trust, Verdict,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

const SIZE_BYTES: usize = 4_096;
const SENDER: &str = "case@example.test";
const RECIPIENT: &str = "client@example.org";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, messages, sessions, authority, user, password] = arguments.as_slice() else {
        anyhow::bail!("usage: submit_rate PORT MESSAGES SESSIONS CA.PEM USER PASSWORD");
    };
    let messages: u64 = messages.parse().context("MESSAGES")?;
    let sessions: u64 = sessions.parse().context("SESSIONS")?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().context("PORT")?));
    let authority = CertificateDer::from_pem_file(authority).context("CA.PEM")?;
    let relay = RelayConfig {
        tls: TlsPolicy::Required,
        trust: Trust::Authorities(vec![authority.to_vec()]),
        credentials: Some(Credentials {
            user: user.clone(),
            password: password.clone(),
        }),
        ..RelayConfig::new(RelayAddress::Socket(address))
    };
    let connector = Arc::new(Connector::new(relay)?);
    let given = Arc::new(AtomicU64::new(0));

    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..sessions {
        tasks.spawn(submit(Arc::clone(&connector), Arc::clone(&given), messages));
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    #[expect(clippy::print_stdout, reason = "the result of the program")]
    {
        println!("{:.3}", started.elapsed().as_secs_f64());
    }
    Ok(())
}

/// Submits over one session until `messages` have been given out; each message waits for the acknowledgement of the one
/// before, as with smtp-source.
async fn submit(connector: Arc<Connector>, given: Arc<AtomicU64>, messages: u64) -> anyhow::Result<()> {
    let line = format!("{}\r\n", "x".repeat(70));
    let body = line.repeat(SIZE_BYTES / line.len());
    let mut session = connector.connect().await?;
    loop {
        let id = given.fetch_add(1, Ordering::Relaxed);
        if id >= messages {
            break;
        }
        let text = format!(
            "From: <{SENDER}>\r\nTo: <{RECIPIENT}>\r\nSubject: Your policy\r\nMessage-ID: <{id}@bench.example.test>\r\n\r\n{body}"
        );
        let transaction = Transaction::new(id, SENDER, vec![Recipient::new(RECIPIENT)], Content::new(text));
        let delivery = session
            .deliver(&transaction, || AtDot::Write { next: None })
            .await;
        let Outcome::Finished(answers) = &delivery.outcome else {
            anyhow::bail!("message {id}: {:?}", delivery.outcome);
        };
        let accepted = matches!(answers.verdict(0), Verdict::Accepted(_));
        anyhow::ensure!(accepted, "message {id} was refused: {answers:?}");
    }
    session.quit().await;
    Ok(())
}
