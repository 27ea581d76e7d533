//! AUTH from the client's side (RFC 4954): PLAIN, LOGIN and XOAUTH2.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};

use super::capabilities::Capabilities;
use super::config::{Credentials, TlsPolicy};
use super::error::{Cause, Missing, Phase, SessionError};
use super::handshake::{Opening, expect};
use crate::reply::Reply;

/// Longest command line (RFC 5321 §4.5.3.1.4); a longer initial response goes on a line of its own.
const COMMAND_BYTES_MAX: usize = 512;
/// Longest part of a relay's JSON about a refused token that is shown.
const SHOWN_CHARS: usize = 500;

/// How to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AuthUse {
    /// PLAIN where offered, else LOGIN.
    #[default]
    Password,
    /// PLAIN alone.
    Plain,
    /// LOGIN alone.
    Login,
    /// XOAUTH2 with a token of [`Tokens`]; the credentials' password is not used.
    Xoauth2,
}

/// A future of a [`TokenSource`].
pub type TokenFuture<'a> = Pin<Box<dyn Future<Output = Result<String, TokenError>> + Send + 'a>>;

/// Why there is no access token.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TokenError {
    /// Connections to the address of the token endpoint are not allowed.
    #[error("the token endpoint: connections to {address} are not allowed: {why}")]
    Forbidden {
        /// The address.
        address: IpAddr,
        /// Why not, and who can allow it.
        why: String,
    },
    /// Anything else, in words that say what to do.
    #[error("{0}")]
    Failed(String),
}

impl From<String> for TokenError {
    fn from(words: String) -> Self {
        Self::Failed(words)
    }
}

impl From<TokenError> for Cause {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Forbidden { address, why } => Self::Forbidden {
                address,
                why: format!("the token endpoint is there, and {why}"),
            },
            TokenError::Failed(words) => Self::Token(words),
        }
    }
}

/// Gives access tokens.
pub trait TokenSource: Send + Sync + fmt::Debug {
    /// Gives a token; never again the one that a relay has `refused`.
    fn token<'a>(&'a self, refused: Option<&'a str>) -> TokenFuture<'a>;
}

/// Where the tokens for XOAUTH2 come from.
#[derive(Debug, Clone, Default)]
pub struct Tokens(Option<Arc<dyn TokenSource>>);

impl Tokens {
    /// Takes them from `source`.
    pub fn from(source: Arc<dyn TokenSource>) -> Self {
        Self(Some(source))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Opening<'_, S> {
    pub(super) async fn auth(
        &mut self,
        credentials: &Credentials,
        offered: &Capabilities,
    ) -> Result<(), SessionError> {
        let missing = |what| Err(SessionError::new(Phase::Auth, Cause::Missing(what)));
        if self.tls.is_none() && self.relay.tls != TlsPolicy::None {
            return missing(Missing::TlsForAuth);
        }
        match (self.relay.auth, offered) {
            (_, Capabilities { auth: false, .. }) => missing(Missing::Auth),
            (AuthUse::Password | AuthUse::Plain, Capabilities { auth_plain: true, .. }) => {
                self.auth_plain(credentials).await
            }
            (AuthUse::Password | AuthUse::Login, Capabilities { auth_login: true, .. }) => {
                self.auth_login(credentials).await
            }
            (
                AuthUse::Xoauth2,
                Capabilities {
                    auth_xoauth2: true, ..
                },
            ) => self.auth_xoauth2(&credentials.user).await,
            (AuthUse::Password | AuthUse::Plain | AuthUse::Login, _) => missing(Missing::Mechanism),
            (AuthUse::Xoauth2, _) => missing(Missing::Xoauth2),
        }
    }

    async fn auth_plain(&mut self, credentials: &Credentials) -> Result<(), SessionError> {
        let Credentials { user, password } = credentials;
        let reply = self
            .respond_first("PLAIN", &format!("\0{user}\0{password}"))
            .await?;
        expect(Phase::Auth, Ok(reply), 235).map(drop)
    }

    /// Starts a mechanism whose first response comes with the command, where the line has room for it.
    async fn respond_first(&mut self, mechanism: &str, response: &str) -> Result<Reply, SessionError> {
        let response = BASE64.encode(response);
        let limit = self.relay.timeouts.auth;
        let line = format!("AUTH {mechanism} {response}\r\n");
        if line.len() <= COMMAND_BYTES_MAX {
            return self.command(Phase::Auth, line, limit).await;
        }
        let reply = self
            .command(Phase::Auth, format!("AUTH {mechanism}\r\n"), limit)
            .await?;
        expect(Phase::Auth, Ok(reply), 334)?;
        self.command(Phase::Auth, format!("{response}\r\n"), limit).await
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

    /// A token that the relay refuses with 535 is replaced once: it may have been withdrawn before its time.
    async fn auth_xoauth2(&mut self, user: &str) -> Result<(), SessionError> {
        let failed = |cause| SessionError::new(Phase::Auth, cause);
        let Some(source) = self.relay.tokens.0.clone() else {
            return Err(failed(Cause::Missing(Missing::Token)));
        };
        let token = source.token(None).await.map_err(|error| failed(error.into()))?;
        let reply = self.offer_token(user, &token).await?;
        let reply = if reply.code == 535 {
            match source.token(Some(&token)).await {
                Ok(another) => self.offer_token(user, &another).await?,
                // Not the relay's doing: its 535 would count against the settings of the sign-in.
                Err(error @ TokenError::Forbidden { .. }) => return Err(failed(error.into())),
                Err(TokenError::Failed(_)) => reply,
            }
        } else {
            reply
        };
        expect(Phase::Auth, Ok(reply), 235).map(drop)
    }

    async fn offer_token(&mut self, user: &str, token: &str) -> Result<Reply, SessionError> {
        let response = format!("user={user}\x01auth=Bearer {token}\x01\x01");
        let reply = self.respond_first("XOAUTH2", &response).await?;
        if reply.code != 334 {
            return Ok(reply);
        }
        // The relay says in JSON what is wrong with the token and waits for an empty response before it refuses.
        let details = BASE64.decode(reply.text.trim()).unwrap_or_default();
        let details = String::from_utf8_lossy(&details)
            .chars()
            .take(SHOWN_CHARS)
            .collect::<String>();
        let limit = self.relay.timeouts.auth;
        let mut reply = self.command(Phase::Auth, "\r\n".to_owned(), limit).await?;
        if !details.trim().is_empty() {
            reply.text = format!("{} {}", reply.text, details.trim()).into();
        }
        Ok(reply)
    }
}
