//! Which certificates of a relay are good, and what TLS a session runs under.

use std::sync::{Arc, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use thiserror::Error;

use super::config::{RelayConfig, TlsPolicy};
use super::connect::Seen;

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
    /// There is no authority to trust.
    #[error("no certificate authority is given")]
    NoAuthority,
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

/// Builds the TLS configuration that a relay's policy and trust ask for, and where it notes what the relay shows.
pub(crate) fn client_config(relay: &RelayConfig) -> Result<Option<(Arc<ClientConfig>, Seen)>, TlsSetupError> {
    if relay.tls == TlsPolicy::None {
        return Ok(None);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let lenient = |accept| -> Arc<dyn ServerCertVerifier> {
        let algorithms = provider.signature_verification_algorithms;
        Arc::new(Lenient { accept, algorithms })
    };
    let inner = match (relay.tls, &relay.trust) {
        (TlsPolicy::None | TlsPolicy::Opportunistic, _) => lenient(Accept::Any),
        (TlsPolicy::Required | TlsPolicy::Implicit, Trust::Platform) => {
            Arc::new(rustls_platform_verifier::Verifier::new(Arc::clone(&provider))?)
        }
        (TlsPolicy::Required | TlsPolicy::Implicit, Trust::Authorities(authorities)) => {
            vouched_for(authorities, &provider)?
        }
        (TlsPolicy::Required | TlsPolicy::Implicit, Trust::Pinned(der)) => {
            lenient(Accept::Only(CertificateDer::from(der.clone())))
        }
    };
    let seen = Seen::default();
    let verifier = Noting {
        inner,
        seen: Arc::clone(&seen),
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsSetupError::Rustls)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Some((Arc::new(config), seen)))
}

/// Checks chain, name and dates against these authorities alone.
fn vouched_for(
    authorities: &[Vec<u8>],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TlsSetupError> {
    let mut roots = RootCertStore::empty();
    for der in authorities {
        roots
            .add(CertificateDer::from(der.clone()))
            .map_err(TlsSetupError::Authority)?;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|_| TlsSetupError::NoAuthority)?;
    Ok(verifier)
}

/// What is wrong with a relay's TLS.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text}")]
pub struct TlsFault {
    /// What sort of fault.
    pub kind: TlsFaultKind,
    /// In words.
    pub text: String,
    /// The certificate that the relay showed, in DER, where it is the certificate that is at fault.
    pub certificate: Option<Vec<u8>>,
}

/// Sorts of faults of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TlsFaultKind {
    /// The certificate's time is over.
    Expired,
    /// The certificate's time has not begun.
    NotYetValid,
    /// The certificate is for other names.
    WrongName,
    /// The certificate vouches for itself.
    SelfSigned,
    /// No known authority vouches for the certificate.
    UnknownAuthority,
    /// It is another certificate than the pinned one.
    NotPinned,
    /// Something else is wrong with the certificate.
    Certificate,
    /// The relay does not speak TLS here.
    NotTls,
    /// The handshake failed otherwise.
    Handshake,
}

/// Says in words what a failed handshake means.
pub(crate) fn explain(
    error: &std::io::Error,
    name: &ServerName<'_>,
    offered: Option<Vec<u8>>,
) -> Option<TlsFault> {
    let tls = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    let plain = |kind, text| TlsFault {
        kind,
        text,
        certificate: None,
    };
    Some(if let rustls::Error::InvalidCertificate(reason) = tls {
        let (kind, words) = explain_certificate(reason, name, offered.as_deref());
        TlsFault {
            kind,
            text: format!("the relay's certificate is not good: {words}"),
            certificate: offered,
        }
    } else if let rustls::Error::AlertReceived(alert) = tls {
        let text = format!("the relay ended the TLS handshake: {alert:?}");
        plain(TlsFaultKind::Handshake, text)
    } else if let rustls::Error::InvalidMessage(_) = tls {
        let text = "the relay does not speak TLS here".to_owned();
        plain(TlsFaultKind::NotTls, text)
    } else {
        let text = format!("the TLS handshake failed: {tls}");
        plain(TlsFaultKind::Handshake, text)
    })
}

fn explain_certificate(
    reason: &CertificateError,
    name: &ServerName<'_>,
    offered: Option<&[u8]>,
) -> (TlsFaultKind, String) {
    use CertificateError as E;
    use TlsFaultKind as K;
    let name = name.to_str();
    if *reason == E::UnknownIssuer && offered.is_some_and(is_self_signed) {
        let text =
            "it vouches for itself (self-signed): pin it if it is the right one, or give its authority";
        (K::SelfSigned, text.to_owned())
    } else if *reason == E::UnknownIssuer {
        let text = "no known authority vouches for it (give its authority, or pin it)";
        (K::UnknownAuthority, text.to_owned())
    } else if *reason == E::ApplicationVerificationFailure {
        (K::NotPinned, "it is not the pinned one".to_owned())
    } else if matches!(reason, E::Expired | E::ExpiredContext { .. }) {
        (K::Expired, format!("its time is over ({reason})"))
    } else if matches!(reason, E::NotValidYet | E::NotValidYetContext { .. }) {
        (K::NotYetValid, format!("its time has not begun ({reason})"))
    } else if matches!(reason, E::NotValidForName | E::NotValidForNameContext { .. }) {
        (K::WrongName, format!("it is not for the name {name} ({reason})"))
    } else {
        (K::Certificate, reason.to_string())
    }
}

/// Whether a certificate is its own authority: then it passes with itself as the only one.
fn is_self_signed(der: &[u8]) -> bool {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let certificate = CertificateDer::from(der.to_vec());
    let Ok(verifier) = vouched_for(&[der.to_vec()], &provider) else {
        return false;
    };
    let Ok(any_name) = ServerName::try_from("any.invalid") else {
        return false;
    };
    let checked = verifier.verify_server_cert(&certificate, &[], &any_name, &[], UnixTime::now());
    // The chain and its signature are looked at before the name.
    matches!(
        checked,
        Err(rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
        ))
    )
}

/// Notes the certificate that the relay shows, and lets another decide.
#[derive(Debug)]
struct Noting {
    inner: Arc<dyn ServerCertVerifier>,
    seen: Seen,
}

impl ServerCertVerifier for Noting {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let checked =
            self.inner
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        if checked.is_err() {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            *seen = Some(end_entity.to_vec());
        }
        checked
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
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
