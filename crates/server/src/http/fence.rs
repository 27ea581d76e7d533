//! What a request has to be before anything else looks at it: to one host (RFC 9112 §3.2), and from Postroom's own page
//! where it changes something (cross-site request forgery).
//!
//! | a browser says | the request may change something |
//! | --- | --- |
//! | `Sec-Fetch-Site: same-origin` or `none` | yes |
//! | any other `Sec-Fetch-Site` | no |
//! | neither that nor `Origin` | yes: it is not a browser |
//! | `Origin` of `http.public_url`, or of the request's host by the scheme that people come by | yes |
//! | any other `Origin` | no |
//!
//! People come by the scheme of `http.public_url`; without one by HTTPS where this server has a certificate or a believed
//! proxy says so (`X-Forwarded-Proto`), else by HTTP. Browsers do not send `Sec-Fetch-Site` to `http://` addresses: without the
//! scheme a page at `http://` of the same name could act for somebody who is signed in at `https://`.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::App;
use super::peer::{Peer, Proxies};
use super::problem::ApiError;
use crate::origin::{Authority, Origin, Scheme};

/// Lets through what may pass.
pub(super) async fn fence(State(app): State<App>, request: Request, next: Next) -> Response {
    let checked = check(&app, &request);
    match checked {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

fn check(app: &App, request: &Request) -> Result<(), ApiError> {
    let host = host(request).map_err(bad_host)?;
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let config = app.config();
    let public = Origin::of_url(&config.http.public_url);
    let scheme = match &public {
        Some(public) => public.scheme(),
        None if !config.http.tls_certificate.as_os_str().is_empty() => Scheme::Https,
        None => {
            let peer = request.extensions().get::<Peer>().copied();
            Proxies::new(&config.http.trusted_proxies).scheme(peer, request.headers())
        }
    };
    let here = host.map(|host| Origin::of(scheme, host));
    let own: Vec<Origin> = public.into_iter().chain(here).collect();
    if is_from_own_page(request.headers(), &own) {
        Ok(())
    } else {
        Err(cross_site())
    }
}

/// What is wrong with the host that a request names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BadHost {
    /// It names none.
    Missing,
    /// It has several Host fields, or one that is of another host or port than the target of HTTP/2 (RFC 9113 §8.3.1).
    Several,
    /// It is not a host with or without a port.
    Malformed,
}

/// The host that a request is for; none where HTTP/1.0 names none. The target's own counts before the Host field (RFC 9112
/// §3.2.2).
fn host(request: &Request) -> Result<Option<Authority>, BadHost> {
    let mut fields = request.headers().get_all(header::HOST).iter();
    let field = fields.next();
    if fields.next().is_some() {
        return Err(BadHost::Several);
    }
    let parse = |text: Option<&str>| text.and_then(Authority::parse).ok_or(BadHost::Malformed);
    let field = field.map(|value| parse(value.to_str().ok())).transpose()?;
    let target = request.uri().authority();
    let target = target.map(|target| parse(Some(target.as_str()))).transpose()?;
    let version = request.version();
    if version == Version::HTTP_11 {
        let field = field.ok_or(BadHost::Missing)?;
        return Ok(Some(target.unwrap_or(field)));
    }
    if version < Version::HTTP_11 {
        return Ok(target.or(field));
    }
    let scheme = request.uri().scheme_str().and_then(Scheme::parse);
    let scheme = scheme.unwrap_or(Scheme::Https);
    match (target, field) {
        (Some(target), Some(field)) if !target.is_same(&field, scheme) => Err(BadHost::Several),
        (None, None) => Err(BadHost::Missing),
        (target, field) => Ok(target.or(field)),
    }
}

/// A field of a request's header.
enum Field<'a> {
    Absent,
    One(&'a str),
    /// There are several, or it is not ASCII.
    Unclear,
}

fn field<'a>(headers: &'a HeaderMap, name: &str) -> Field<'a> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Field::Absent,
        (Some(value), None) => match value.to_str() {
            Ok("") => Field::Absent,
            Ok(text) => Field::One(text),
            Err(_) => Field::Unclear,
        },
        (Some(_), Some(_)) => Field::Unclear,
    }
}

/// Whether a request comes from one of these origins' pages or from no browser, by the module's table.
fn is_from_own_page(headers: &HeaderMap, own: &[Origin]) -> bool {
    match (field(headers, "sec-fetch-site"), field(headers, "origin")) {
        (Field::One("same-origin" | "none"), _) | (Field::Absent, Field::Absent) => true,
        (Field::Absent, Field::One(origin)) => {
            Origin::parse(origin).is_some_and(|origin| own.contains(&origin))
        }
        (Field::One(_) | Field::Unclear, _) | (Field::Absent, Field::Unclear) => false,
    }
}

fn bad_host(bad: BadHost) -> ApiError {
    let detail = match bad {
        BadHost::Missing => "the request does not say which host it is for: send one Host header",
        BadHost::Several => "the request names several hosts: send one Host header",
        BadHost::Malformed => {
            "the Host header is not a host, with or without a port: write it like \"mail.example.com:8080\""
        }
    };
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "bad_host",
        "The request is not for one valid host",
        detail,
    )
}

fn cross_site() -> ApiError {
    ApiError::new(
        StatusCode::FORBIDDEN,
        "cross_site",
        "The request comes from another site",
        "a request that changes something has to come from Postroom's own page, by the same scheme (http or https), or \
         carry no Origin at all; behind a proxy, http.public_url has to be the address in the browser",
    )
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn request(version: Version, target: &str, hosts: &[&str]) -> Request {
        let mut request = Request::builder().version(version).uri(target);
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        request.body(Body::empty()).unwrap()
    }

    /// Version, target, Host fields, and the host that is meant.
    type Named = (
        Version,
        &'static str,
        &'static [&'static str],
        Result<Option<&'static str>, BadHost>,
    );

    #[test]
    fn request_names_exactly_one_host() {
        use BadHost::{Malformed, Missing, Several};
        const V10: Version = Version::HTTP_10;
        const V11: Version = Version::HTTP_11;
        const V2: Version = Version::HTTP_2;
        let table: &[Named] = &[
            (V11, "/", &["a.test"], Ok(Some("a.test"))),
            (V11, "/", &[], Err(Missing)),
            (V11, "/", &["a.test", "b.test"], Err(Several)),
            (V11, "/", &["a.test", "a.test"], Err(Several)),
            (V11, "/", &[""], Err(Malformed)),
            (V11, "/", &["a.test/x"], Err(Malformed)),
            (V11, "http://b.test/", &["a.test"], Ok(Some("b.test"))),
            (V11, "http://b.test/", &[], Err(Missing)),
            (V10, "/", &[], Ok(None)),
            (V10, "/", &["a.test"], Ok(Some("a.test"))),
            (V10, "/", &["a.test", "a.test"], Err(Several)),
            (V2, "http://a.test/", &[], Ok(Some("a.test"))),
            (V2, "http://a.test/", &["A.test"], Ok(Some("a.test"))),
            (V2, "http://a.test/", &["a.test:80"], Ok(Some("a.test"))),
            (V2, "https://a.test/", &["a.test:443"], Ok(Some("a.test"))),
            (V2, "https://a.test:443/", &["a.test"], Ok(Some("a.test:443"))),
            (V2, "https://a.test/", &["a.test:80"], Err(Several)),
            (V2, "https://a.test:8443/", &["a.test"], Err(Several)),
            (V2, "http://a.test/", &["b.test"], Err(Several)),
            (V2, "http://user@a.test/", &[], Err(Malformed)),
            (V2, "/", &["a.test"], Ok(Some("a.test"))),
            (V2, "/", &[], Err(Missing)),
        ];
        for (version, target, hosts, expected) in table {
            let expected = expected.map(|host| host.and_then(Authority::parse));
            let found = host(&request(*version, target, hosts));
            assert_eq!(found, expected, "{version:?} {target} {hosts:?}");
        }
    }

    /// Fields of a header, and whether the request may change something.
    type Said = (&'static [(&'static str, &'static str)], bool);

    #[test]
    fn request_comes_from_an_own_page_by_the_table() {
        let own = [Origin::parse("https://mail.example.com").unwrap()];
        let table: &[Said] = &[
            (&[], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("origin", "https://mail.example.com")], true),
            (&[("origin", "https://MAIL.example.com:443")], true),
            (&[("origin", "http://mail.example.com")], false),
            (&[("origin", "https://mail.example.com:8443")], false),
            (&[("origin", "https://other.example.com")], false),
            (&[("origin", "null")], false),
            (
                &[
                    ("origin", "https://mail.example.com"),
                    ("origin", "https://other.example.com"),
                ],
                false,
            ),
            (
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "https://mail.example.com"),
                ],
                false,
            ),
            (
                &[
                    ("sec-fetch-site", "same-origin"),
                    ("sec-fetch-site", "cross-site"),
                ],
                false,
            ),
        ];
        for (fields, passes) in table {
            let mut headers = HeaderMap::new();
            for &(name, value) in *fields {
                headers.append(name, value.parse().unwrap());
            }
            assert_eq!(is_from_own_page(&headers, &own), *passes, "{fields:?}");
        }
    }
}
