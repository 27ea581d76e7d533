//! Session tokens and API keys: random, shown once, kept as SHA-256.

use std::fmt;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postroom_store::KeyHash;
use rand::Rng as _;

/// How every API key begins, so that it is recognised in a password field and by secret scanners.
pub const KEY_PREFIX: &str = "pk_";
/// How the token of an invitation begins whose person has no password yet: nobody could have acted as them, so the page
/// and the API leave their API keys alone.
const FIRST_PREFIX: &str = "first_";
/// Characters of an API key that are kept to recognise it by.
const SHOWN_CHARS: usize = 8;

/// 256 random bits as text; printed by nothing but [`Secret::reveal`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Draws a session token.
    pub fn session() -> Self {
        Self(random_text())
    }

    /// Draws the token of a link for somebody's first password.
    pub fn first_password() -> Self {
        Self(format!("{FIRST_PREFIX}{}", random_text()))
    }

    /// Draws an API key.
    pub fn key() -> Self {
        Self(format!("{KEY_PREFIX}{}", random_text()))
    }

    /// The text, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub fn hash(&self) -> KeyHash {
        hash_of(&self.0)
    }

    /// Its first characters, to recognise it by.
    pub fn prefix(&self) -> String {
        self.0.chars().take(SHOWN_CHARS).collect()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// SHA-256 of a secret's text. No salt and no stretching: 256 random bits need neither.
pub fn hash_of(text: &str) -> KeyHash {
    let mut bytes = [0; 32];
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    for (to, from) in bytes.iter_mut().zip(hash.as_ref()) {
        *to = *from;
    }
    KeyHash(bytes)
}

/// Whether a link's token is for somebody's first password.
pub fn is_for_first_password(token: &str) -> bool {
    token.starts_with(FIRST_PREFIX)
}

fn random_text() -> String {
    let mut bytes = [0u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_hide() {
        let (one, two) = (Secret::key(), Secret::key());
        assert_ne!(one, two);
        assert!(one.reveal().starts_with(KEY_PREFIX) && one.reveal().len() == 46);
        assert_eq!(one.hash(), hash_of(one.reveal()));
        assert!(!format!("{one:?}").contains(one.reveal()));
    }

    #[test]
    fn token_says_whether_it_is_for_a_first_password() {
        assert!(is_for_first_password(Secret::first_password().reveal()));
        assert!(!is_for_first_password("firs"));
        assert!(!is_for_first_password(Secret::key().reveal()));
    }
}
