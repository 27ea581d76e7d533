//! Slows down guessing of passwords, over HTTP and SMTP together (SPEC X1), without letting anybody keep others out.
//!
//! | bucket | whose attempts take a token |
//! | --- | --- |
//! | source and account | everybody's |
//! | account | those from sources that the account's person never signed in from |
//! | source | those of the same kind |
//! | site | those of the same kind from IPv6: a site has 65,536 sources |
//! | network | those from networks that the account's person signed in from, over all accounts |
//!
//! With one of its buckets empty an attempt is not even looked at. So whoever guesses from somewhere else spends nothing that
//! the person needs where they signed in before: there they have a bucket of their own. An attempt that succeeds gives back
//! what it took, and no more: an address of a guesser who has an account of their own stays slow. Attempts under way hold
//! tokens, so the caller takes one only when it is about to look: a client with fifty right passwords at a time must not run
//! out.

mod buckets;
mod flood;
mod wrong;

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use postroom_domain::{Timestamp, UserId};
use postroom_store::SignInSource;

use self::buckets::{Buckets, Rate};
pub(crate) use self::flood::{FloodGate, NameAt};
pub(crate) use self::wrong::{Tried, WrongPasswords};

/// Attempts of an account from one source.
const SIGN_IN_PAIR: Rate = Rate {
    burst: 10,
    every: Duration::from_secs(60),
};
/// Attempts of an account from all sources that its person never signed in from: slow for any number of them. It fills as fast
/// as three sources can go on, so that three do not empty a full one; they hold it empty once ten have emptied it.
const SIGN_IN_ACCOUNT: Rate = Rate {
    burst: 100,
    every: Duration::from_secs(20),
};
/// Attempts from a source, over all accounts.
const SIGN_IN_SOURCE: Rate = Rate {
    burst: 30,
    every: Duration::from_secs(10),
};
/// Attempts from the sources of an IPv6 site, over all accounts: five times a source's.
const SIGN_IN_SITE: Rate = Rate {
    burst: 150,
    every: Duration::from_secs(2),
};
/// Attempts from a network, over all accounts whose people signed in from there: a whole office behind one address types a wrong
/// password now and then.
const SIGN_IN_NETWORK: Rate = Rate {
    burst: 200,
    every: Duration::from_secs(2),
};
/// Links that one source asks for an account.
const RESET_PAIR: Rate = Rate {
    burst: 3,
    every: Duration::from_mins(20),
};
/// Links that sources ask for an account that its person never signed in from: at most 9 in the hour that a link lasts, fewer
/// than [`postroom_store::RESET_LINKS_MAX`], so that none of them ends one that works.
const RESET_ACCOUNT: Rate = Rate {
    burst: 6,
    every: Duration::from_mins(20),
};
/// Tries of wrong tokens or keys from an address.
const TOKENS: Rate = Rate {
    burst: 10,
    every: Duration::from_secs(30),
};

/// Whose password is tried, by whichever of their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Account {
    /// A person.
    Person(UserId),
    /// Nobody has the name; this is its hash.
    Nobody(u64),
}

/// Whether the account's person signed in from the source before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// They did.
    Known,
    /// They did not, or long ago.
    Unknown,
}

/// An attempt to sign in, or to be sent a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) account: Account,
    pub(crate) source: SignInSource,
    pub(crate) standing: Standing,
}

/// Which buckets an attempt takes from, beside the one of its source and account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// None: a browser with its cookie is one person's.
    KnownDevice,
    /// The network's.
    KnownNetwork,
    /// The account's, the source's and, where it has one, the site's.
    Stranger,
}

/// The first 48 bits of an IPv6 address: what a customer of a provider is often given whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Site(u128);

impl Site {
    fn of(source: SignInSource) -> Option<Self> {
        match source {
            SignInSource::Network(IpAddr::V6(network)) => Some(Self(network.to_bits() >> 80)),
            SignInSource::Network(IpAddr::V4(_)) | SignInSource::Device(_) => None,
        }
    }
}

impl Attempt {
    const fn pair(&self) -> (SignInSource, Account) {
        (self.source, self.account)
    }

    const fn origin(&self) -> Origin {
        match (self.standing, self.source) {
            (Standing::Known, SignInSource::Device(_)) => Origin::KnownDevice,
            (Standing::Known, SignInSource::Network(_)) => Origin::KnownNetwork,
            (Standing::Unknown, _) => Origin::Stranger,
        }
    }
}

/// Too many attempts: how long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    /// After this time there is one more.
    pub retry_after: Duration,
}

/// A wait in whole seconds, at least one and not less than it is.
pub fn wait_seconds(retry_after: Duration) -> u64 {
    let seconds = retry_after.as_millis().div_ceil(1_000).max(1);
    u64::try_from(seconds).unwrap_or(u64::MAX)
}

/// Counts attempts.
#[derive(Debug)]
pub(crate) struct Throttle {
    counted: Mutex<Counted>,
}

#[derive(Debug)]
struct Counted {
    pairs: Buckets<(SignInSource, Account)>,
    accounts: Buckets<Account>,
    sources: Buckets<SignInSource>,
    sites: Buckets<Site>,
    networks: Buckets<SignInSource>,
}

impl Throttle {
    /// For attempts to sign in.
    pub(crate) fn of_sign_ins() -> Self {
        Self::new(SIGN_IN_PAIR, SIGN_IN_ACCOUNT)
    }

    /// For requests of links.
    pub(crate) fn of_resets() -> Self {
        Self::new(RESET_PAIR, RESET_ACCOUNT)
    }

    fn new(pair: Rate, account: Rate) -> Self {
        let counted = Counted {
            pairs: Buckets::new(pair),
            accounts: Buckets::new(account),
            sources: Buckets::new(SIGN_IN_SOURCE),
            sites: Buckets::new(SIGN_IN_SITE),
            networks: Buckets::new(SIGN_IN_NETWORK),
        };
        Self {
            counted: Mutex::new(counted),
        }
    }

    /// Takes a token of each bucket of an attempt.
    ///
    /// # Errors
    /// [`TooMany`] when one of them is empty; then nothing is taken.
    pub(crate) fn take(&self, attempt: &Attempt, now: Timestamp) -> Result<(), TooMany> {
        let mut counted = self.counted();
        counted.check(attempt, now)?;
        counted.take(attempt, now);
        Ok(())
    }

    /// Says whether an attempt would be looked at, and takes nothing: for turning a flood away before it queues.
    ///
    /// # Errors
    /// [`TooMany`] as for [`Self::take`].
    pub(crate) fn look(&self, attempt: &Attempt, now: Timestamp) -> Result<(), TooMany> {
        self.counted().check(attempt, now)
    }

    /// Gives back what an attempt took: it succeeded, or told nothing new.
    pub(crate) fn give_back(&self, attempt: &Attempt) {
        let mut counted = self.counted();
        counted.pairs.give_back(&attempt.pair());
        match attempt.origin() {
            Origin::KnownDevice => {}
            Origin::KnownNetwork => counted.networks.give_back(&attempt.source),
            Origin::Stranger => {
                counted.accounts.give_back(&attempt.account);
                counted.sources.give_back(&attempt.source);
                if let Some(site) = Site::of(attempt.source) {
                    counted.sites.give_back(&site);
                }
            }
        }
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    fn check(&self, attempt: &Attempt, now: Timestamp) -> Result<(), TooMany> {
        let others = match attempt.origin() {
            Origin::KnownDevice => Duration::ZERO,
            Origin::KnownNetwork => self.networks.wait(&attempt.source, now),
            Origin::Stranger => {
                let site = Site::of(attempt.source).map(|site| self.sites.wait(&site, now));
                let account = self.accounts.wait(&attempt.account, now);
                let source = self.sources.wait(&attempt.source, now);
                account.max(source).max(site.unwrap_or_default())
            }
        };
        let retry_after = self.pairs.wait(&attempt.pair(), now).max(others);
        if retry_after.is_zero() {
            Ok(())
        } else {
            Err(TooMany { retry_after })
        }
    }

    fn take(&mut self, attempt: &Attempt, now: Timestamp) {
        self.pairs.take(attempt.pair(), now);
        match attempt.origin() {
            Origin::KnownDevice => {}
            Origin::KnownNetwork => self.networks.take(attempt.source, now),
            Origin::Stranger => {
                self.accounts.take(attempt.account, now);
                self.sources.take(attempt.source, now);
                if let Some(site) = Site::of(attempt.source) {
                    self.sites.take(site, now);
                }
            }
        }
    }
}

/// Counts tries of tokens and API keys that nobody guesses, so that they cost the server little.
#[derive(Debug)]
pub struct TokenThrottle(Mutex<Buckets<IpAddr>>);

impl Default for TokenThrottle {
    fn default() -> Self {
        Self(Mutex::new(Buckets::new(TOKENS)))
    }
}

impl TokenThrottle {
    /// Takes one try from an address.
    ///
    /// # Errors
    /// [`TooMany`] when it has none left; then nothing is taken.
    pub fn take(&self, address: IpAddr, now: Timestamp) -> Result<(), TooMany> {
        let network = network_of(address);
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let retry_after = buckets.wait(&network, now);
        if !retry_after.is_zero() {
            return Err(TooMany { retry_after });
        }
        buckets.take(network, now);
        Ok(())
    }
}

/// What counts as one place of the network: an IPv4 address, or a /64 of IPv6, which one person has whole.
pub(crate) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
    }
}

#[cfg(test)]
mod tests;
