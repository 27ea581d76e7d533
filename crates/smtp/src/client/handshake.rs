//! Greeting, EHLO, STARTTLS and AUTH.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::capabilities::Capabilities;
use super::config::{RelayConfig, TlsPolicy};
use super::connect::TlsClient;
use super::error::{Cause, Missing, Phase, SessionError};
use super::session::Session;
use super::tls::{self, TlsInfo};
use super::wire::Wire;
use crate::reply::{Reply, Severity};
use crate::stream::MaybeTls;

/// A part of the opening that is done, for whoever shows it step by step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Milestone {
    /// The relay greeted us.
    Greeted,
    /// TLS stands.
    Protected(TlsInfo),
    /// The relay said what it offers, under TLS if there is to be any.
    Introduced(Capabilities),
    /// It took our credentials.
    SignedIn,
}

/// Opens a session on a connected stream; without `tls` the session stays in clear.
pub(super) async fn open<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    relay: &RelayConfig,
    tls: Option<&TlsClient>,
    watch: &mut (dyn FnMut(Milestone) + Send),
) -> Result<Session<S>, SessionError> {
    let mut opening = Opening {
        wire: Wire::new(MaybeTls::Plain(stream)),
        relay,
        tls: None,
    };
    if let (TlsPolicy::Implicit, Some(tls)) = (relay.tls, tls) {
        opening = opening.upgrade(tls).await?;
        watch_tls(&opening.tls, watch);
    }
    opening.greeting().await?;
    watch(Milestone::Greeted);
    let mut capabilities = opening.ehlo().await?;
    if matches!(relay.tls, TlsPolicy::Opportunistic | TlsPolicy::Required)
        && let Some(tls) = tls
        && opening.start_tls(&capabilities).await?
    {
        opening = opening.upgrade(tls).await?;
        watch_tls(&opening.tls, watch);
        capabilities = opening.ehlo().await?;
    }
    watch(Milestone::Introduced(capabilities.clone()));
    if let Some(credentials) = &relay.credentials {
        if let Err(error) = opening.auth(credentials, &capabilities).await {
            let _goodbye = opening
                .wire
                .write([b"QUIT\r\n", b"", b""], relay.timeouts.quit)
                .await;
            return Err(error);
        }
        watch(Milestone::SignedIn);
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
        last_words: None,
        ahead: None,
        commands: Vec::with_capacity(512),
    })
}

fn watch_tls(tls: &Option<TlsInfo>, watch: &mut (dyn FnMut(Milestone) + Send)) {
    if let Some(tls) = tls {
        watch(Milestone::Protected(tls.clone()));
    }
}

pub(super) struct Opening<'a, S> {
    wire: Wire<MaybeTls<S>>,
    pub(super) relay: &'a RelayConfig,
    pub(super) tls: Option<TlsInfo>,
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
            .map_err(|error| {
                failed(tls::explain(&error, &tls.name, tls.offered()).map_or(Cause::Io(error), Cause::Tls))
            })?;
        let info = tls::info(stream.get_ref().1);
        let wire = Wire::new(MaybeTls::Tls(Box::new(stream.into())));
        Ok(Self {
            wire,
            relay: self.relay,
            tls: Some(info),
        })
    }

    pub(super) async fn command(
        &mut self,
        phase: Phase,
        line: String,
        limit: Duration,
    ) -> Result<Reply, SessionError> {
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
pub(super) fn expect(phase: Phase, reply: Result<Reply, Cause>, code: u16) -> Result<Reply, SessionError> {
    let failed = |cause| SessionError::new(phase, cause);
    let reply = reply.map_err(failed)?;
    match reply.severity() {
        _ if reply.code == code => Ok(reply),
        Severity::Transient | Severity::Permanent => Err(failed(Cause::Refused(reply))),
        Severity::Success | Severity::Intermediate => Err(failed(Cause::Unexpected(reply))),
    }
}
