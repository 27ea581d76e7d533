//! Which of a relay's secrets are used: those that are given, and the kept ones for the server that they went to before.

use postroom_domain::OfficeId;
use postroom_store::{KeptRelay, Sealed, SmtpSettings};

use super::build::OpenSecrets;
use super::draft::{Has, RelayDraft, SecretDraft};
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

/// Which kept secrets go to this server: those that went there before.
pub(super) fn usable(wanted: &RelayDraft, kept: Option<&KeptRelay>) -> Has {
    let Some(kept) = kept else { return Has::default() };
    let (new, old) = (&wanted.smtp, &kept.smtp);
    let same_server = (&new.host, new.port) == (&old.host, old.port);
    let url = |smtp: &SmtpSettings| smtp.token.as_ref().map(|token| token.url.clone());
    let same_endpoint = url(new) == url(old);
    Has {
        secret: same_server && kept.secret.is_some(),
        client_secret: same_server && same_endpoint && kept.client_secret.is_some(),
        refresh_token: same_server && same_endpoint && kept.refresh_token.is_some(),
    }
}
