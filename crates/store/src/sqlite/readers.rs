//! Read-only connections with small caches, each on a thread of its own, or one without a thread.
//!
//! Threads of their own and not the runtime's: there every read may meet another thread, and two dozen threads each
//! kept what an allocator sets aside for one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::{Semaphore, oneshot};

use super::open::{Place, Threads};
use super::thread_watch::ThreadWatch;
use crate::StoreError;

/// Statements that each connection keeps prepared.
const STATEMENTS: usize = 64;
/// How long a read waits for a lock that the file holds only while it recovers.
const BUSY: Duration = Duration::from_secs(2);

/// A read that waits for a connection.
type Job = Box<dyn FnOnce(&mut Slot) + Send>;

/// Read-only connections.
#[derive(Debug, Clone)]
pub(crate) enum Readers {
    /// A pool of them, each on a thread.
    Pool(Arc<Pool>),
    /// One, which reads while the caller is polled; `None` once it is closed.
    Inline(Arc<Mutex<Option<Slot>>>),
}

/// Threads that read.
#[derive(Debug)]
pub(crate) struct Pool {
    size: usize,
    jobs: Mutex<Option<Sender<Job>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// One for each thread: whoever waits for one waits without a thread.
    permits: Arc<Semaphore>,
}

impl Readers {
    /// Makes the connections that the options ask for.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where a thread cannot be started.
    pub(crate) fn start(place: &Place) -> Result<Self, StoreError> {
        let slot = || Slot {
            path: place.path.clone(),
            cache_kib: place.options.reader_cache_kib,
            conn: None,
        };
        match place.options.threads {
            Threads::Own => Ok(Self::Pool(Arc::new(Pool::start(
                place.options.readers,
                slot,
                &place.threads,
            )?))),
            Threads::Inline => Ok(Self::Inline(Arc::new(Mutex::new(Some(slot()))))),
        }
    }

    /// Runs `read` with a connection. Several statements that must agree open a transaction.
    ///
    /// # Errors
    /// Those of `read`; [`StoreError::Closed`] after [`Readers::close`].
    pub(crate) async fn run<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.with_slot(|slot| slot.read(read)).await
    }

    /// The same with a connection that was not used before and so remembers nothing of the file.
    ///
    /// # Errors
    /// As for [`Readers::run`].
    pub(crate) async fn run_anew<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let anew = |slot: &mut Slot| {
            slot.conn = None;
            slot.read(read)
        };
        self.with_slot(anew).await
    }

    async fn with_slot<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Slot) -> Result<T, StoreError> + Send + 'static,
    {
        match self {
            Self::Pool(pool) => pool.run(read).await,
            Self::Inline(slot) => match &mut *slot.lock().unwrap_or_else(PoisonError::into_inner) {
                Some(slot) => read(slot),
                None => Err(StoreError::Closed),
            },
        }
    }

    /// Number of threads.
    pub(crate) fn threads(&self) -> usize {
        match self {
            Self::Pool(pool) => pool.size,
            Self::Inline(_) => 0,
        }
    }

    /// Runs `read` on a thread that has nothing else to do; returns whether there was one.
    pub(crate) fn run_if_free(&self, read: impl FnOnce(&Connection) + Send + 'static) -> bool {
        match self {
            Self::Pool(pool) => pool.run_if_free(read),
            Self::Inline(_) => false,
        }
    }

    /// Refuses later reads, waits for those under way, and closes the connections.
    pub(crate) async fn close(&self) {
        match self {
            Self::Pool(pool) => pool.close().await,
            Self::Inline(slot) => drop(slot.lock().unwrap_or_else(PoisonError::into_inner).take()),
        }
    }
}

impl Pool {
    fn start(size: usize, slot: impl Fn() -> Slot, watch: &ThreadWatch) -> Result<Self, StoreError> {
        let (jobs, waiting) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let mut threads = Vec::with_capacity(size);
        for _ in 0..size {
            let waiting = Arc::clone(&waiting);
            let slot = slot();
            let watched = watch.guard("store-reader");
            let thread = std::thread::Builder::new()
                .name("store-reader".to_owned())
                .spawn(move || {
                    let _watched = watched;
                    serve(&waiting, slot);
                })
                .map_err(|error| StoreError::Unavailable(format!("no thread for reads: {error}")))?;
            threads.push(thread);
        }
        Ok(Self {
            size,
            jobs: Mutex::new(Some(jobs)),
            threads: Mutex::new(threads),
            permits: Arc::new(Semaphore::new(size)),
        })
    }

    async fn run<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Slot) -> Result<T, StoreError> + Send + 'static,
    {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |slot| {
            let found = read(slot);
            drop(permit);
            // A caller that went away is no error.
            let _ = reply.send(found);
        });
        match &*self.jobs.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(jobs) => jobs.send(job).map_err(|_| StoreError::Closed)?,
            None => return Err(StoreError::Closed),
        }
        answer
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("a read ended early".to_owned())))
    }

    fn run_if_free(&self, read: impl FnOnce(&Connection) + Send + 'static) -> bool {
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            return false;
        };
        let job: Job = Box::new(move |slot| {
            // Nobody waits for what comes of it.
            let _ = slot.read(|conn| {
                read(conn);
                Ok(())
            });
            drop(permit);
        });
        match &*self.jobs.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(jobs) => jobs.send(job).is_ok(),
            None => false,
        }
    }

    async fn close(&self) {
        let all = u32::try_from(self.size).unwrap_or(u32::MAX);
        // An error means that another call has closed the pool.
        let _all = self.permits.acquire_many(all).await;
        self.permits.close();
        // Without a sender the threads end.
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let joined = tokio::task::spawn_blocking(move || {
            for thread in threads {
                let _ = thread.join();
            }
        });
        let _ = joined.await;
    }
}

/// A connection and where to open it.
#[derive(Debug)]
pub(crate) struct Slot {
    path: PathBuf,
    cache_kib: u32,
    conn: Option<Connection>,
}

impl Slot {
    /// Opens the connection and has it read the schema, which the first read would wait for. What fails now fails
    /// again, and is told, once there is a read.
    fn make_ready(&mut self) {
        let _ = self.read(|conn| Ok(conn.prepare("SELECT ord FROM message LIMIT 1").map(drop)?));
    }

    fn read<T>(&mut self, read: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let conn = match self.conn.take() {
            Some(conn) => conn,
            None => open(&self.path, self.cache_kib)?,
        };
        // The connection goes with a read that panics.
        let answer = catch_unwind(AssertUnwindSafe(|| read(&conn)))
            .map_err(|_| StoreError::Unavailable("a read ended early".to_owned()))?;
        // One left inside a transaction would pin the write-ahead log: it is dropped instead.
        if conn.is_autocommit() {
            self.conn = Some(conn);
        }
        answer
    }
}

/// Runs reads until nobody can ask for another.
fn serve(waiting: &Mutex<Receiver<Job>>, mut slot: Slot) {
    slot.make_ready();
    loop {
        // Whoever holds the lock waits for the next job; the others wait for the lock.
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(&mut slot),
            Err(_) => return,
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
