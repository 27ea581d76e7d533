//! Read-only connections with small caches, borrowed by blocking tasks.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use crate::StoreError;

/// Statements that each connection keeps prepared.
const STATEMENTS: usize = 64;
/// How long a read waits for a lock that the file holds only while it recovers.
const BUSY: Duration = Duration::from_secs(2);

/// A pool of read-only connections, opened when first needed.
#[derive(Debug, Clone)]
pub(crate) struct Readers(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    path: PathBuf,
    cache_kib: u32,
    size: usize,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    /// Makes a pool of at most `size` connections to the file at `path`.
    pub(crate) fn new(path: &Path, size: usize, cache_kib: u32) -> Self {
        Self(Arc::new(Pool {
            path: path.to_owned(),
            cache_kib,
            size,
            idle: Mutex::new(Vec::new()),
            permits: Arc::new(Semaphore::new(size)),
        }))
    }

    /// Runs `read` with a connection on a blocking thread. Several statements that must agree open a transaction.
    ///
    /// # Errors
    /// Those of `read`; [`StoreError::Closed`] after [`Readers::close`].
    pub(crate) async fn run<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let permit = Arc::clone(&self.0.permits)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Closed)?;
        let pool = Arc::clone(&self.0);
        let task = tokio::task::spawn_blocking(move || {
            let conn = pool.take()?;
            let answer = read(&conn);
            // A connection left inside a transaction would pin the write-ahead log: it is dropped instead.
            if conn.is_autocommit() && !pool.permits.is_closed() {
                pool.idle
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(conn);
            }
            drop(permit);
            answer
        });
        task.await
            .map_err(|error| StoreError::Unavailable(format!("a read ended early: {error}")))?
    }

    /// Refuses later reads, waits for those under way, and closes the connections.
    pub(crate) async fn close(&self) {
        let all = u32::try_from(self.0.size).unwrap_or(u32::MAX);
        // An error means that another call has closed the pool.
        let _all = self.0.permits.acquire_many(all).await;
        self.0.permits.close();
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Pool {
    fn take(&self) -> Result<Connection, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(conn) => Ok(conn),
            None => open(&self.path, self.cache_kib),
        }
    }
}

fn open(path: &Path, cache_kib: u32) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(BUSY)?;
    conn.execute_batch(&format!(
        "PRAGMA query_only = ON; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -{cache_kib};"
    ))?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(conn)
}
