//! Greeting, EHLO, STARTTLS and AUTH.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::capabilities::Capabilities;
use super::config::{Credentials, RelayConfig, TlsPolicy};
use super::connect::TlsClient;
use super::error::{Cause, Missing, Phase, SessionError};
use super::session::Session;
use super::tls::{self, TlsInfo};
use super::wire::Wire;
use crate::reply::{Reply, Severity};
use crate::stream::MaybeTls;

/// Longest command line (RFC 5321 §4.5.3.1.4); a longer initial response goes on a line of its own.
const COMMAND_BYTES_MAX: usize = 512;

/// Opens a session on a connected stream; without `tls` the session stays in clear.
pub(super) async fn open<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    relay: &RelayConfig,
    tls: Option<&TlsClient>,
) -> Result<Session<S>, SessionError> {
    let mut opening = Opening {
        wire: Wire::new(MaybeTls::Plain(stream)),
        relay,
        tls: None,
    };
    if let (TlsPolicy::Implicit, Some(tls)) = (relay.tls, tls) {
        opening = opening.upgrade(tls).await?;
    }
    opening.greeting().await?;
    let mut capabilities = opening.ehlo().await?;
    if matches!(relay.tls, TlsPolicy::Opportunistic | TlsPolicy::Required)
        && let Some(tls) = tls
        && opening.start_tls(&capabilities).await?
    {
        opening = opening.upgrade(tls).await?;
        capabilities = opening.ehlo().await?;
    }
    if let Some(credentials) = &relay.credentials
        && let Err(error) = opening.auth(credentials, &capabilities).await
    {
        let _goodbye = opening
            .wire
            .write([b"QUIT\r\n", b"", b""], relay.timeouts.quit)
            .await;
        return Err(error);
    }
    Ok(Session {
        wire: opening.wire,
        capabilities,
        tls: opening.tls,
        timeouts: relay.timeouts,
        pipelining: relay.pipelining,
        chunking: relay.chunking,
        open: true,
        answered: 0,
        needs_reset: false,
        ahead: None,
        commands: Vec::with_capacity(512),
    })
}

struct Opening<'a, S> {
    wire: Wire<MaybeTls<S>>,
    relay: &'a RelayConfig,
    tls: Option<TlsInfo>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Opening<'_, S> {
    async fn greeting(&mut self) -> Result<(), SessionError> {
        let reply = self.wire.reply(self.relay.timeouts.greeting).await;
        expect(Phase::Greeting, reply, 220).map(drop)
    }

    /// Says EHLO, or HELO to a relay that does not know EHLO (RFC 5321 §3.2).
    async fn ehlo(&mut self) -> Result<Capabilities, SessionError> {
        let limit = self.relay.timeouts.ehlo;
        let name = &self.relay.ehlo_name;
        let reply = self
            .command(Phase::Ehlo, format!("EHLO {name}\r\n"), limit)
            .await?;
        if reply.code == 250 {
            return Ok(Capabilities::from_ehlo(&reply));
        }
        if reply.severity() != Severity::Permanent {
            return expect(Phase::Ehlo, Ok(reply), 250).map(|_| Capabilities::default());
        }
        let reply = self
            .command(Phase::Ehlo, format!("HELO {name}\r\n"), limit)
            .await?;
        expect(Phase::Ehlo, Ok(reply), 250).map(|_| Capabilities::default())
    }

    /// Asks for TLS where offered, and says whether the handshake is to follow.
    async fn start_tls(&mut self, capabilities: &Capabilities) -> Result<bool, SessionError> {
        let required = self.relay.tls == TlsPolicy::Required;
        if !capabilities.starttls {
            let missing = SessionError::new(Phase::StartTls, Cause::Missing(Missing::StartTls));
            return if required { Err(missing) } else { Ok(false) };
        }
        let limit = self.relay.timeouts.ehlo;
        let reply = self
            .command(Phase::StartTls, "STARTTLS\r\n".to_owned(), limit)
            .await?;
        if !required && matches!(reply.severity(), Severity::Transient | Severity::Permanent) {
            return Ok(false);
        }
        expect(Phase::StartTls, Ok(reply), 220)?;
        if self.wire.has_unread_input() {
            return Err(SessionError::new(Phase::StartTls, Cause::PlainTextBehindStartTls));
        }
        Ok(true)
    }

    async fn upgrade(self, tls: &TlsClient) -> Result<Self, SessionError> {
        let failed = |cause| SessionError::new(Phase::Tls, cause);
        let limit = self.relay.timeouts.tls;
        let stream = match self.wire.into_stream() {
            MaybeTls::Plain(stream) => stream,
            done @ MaybeTls::Tls(_) => {
                return Ok(Self {
                    wire: Wire::new(done),
                    ..self
                });
            }
        };
        let connector = TlsConnector::from(std::sync::Arc::clone(&tls.config));
        let stream = timeout(limit, connector.connect(tls.name.clone(), stream))
            .await
            .map_err(|_| failed(Cause::Timeout(limit)))?
            .map_err(|error| failed(tls::explain(&error).map_or(Cause::Io(error), Cause::Tls)))?;
        let info = tls::info(stream.get_ref().1);
        let wire = Wire::new(MaybeTls::Tls(Box::new(stream.into())));
        Ok(Self {
            wire,
            relay: self.relay,
            tls: Some(info),
        })
    }

    async fn auth(&mut self, credentials: &Credentials, offered: &Capabilities) -> Result<(), SessionError> {
        let missing = |what| Err(SessionError::new(Phase::Auth, Cause::Missing(what)));
        if self.tls.is_none() && self.relay.tls != TlsPolicy::None {
            return missing(Missing::TlsForAuth);
        }
        match offered {
            Capabilities { auth_plain: true, .. } => self.auth_plain(credentials).await,
            Capabilities { auth_login: true, .. } => self.auth_login(credentials).await,
            Capabilities { auth: true, .. } => missing(Missing::Mechanism),
            _ => missing(Missing::Auth),
        }
    }

    async fn auth_plain(&mut self, credentials: &Credentials) -> Result<(), SessionError> {
        let Credentials { user, password } = credentials;
        let response = BASE64.encode(format!("\0{user}\0{password}"));
        let limit = self.relay.timeouts.auth;
        let line = format!("AUTH PLAIN {response}\r\n");
        let reply = if line.len() <= COMMAND_BYTES_MAX {
            self.command(Phase::Auth, line, limit).await
        } else {
            let reply = self
                .command(Phase::Auth, "AUTH PLAIN\r\n".to_owned(), limit)
                .await;
            expect(Phase::Auth, reply.map_err(|error| error.cause), 334)?;
            self.command(Phase::Auth, format!("{response}\r\n"), limit).await
        };
        expect(Phase::Auth, Ok(reply?), 235).map(drop)
    }

    async fn auth_login(&mut self, credentials: &Credentials) -> Result<(), SessionError> {
        let limit = self.relay.timeouts.auth;
        let reply = self
            .command(Phase::Auth, "AUTH LOGIN\r\n".to_owned(), limit)
            .await?;
        expect(Phase::Auth, Ok(reply), 334)?;
        let user = format!("{}\r\n", BASE64.encode(&credentials.user));
        let reply = self.command(Phase::Auth, user, limit).await?;
        expect(Phase::Auth, Ok(reply), 334)?;
        let password = format!("{}\r\n", BASE64.encode(&credentials.password));
        let reply = self.command(Phase::Auth, password, limit).await?;
        expect(Phase::Auth, Ok(reply), 235).map(drop)
    }

    async fn command(&mut self, phase: Phase, line: String, limit: Duration) -> Result<Reply, SessionError> {
        let failed = |cause| SessionError::new(phase, cause);
        if let Err(failure) = self.wire.write([line.as_bytes(), b"", b""], limit).await {
            return Err(failed(self.wire.last_words(failure.cause).await));
        }
        let reply = self.wire.reply(limit).await.map_err(failed)?;
        if reply.closes() {
            Err(failed(Cause::Refused(reply)))
        } else {
            Ok(reply)
        }
    }
}

/// Takes the one code that means yes; a refusal keeps the relay's words, anything else makes no sense here.
fn expect(phase: Phase, reply: Result<Reply, Cause>, code: u16) -> Result<Reply, SessionError> {
    let failed = |cause| SessionError::new(phase, cause);
    let reply = reply.map_err(failed)?;
    match reply.severity() {
        _ if reply.code == code => Ok(reply),
        Severity::Transient | Severity::Permanent => Err(failed(Cause::Refused(reply))),
        Severity::Success | Severity::Intermediate => Err(failed(Cause::Unexpected(reply))),
    }
}
