//! The conformance suite on SQLite, and what is SQLite's own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use postroom_store::{SqliteOptions, SqliteStore, Store, Upkeep};
use tempfile::TempDir;

use crate::conformance::{Harness, conformance};

struct Sqlite {
    dir: TempDir,
    generation: u32,
    store: SqliteStore,
}

fn open(path: &Path) -> SqliteStore {
    let options = SqliteOptions {
        // A slow machine changes no answer.
        read_time: Duration::from_secs(60),
        ..SqliteOptions::default()
    };
    SqliteStore::open(path, options).unwrap()
}

impl Sqlite {
    fn path(dir: &TempDir, generation: u32) -> PathBuf {
        dir.path().join(format!("mail{generation}.db"))
    }
}

#[async_trait]
impl Harness for Sqlite {
    async fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let store = open(&Self::path(&dir, 0));
        Self {
            dir,
            generation: 0,
            store,
        }
    }

    fn store(&self) -> &dyn Store {
        &self.store
    }

    async fn reopen(&mut self) {
        self.store.close().await;
        self.store = open(&Self::path(&self.dir, self.generation));
    }

    /// The file and its log as they are on the disk, without anything that closing would still do.
    async fn kill(&mut self) {
        let old = Self::path(&self.dir, self.generation);
        self.generation += 1;
        let new = Self::path(&self.dir, self.generation);
        for ending in ["", "-wal"] {
            let name = |path: &Path| format!("{}{ending}", path.display());
            std::fs::copy(name(&old), name(&new)).unwrap();
        }
        self.store = open(&new);
    }
}

conformance!(Sqlite);
