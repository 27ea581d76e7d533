//! Remembers for a few seconds who a secret belongs to, so that a busy key costs no read a request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use postroom_domain::{Clock, Timestamp};
use postroom_store::KeyHash;
use tokio::sync::watch;

use crate::principal::Principal;

/// How long a key or session is believed without a look. What this process changes is forgotten at once; the time is
/// for what another node changes.
const FRESH: Duration = Duration::from_secs(5);
/// Most secrets remembered.
const MOST: usize = 4096;

/// Principals by the hash of their secret.
#[derive(Debug)]
pub(crate) struct Cache {
    clock: Arc<dyn Clock>,
    changes: watch::Sender<u64>,
    known: Mutex<HashMap<KeyHash, Entry>>,
}

#[derive(Debug)]
struct Entry {
    principal: Arc<Principal>,
    /// By the steady clock: a clock that is set back makes nobody believed for longer.
    until: Timestamp,
}

impl Cache {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            changes: watch::Sender::new(0),
            known: Mutex::default(),
        }
    }

    /// The principal of a secret that was looked up a moment ago.
    pub(crate) fn get(&self, hash: &KeyHash) -> Option<Arc<Principal>> {
        let now = self.clock.steady();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(hash)
            .filter(|entry| entry.until > now)
            .map(|entry| Arc::clone(&entry.principal))
    }

    /// Counts the changes of people; to be read before the store is, see [`Cache::put`].
    pub(crate) fn generation(&self) -> u64 {
        *self.changes.borrow()
    }

    /// Tells of changes of people.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Remembers a principal, at most until `ends_at`, unless people have changed since `generation`: what was read
    /// before the change must not outlive it.
    pub(crate) fn put(
        &self,
        hash: KeyHash,
        principal: &Arc<Principal>,
        ends_at: Option<Timestamp>,
        generation: u64,
    ) {
        let now = self.clock.steady();
        let life = ends_at.map_or(FRESH, |ends_at| ends_at.since(self.clock.now()).min(FRESH));
        let entry = Entry {
            principal: Arc::clone(principal),
            until: now.plus(life),
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if self.generation() != generation {
            return;
        }
        if known.len() >= MOST {
            known.retain(|_, entry| entry.until > now);
        }
        if known.len() < MOST {
            known.insert(hash, entry);
        }
    }

    /// Forgets one secret: it was ended.
    pub(crate) fn forget(&self, hash: &KeyHash) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever reads it right now must not put it back.
        self.changes.send_modify(|generation| *generation += 1);
        known.remove(hash);
    }

    /// Forgets everything: people or offices changed.
    pub(crate) fn clear(&self) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        self.changes.send_modify(|generation| *generation += 1);
        known.clear();
    }
}
