//! Opens the file and starts the writer.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::broadcast;

use super::faults::WriteFaults;
use super::handle::WriterHandle;
use super::high_water::HighWater;
use super::readers::Readers;
use super::thread_watch::ThreadWatch;
use super::writer::Writer;
use crate::StoreError;
use crate::contract::ChangeSet;

/// Commits that a listener may fall behind.
const CHANGE_RING: usize = 1_024;
/// Statements that the writer keeps prepared.
const STATEMENTS: usize = 128;
/// How long the writer waits for a lock; it has no rival but a checkpoint's last step and foreign tools.
const BUSY: Duration = Duration::from_millis(100);
/// How long the start waits for a lock: another program that was the last to have the file open holds it while it brings
/// the log into the file.
const BUSY_AT_START: Duration = Duration::from_secs(10);

/// What the store runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Threads {
    /// Writer, checkpoints and readers have threads of their own.
    #[default]
    Own,
    /// There are none: the writer is a task of the tokio runtime in which the store is opened, checkpoints run between
    /// two of its groups, and a read runs while its caller is polled. In a runtime of one thread with a paused clock
    /// everything happens in the same order each time, and no time passes while the store works.
    Inline,
}

/// What a store on SQLite can be told.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// Connections for reading.
    pub readers: usize,
    /// Page cache of each reader, KiB.
    pub reader_cache_kib: u32,
    /// Page cache of the writer, KiB.
    pub writer_cache_kib: u32,
    /// Bytes of a page, for a new file alone.
    pub page_size_bytes: u32,
    /// The write-ahead log is brought into the file from this size on, MiB.
    pub checkpoint_mib: u32,
    /// After so long a page that has to look for its rows answers with what it has; a search may take three times as
    /// long.
    pub read_time: Duration,
    /// Most pages that the file may have; `None` for the disk's own limit.
    pub max_pages: Option<u32>,
    /// New mail is refused while the disk has less free than this, MiB, so that queued mail can still leave; 0 for
    /// never.
    pub least_free_mib: u32,
    /// How long the start may take to read what the first reads will want; nothing is read ahead for zero.
    pub warm_up: Duration,
    /// Most messages that a list without an index for its order is sorted of; more have to be narrowed first.
    pub sort_most: u64,
    /// Most messages that one step of the queue's own work touches: promoting, releasing, expiring, indexing, purging.
    pub step: u32,
    /// What the store runs on.
    pub threads: Threads,
    /// Faults to put before the writer; for tests.
    pub faults: Option<Arc<dyn WriteFaults>>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            readers: 4,
            reader_cache_kib: 2_048,
            writer_cache_kib: 12 * 1_024,
            page_size_bytes: 4_096,
            checkpoint_mib: 64,
            read_time: Duration::from_millis(8),
            max_pages: None,
            least_free_mib: 32,
            warm_up: Duration::ZERO,
            sort_most: 1_000_000,
            step: 256,
            threads: Threads::Own,
            faults: None,
        }
    }
}

/// The store on SQLite.
#[derive(Debug)]
pub struct SqliteStore {
    pub(crate) readers: Readers,
    pub(crate) writer: WriterHandle,
    pub(crate) changes: broadcast::Sender<Arc<ChangeSet>>,
    pub(crate) read_time: Duration,
    pub(crate) sort_most: u64,
    pub(crate) step: u32,
    pub(crate) threads: ThreadWatch,
}

impl SqliteStore {
    /// Opens the file at `path`, makes it where it is missing, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where the file cannot be opened or a newer version wrote it,
    /// [`StoreError::Corrupt`] where it is no database. Under [`Threads::Inline`] also
    /// [`StoreError::Unavailable`] outside a runtime.
    pub fn open(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self, StoreError> {
        let place = Place {
            path: path.as_ref().to_owned(),
            options,
            threads: ThreadWatch::new(),
        };
        let conn = place.create()?;
        let high_water = HighWater::open(&place.path, &conn)?;
        conn.busy_timeout(BUSY)?;
        let (changes, _) = broadcast::channel(CHANGE_RING);
        if !place.options.warm_up.is_zero() {
            super::warm::warm(&conn, &place.path, place.options.warm_up)?;
        }
        let readers = Readers::start(&place)?;
        let (read_time, sort_most) = (place.options.read_time, place.options.sort_most);
        let step = place.options.step.max(1);
        let threads = place.threads.clone();
        let writer = Writer::start(conn, high_water, place, changes.clone())?;
        Ok(Self {
            readers,
            writer,
            changes,
            read_time,
            sort_most,
            step,
            threads,
        })
    }
}

impl SqliteStore {
    /// Commits and operations of the writer since the start, for metrics; each commit is one sync.
    pub fn writes(&self) -> (u64, u64) {
        self.writer.done()
    }
}

/// Where the file is and how it is opened.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    pub(crate) options: SqliteOptions,
    pub(crate) threads: ThreadWatch,
}

impl Place {
    /// Opens the file for the first time: makes it, sets what only a new file can be told, runs migrations.
    fn create(&self) -> Result<Connection, StoreError> {
        let conn = self.connect_within(OpenFlags::SQLITE_OPEN_CREATE, BUSY_AT_START)?;
        super::migrate::migrate(&conn)?;
        Ok(conn)
    }

    /// Opens another connection that writes: the writer's, the checkpointer's.
    pub(crate) fn connect(&self, extra: OpenFlags) -> Result<Connection, StoreError> {
        self.connect_within(extra, BUSY)
    }

    fn connect_within(&self, extra: OpenFlags, busy: Duration) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | extra;
        let conn = Connection::open_with_flags(&self.path, flags)?;
        conn.busy_timeout(busy)?;
        conn.set_prepared_statement_cache_capacity(STATEMENTS);
        // Without it a bound value that a partial index is about has the statement prepared anew each time: 13 % of
        // the writer's time.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        let options = &self.options;
        conn.execute_batch(&format!(
            "PRAGMA page_size = {}; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 67108864;
             PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -{};",
            options.page_size_bytes, options.writer_cache_kib,
        ))?;
        if let Some(pages) = options.max_pages {
            conn.execute_batch(&format!("PRAGMA max_page_count = {pages};"))?;
        }
        Ok(conn)
    }
}
