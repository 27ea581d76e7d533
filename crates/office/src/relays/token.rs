//! Access tokens for XOAUTH2, from a token endpoint with client credentials or a refresh token (RFC 6749 §4.4, §6).

mod endpoint;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use postroom_domain::{Clock, Timestamp};
use postroom_smtp::client::{Reach, TokenError, TokenFuture, TokenSource};
use postroom_store::{TokenEndpoint, TokenGrant};
use serde_json::Value;

pub(super) use self::endpoint::Endpoint;
use super::refresh::RefreshTokens;

/// The whole request.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How long before its end a token is replaced.
const EARLY: Duration = Duration::from_secs(60);
/// A token's life where the endpoint names none.
const LIFE_DEFAULT: Duration = Duration::from_secs(300);

/// Fetches tokens and keeps the last one until shortly before its end.
pub(super) struct TokenClient {
    endpoint: TokenEndpoint,
    secrets: TokenSecrets,
    /// Where a refresh token that the endpoint gives is kept; `None` for one that is only tried.
    refresh: Option<RefreshTokens>,
    reach: Reach,
    clock: Arc<dyn Clock>,
    kept: tokio::sync::Mutex<Kept>,
}

/// What proves who asks.
#[derive(Clone, Default)]
pub(super) struct TokenSecrets {
    pub(super) client_secret: String,
    pub(super) refresh_token: String,
}

#[derive(Default)]
struct Kept {
    token: Option<(String, Timestamp)>,
    /// The refresh token that the endpoint gave last.
    refresh_token: Option<String>,
    /// The one that it replaces, while it could not be kept.
    unkept: Option<String>,
}

impl fmt::Debug for TokenClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenClient")
            .field("url", &self.endpoint.url)
            .finish_non_exhaustive()
    }
}

impl TokenSource for TokenClient {
    fn token<'a>(&'a self, refused: Option<&'a str>) -> TokenFuture<'a> {
        Box::pin(async move {
            // One connection fetches, the others wait for what it gets.
            let mut kept = self.kept.lock().await;
            let now = self.clock.steady();
            if let Some((token, until)) = &kept.token
                && *until > now
                && refused != Some(token)
            {
                return Ok(token.clone());
            }
            kept.token = None;
            let used = self.refresh_token(&mut kept).await;
            let asked = tokio::time::timeout(TIMEOUT, self.ask(&used)).await;
            let given = asked.unwrap_or_else(|_| {
                let words = format!("the token endpoint did not answer within {} s", TIMEOUT.as_secs());
                Err(TokenError::Failed(words))
            })?;
            let life = given.life.saturating_sub(EARLY.min(given.life / 2));
            kept.token = Some((given.token.clone(), now.plus(life)));
            if let Some(another) = given.refresh_token.filter(|another| *another != used) {
                kept.refresh_token = Some(another);
                // What is kept is the first of those that were not followed in the store.
                kept.unkept.get_or_insert(used);
                self.keep(&mut kept).await;
            }
            Ok(given.token)
        })
    }
}

struct Given {
    token: String,
    life: Duration,
    refresh_token: Option<String>,
}

impl TokenClient {
    pub(super) fn new(
        endpoint: TokenEndpoint,
        secrets: TokenSecrets,
        refresh: Option<RefreshTokens>,
        reach: Reach,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            endpoint,
            secrets,
            refresh,
            reach,
            clock,
            kept: tokio::sync::Mutex::default(),
        }
    }

    /// The refresh token to send: as it is kept now, for another session of this relay may have been given another.
    /// Where that cannot be read, the last one known.
    async fn refresh_token(&self, kept: &mut Kept) -> String {
        if self.endpoint.grant == TokenGrant::RefreshToken {
            self.keep(kept).await;
            if kept.unkept.is_none()
                && let Some(refresh) = &self.refresh
            {
                match refresh.now().await {
                    Ok(Some(now)) => return now,
                    Ok(None) => {}
                    Err(error) => tracing::warn!(error, "a relay's refresh token cannot be read"),
                }
            }
        }
        let known = kept.refresh_token.clone();
        known.unwrap_or_else(|| self.secrets.refresh_token.clone())
    }

    /// Keeps the refresh token that was given last, where it is not kept yet; what fails is tried again with the next
    /// token.
    async fn keep(&self, kept: &mut Kept) {
        let (Some(used), Some(given)) = (kept.unkept.clone(), kept.refresh_token.clone()) else {
            return;
        };
        let done = match &self.refresh {
            Some(refresh) => refresh.replace(&used, &given).await,
            // A relay that is only tried keeps nothing, and goes on with what it was given.
            None => return,
        };
        match done {
            Ok(()) => kept.unkept = None,
            Err(error) => tracing::warn!(error, "a relay's new refresh token was not kept yet"),
        }
    }

    async fn ask(&self, refresh_token: &str) -> Result<Given, TokenError> {
        let url = Endpoint::parse(&self.endpoint.url)?;
        let (status, answer) = url.ask(&self.reach, self.form(refresh_token)).await?;
        Ok(read(status, &answer)?)
    }

    fn form(&self, refresh_token: &str) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        match self.endpoint.grant {
            TokenGrant::ClientCredentials => {
                form.append_pair("grant_type", "client_credentials");
            }
            TokenGrant::RefreshToken => {
                form.append_pair("grant_type", "refresh_token")
                    .append_pair("refresh_token", refresh_token);
            }
        }
        form.append_pair("client_id", &self.endpoint.client_id);
        if !self.secrets.client_secret.is_empty() {
            form.append_pair("client_secret", &self.secrets.client_secret);
        }
        if !self.endpoint.scope.is_empty() {
            form.append_pair("scope", &self.endpoint.scope);
        }
        form.finish()
    }
}

fn read(status: StatusCode, answer: &[u8]) -> Result<Given, String> {
    let json: Value = serde_json::from_slice(answer).unwrap_or_default();
    let text = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
    if let (StatusCode::OK, Some(token)) = (status, text("access_token")) {
        let life = match json.get("expires_in") {
            Some(Value::String(seconds)) => seconds.parse().ok(),
            Some(seconds) => seconds.as_u64(),
            None => None,
        };
        return Ok(Given {
            token,
            life: life.map_or(LIFE_DEFAULT, Duration::from_secs),
            refresh_token: text("refresh_token"),
        });
    }
    let error = text("error").unwrap_or_else(|| "no access_token in the answer".to_owned());
    let more = text("error_description").unwrap_or_default();
    let told: String = format!("{error} {more}").trim().chars().take(300).collect();
    Err(format!("the token endpoint answered {status}: {told}"))
}
