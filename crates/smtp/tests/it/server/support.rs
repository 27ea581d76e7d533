//! A client that says what it is told and writes down both sides.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use postroom_smtp::auth::Credentials;
use postroom_smtp::reply::{EnhancedCode, Reply};
use postroom_smtp::server::{
    Admission, AdmittedConnection, AuthPolicy, CancellationToken, ConnectionRefusal, Envelope, Handler,
    MailFrom, RcptTo, SessionConfig, SessionFacts, SessionSummary, TlsMode, serve_connection,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// A message as the handler got it.
#[derive(Debug, Clone)]
pub(super) struct Received {
    pub(super) envelope: Envelope,
    pub(super) content: Vec<u8>,
    pub(super) protocol: &'static str,
    pub(super) username: Option<String>,
}

pub(super) type Inbox = Arc<Mutex<Vec<Received>>>;

/// Lets `ann@example.com` sign in with `secret` and keeps messages; the address says what it refuses.
#[derive(Clone, Default)]
pub(super) struct House {
    pub(super) inbox: Inbox,
    pub(super) resets: Arc<Mutex<u32>>,
    pub(super) room: Arc<Mutex<Room>>,
    /// Where there is one, each sign-in waits for a permit.
    pub(super) sign_ins: Option<Arc<Semaphore>>,
}

/// What the house answers when content asks for room.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// What was asked for so far.
    pub(super) asked: Vec<u64>,
    /// Most that is granted; `None` for anything.
    pub(super) bytes_max: Option<u64>,
    /// Whether somebody waits for the room, so that a sender who stops is cut off.
    pub(super) wanted_by_others: bool,
    /// How much must have come of it then.
    pub(super) received_min: u64,
    /// Whether an answer never comes.
    pub(super) stuck: bool,
}

fn refusal(code: u16, (class, subject, detail): (u8, u16, u16), text: &'static str) -> Reply {
    Reply::enhanced(code, EnhancedCode::new(class, subject, detail), text)
}

impl Handler for House {
    async fn authenticate(&mut self, _: &SessionFacts, credentials: Credentials<'_>) -> Result<(), Reply> {
        if let Some(sign_ins) = &self.sign_ins {
            sign_ins.acquire().await.unwrap().forget();
        }
        match (credentials.username, credentials.password) {
            ("ann@example.com", "secret") => Ok(()),
            _ => Err(refusal(535, (5, 7, 8), "Name or password is wrong")),
        }
    }

    async fn mail(&mut self, _: &SessionFacts, mail: &MailFrom) -> Result<(), Reply> {
        match mail.address.as_ref().map(|address| address.as_str()) {
            Some("refused@example.com") => Err(refusal(550, (5, 7, 1), "You may not send as refused")),
            Some("busy@example.com") => Err(refusal(421, (4, 3, 2), "Going away")),
            _ => Ok(()),
        }
    }

    async fn rcpt(&mut self, _: &SessionFacts, rcpt: &RcptTo) -> Result<(), Reply> {
        match rcpt.address.as_str() {
            "nobody@example.com" => Err(refusal(550, (5, 1, 1), "nobody@example.com: no such mailbox")),
            _ => Ok(()),
        }
    }

    async fn make_room(&mut self, bytes: u64) -> Result<(), Reply> {
        let (refused, stuck) = {
            let mut room = self.room.lock().unwrap();
            room.asked.push(bytes);
            (room.bytes_max.is_some_and(|max| bytes > max), room.stuck)
        };
        if stuck {
            std::future::pending::<()>().await;
        }
        if refused {
            return Err(refusal(452, (4, 3, 1), "Too much mail in progress"));
        }
        Ok(())
    }

    fn content_progress(&mut self, received_bytes: u64) -> Result<(), Reply> {
        let room = self.room.lock().unwrap();
        if room.wanted_by_others && received_bytes < room.received_min.max(1) {
            return Err(refusal(421, (4, 4, 2), "Too slow while others wait"));
        }
        Ok(())
    }

    async fn message(&mut self, session: &SessionFacts, envelope: Envelope, content: Vec<u8>) -> Reply {
        if content.starts_with(b"Full") {
            return refusal(452, (4, 3, 1), "No room now");
        }
        let mut inbox = self.inbox.lock().unwrap();
        inbox.push(Received {
            envelope,
            content,
            protocol: session.with_protocol(),
            username: session.username.clone(),
        });
        Reply::enhanced(
            250,
            EnhancedCode::new(2, 0, 0),
            format!("Queued as {}", inbox.len()),
        )
    }

    fn reset(&mut self) {
        *self.resets.lock().unwrap() += 1;
    }
}

/// Lets connections in until told not to, and closes those that the test names.
#[derive(Debug, Clone, Default)]
pub(super) struct Gate {
    pub(super) refusal: Arc<Mutex<Option<ConnectionRefusal>>>,
    /// Who was let in, in order.
    pub(super) admitted: Arc<Mutex<Vec<Arc<Visitor>>>>,
}

/// Somebody who was let in.
#[derive(Debug, Default)]
pub(super) struct Visitor {
    pub(super) evicted: CancellationToken,
    pub(super) has_signed_in: AtomicBool,
    pub(super) is_at_work: AtomicBool,
}

impl Admission for Gate {
    fn admit(&self, _: IpAddr) -> Result<Arc<dyn AdmittedConnection>, ConnectionRefusal> {
        if let Some(refusal) = *self.refusal.lock().unwrap() {
            return Err(refusal);
        }
        let visitor = Arc::new(Visitor::default());
        self.admitted.lock().unwrap().push(Arc::clone(&visitor));
        Ok(visitor)
    }
}

impl AdmittedConnection for Visitor {
    fn evicted(&self) -> CancellationToken {
        self.evicted.clone()
    }

    fn is_stranger(&self) -> bool {
        !self.has_signed_in.load(Ordering::Relaxed)
    }

    fn signed_in(&self) {
        self.has_signed_in.store(true, Ordering::Relaxed);
    }

    fn work_begins(&self) {
        self.is_at_work.store(true, Ordering::Relaxed);
    }

    fn work_ends(&self) {
        self.is_at_work.store(false, Ordering::Relaxed);
    }

    fn is_working(&self) -> bool {
        self.is_at_work.load(Ordering::Relaxed)
    }
}

/// A configuration in which nobody has to sign in.
pub(super) fn open_config() -> SessionConfig {
    SessionConfig {
        auth: AuthPolicy::Optional,
        ..SessionConfig::submission("mail.example.com")
    }
}

pub(super) const LOOPBACK: ([u8; 4], u16) = ([127, 0, 0, 1], 40_000);
pub(super) const FOREIGN: ([u8; 4], u16) = ([192, 0, 2, 7], 40_000);

/// A conversation under way.
pub(super) struct Talk<S> {
    pub(super) stream: S,
    pub(super) transcript: String,
    pub(super) house: House,
    pub(super) shutdown: CancellationToken,
    pub(super) session: JoinHandle<SessionSummary>,
}

/// What is left of a conversation.
pub(super) struct Told {
    pub(super) transcript: String,
    pub(super) summary: SessionSummary,
    pub(super) received: Vec<Received>,
}

impl Talk<DuplexStream> {
    /// Connects and reads the greeting.
    pub(super) async fn open(config: SessionConfig) -> Self {
        let mut talk = Self::connect(config, TlsMode::Off, LOOPBACK);
        talk.listen().await;
        talk
    }

    /// Connects, greets with EHLO and forgets what was said so far.
    pub(super) async fn greeted(config: SessionConfig) -> Self {
        let mut talk = Self::open(config).await;
        talk.say("EHLO client.example.com\r\n").await;
        talk.transcript.clear();
        talk
    }

    /// Connects and does nothing.
    pub(super) fn connect(config: SessionConfig, tls: TlsMode, peer: impl Into<SocketAddr>) -> Self {
        let (stream, theirs) = duplex(1024 * 1024);
        let house = House::default();
        let shutdown = CancellationToken::new();
        let served = serve_connection(
            theirs,
            peer.into(),
            Arc::new(config),
            tls,
            house.clone(),
            shutdown.clone(),
        );
        Self {
            stream,
            transcript: String::new(),
            house,
            shutdown,
            session: tokio::spawn(served),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    /// Sends bytes as they are, in one write, and reads what comes back.
    pub(super) async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        // A session that is over does not read; what it said last is still to be heard.
        let sent = self.stream.write_all(bytes).await.is_ok() && self.stream.flush().await.is_ok();
        let mark = if sent { "C: " } else { "C (unheard): " };
        for line in String::from_utf8_lossy(bytes).split_inclusive("\r\n") {
            let text = line
                .strip_suffix("\r\n")
                .unwrap_or(line)
                .escape_debug()
                .to_string();
            match text.char_indices().nth(100) {
                None => writeln!(self.transcript, "{mark}{text}").unwrap(),
                Some((cut, _)) => {
                    writeln!(self.transcript, "{mark}{}… ({} bytes)", &text[..cut], line.len()).unwrap();
                }
            }
        }
        self.listen().await;
    }

    /// Reads until nothing more comes. Time stands still, so the wait ends when the session waits too.
    pub(super) async fn listen(&mut self) {
        let mut heard = Vec::new();
        while let Ok(read) = timeout(Duration::from_millis(1), self.stream.read_buf(&mut heard)).await {
            match read {
                Ok(0) => {
                    heard.extend_from_slice(b"(closed)\r\n");
                    break;
                }
                Ok(_) => {}
                Err(error) => panic!("{error}\n{}", self.transcript),
            }
        }
        for line in String::from_utf8(heard).unwrap().lines() {
            writeln!(self.transcript, "S: {line}").unwrap();
        }
    }

    /// Hangs up and waits for the session to end.
    pub(super) async fn end(self) -> Told {
        drop(self.stream);
        let summary = self.session.await.unwrap();
        let received = self.house.inbox.lock().unwrap().clone();
        Told {
            transcript: self.transcript,
            summary,
            received,
        }
    }
}

/// Says all of `lines`, one after the other, to a greeted session.
pub(super) async fn talk_through(config: SessionConfig, lines: &[&str]) -> Told {
    let mut talk = Talk::greeted(config).await;
    for line in lines {
        talk.say(format!("{line}\r\n")).await;
    }
    talk.end().await
}
