//! The last wrong passwords of each source and account: a program that goes on with an old one tells nothing new with it.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};

use postroom_store::SignInSource;

use super::{Account, Attempt};

/// Wrong passwords that are remembered of a source and account.
const OF_PAIR_MAX: usize = 4;
/// Most sources and accounts of a generation; two generations are remembered.
const GENERATION_MAX: usize = 10_000;

type Pair = (SignInSource, Account);

/// What a password is remembered as: a hash under a key of this process, of it and of what it did not fit. So it is looked at
/// again once the account has another password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tried(u64);

/// Remembers wrong passwords.
#[derive(Debug, Default)]
pub(crate) struct WrongPasswords {
    key: RandomState,
    remembered: Mutex<Remembered>,
}

#[derive(Debug, Default)]
struct Remembered {
    young: HashMap<Pair, VecDeque<Tried>>,
    old: HashMap<Pair, VecDeque<Tried>>,
}

impl WrongPasswords {
    /// What a password is remembered as that is tried against the hash of an account's.
    pub(crate) fn tried(&self, password: &str, hash: Option<&str>) -> Tried {
        Tried(self.key.hash_one((password, hash)))
    }

    /// Whether the same password was wrong before.
    pub(crate) fn has(&self, attempt: &Attempt, tried: Tried) -> bool {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let of_pair = remembered.of(&attempt.pair());
        of_pair.is_some_and(|wrong| wrong.contains(&tried))
    }

    /// Remembers a password that was wrong.
    pub(crate) fn remember(&self, attempt: &Attempt, tried: Tried) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.insert(attempt.pair(), tried);
    }
}

impl Remembered {
    fn of(&self, pair: &Pair) -> Option<&VecDeque<Tried>> {
        self.young.get(pair).or_else(|| self.old.get(pair))
    }

    fn insert(&mut self, pair: Pair, tried: Tried) {
        if self.young.len() >= GENERATION_MAX && !self.young.contains_key(&pair) {
            self.old = std::mem::take(&mut self.young);
        }
        let before = self.old.remove(&pair);
        let wrong = self
            .young
            .entry(pair)
            .or_insert_with(|| before.unwrap_or_default());
        if wrong.len() >= OF_PAIR_MAX {
            wrong.pop_front();
        }
        wrong.push_back(tried);
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use postroom_domain::UserId;

    use super::*;
    use crate::throttle::Standing;

    fn from(n: u32) -> Attempt {
        Attempt {
            account: Account::Person(UserId(1)),
            source: SignInSource::Network(IpAddr::V4(Ipv4Addr::from_bits(n))),
            standing: Standing::Unknown,
        }
    }

    #[test]
    fn password_is_the_same_for_one_source_and_until_the_account_has_another() {
        let wrong = WrongPasswords::default();
        let old = wrong.tried("old password", Some("hash"));
        assert!(!wrong.has(&from(1), old));
        wrong.remember(&from(1), old);
        assert!(wrong.has(&from(1), wrong.tried("old password", Some("hash"))));
        assert!(!wrong.has(&from(1), wrong.tried("another", Some("hash"))));
        assert!(!wrong.has(&from(1), wrong.tried("old password", Some("hash of now"))));
        assert!(!wrong.has(&from(1), wrong.tried("old password", None)));
        assert!(!wrong.has(&from(2), old));
    }

    #[test]
    fn the_last_few_are_remembered() {
        let wrong = WrongPasswords::default();
        let tried: Vec<Tried> = (0..=OF_PAIR_MAX)
            .map(|n| wrong.tried(&format!("password {n}"), None))
            .collect();
        for one in &tried {
            wrong.remember(&from(1), *one);
        }
        let (first, rest) = tried.split_first().unwrap();
        assert!(!wrong.has(&from(1), *first));
        assert!(rest.iter().all(|one| wrong.has(&from(1), *one)));
    }

    #[test]
    fn memory_is_bounded_and_those_of_late_are_remembered() {
        let wrong = WrongPasswords::default();
        let tried = wrong.tried("password", None);
        let many = u32::try_from(GENERATION_MAX * 3).unwrap();
        for n in 0..many {
            wrong.remember(&from(n), tried);
        }
        assert!(wrong.has(&from(many - 1), tried) && !wrong.has(&from(0), tried));
        let remembered = wrong.remembered.lock().unwrap();
        assert!(remembered.len() <= 2 * GENERATION_MAX);
    }
}
