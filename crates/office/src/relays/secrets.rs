//! Which of a relay's secrets are used: those that are given, and the kept ones for the server that they went to before,
//! over TLS that is as strong as it was.

use postroom_domain::OfficeId;
use postroom_store::{KeptRelay, Sealed, SmtpSettings, SmtpTls, SmtpTrust};

use super::build::OpenSecrets;
use super::draft::{Has, RelayDraft, SecretDraft, WhyNot};
use crate::vault::{Field, Slot, Vault, VaultError};

/// The secrets for a try of a draft.
///
/// # Errors
/// [`VaultError::NotOurs`].
pub(super) fn tried(
    vault: &Vault,
    office: OfficeId,
    place: usize,
    draft: &RelayDraft,
    kept: Option<&KeptRelay>,
) -> Result<OpenSecrets, VaultError> {
    let has = usable(draft, kept);
    let secrets = match kept {
        Some(kept) => OpenSecrets::of(vault, office, place, kept)?,
        None => OpenSecrets::default(),
    };
    let choose = |draft: &SecretDraft, kept: Option<String>, may: bool| match draft {
        SecretDraft::Keep => kept.filter(|_| may),
        SecretDraft::Set(secret) => Some(secret.clone()),
        SecretDraft::Clear => None,
    };
    Ok(OpenSecrets {
        secret: choose(&draft.secret, secrets.secret, has.secret),
        client_secret: choose(&draft.client_secret, secrets.client_secret, has.client_secret),
        refresh_token: choose(&draft.refresh_token, secrets.refresh_token, has.refresh_token),
    })
}

/// The relay as it is kept: what is new of its secrets sealed, what stays as it was.
///
/// # Errors
/// [`VaultError::Random`].
pub(super) fn sealed(
    vault: &Vault,
    office: OfficeId,
    place: usize,
    wanted: &RelayDraft,
    kept: Option<&KeptRelay>,
) -> Result<KeptRelay, VaultError> {
    let has = usable(wanted, kept);
    let one = |field, draft: &SecretDraft, kept: Option<&Sealed>, may: bool| match draft {
        SecretDraft::Keep => Ok(kept.filter(|_| may).cloned()),
        SecretDraft::Set(secret) if secret.is_empty() => Ok(None),
        SecretDraft::Set(secret) => {
            let sealed = vault.seal(Slot { office, place, field }, secret)?;
            Ok(Some(sealed))
        }
        SecretDraft::Clear => Ok(None),
    };
    let secret = kept.and_then(|kept| kept.secret.as_ref());
    let client_secret = kept.and_then(|kept| kept.client_secret.as_ref());
    let refresh_token = kept.and_then(|kept| kept.refresh_token.as_ref());
    Ok(KeptRelay {
        smtp: wanted.smtp.clone(),
        secret: one(Field::Password, &wanted.secret, secret, has.secret)?,
        client_secret: one(
            Field::ClientSecret,
            &wanted.client_secret,
            client_secret,
            has.client_secret,
        )?,
        refresh_token: one(
            Field::RefreshToken,
            &wanted.refresh_token,
            refresh_token,
            has.refresh_token,
        )?,
    })
}

/// Which kept secrets go to this server: those that went there before, where nobody can read them who could not before.
pub(super) fn usable(wanted: &RelayDraft, kept: Option<&KeptRelay>) -> Has {
    let Some(kept) = kept else { return Has::default() };
    let (new, old) = (&wanted.smtp, &kept.smtp);
    let same_server = (&new.host, new.port) == (&old.host, old.port);
    let as_strong = is_as_strong(new, old);
    let url = |smtp: &SmtpSettings| smtp.token.as_ref().map(|token| token.url.clone());
    let same_endpoint = url(new) == url(old);
    let goes = same_server && as_strong;
    Has {
        secret: goes && kept.secret.is_some(),
        client_secret: goes && same_endpoint && kept.client_secret.is_some(),
        refresh_token: goes && same_endpoint && kept.refresh_token.is_some(),
        why_not: if same_server && !as_strong {
            WhyNot::WeakerTls
        } else {
            WhyNot::OtherServer
        },
    }
}

/// What somebody between us and the relay has to do to read what we send it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    /// Listen.
    Clear,
    /// Take the relay's place.
    Unverified,
    /// Have a certificate that we trust.
    Verified,
}

const fn strength(tls: SmtpTls) -> Strength {
    match tls {
        SmtpTls::None => Strength::Clear,
        SmtpTls::Opportunistic => Strength::Unverified,
        SmtpTls::Required | SmtpTls::Implicit => Strength::Verified,
    }
}

/// Whether what is sent with `new` is as safe as it was with `old`. A certificate or authority that was not trusted
/// before may be anybody's; the machine's authorities are the operator's choice.
fn is_as_strong(new: &SmtpSettings, old: &SmtpSettings) -> bool {
    let verified_before = strength(old.tls) == Strength::Verified;
    let trusts_no_more =
        new.trust == SmtpTrust::System || (new.trust, &new.certificate) == (old.trust, &old.certificate);
    strength(new.tls) >= strength(old.tls) && (!verified_before || trusts_no_more)
}

#[cfg(test)]
mod tests {
    use postroom_domain::Rates;
    use postroom_store::SmtpAuth;

    use super::*;

    const POLICIES: [SmtpTls; 4] = [
        SmtpTls::None,
        SmtpTls::Opportunistic,
        SmtpTls::Required,
        SmtpTls::Implicit,
    ];

    fn smtp(tls: SmtpTls, trust: SmtpTrust, certificate: Option<&str>) -> SmtpSettings {
        SmtpSettings {
            host: "smtp.example.test".to_owned(),
            port: 587,
            tls,
            auth: SmtpAuth::Plain,
            user: "office".to_owned(),
            token: None,
            certificate: certificate.map(str::to_owned),
            trust,
            sender_domains: Vec::new(),
            connections: 1,
            messages_per_connection: 1,
            rates: Rates::default(),
        }
    }

    fn kept(smtp: SmtpSettings) -> KeptRelay {
        let sealed = Some(Sealed(vec![1]));
        KeptRelay {
            smtp,
            secret: sealed.clone(),
            client_secret: sealed.clone(),
            refresh_token: sealed,
        }
    }

    fn has(new: SmtpSettings, old: SmtpSettings) -> Has {
        let draft = RelayDraft {
            smtp: new,
            secret: SecretDraft::Keep,
            client_secret: SecretDraft::Keep,
            refresh_token: SecretDraft::Keep,
        };
        usable(&draft, Some(&kept(old)))
    }

    #[test]
    fn kept_secrets_go_over_tls_that_is_as_strong_as_before() {
        // A row for each policy of before, a column for each one of now.
        let expected = [
            [true, true, true, true],
            [false, true, true, true],
            [false, false, true, true],
            [false, false, true, true],
        ];
        for (old, row) in POLICIES.into_iter().zip(expected) {
            for (new, goes) in POLICIES.into_iter().zip(row) {
                let system = |tls| smtp(tls, SmtpTrust::System, None);
                let has = has(system(new), system(old));
                let all = [has.secret, has.client_secret, has.refresh_token];
                assert_eq!(all, [goes; 3], "{old:?} to {new:?}");
                assert_eq!(has.why_not == WhyNot::WeakerTls, !goes, "{old:?} to {new:?}");
            }
        }
    }

    #[test]
    fn kept_secrets_go_to_no_certificate_that_was_not_trusted_before() {
        let required = |trust, certificate| smtp(SmtpTls::Required, trust, certificate);
        let trusts = [
            required(SmtpTrust::System, None),
            required(SmtpTrust::Authority, Some("one")),
            required(SmtpTrust::Authority, Some("two")),
            required(SmtpTrust::Pinned, Some("one")),
        ];
        for (n, old) in trusts.iter().enumerate() {
            for (m, new) in trusts.iter().enumerate() {
                let goes = m == 0 || m == n;
                assert_eq!(has(new.clone(), old.clone()).secret, goes, "{old:?} to {new:?}");
            }
            let clear = smtp(SmtpTls::Opportunistic, SmtpTrust::System, None);
            assert!(has(old.clone(), clear).secret, "verified is more than it was");
        }
    }
}
