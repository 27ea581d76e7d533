//! TLS for the server's side: an acceptor from a certificate chain and its key.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
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

/// A certificate chain with its key that can be renewed while listeners use it. Clones are the same identity.
#[derive(Clone)]
pub struct Identity(Arc<RwLock<Arc<CertifiedKey>>>);

impl Identity {
    /// Reads it from PEM texts.
    ///
    /// # Errors
    /// [`TlsError`] says which of the two texts is wrong.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(TlsError::Certificate)?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate);
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(TlsError::Key)?;
        let certified = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider());
        let certified = certified.map_err(TlsError::Unusable)?;
        Ok(Self(Arc::new(RwLock::new(Arc::new(certified)))))
    }

    /// Proves itself as `with` does from the next connection on.
    pub fn renew(&self, with: &Self) {
        let new = with.current();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = new;
    }

    /// Builds an acceptor for TLS 1.2 and 1.3 that speaks the given protocols (ALPN), which may be none.
    ///
    /// # Errors
    /// [`TlsError::Unusable`] if TLS cannot be set up.
    pub fn acceptor(&self, protocols: &[&[u8]]) -> Result<TlsAcceptor, TlsError> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Unusable)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(self.clone()));
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    fn current(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

impl fmt::Debug for Identity {
    /// Never the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
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
        assert!(Identity::from_pem(chain.as_bytes(), key.as_bytes()).is_ok());
        let strange = other.signing_key.serialize_pem();
        let mixed = Identity::from_pem(chain.as_bytes(), strange.as_bytes());
        assert!(matches!(mixed, Err(TlsError::Unusable(_))));
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
