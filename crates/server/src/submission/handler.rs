//! Decides about one session's sign-ins, envelopes and messages.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use postroom_domain::{Address, Refusal};
use postroom_engine::budget::{IncomingRoom, NoRoom, SenderProgress};
use postroom_engine::intake::{
    self, DeclaredCharset, EnvelopeRecipient, Extras, GivenEnvelope, Intake, Origin, Protocol, RawSubmission,
};
use postroom_office::{Authenticator, Client, Principal, Senders, Who};
use postroom_smtp::auth::Credentials;
use postroom_smtp::reply::Reply;
use postroom_smtp::server::{Envelope, Handler, MailFrom, Notify, RcptTo, Ret, SessionFacts};

use tokio::time::Instant;

use super::words;
use crate::config::Trusted;
use crate::http::Metrics;

/// How long a message waits for room in memory: RFC 5321 §4.5.3.2.5 has clients wait two minutes for the reply to DATA,
/// and many wait one.
const ROOM_WAIT_MAX: Duration = Duration::from_secs(30);

/// What every session asks.
pub struct Door {
    /// Proves who asks.
    pub authenticator: Arc<Authenticator>,
    /// Knows as whom they may send.
    pub senders: Arc<Senders>,
    /// Takes mail in.
    pub intake: Intake,
    /// Counts what was taken in.
    pub metrics: Arc<Metrics>,
    /// Clients that need no AUTH.
    pub trusted: Vec<Trusted>,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door")
            .field("trusted", &self.trusted.len())
            .finish_non_exhaustive()
    }
}

/// Who sends in a session.
#[derive(Debug, Clone)]
enum Sender {
    /// Nobody yet.
    Unknown,
    /// Who signed in.
    SignedIn(Arc<Principal>),
    /// The user that a trusted network acts as.
    Trusted(Arc<Principal>),
    /// Somebody who had signed in: a new password, or the account or key taken back, has ended it.
    Ended,
}

/// One session's handler.
#[derive(Debug)]
pub(super) struct Session {
    door: Arc<Door>,
    peer: SocketAddr,
    sender: Sender,
    /// The authenticator's count of changes when `sender` was found.
    as_of: u64,
    mail_from: Option<Address>,
    recipients: Vec<Address>,
    content: Option<ContentRoom>,
}

/// Room in memory for the content of the message under way, and how fast that comes.
#[derive(Debug)]
struct ContentRoom {
    room: IncomingRoom,
    progress: SenderProgress,
}

impl Session {
    pub(super) const fn new(door: Arc<Door>, peer: SocketAddr) -> Self {
        Self {
            door,
            peer,
            sender: Sender::Unknown,
            as_of: 0,
            mail_from: None,
            recipients: Vec::new(),
            content: None,
        }
    }

    /// Who sends, with the rights of now: sessions stay open for long, and a change of people holds from the next
    /// message on.
    async fn principal(&mut self) -> Result<intake::Principal, Reply> {
        let generation = self.door.authenticator.generation();
        // A key may have an end, which is no change: it is looked up for each message.
        let by_key = matches!(&self.sender, Sender::SignedIn(who) if matches!(who.who, Who::Key(_)));
        if generation != self.as_of || by_key {
            self.sender = match &self.sender {
                Sender::SignedIn(before) => {
                    let now = self.door.authenticator.again(before).await;
                    now.map_err(|error| store_failed(&error))?
                        .map_or(Sender::Ended, Sender::SignedIn)
                }
                Sender::Trusted(_) | Sender::Unknown => Sender::Unknown,
                Sender::Ended => Sender::Ended,
            };
            self.as_of = generation;
        }
        if matches!(self.sender, Sender::Unknown) {
            self.sender = Sender::Trusted(self.trusted().await?);
        }
        match &self.sender {
            Sender::SignedIn(who) | Sender::Trusted(who) => {
                let principal = self.door.senders.principal(who).await;
                principal.map_err(|error| store_failed(&error))
            }
            Sender::Ended => Err(words::sign_in_ended()),
            Sender::Unknown => Err(words::sign_in_first()),
        }
    }

    /// The user that the client's network acts as.
    async fn trusted(&self) -> Result<Arc<Principal>, Reply> {
        let address = self.peer.ip();
        let networks = &self.door.trusted;
        let Some(trusted) = networks.iter().find(|trusted| trusted.network.contains(address)) else {
            return Err(words::sign_in_first());
        };
        let found = self.door.authenticator.trusted(&trusted.login).await;
        let found = found.map_err(|error| store_failed(&error))?;
        found.ok_or_else(|| {
            tracing::error!(
                "a trusted network acts as a login that does not exist; add the user or correct the configuration"
            );
            words::sign_in_first()
        })
    }
}

impl Handler for Session {
    async fn authenticate(
        &mut self,
        _session: &SessionFacts,
        credentials: Credentials<'_>,
    ) -> Result<(), Reply> {
        let authenticator = &self.door.authenticator;
        // Counted before it is looked up, so that a change in between is seen at the first message.
        self.as_of = authenticator.generation();
        let client = Client::at(self.peer.ip());
        let signed_in = authenticator
            .sign_in(credentials.username, credentials.password, &client)
            .await;
        self.sender = Sender::SignedIn(signed_in.map_err(|error| words::sign_in(&error))?);
        Ok(())
    }

    async fn mail(&mut self, _session: &SessionFacts, mail: &MailFrom) -> Result<(), Reply> {
        self.door
            .intake
            .check_open()
            .map_err(|refusal| words::refusal(&refusal))?;
        let principal = self.principal().await?;
        let address = match &mail.address {
            Some(mailbox) => Some(address(mailbox.as_str(), "MAIL FROM")?),
            None => None,
        };
        if let Some(address) = &address {
            principal
                .rights
                .identity(address)
                .map_err(|refusal| words::refusal(&refusal))?;
        }
        self.mail_from = address;
        self.recipients.clear();
        Ok(())
    }

    async fn rcpt(&mut self, _session: &SessionFacts, rcpt: &RcptTo) -> Result<(), Reply> {
        self.recipients.push(address(rcpt.address.as_str(), "RCPT TO")?);
        Ok(())
    }

    async fn make_room(&mut self, bytes: u64) -> Result<(), Reply> {
        let incoming = &self.door.intake.budget().incoming;
        let room = match self.content.take() {
            None => incoming.reserve(bytes, ROOM_WAIT_MAX).await,
            Some(ContentRoom { room, .. }) => incoming.grow(room, bytes, ROOM_WAIT_MAX).await,
        };
        let room = room.map_err(|NoRoom| words::refusal(&Refusal::ServerBusy))?;
        let progress = SenderProgress::new(Instant::now());
        self.content = Some(ContentRoom { room, progress });
        Ok(())
    }

    fn content_progress(&mut self, received_bytes: u64) -> Result<(), Reply> {
        let Some(content) = &mut self.content else {
            return Ok(());
        };
        let share = self.door.intake.budget().incoming.share_of(&content.room);
        let checked = content.progress.check(received_bytes, share, Instant::now());
        checked.map_err(|NoRoom| words::refusal(&Refusal::SenderTooSlow))
    }

    async fn message(&mut self, session: &SessionFacts, envelope: Envelope, content: Vec<u8>) -> Reply {
        // Held until the message is stored, or is not.
        let mut held = self.content.take();
        if let Some(ContentRoom { room, .. }) = &mut held {
            room.shrink_to(content.len() as u64);
        }
        let addresses = std::mem::take(&mut self.recipients);
        let recipients = addresses
            .into_iter()
            .zip(envelope.recipients)
            .map(|(address, rcpt)| EnvelopeRecipient {
                address,
                notify: rcpt.notify.map(notify),
                orcpt: rcpt.original_recipient,
            });
        let given = GivenEnvelope {
            mail_from: self.mail_from.take(),
            recipients: recipients.collect(),
            charset: if envelope.mail.smtp_utf8 {
                DeclaredCharset::SmtpUtf8
            } else {
                DeclaredCharset::Unsaid
            },
            ret: envelope.mail.ret.map(ret),
            envid: envelope.mail.envelope_id,
        };
        let submission = RawSubmission {
            octets: content,
            envelope: intake::Envelope::Given(given),
            origin: Origin {
                protocol: protocol(session),
                helo: Some(session.helo.clone()),
            },
            extras: Extras::default(),
        };
        let principal = match self.principal().await {
            Ok(principal) => principal,
            Err(reply) => return reply,
        };
        match self.door.intake.submit_raw(&principal, submission, None).await {
            Ok(accepted) => {
                self.door.metrics.accepted(1);
                words::accepted(&accepted.admitted)
            }
            Err(refusal) => words::refusal(&refusal),
        }
    }

    fn reset(&mut self) {
        self.mail_from = None;
        self.recipients.clear();
        self.content = None;
    }
}

fn store_failed(error: &postroom_store::StoreError) -> Reply {
    tracing::error!(error = %error, "a session was put off because the store failed");
    words::try_later()
}

fn address(text: &str, field: &str) -> Result<Address, Reply> {
    text.parse().map_err(|error| {
        words::refusal(&Refusal::BadAddress {
            field: field.to_owned(),
            error,
        })
    })
}

const fn protocol(session: &SessionFacts) -> Protocol {
    match (session.tls.is_some(), session.username.is_some()) {
        (false, false) => Protocol::Esmtp,
        (true, false) => Protocol::Esmtps,
        (false, true) => Protocol::Esmtpa,
        (true, true) => Protocol::Esmtpsa,
    }
}

/// RFC 3461 §4.3.
fn ret(ret: Ret) -> String {
    match ret {
        Ret::Full => "FULL",
        Ret::Headers => "HDRS",
    }
    .to_owned()
}

/// RFC 3461 §4.1.
fn notify(notify: Notify) -> String {
    match notify {
        Notify::Never => "NEVER".to_owned(),
        Notify::On {
            success,
            failure,
            delay,
        } => {
            let words = [(success, "SUCCESS"), (failure, "FAILURE"), (delay, "DELAY")];
            let chosen: Vec<_> = words
                .into_iter()
                .filter(|(on, _)| *on)
                .map(|(_, word)| word)
                .collect();
            chosen.join(",")
        }
    }
}
