//! The browser that somebody signs in with: known by a cookie of its own where they did so before.
//!
//! The cookie opens nothing. Attempts from a browser that a person signed in with have a budget of their own, so nobody else
//! can use it up. One browser has one cookie, whoever signs in with it; the store keeps its hash with each of them, from the
//! first time on that the browser brings it: whatever keeps no cookies is never a browser that is known.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::AppendHeaders;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use postroom_office::{Client, Secret, hash_of};

use super::App;
use super::peer::ClientAddress;

/// The name of the browser's cookie.
const COOKIE: &str = "postroom_device";
/// Characters of what it says: 256 random bits.
const TOKEN_CHARS: usize = 43;

/// The header that sets the cookie.
pub(super) type BrowserCookie = AppendHeaders<[(HeaderName, String); 1]>;

/// Whoever asks, as an attempt to sign in is counted.
pub(super) struct Browser {
    address: IpAddr,
    cookie: DeviceCookie,
}

/// The browser's cookie.
enum DeviceCookie {
    /// The request brought it.
    Brought(String),
    /// Drawn for an answer that sets it.
    New(String),
}

impl DeviceCookie {
    const fn token(&self) -> &str {
        match self {
            Self::Brought(token) | Self::New(token) => token.as_str(),
        }
    }
}

impl Browser {
    /// Where an attempt comes from.
    pub(super) fn client(&self) -> Client {
        match &self.cookie {
            DeviceCookie::Brought(token) => self.with_device(token),
            DeviceCookie::New(_) => Client::at(self.address),
        }
    }

    /// Where somebody comes from who used a link that was mailed to them, and gets the cookie with the answer: they sign in with
    /// it next.
    pub(super) fn client_from_now_on(&self) -> Client {
        self.with_device(self.cookie.token())
    }

    fn with_device(&self, token: &str) -> Client {
        Client {
            address: self.address,
            device: Some(hash_of(token)),
        }
    }

    /// The header that sets the cookie, for somebody who proved who they are. It comes behind the session's, as an answer's
    /// last part: of two cookies in one jar either may come first.
    pub(super) fn remembered(&self, app: &App) -> BrowserCookie {
        let cookie = Cookie::build((COOKIE, self.cookie.token().to_owned()))
            .http_only(true)
            .same_site(SameSite::Strict)
            .secure(app.is_https())
            .path("/")
            .permanent()
            .build();
        AppendHeaders([(header::SET_COOKIE, cookie.to_string())])
    }
}

impl FromRequestParts<App> for Browser {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let ClientAddress(address) = ClientAddress::from_request_parts(parts, app).await?;
        // One that nobody signed in with yet gets its cookie once somebody has.
        let cookie = token(&parts.headers).map_or_else(
            || DeviceCookie::New(Secret::session().reveal().to_owned()),
            DeviceCookie::Brought,
        );
        Ok(Self { address, cookie })
    }
}

/// What the cookie says, where it is one of ours by its looks.
fn token(headers: &HeaderMap) -> Option<String> {
    let jar = CookieJar::from_headers(headers);
    let token = jar.get(COOKIE)?.value();
    let is_token = token.len() == TOKEN_CHARS
        && token
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    is_token.then(|| token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookie_is_believed_by_its_looks() {
        let found = |cookie: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, cookie.parse().unwrap());
            token(&headers)
        };
        let secret = Secret::session();
        let ours = format!("{COOKIE}={}", secret.reveal());
        assert_eq!(found(&ours).as_deref(), Some(secret.reveal()));
        assert_eq!(found(&format!("postroom_session=x; {ours}")), found(&ours));
        for other in [
            format!("{COOKIE}="),
            format!("{COOKIE}=short"),
            format!("{ours}x"),
            format!("{COOKIE}={}", " ".repeat(43)),
        ] {
            assert_eq!(found(&other), None, "{other}");
        }
    }
}
