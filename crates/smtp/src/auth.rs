//! The server's side of SASL in SMTP (RFC 4954): PLAIN (RFC 4616) and LOGIN.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

/// A mechanism that a client may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// One response with name and password (RFC 4616).
    Plain,
    /// Name and password asked for one after the other; obsolete and still the only one some clients know.
    Login,
}

impl Mechanism {
    /// Finds a mechanism by its name, in any case.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("PLAIN") {
            Some(Self::Plain)
        } else if name.eq_ignore_ascii_case("LOGIN") {
            Some(Self::Login)
        } else {
            None
        }
    }
}

/// What a client claims to be. The password is not shown by `Debug`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Credentials<'a> {
    /// The name that signs in; never empty.
    pub username: &'a str,
    /// The secret to check.
    pub password: &'a str,
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// The owned form of [`Credentials`], as an exchange ends with it.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnedCredentials {
    username: String,
    password: String,
}

impl OwnedCredentials {
    /// Lends the name and the password.
    #[must_use]
    pub fn lend(&self) -> Credentials<'_> {
        Credentials {
            username: &self.username,
            password: &self.password,
        }
    }
}

impl fmt::Debug for OwnedCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lend().fmt(f)
    }
}

/// Why an exchange cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AuthError {
    /// The client sent `*` (RFC 4954 §4).
    #[error("authentication cancelled")]
    Cancelled,
    /// A response is not base64.
    #[error("the response is not base64")]
    NotBase64,
    /// A response is not UTF-8, or a PLAIN response has not its three parts (RFC 4616 §2).
    #[error("the response is not what the mechanism asks for")]
    Malformed,
    /// The client signs in as one and wants to act as another.
    #[error("acting as somebody else than the one who signs in is not supported")]
    OtherIdentity,
}

/// What to do next in an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send `334` with this text and read a line.
    Challenge(&'static str),
    /// Check these.
    Done(OwnedCredentials),
}

/// One run of a mechanism.
///
/// | state | on a response | next |
/// | --- | --- | --- |
/// | PLAIN, waiting | name and password | done |
/// | LOGIN, waiting for the name | name | waiting for the password |
/// | LOGIN, waiting for the password | password | done |
#[derive(Debug, Clone)]
pub struct Exchange {
    state: State,
}

#[derive(Debug, Clone)]
enum State {
    Plain,
    LoginName,
    LoginPassword { username: String },
}

/// "Username:" and "Password:" in base64, the words that LOGIN clients look for.
const ASK_NAME: &str = "VXNlcm5hbWU6";
const ASK_PASSWORD: &str = "UGFzc3dvcmQ6";

impl Exchange {
    /// Starts a mechanism, with the response that came with AUTH if there was one.
    ///
    /// # Errors
    /// [`AuthError`] if that response does not fit.
    pub fn start(mechanism: Mechanism, initial: Option<&str>) -> Result<(Self, Step), AuthError> {
        let (state, challenge) = match mechanism {
            Mechanism::Plain => (State::Plain, ""),
            Mechanism::Login => (State::LoginName, ASK_NAME),
        };
        let mut exchange = Self { state };
        let step = match initial {
            None => Step::Challenge(challenge),
            // "=" stands for an empty response (RFC 4954 §4).
            Some("=") => exchange.respond("")?,
            Some(response) => exchange.respond(response)?,
        };
        Ok((exchange, step))
    }

    /// Takes the client's next line, without its CRLF.
    ///
    /// # Errors
    /// [`AuthError`] if the client gave up or the response does not fit.
    pub fn respond(&mut self, line: &str) -> Result<Step, AuthError> {
        if line == "*" {
            return Err(AuthError::Cancelled);
        }
        let bytes = STANDARD.decode(line).map_err(|_| AuthError::NotBase64)?;
        let text = String::from_utf8(bytes).map_err(|_| AuthError::Malformed)?;
        match std::mem::replace(&mut self.state, State::LoginName) {
            State::Plain => plain(&text).map(Step::Done),
            State::LoginName if text.is_empty() || text.contains('\0') => Err(AuthError::Malformed),
            State::LoginName => {
                self.state = State::LoginPassword { username: text };
                Ok(Step::Challenge(ASK_PASSWORD))
            }
            State::LoginPassword { username } => Ok(Step::Done(OwnedCredentials {
                username,
                password: text,
            })),
        }
    }
}

fn plain(text: &str) -> Result<OwnedCredentials, AuthError> {
    let mut parts = text.split('\0');
    let (Some(acts_as), Some(username), Some(password), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(AuthError::Malformed);
    };
    if username.is_empty() || password.is_empty() {
        return Err(AuthError::Malformed);
    }
    if !acts_as.is_empty() && acts_as != username {
        return Err(AuthError::OtherIdentity);
    }
    Ok(OwnedCredentials {
        username: username.to_owned(),
        password: password.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str) -> String {
        STANDARD.encode(text)
    }

    fn done(step: Step) -> (String, String) {
        match step {
            Step::Done(OwnedCredentials { username, password }) => (username, password),
            Step::Challenge(text) => panic!("still asks: {text}"),
        }
    }

    #[test]
    fn plain_takes_an_initial_response_or_asks_with_an_empty_challenge() {
        let response = encoded("\0ann@example.com\0secret");
        let (_, step) = Exchange::start(Mechanism::Plain, Some(&response)).unwrap();
        assert_eq!(done(step), ("ann@example.com".into(), "secret".into()));
        let (mut exchange, step) = Exchange::start(Mechanism::Plain, None).unwrap();
        assert_eq!(step, Step::Challenge(""));
        assert_eq!(done(exchange.respond(&response).unwrap()).1, "secret");
    }

    #[test]
    fn login_asks_for_name_then_password() {
        let (mut exchange, step) = Exchange::start(Mechanism::Login, None).unwrap();
        assert_eq!(step, Step::Challenge(ASK_NAME));
        assert_eq!(
            exchange.respond(&encoded("ann")).unwrap(),
            Step::Challenge(ASK_PASSWORD)
        );
        assert_eq!(
            done(exchange.respond(&encoded("pass word")).unwrap()),
            ("ann".into(), "pass word".into())
        );
    }

    #[test]
    fn responses_that_do_not_fit_are_told_apart() {
        let plain = |response: &str| Exchange::start(Mechanism::Plain, Some(response)).unwrap_err();
        assert_eq!(plain("*"), AuthError::Cancelled);
        assert_eq!(plain("not base64!"), AuthError::NotBase64);
        assert_eq!(plain("="), AuthError::Malformed);
        assert_eq!(plain(&encoded("ann\0secret")), AuthError::Malformed);
        assert_eq!(plain(&encoded("\0\0secret")), AuthError::Malformed);
        assert_eq!(plain(&encoded("a\0b\0c\0d")), AuthError::Malformed);
        assert_eq!(plain(&encoded("bob\0ann\0secret")), AuthError::OtherIdentity);
        assert_eq!(plain(&STANDARD.encode([0, 0xff, 0, 0xfe])), AuthError::Malformed);
    }

    #[test]
    fn debug_never_shows_the_password() {
        let (_, step) = Exchange::start(Mechanism::Plain, Some(&encoded("\0ann\0hunter2"))).unwrap();
        assert!(!format!("{step:?}").contains("hunter2"));
    }
}
