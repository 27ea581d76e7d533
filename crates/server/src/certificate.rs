//! Certificates of the listeners, read from the files that the configuration names.

use std::path::{Path, PathBuf};

use postroom_smtp::tls::{Identity, TlsError};

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("cannot read {}: {source} ({section}.tls_certificate, {section}.tls_key)", path.display())]
    File {
        /// The section whose keys name it.
        section: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The certificate and key do not make a server.
    #[error("the certificate of {section}.tls_certificate cannot be used: {source}")]
    Unusable {
        /// The section whose keys name it.
        section: &'static str,
        /// What is wrong.
        source: TlsError,
    },
}

/// Reads a certificate and its key; `None` where none is configured.
///
/// # Errors
/// [`CertificateError`] names the file or what is wrong with it.
pub async fn read(
    section: &'static str,
    certificate: &Path,
    key: &Path,
) -> Result<Option<Identity>, CertificateError> {
    if certificate.as_os_str().is_empty() {
        return Ok(None);
    }
    let octets = async |path: &Path| {
        let read = tokio::fs::read(path).await;
        read.map_err(|source| CertificateError::File {
            section,
            path: path.to_owned(),
            source,
        })
    };
    let (chain, key) = (octets(certificate).await?, octets(key).await?);
    Identity::from_pem(&chain, &key)
        .map(Some)
        .map_err(|source| CertificateError::Unusable { section, source })
}
