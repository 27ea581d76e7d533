//! Brings the write-ahead log into the file, on a connection of its own.
//!
//! A passive checkpoint runs beside the writer, but while the writer writes it never reaches the end, and the log only
//! starts anew from its beginning when it has. So when the rest is small the writer itself does the last step between
//! two groups: a few milliseconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, OpenFlags};

use super::open::{Place, Threads};
use super::thread_watch::ThreadGuard;
use crate::StoreError;

/// The writer takes the last step when no more than these frames are left: a few milliseconds.
const REST_FRAMES: u64 = 1_024;
/// Passive checkpoints in a row, each shorter than the one before unless the writer outruns them.
const ROUNDS: usize = 6;
/// From this size on the writer takes the last step whatever is left; if the log still grows, a reader is held open.
const LARGE_MIB: u64 = 256;

/// Runs checkpoints and shares with the writer how they stand.
pub(crate) struct Checkpointer {
    shared: Arc<Shared>,
    runs: Runs,
}

/// Where passive checkpoints run.
enum Runs {
    /// Beside the writer.
    Thread {
        ask: SyncSender<()>,
        thread: JoinHandle<()>,
    },
    /// Between two groups of the writer.
    Inline(Connection),
    /// Nowhere any more.
    Stopped,
}

#[derive(Debug)]
struct Shared {
    /// Frames in the log.
    frames: AtomicU64,
    /// Ask for a checkpoint from so many frames on.
    start_frames: AtomicU64,
    /// A passive checkpoint is asked for; used where the writer runs it itself.
    asked: AtomicBool,
    /// The rest is small: the writer takes the last step.
    finish: AtomicBool,
    step_frames: u64,
    page_bytes: u64,
}

impl Checkpointer {
    /// Starts the thread, where there is to be one.
    pub(crate) fn start(place: Place) -> Result<Self, StoreError> {
        let page_bytes = u64::from(place.options.page_size_bytes);
        let step_frames = u64::from(place.options.checkpoint_mib) * 1_048_576 / page_bytes;
        let shared = Arc::new(Shared {
            frames: AtomicU64::new(0),
            start_frames: AtomicU64::new(step_frames),
            asked: AtomicBool::new(false),
            finish: AtomicBool::new(false),
            step_frames,
            page_bytes,
        });
        let conn = place.connect(OpenFlags::empty())?;
        let runs = match place.options.threads {
            Threads::Own => {
                let watched = place.threads.guard("store-checkpoint");
                Runs::on_thread(conn, Arc::clone(&shared), watched)?
            }
            Threads::Inline => Runs::Inline(conn),
        };
        Ok(Self { shared, runs })
    }

    /// Has the writer's connection tell the length of the log after each commit.
    pub(crate) fn watch(&self, conn: &mut Connection) -> Result<(), StoreError> {
        let shared = Arc::clone(&self.shared);
        let ask = match &self.runs {
            Runs::Thread { ask, .. } => Some(ask.clone()),
            Runs::Inline(_) | Runs::Stopped => None,
        };
        conn.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, frames: i32| {
            let frames = u64::try_from(frames).unwrap_or(0);
            shared.frames.store(frames, Ordering::Relaxed);
            if frames >= shared.start_frames.load(Ordering::Relaxed) && !shared.finish.load(Ordering::Relaxed)
            {
                match &ask {
                    // A full channel means that one is under way.
                    Some(ask) => drop(ask.try_send(())),
                    None => shared.asked.store(true, Ordering::Relaxed),
                }
            }
            Ok(())
        }))?;
        Ok(())
    }

    /// Takes the last step when the rest is small; called by the writer between two groups.
    pub(crate) fn finish(&self, conn: &Connection) {
        if let Runs::Inline(beside) = &self.runs
            && self.shared.asked.swap(false, Ordering::Relaxed)
        {
            self.shared.passive(beside);
        }
        if !self.shared.finish.swap(false, Ordering::Acquire) {
            return;
        }
        let shared = &self.shared;
        match conn.wal_checkpoint_v2(None::<&str>, CheckpointMode::RESTART) {
            Ok((log, done)) if log == done => {
                shared.start_frames.store(shared.step_frames, Ordering::Relaxed)
            }
            Ok(_) => shared.later(),
            Err(error) => {
                tracing::debug!(error = %error, "the write-ahead log could not start anew");
                shared.later();
            }
        }
    }

    /// Ends the thread, where there is one.
    pub(crate) fn stop(&mut self) {
        if let Runs::Thread { ask, thread } = std::mem::replace(&mut self.runs, Runs::Stopped) {
            drop(ask);
            let _ = thread.join();
        }
    }
}

impl Runs {
    fn on_thread(conn: Connection, shared: Arc<Shared>, watched: ThreadGuard) -> Result<Self, StoreError> {
        let (ask, asked) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("store-checkpoint".to_owned())
            .spawn(move || {
                let _watched = watched;
                while asked.recv().is_ok() {
                    shared.passive(&conn);
                }
            })
            .map_err(|error| StoreError::Unavailable(format!("no thread for checkpoints: {error}")))?;
        Ok(Self::Thread { ask, thread })
    }
}

impl Shared {
    fn passive(&self, conn: &Connection) {
        for _ in 0..ROUNDS {
            match conn.wal_checkpoint_v2(None::<&str>, CheckpointMode::PASSIVE) {
                Ok((log, done)) if u64::try_from(log - done).unwrap_or(u64::MAX) <= REST_FRAMES => {
                    self.finish.store(true, Ordering::Release);
                    return;
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(error = %error, "the write-ahead log could not be brought into the file");
                    self.later();
                    return;
                }
            }
        }
        if self.log_mib() >= LARGE_MIB {
            self.finish.store(true, Ordering::Release);
        } else {
            self.later();
        }
    }

    fn log_mib(&self) -> u64 {
        self.frames.load(Ordering::Relaxed) * self.page_bytes / 1_048_576
    }

    /// Waits until the log has grown by another step.
    fn later(&self) {
        let frames = self.frames.load(Ordering::Relaxed);
        self.start_frames
            .store(frames + self.step_frames, Ordering::Relaxed);
        let mib = self.log_mib();
        if mib >= LARGE_MIB {
            tracing::warn!(
                mib,
                "the write-ahead log is large: a long read keeps it from starting anew"
            );
        }
    }
}
