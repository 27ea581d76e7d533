//! TLS for the server's side: an acceptor from a certificate chain and its key.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;
use tokio_rustls::TlsAcceptor;

/// Why a certificate and key cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The certificate chain is not PEM.
    #[error("the certificate chain cannot be read; it must be PEM, the server's own certificate first")]
    Certificate(#[source] rustls::pki_types::pem::Error),
    /// The PEM text has no certificate.
    #[error("the certificate chain holds no certificate")]
    NoCertificate,
    /// The key is not PEM.
    #[error("the private key cannot be read; it must be PEM (PKCS#8, PKCS#1 or SEC1), without a password")]
    Key(#[source] rustls::pki_types::pem::Error),
    /// The two do not belong together or cannot be used.
    #[error("the certificate and the private key cannot be used together")]
    Unusable(#[source] rustls::Error),
}

/// Builds an acceptor for TLS 1.2 and 1.3 from PEM texts.
///
/// # Errors
/// [`TlsError`] says which of the two texts is wrong.
pub fn acceptor_from_pem(chain: &[u8], key: &[u8]) -> Result<TlsAcceptor, TlsError> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(TlsError::Certificate)?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate);
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(TlsError::Key)?;
    acceptor(chain, key)
}

/// Builds an acceptor for TLS 1.2 and 1.3.
///
/// # Errors
/// [`TlsError::Unusable`] if the key does not fit the certificate.
pub fn acceptor(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<TlsAcceptor, TlsError> {
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(TlsError::Unusable)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_certificate_or_key_is_named() {
        let made = rcgen::generate_simple_self_signed(vec!["mail.example.com".into()]).unwrap();
        let other = rcgen::generate_simple_self_signed(vec!["mail.example.com".into()]).unwrap();
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        assert!(acceptor_from_pem(chain.as_bytes(), key.as_bytes()).is_ok());
        let refuse =
            |chain: &str, key: &str| acceptor_from_pem(chain.as_bytes(), key.as_bytes()).err().unwrap();
        assert!(matches!(refuse("", &key), TlsError::NoCertificate));
        assert!(matches!(refuse(&chain, "nothing"), TlsError::Key(_)));
        assert!(matches!(
            refuse(&chain, &other.signing_key.serialize_pem()),
            TlsError::Unusable(_)
        ));
    }
}
