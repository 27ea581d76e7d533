//! A store on SQLite in a folder of its own, for the harnesses.

use std::path::{Path, PathBuf};
use std::time::Duration;

use postroom_store::{SqliteOptions, SqliteStore, Store, Threads, Upkeep as _};
use tempfile::TempDir;

use crate::files::copy_as_a_kill_leaves_them;

/// The store and its file.
pub(crate) struct OnDisk {
    dir: TempDir,
    generation: u32,
    threads: Threads,
    store: SqliteStore,
}

/// Opens the file at `path`.
pub(crate) fn open(path: &Path, threads: Threads) -> SqliteStore {
    let options = SqliteOptions {
        // A slow machine changes no answer.
        read_time: Duration::from_secs(60),
        threads,
        ..SqliteOptions::default()
    };
    SqliteStore::open(path, options).unwrap()
}

impl OnDisk {
    /// An empty store.
    pub(crate) fn new(threads: Threads) -> Self {
        let dir = TempDir::new().unwrap();
        let store = open(&path(&dir, 0), threads);
        Self {
            dir,
            generation: 0,
            threads,
            store,
        }
    }

    /// The store.
    pub(crate) fn store(&self) -> &dyn Store {
        &self.store
    }

    /// Closes the store and opens it again.
    pub(crate) async fn reopen(&mut self) {
        self.store.close().await;
        self.store = open(&path(&self.dir, self.generation), self.threads);
    }

    /// Opens the file and its log as they are on the disk, without anything that closing would still do.
    pub(crate) fn kill(&mut self) {
        let old = path(&self.dir, self.generation);
        self.generation += 1;
        let new = path(&self.dir, self.generation);
        copy_as_a_kill_leaves_them(&old, &new, &["", "-wal", "-mark"]);
        self.store = open(&new, self.threads);
    }
}

fn path(dir: &TempDir, generation: u32) -> PathBuf {
    dir.path().join(format!("mail{generation}.db"))
}
