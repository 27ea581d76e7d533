//! Access tokens for XOAUTH2, from a token endpoint with client credentials or a refresh token (RFC 6749 §4.4, §6).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::{Request, StatusCode, Uri, header};
use hyper_util::rt::TokioIo;
use postroom_domain::{Clock, Timestamp};
use postroom_smtp::client::{Reach, RelayAddress, TokenFuture, TokenSource, connect_to, resolve};
use postroom_store::{TokenEndpoint, TokenGrant};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::BuilderVerifierExt as _;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

/// The whole request.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Longest answer, in octets.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How long before its end a token is replaced.
const EARLY: Duration = Duration::from_secs(60);
/// A token's life where the endpoint names none.
const LIFE_DEFAULT: Duration = Duration::from_secs(300);

/// Fetches tokens and keeps the last one until shortly before its end.
pub(super) struct TokenClient {
    endpoint: TokenEndpoint,
    secrets: TokenSecrets,
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
    /// A refresh token that the endpoint gave in place of the configured one; forgotten with the process.
    refresh_token: Option<String>,
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
            let now = self.clock.now();
            if let Some((token, until)) = &kept.token
                && *until > now
                && refused != Some(token)
            {
                return Ok(token.clone());
            }
            kept.token = None;
            let asked = tokio::time::timeout(TIMEOUT, self.ask(&kept)).await;
            let given = asked.unwrap_or_else(|_| {
                Err(format!(
                    "the token endpoint did not answer within {} s",
                    TIMEOUT.as_secs()
                ))
            })?;
            let life = given.life.saturating_sub(EARLY.min(given.life / 2));
            kept.token = Some((given.token.clone(), now.plus(life)));
            kept.refresh_token = given.refresh_token.or(kept.refresh_token.take());
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
        reach: Reach,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            endpoint,
            secrets,
            reach,
            clock,
            kept: tokio::sync::Mutex::default(),
        }
    }

    async fn ask(&self, kept: &Kept) -> Result<Given, String> {
        let url = Endpoint::parse(&self.endpoint.url)?;
        let body = self.form(kept);
        let addresses = resolve(&url.address)
            .await
            .map_err(|cause| format!("the token endpoint: {cause}"))?;
        let stream = connect_to(&addresses, &self.reach)
            .await
            .map_err(|cause| format!("the token endpoint: {cause}"))?;
        let (status, answer) = if url.is_https {
            let name = ServerName::try_from(url.host.clone())
                .map_err(|_| format!("{:?} cannot be the name of a certificate", url.host))?;
            let connector = TlsConnector::from(Arc::new(tls()?));
            let stream = connector
                .connect(name, stream)
                .await
                .map_err(|error| format!("the token endpoint's TLS: {error}"))?;
            post(stream, &url, body).await?
        } else {
            post(stream, &url, body).await?
        };
        read(status, &answer)
    }

    fn form(&self, kept: &Kept) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        match self.endpoint.grant {
            TokenGrant::ClientCredentials => {
                form.append_pair("grant_type", "client_credentials");
            }
            TokenGrant::RefreshToken => {
                let refresh_token = kept.refresh_token.as_ref();
                form.append_pair("grant_type", "refresh_token").append_pair(
                    "refresh_token",
                    refresh_token.unwrap_or(&self.secrets.refresh_token),
                );
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

/// A token endpoint's address, taken apart.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) address: RelayAddress,
    host: String,
    authority: String,
    path: String,
    is_https: bool,
}

impl Endpoint {
    /// Takes an address apart: https, or http on this machine alone.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{url:?} is not the address of a token endpoint; write it like \"https://login.example.com/token\""
            )
        };
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let authority = uri.authority().ok_or_else(wrong)?;
        if authority.as_str().contains('@') {
            return Err(wrong());
        }
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let is_https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            Some(_) | None => return Err(wrong()),
        };
        let is_local = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        if !is_https && !is_local {
            return Err(format!(
                "{url:?}: a token endpoint is reached by https; secrets do not go over the wire in clear"
            ));
        }
        let port = authority.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        Ok(Self {
            address: RelayAddress::Host {
                host: host.clone(),
                port,
            },
            host,
            authority: authority.to_string(),
            path: uri
                .path_and_query()
                .map_or_else(|| "/".to_owned(), ToString::to_string),
            is_https,
        })
    }
}

fn tls() -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_platform_verifier())
        .map_err(|error| format!("TLS cannot be set up: {error}"))?;
    Ok(config.with_no_client_auth())
}

/// Posts a form; a redirection is not followed, the answer is read to a limit.
async fn post<S>(stream: S, url: &Endpoint, body: String) -> Result<(StatusCode, Bytes), String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let failed = |error: &dyn fmt::Display| format!("the token endpoint's answer cannot be read: {error}");
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| failed(&error))?;
    let connection = tokio::spawn(connection);
    let request = Request::post(&url.path)
        .header(header::HOST, &url.authority)
        .header(header::ACCEPT, "application/json")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| failed(&error))?;
    let answer = async {
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| failed(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX)
            .collect()
            .await;
        Ok((status, body.map_err(|error| failed(&error))?.to_bytes()))
    };
    let answer = answer.await;
    connection.abort();
    answer
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_in_clear_are_for_this_machine_alone() {
        for good in [
            "https://login.example.com/a/token?x=1",
            "http://127.0.0.1:8090/token",
            "http://[::1]/t",
            "http://localhost/t",
        ] {
            Endpoint::parse(good).unwrap();
        }
        for bad in [
            "http://login.example.com/token",
            "ftp://login.example.com/",
            "login.example.com",
            "https://user@login.example.com/",
            "",
        ] {
            assert!(Endpoint::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn refusal_is_quoted() {
        let answer = br#"{"error":"invalid_client","error_description":"secret expired"}"#;
        let error = read(StatusCode::UNAUTHORIZED, answer).map(drop).unwrap_err();
        assert_eq!(
            error,
            "the token endpoint answered 401 Unauthorized: invalid_client secret expired"
        );
        assert!(
            read(StatusCode::OK, b"<html>")
                .map(drop)
                .unwrap_err()
                .contains("no access_token")
        );
    }
}

#[cfg(test)]
mod endpoint_tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use postroom_domain::ManualClock;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// A token endpoint that numbers its tokens and keeps the forms that it was sent.
    struct Server {
        url: String,
        asked: Arc<AtomicUsize>,
        forms: Arc<std::sync::Mutex<Vec<String>>>,
    }

    async fn server(extra: &'static str) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/token", listener.local_addr().unwrap());
        let (asked, forms) = (Arc::new(AtomicUsize::new(0)), Arc::default());
        let (count, kept) = (Arc::clone(&asked), Arc::clone(&forms));
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let n = count.fetch_add(1, Ordering::SeqCst) + 1;
                let mut request = String::new();
                while !request.contains("grant_type") {
                    let mut chunk = [0; 4_096];
                    let read = stream.read(&mut chunk).await.unwrap();
                    request.push_str(&String::from_utf8_lossy(&chunk[..read]));
                }
                let form = request.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned();
                let forms: &std::sync::Mutex<Vec<String>> = &kept;
                forms.lock().unwrap().push(form);
                let body = format!("{{\"access_token\":\"t{n}\",\"expires_in\":3600{extra}}}");
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                stream
                    .write_all(format!("{head}{body}").as_bytes())
                    .await
                    .unwrap();
            }
        });
        Server { url, asked, forms }
    }

    fn client(server: &Server, grant: TokenGrant, reach: Reach) -> (TokenClient, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_790_000_000_000_000)));
        let endpoint = TokenEndpoint {
            url: server.url.clone(),
            client_id: "postroom".to_owned(),
            scope: "smtp".to_owned(),
            grant,
        };
        let secrets = TokenSecrets {
            client_secret: "client secret".to_owned(),
            refresh_token: "refresh".to_owned(),
        };
        let client = TokenClient::new(endpoint, secrets, reach, Arc::clone(&clock) as _);
        (client, clock)
    }

    #[tokio::test]
    async fn token_is_kept_until_shortly_before_its_end() {
        let server = server("").await;
        let (client, clock) = client(&server, TokenGrant::ClientCredentials, Reach::default());
        assert_eq!(client.token(None).await.unwrap(), "t1");
        clock.advance(Duration::from_secs(3_600 - 61));
        assert_eq!(client.token(None).await.unwrap(), "t1");
        clock.advance(Duration::from_secs(2));
        assert_eq!(client.token(None).await.unwrap(), "t2");
        let form = server.forms.lock().unwrap()[0].clone();
        assert_eq!(
            form,
            "grant_type=client_credentials&client_id=postroom&client_secret=client+secret&scope=smtp"
        );
    }

    #[tokio::test]
    async fn refused_token_is_replaced_and_another_is_not() {
        let server = server("").await;
        let (client, _) = client(&server, TokenGrant::ClientCredentials, Reach::default());
        assert_eq!(client.token(None).await.unwrap(), "t1");
        assert_eq!(client.token(Some("t1")).await.unwrap(), "t2");
        // A connection that was refused the old one meets the new one.
        assert_eq!(client.token(Some("t1")).await.unwrap(), "t2");
        assert_eq!(server.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn refresh_token_that_the_endpoint_replaces_is_used_from_then_on() {
        let server = server(",\"refresh_token\":\"second\"").await;
        let (client, clock) = client(&server, TokenGrant::RefreshToken, Reach::default());
        client.token(None).await.unwrap();
        clock.advance(Duration::from_secs(7_200));
        client.token(None).await.unwrap();
        let forms = server.forms.lock().unwrap().clone();
        assert!(forms[0].contains("refresh_token=refresh&"), "{forms:?}");
        assert!(forms[1].contains("refresh_token=second&"), "{forms:?}");
    }

    #[tokio::test]
    async fn endpoint_at_a_forbidden_address_is_not_asked() {
        let server = server("").await;
        let reach = Reach::guarded(|_| Err("it is loopback".to_owned()));
        let (client, _) = client(&server, TokenGrant::ClientCredentials, reach);
        let error = client.token(None).await.unwrap_err();
        assert!(
            error.contains("may not be connected to: it is loopback"),
            "{error}"
        );
        assert_eq!(server.asked.load(Ordering::SeqCst), 0);
    }
}
