//! Token buckets by key, each kept as one moment: when it will be full again.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use postroom_domain::Timestamp;

/// Most buckets that are remembered; beyond that those that are fullest are forgotten.
pub(super) const BUCKETS_MAX: usize = 20_000;

/// How many tokens a bucket has, and how fast it gets new ones.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    /// Tokens of a full bucket.
    pub(super) burst: u32,
    /// The time after which there is one more.
    pub(super) every: Duration,
}

/// Buckets of one rate.
#[derive(Debug)]
pub(super) struct Buckets<K> {
    rate: Rate,
    full_at: HashMap<K, Timestamp>,
}

impl<K: Hash + Eq> Buckets<K> {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            rate,
            full_at: HashMap::new(),
        }
    }

    /// How long to wait for a token; zero where there is one. Takes none.
    pub(super) fn wait(&self, key: &K, now: Timestamp) -> Duration {
        let most = self.rate.every.saturating_mul(self.rate.burst);
        self.full_after_one(key, now).since(now).saturating_sub(most)
    }

    /// Takes a token, which [`Self::wait`] said is there.
    pub(super) fn take(&mut self, key: K, now: Timestamp) {
        let full_at = self.full_after_one(&key, now);
        self.make_room(now);
        self.full_at.insert(key, full_at);
    }

    /// When the bucket will be full again once a token is taken.
    fn full_after_one(&self, key: &K, now: Timestamp) -> Timestamp {
        let from = self.full_at.get(key).copied().unwrap_or(now).max(now);
        from.plus(self.rate.every)
    }

    /// Gives a token back.
    pub(super) fn give_back(&mut self, key: &K) {
        if let Some(full_at) = self.full_at.get_mut(key) {
            *full_at = full_at.minus(self.rate.every);
        }
    }

    fn make_room(&mut self, now: Timestamp) {
        if self.full_at.len() < BUCKETS_MAX {
            return;
        }
        self.full_at.retain(|_, full_at| *full_at > now);
        if self.full_at.len() >= BUCKETS_MAX {
            let mut times: Vec<Timestamp> = self.full_at.values().copied().collect();
            times.sort_unstable();
            if let Some(&middle) = times.get(times.len() / 2) {
                self.full_at.retain(|_, full_at| *full_at > middle);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.full_at.len()
    }
}
