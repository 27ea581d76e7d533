//! A sink's STARTTLS and AUTH.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tokio::io::{AsyncRead, AsyncWrite};

use super::config::SinkTls;
use super::conversation::{Conversation, Over, Script};
use super::mail;
use super::plan::{Mode, Stage};

impl<S: AsyncRead + AsyncWrite + Unpin> Conversation<S> {
    pub(super) async fn start_tls(&mut self) -> Result<(), Over> {
        let Script::Proceed = self.script(Stage::StartTls).await? else {
            return Ok(());
        };
        let Some(SinkTls::StartTls(config)) = &self.shared.config.tls else {
            return self.answer("502 5.5.1 STARTTLS is not offered\r\n");
        };
        let config = Arc::clone(config);
        self.say("220 2.0.0 Go ahead\r\n");
        self.flush().await?;
        self.envelope = None;
        Ok(self.wire.accept_tls(config).await?)
    }

    pub(super) async fn auth(&mut self, rest: &str) -> Result<(), Over> {
        match self.script(Stage::Auth).await? {
            Script::Proceed => {}
            Script::Replied(reply) => {
                self.authenticated = reply.is_success();
                return Ok(());
            }
            Script::Said => return Ok(()),
        }
        let (mechanism, initial) = mail::split_verb(rest);
        let (user, password) = match mechanism.as_str() {
            "PLAIN" => {
                let response = if initial.is_empty() {
                    self.challenge("").await?
                } else {
                    initial.to_owned()
                };
                let decoded = decoded(&response);
                let mut parts = decoded.splitn(3, '\0').skip(1).map(str::to_owned);
                (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
            }
            "LOGIN" => {
                let user = self.challenge("VXNlcm5hbWU6").await?;
                let password = self.challenge("UGFzc3dvcmQ6").await?;
                (decoded(&user), decoded(&password))
            }
            "XOAUTH2" => {
                let response = if initial.is_empty() {
                    self.challenge("").await?
                } else {
                    initial.to_owned()
                };
                let told = bearer(&decoded(&response));
                if !self.knows(&told) {
                    // {"status":"401"}: the client says nothing to it and hears the refusal then.
                    self.challenge("eyJzdGF0dXMiOiI0MDEifQ==").await?;
                }
                told
            }
            _ => return self.answer("504 5.5.4 Unknown mechanism\r\n"),
        };
        self.authenticated = self.knows(&(user, password)) && *self.shared.mode.borrow() != Mode::RejectAuth;
        self.answer(if self.authenticated {
            "235 2.7.0 Authenticated\r\n"
        } else {
            "535 5.7.8 Authentication failed\r\n"
        })
    }

    fn knows(&self, (user, password): &(String, String)) -> bool {
        let known = self.shared.config.auth.as_ref();
        known.is_some_and(|known| known.user == *user && known.password == *password)
    }

    async fn challenge(&mut self, words: &str) -> Result<String, Over> {
        self.say(&format!("334 {words}\r\n"));
        let mut line = String::new();
        self.next_line(&mut line).await?;
        Ok(line)
    }
}

fn decoded(base64: &str) -> String {
    let bytes = BASE64.decode(base64.trim()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Name and token of an XOAUTH2 response, `user=…^Aauth=Bearer …^A^A`.
fn bearer(response: &str) -> (String, String) {
    let part = |start| response.split('\x01').find_map(|part| part.strip_prefix(start));
    let text = |start| part(start).unwrap_or_default().to_owned();
    (text("user="), text("auth=Bearer "))
}
