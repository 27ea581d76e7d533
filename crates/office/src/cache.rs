//! Remembers for a few seconds who a secret belongs to, so that a busy key costs no read a request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use postroom_domain::{Clock, Timestamp};
use postroom_store::KeyHash;

use crate::principal::Principal;

/// How long a revoked key or a changed right may still count.
const FRESH: Duration = Duration::from_secs(5);
/// Most secrets remembered.
const MOST: usize = 4096;

/// Principals by the hash of their secret.
#[derive(Debug)]
pub(crate) struct Cache {
    clock: Arc<dyn Clock>,
    known: Mutex<HashMap<KeyHash, Entry>>,
}

#[derive(Debug)]
struct Entry {
    principal: Arc<Principal>,
    until: Timestamp,
}

impl Cache {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            known: Mutex::default(),
        }
    }

    /// The principal of a secret that was looked up a moment ago.
    pub(crate) fn get(&self, hash: &KeyHash) -> Option<Arc<Principal>> {
        let now = self.clock.now();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(hash)
            .filter(|entry| entry.until > now)
            .map(|entry| Arc::clone(&entry.principal))
    }

    /// Remembers a principal, at most until `ends_at`.
    pub(crate) fn put(&self, hash: KeyHash, principal: &Arc<Principal>, ends_at: Option<Timestamp>) {
        let now = self.clock.now();
        let fresh = now.plus(FRESH);
        let entry = Entry {
            principal: Arc::clone(principal),
            until: ends_at.map_or(fresh, |ends_at| ends_at.min(fresh)),
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, entry| entry.until > now);
        }
        if known.len() < MOST {
            known.insert(hash, entry);
        }
    }

    /// Forgets one secret: it was ended.
    pub(crate) fn forget(&self, hash: &KeyHash) {
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(hash);
    }

    /// Forgets everything: people or offices changed.
    pub(crate) fn clear(&self) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
