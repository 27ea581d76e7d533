//! Whole conversations with the server session: it must end, and say nothing but replies.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use postroom_smtp::auth::Credentials;
use postroom_smtp::reply::Reply;
use postroom_smtp::server::{
    AuthPolicy, CancellationToken, Envelope, Handler, MailFrom, RcptTo, SessionConfig, SessionFacts, TlsMode,
    serve_connection,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

/// More than one read of the session takes.
const LINE_BYTES: usize = 128 * 1024;

struct Anything;

impl Handler for Anything {
    async fn authenticate(&mut self, _: &SessionFacts, _: Credentials<'_>) -> Result<(), Reply> {
        Ok(())
    }

    async fn mail(&mut self, _: &SessionFacts, _: &MailFrom) -> Result<(), Reply> {
        Ok(())
    }

    async fn rcpt(&mut self, _: &SessionFacts, _: &RcptTo) -> Result<(), Reply> {
        Ok(())
    }

    async fn message(&mut self, _: &SessionFacts, envelope: Envelope, content: Vec<u8>) -> Reply {
        assert!(!envelope.recipients.is_empty());
        let mut before = b' ';
        for byte in &content {
            assert_eq!(before == b'\r', *byte == b'\n', "a bare line end came through");
            before = *byte;
        }
        assert_ne!(before, b'\r', "a bare line end came through");
        Reply::basic(250, "OK")
    }
}

fuzz_target!(|input: (Vec<u8>, u8)| {
    let (said, step) = input;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    let runtime = runtime.expect("a runtime without I/O needs nothing of the system");
    runtime.block_on(async {
        let mut config = SessionConfig::submission("mail.example.com");
        config.auth = if step % 2 == 0 {
            AuthPolicy::Optional
        } else {
            AuthPolicy::Required
        };
        config.limits.message_bytes_max = 1_000;
        let (client, server) = duplex(LINE_BYTES);
        let peer = ([127, 0, 0, 1], 25_000).into();
        let token = CancellationToken::new();
        let session = serve_connection(server, peer, Arc::new(config), TlsMode::Off, Anything, token);
        let (mut listen, mut say) = tokio::io::split(client);
        let talk = async move {
            for part in said.chunks(usize::from(step).max(1) * 16) {
                if say.write_all(part).await.is_err() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(say.shutdown().await);
        };
        let mut heard = Vec::new();
        let (_, (), read) = tokio::join!(session, talk, listen.read_to_end(&mut heard));
        read.expect("the line does not break");
        let mut replies = heard.as_slice();
        while !replies.is_empty() {
            let (_, used) = Reply::parse(replies).expect("a reply").expect("a whole reply");
            replies = &replies[used..];
        }
    });
});
