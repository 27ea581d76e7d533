//! Passwords as argon2id hashes (SPEC X1), a few at a time so that sign-ins cannot take all memory and cores.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Most hashes computed at a time: each takes 19 MiB and tens of milliseconds of a core.
const AT_A_TIME: usize = 2;
/// One more is for people at a place where they signed in before, and for new passwords: strangers, who can be many, do not
/// queue before them.
const KNOWN_AT_A_TIME: usize = 1;
/// Shortest password that is taken, in characters.
pub const MIN_PASSWORD_CHARS: usize = 10;
/// Longest password that is taken, in bytes.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// A password that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too short.
    #[error("the password is too short: it has at least {MIN_PASSWORD_CHARS} characters")]
    TooShort,
    /// Too long.
    #[error("the password is too long: it has at most {MAX_PASSWORD_BYTES} bytes")]
    TooLong,
    /// The hash function failed.
    #[error("the password could not be hashed")]
    Hash,
}

/// The right to compute one hash.
#[derive(Debug)]
pub struct Turn {
    _room: Option<OwnedSemaphorePermit>,
}

/// Hashes and verifies, with bounded concurrency.
#[derive(Debug, Clone)]
pub struct Passwords {
    room: Arc<Semaphore>,
    known_room: Arc<Semaphore>,
    /// Verified against where there is no user, so that an unknown login takes as long as a wrong password.
    decoy: Arc<str>,
}

impl Passwords {
    /// Prepares the hash that unknown logins are verified against.
    ///
    /// # Errors
    /// [`PasswordError::Hash`] where the system gives no random bytes.
    pub fn new() -> Result<Self, PasswordError> {
        Ok(Self {
            room: Arc::new(Semaphore::new(AT_A_TIME)),
            known_room: Arc::new(Semaphore::new(KNOWN_AT_A_TIME)),
            decoy: hash("nobody has this password")?.into(),
        })
    }

    /// Hashes a new password into a PHC string.
    ///
    /// # Errors
    /// [`PasswordError`] for one that is too short or too long.
    pub async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        if password.chars().count() < MIN_PASSWORD_CHARS {
            return Err(PasswordError::TooShort);
        }
        if password.len() > MAX_PASSWORD_BYTES {
            return Err(PasswordError::TooLong);
        }
        let password = password.to_owned();
        // Whoever sets a password has shown who they are, by a link, a session or a secret.
        let turn = self.turn_of_known().await;
        run(&turn, move || hash(&password))
            .await
            .unwrap_or(Err(PasswordError::Hash))
    }

    /// Waits until there is room for one more hash.
    pub async fn turn(&self) -> Turn {
        Turn {
            // Nobody closes the semaphore.
            _room: Arc::clone(&self.room).acquire_owned().await.ok(),
        }
    }

    /// The same for the password of somebody at a place where they signed in before.
    pub(crate) async fn turn_of_known(&self) -> Turn {
        let (room, known_room) = (Arc::clone(&self.room), Arc::clone(&self.known_room));
        let room = tokio::select! {
            biased;
            room = room.acquire_owned() => room,
            room = known_room.acquire_owned() => room,
        };
        Turn { _room: room.ok() }
    }

    /// Whether `password` fits `hash`; without a hash the same work is done and the answer is no.
    pub async fn verify(&self, turn: &Turn, password: &str, hash: Option<&str>) -> bool {
        let known = hash.is_some_and(|hash| !hash.is_empty());
        let hash = hash
            .filter(|hash| !hash.is_empty())
            .unwrap_or(&self.decoy)
            .to_owned();
        // Cut, not refused: a long password must cost no more than a wrong one.
        let password: Vec<u8> = password.bytes().take(MAX_PASSWORD_BYTES + 1).collect();
        let fits = run(turn, move || {
            PasswordHash::new(&hash)
                .is_ok_and(|hash| Argon2::default().verify_password(&password, &hash).is_ok())
        });
        fits.await.unwrap_or(false) && known
    }
}

/// Works on a thread of its own, in the caller's turn.
async fn run<T: Send + 'static>(_turn: &Turn, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

fn hash(password: &str) -> Result<String, PasswordError> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|_| PasswordError::Hash)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn strangers_leave_room_for_those_who_are_known() {
        let passwords = Passwords::new().unwrap();
        let strangers = [passwords.turn().await, passwords.turn().await];
        tokio::select! {
            biased;
            _turn = passwords.turn() => panic!("a third stranger"),
            () = std::future::ready(()) => {}
        }
        let _known = passwords.turn_of_known().await;
        drop(strangers);
        let _another = passwords.turn_of_known().await;
    }

    #[tokio::test]
    async fn new_password_does_not_wait_for_strangers() {
        let passwords = Passwords::new().unwrap();
        let _strangers = [passwords.turn().await, passwords.turn().await];
        let hashed = tokio::time::timeout(Duration::from_secs(60), passwords.hash("correct horse"));
        assert!(hashed.await.expect("in time").is_ok());
    }

    #[tokio::test]
    async fn password_fits_its_own_hash_alone() {
        let passwords = Passwords::new().unwrap();
        let hash = passwords.hash("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(
            passwords
                .verify(&passwords.turn().await, "correct horse", Some(&hash))
                .await
        );
        assert!(
            !passwords
                .verify(&passwords.turn().await, "correct horsf", Some(&hash))
                .await
        );
        assert!(
            !passwords
                .verify(&passwords.turn().await, "correct horse", None)
                .await
        );
        assert!(!passwords.verify(&passwords.turn().await, "", Some("")).await);
        assert!(
            !passwords
                .verify(&passwords.turn().await, "nobody has this password", None)
                .await
        );
    }

    #[tokio::test]
    async fn short_and_long_passwords_are_refused() {
        let passwords = Passwords::new().unwrap();
        assert_eq!(passwords.hash("short").await, Err(PasswordError::TooShort));
        assert_eq!(
            passwords.hash(&"x".repeat(2000)).await,
            Err(PasswordError::TooLong)
        );
    }
}
