//! The configuration that holds now.

use std::sync::Arc;

use tokio::sync::watch;

use super::Loaded;

/// The configuration that holds now; a reload replaces it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Live(Arc<watch::Sender<Arc<Loaded>>>);

impl Live {
    /// Begins with what was read at the start.
    pub fn new(loaded: Loaded) -> Self {
        Self(Arc::new(watch::Sender::new(Arc::new(loaded))))
    }

    /// What holds now.
    pub fn now(&self) -> Arc<Loaded> {
        Arc::clone(&self.0.borrow())
    }

    /// Tells of every change.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Loaded>> {
        self.0.subscribe()
    }

    /// Replaces it.
    pub fn put(&self, loaded: Loaded) {
        self.0.send_replace(Arc::new(loaded));
    }
}
