//! Which certificates of a relay are good, and what TLS a session runs under.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt as _;
use thiserror::Error;

use super::config::{RelayConfig, TlsPolicy};

/// Which certificates are good, where the policy verifies them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Trust {
    /// Those that the machine's authorities vouch for.
    #[default]
    Platform,
    /// Those that one of these authorities vouches for, in DER.
    Authorities(Vec<Vec<u8>>),
    /// This very certificate, in DER, whatever its name or dates say.
    Pinned(Vec<u8>),
}

/// Why the TLS part of a relay's configuration cannot be used.
#[derive(Debug, Error)]
pub enum TlsSetupError {
    /// The machine's authorities cannot be read, or a protocol version is missing.
    #[error("TLS cannot be set up: {0}")]
    Rustls(#[from] rustls::Error),
    /// A given authority is not a certificate.
    #[error("the given certificate authority is not a DER certificate: {0}")]
    Authority(rustls::Error),
    /// The relay's name is no DNS name and no address.
    #[error("{0:?} cannot be the name of a certificate")]
    Name(String),
}

/// What TLS a session runs under, for the attempt log.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TlsInfo {
    /// As in `TLSv1.3`.
    pub version: &'static str,
    /// As in `TLS13_AES_256_GCM_SHA384`.
    pub cipher: String,
}

/// Builds the TLS configuration that a relay's policy and trust ask for.
pub(crate) fn client_config(relay: &RelayConfig) -> Result<Option<Arc<ClientConfig>>, TlsSetupError> {
    if relay.tls == TlsPolicy::None {
        return Ok(None);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(TlsSetupError::Rustls)?;
    let accepted = |accept| {
        let algorithms = provider.signature_verification_algorithms;
        Arc::new(Lenient { accept, algorithms })
    };
    let config = match (relay.tls, &relay.trust) {
        (TlsPolicy::None | TlsPolicy::Opportunistic, _) => builder
            .dangerous()
            .with_custom_certificate_verifier(accepted(Accept::Any))
            .with_no_client_auth(),
        (TlsPolicy::Required | TlsPolicy::Implicit, Trust::Platform) => {
            builder.with_platform_verifier()?.with_no_client_auth()
        }
        (TlsPolicy::Required | TlsPolicy::Implicit, Trust::Authorities(authorities)) => {
            let mut roots = RootCertStore::empty();
            for der in authorities {
                roots
                    .add(CertificateDer::from(der.clone()))
                    .map_err(TlsSetupError::Authority)?;
            }
            builder.with_root_certificates(roots).with_no_client_auth()
        }
        (TlsPolicy::Required | TlsPolicy::Implicit, Trust::Pinned(der)) => {
            let verifier = accepted(Accept::Only(CertificateDer::from(der.clone())));
            builder
                .dangerous()
                .with_custom_certificate_verifier(verifier)
                .with_no_client_auth()
        }
    };
    Ok(Some(Arc::new(config)))
}

/// Says in words what a failed handshake means.
pub(crate) fn explain(error: &std::io::Error) -> Option<String> {
    let tls = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(if let rustls::Error::InvalidCertificate(reason) = tls {
        format!(
            "the relay's certificate is not good: {}",
            explain_certificate(reason)
        )
    } else if let rustls::Error::AlertReceived(alert) = tls {
        format!("the relay ended the TLS handshake: {alert:?}")
    } else if let rustls::Error::InvalidMessage(_) = tls {
        "the relay does not speak TLS here".to_owned()
    } else {
        format!("the TLS handshake failed: {tls}")
    })
}

fn explain_certificate(reason: &CertificateError) -> String {
    if *reason == CertificateError::UnknownIssuer {
        "no known authority vouches for it (give its authority, or pin it)".to_owned()
    } else if *reason == CertificateError::ApplicationVerificationFailure {
        "it is not the pinned one".to_owned()
    } else {
        reason.to_string()
    }
}

/// Which end-entity certificates pass without an authority.
#[derive(Debug)]
enum Accept {
    Any,
    Only(CertificateDer<'static>),
}

/// Checks no chain, no name and no date; the handshake's signature is checked all the same.
#[derive(Debug)]
struct Lenient {
    accept: Accept,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match &self.accept {
            Accept::Only(pinned) if pinned != end_entity => {
                Err(CertificateError::ApplicationVerificationFailure.into())
            }
            Accept::Any | Accept::Only(_) => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Reads version and cipher off a finished handshake.
pub(crate) fn info(connection: &rustls::ClientConnection) -> TlsInfo {
    use rustls::ProtocolVersion as V;
    let version = match connection.protocol_version() {
        Some(V::TLSv1_3) => "TLSv1.3",
        Some(V::TLSv1_2) => "TLSv1.2",
        _ => "TLS",
    };
    let cipher = connection
        .negotiated_cipher_suite()
        .map_or_else(String::new, |suite| format!("{:?}", suite.suite()));
    TlsInfo { version, cipher }
}
