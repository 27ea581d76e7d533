//! Certificates made on the spot, for relays that speak TLS.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postroom_smtp::client::Trust;
use postroom_smtp::sink::SinkTls;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A server's certificate with its key, and the certificate to trust for its sake.
#[derive(Debug, Clone)]
pub struct Identity {
    server: Arc<ServerConfig>,
    trusted: Vec<u8>,
}

impl Identity {
    /// Makes a certificate for `name` that nobody but itself vouches for.
    #[must_use]
    pub fn self_signed(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("make a certificate");
        Self {
            server: server(made.cert.der(), &made.signing_key),
            trusted: made.cert.der().to_vec(),
        }
    }

    /// Makes an authority, and a certificate for `name` that it vouches for.
    #[must_use]
    pub fn vouched_for(name: &str) -> Self {
        Self::vouched(name, |_| {})
    }

    fn vouched(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut authority = CertificateParams::new([]).expect("name an authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("make an authority's key");
        let authority = CertifiedIssuer::self_signed(authority, key).expect("make an authority");
        let key = KeyPair::generate().expect("make a key");
        let certificate = CertificateParams::new([name.to_owned()])
            .and_then(|mut parameters| {
                change(&mut parameters);
                parameters.signed_by(&key, &authority)
            })
            .expect("make a certificate");
        Self {
            server: server(certificate.der(), &key),
            trusted: authority.der().to_vec(),
        }
    }

    /// Makes an authority, and a certificate for `name` that it vouched for until 2020.
    #[must_use]
    pub fn expired(name: &str) -> Self {
        Self::vouched(name, |parameters| {
            parameters.not_before = rcgen::date_time_ymd(2019, 1, 1);
            parameters.not_after = rcgen::date_time_ymd(2020, 1, 1);
        })
    }

    /// The certificate to trust, as PEM.
    #[must_use]
    pub fn trusted_pem(&self) -> String {
        let lines: Vec<String> = STANDARD
            .encode(&self.trusted)
            .as_bytes()
            .chunks(64)
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect();
        format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            lines.join("\n")
        )
    }

    /// Makes a relay offer STARTTLS.
    #[must_use]
    pub fn start_tls(&self) -> SinkTls {
        SinkTls::StartTls(Arc::clone(&self.server))
    }

    /// Makes a relay speak TLS from the first byte.
    #[must_use]
    pub fn implicit(&self) -> SinkTls {
        SinkTls::Implicit(Arc::clone(&self.server))
    }

    /// Trusts whom the authority vouches for.
    #[must_use]
    pub fn trust(&self) -> Trust {
        Trust::Authorities(vec![self.trusted.clone()])
    }

    /// Trusts this self-signed certificate alone.
    #[must_use]
    pub fn pin(&self) -> Trust {
        Trust::Pinned(self.trusted.clone())
    }
}

fn server(certificate: &CertificateDer<'static>, key: &KeyPair) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_no_client_auth()
                .with_single_cert(vec![certificate.clone()], key)
        })
        .expect("configure TLS");
    Arc::new(config)
}
