//! A token endpoint: its address taken apart, and a form posted to it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::{Request, StatusCode, Uri, header};
use hyper_util::rt::TokioIo;
use postroom_smtp::client::{Cause, Dialler, Reach, RelayAddress, TokenError, connect_to, resolve};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

/// Longest answer, in octets.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How long one address of the endpoint is waited for.
const CONNECT: Duration = Duration::from_secs(10);

/// A token endpoint's address, taken apart.
#[derive(Debug)]
pub(in crate::relays) struct Endpoint {
    address: RelayAddress,
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
    pub(in crate::relays) fn parse(url: &str) -> Result<Self, String> {
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

    /// Where it is.
    pub(in crate::relays) const fn address(&self) -> &RelayAddress {
        &self.address
    }

    /// Posts a form to where `reach` lets one connect.
    ///
    /// # Errors
    /// Why there is no answer.
    pub(super) async fn ask(&self, reach: &Reach, form: String) -> Result<(StatusCode, Bytes), TokenError> {
        let dial = Dialler::default();
        let addresses = resolve(&dial, &self.address).await.map_err(not_reached)?;
        let (stream, _) = connect_to(&dial, &addresses, reach, CONNECT)
            .await
            .map_err(not_reached)?;
        if !self.is_https {
            return Ok(post(stream, self, form).await?);
        }
        let name = ServerName::try_from(self.host.clone())
            .map_err(|_| format!("{:?} cannot be the name of a certificate", self.host))?;
        let connector = TlsConnector::from(Arc::new(tls()?));
        let stream = connector
            .connect(name, stream)
            .await
            .map_err(|error| format!("the token endpoint's TLS: {error}"))?;
        Ok(post(stream, self, form).await?)
    }
}

fn not_reached(cause: Cause) -> TokenError {
    if let Cause::Forbidden { address, why } = cause {
        TokenError::Forbidden { address, why }
    } else {
        TokenError::Failed(format!("the token endpoint: {cause}"))
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
}
