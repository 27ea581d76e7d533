//! Secrets at rest: AES-256-GCM under a key file beside the database (SPEC X1).
//!
//! Whoever has the database file alone (a backup, a copied disk) reads no password from it. Each secret is bound to its
//! office and field: moved to another row it no longer opens. The key is not rotated; a lost key file means that the
//! secrets have to be entered again.

use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;
use postroom_domain::OfficeId;
use postroom_store::Sealed;

/// The key file's name in the data folder.
pub const KEY_FILE: &str = "secrets.key";
/// Octets of the key.
const KEY_BYTES: usize = 32;
/// Names the way in which secrets are sealed.
const FORMAT: u8 = 1;

/// Why the key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// It cannot be read or made.
    #[error("cannot use the key file {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Others than its owner may read it.
    #[error("others can read the key file {}: run chmod 600 on it", path.display())]
    Readable {
        /// The file.
        path: PathBuf,
    },
    /// It is no key.
    #[error("{} is no key file: it has to hold 32 octets; bring back the right one, or move it away and enter the SMTP passwords again", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// A key cannot be drawn, or a secret not be sealed.
    #[error("the machine's source of randomness does not answer")]
    Random,
    /// A sealed secret does not open: it was sealed under another key, or for another place.
    #[error("a kept secret does not open with this key file: enter it again in the office's settings")]
    NotOurs,
}

/// Which secret of an office's relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The password for AUTH.
    Password,
    /// The client secret of a token endpoint.
    ClientSecret,
    /// The refresh token of a token endpoint.
    RefreshToken,
}

/// Where a secret belongs; a sealed one opens nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// The office.
    pub office: OfficeId,
    /// 0 for the first relay, 1 for the second.
    pub place: usize,
    /// Which of its secrets.
    pub field: Field,
}

/// Seals and opens secrets.
pub struct Vault(LessSafeKey);

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(…)")
    }
}

impl Vault {
    /// Reads the key file of a data folder; the first start makes it.
    ///
    /// # Errors
    /// [`VaultError`] where it cannot be used.
    pub fn open(folder: &Path) -> Result<Self, VaultError> {
        let path = folder.join(KEY_FILE);
        let failed = |source| VaultError::File {
            path: path.clone(),
            source,
        };
        let mut key = Vec::with_capacity(KEY_BYTES);
        match File::open(&path) {
            Ok(mut file) => {
                if file.metadata().map_err(failed)?.mode() & 0o077 != 0 {
                    return Err(VaultError::Readable { path });
                }
                file.read_to_end(&mut key).map_err(failed)?;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                key.resize(KEY_BYTES, 0);
                rand::fill(&mut key).map_err(|_| VaultError::Random)?;
                make(folder, &path, &key).map_err(failed)?;
            }
            Err(error) => return Err(failed(error)),
        }
        let key = UnboundKey::new(&AES_256_GCM, &key).map_err(|_| VaultError::NoKey { path })?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Seals a secret for a place.
    ///
    /// # Errors
    /// [`VaultError::Random`].
    pub fn seal(&self, slot: Slot, secret: &str) -> Result<Sealed, VaultError> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| VaultError::Random)?;
        let mut text = secret.as_bytes().to_vec();
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(bound(slot)),
                &mut text,
            )
            .map_err(|_| VaultError::Random)?;
        let sealed = [&[FORMAT][..], &nonce, &text].concat();
        Ok(Sealed(sealed))
    }

    /// Opens what was sealed for the same place.
    ///
    /// # Errors
    /// [`VaultError::NotOurs`].
    pub fn open_secret(&self, slot: Slot, sealed: &Sealed) -> Result<String, VaultError> {
        let (format, rest) = sealed.0.split_first().ok_or(VaultError::NotOurs)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>().ok_or(VaultError::NotOurs)?;
        if *format != FORMAT {
            return Err(VaultError::NotOurs);
        }
        let mut text = text.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self
            .0
            .open_in_place(nonce, Aad::from(bound(slot)), &mut text)
            .map_err(|_| VaultError::NotOurs)?;
        String::from_utf8(opened.to_vec()).map_err(|_| VaultError::NotOurs)
    }
}

/// What a sealed secret is bound to.
fn bound(slot: Slot) -> Vec<u8> {
    let Slot { office, place, field } = slot;
    format!("postroom office {office} relay {place} {field:?}").into_bytes()
}

/// Makes the file for its owner alone and lets it reach the disk before anything is sealed with it.
fn make(folder: &Path, path: &Path, key: &[u8]) -> std::io::Result<()> {
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(key)?;
    file.sync_all()?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const SLOT: Slot = Slot {
        office: OfficeId(3),
        place: 0,
        field: Field::Password,
    };

    #[test]
    fn secret_opens_in_its_place_alone_and_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let sealed = Vault::open(folder.path()).unwrap().seal(SLOT, "hunter2").unwrap();
        assert!(!sealed.0.windows(7).any(|window| window == b"hunter2"));
        let vault = Vault::open(folder.path()).unwrap();
        assert_eq!(vault.open_secret(SLOT, &sealed).unwrap(), "hunter2");
        let elsewhere = [
            Slot {
                office: OfficeId(4),
                ..SLOT
            },
            Slot { place: 1, ..SLOT },
            Slot {
                field: Field::RefreshToken,
                ..SLOT
            },
        ];
        for slot in elsewhere {
            assert!(matches!(
                vault.open_secret(slot, &sealed),
                Err(VaultError::NotOurs)
            ));
        }
        let mut changed = sealed.clone();
        changed.0[14] ^= 1;
        assert!(vault.open_secret(SLOT, &changed).is_err());
        assert!(vault.open_secret(SLOT, &Sealed(vec![1, 2])).is_err());
    }

    #[test]
    fn one_secret_is_never_sealed_alike_twice() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(folder.path()).unwrap();
        assert_ne!(vault.seal(SLOT, "x").unwrap(), vault.seal(SLOT, "x").unwrap());
    }

    #[test]
    fn key_file_is_its_owners_and_a_wrong_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(KEY_FILE);
        Vault::open(folder.path()).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        assert!(matches!(
            Vault::open(folder.path()),
            Err(VaultError::Readable { .. })
        ));
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        std::fs::write(&path, "short").unwrap();
        assert!(matches!(
            Vault::open(folder.path()),
            Err(VaultError::NoKey { .. })
        ));
    }
}
