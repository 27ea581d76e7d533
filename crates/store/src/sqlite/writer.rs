//! The one writer: it drains what waits, runs it in one transaction, commits once, and answers all.
//!
//! What goes wrong, and what is done about it:
//!
//! | what | then |
//! | --- | --- |
//! | an operation fails before it wrote anything | it alone is answered with its error |
//! | an operation fails half-way, or SQLite rolled back | roll back, run the group again one by one |
//! | an operation alone fails of what the file holds | run it again with each of its messages apart ([`super::damage`]) |
//! | the commit fails for want of room | the same; each learns whether it fits |
//! | the commit fails in reading or writing the file | refuse everything, close, open anew, recover; never trust |
//! | another program removed or replaced one of SQLite's files | copy the log into the database, refuse everything, end |

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::broadcast;
use tokio::time::Instant;

use super::checkpoint::Checkpointer;
use super::damage::Care;
use super::error::is_io;
use super::faults::WriteFaults;
use super::files::{self, FileWatch};
use super::group::{Group, Learnt};
use super::handle::{Done, Running, WriterHandle};
use super::high_water::HighWater;
use super::inbox::{Inbox, Lane, Next, Waiting};
use super::kept::Kept;
use super::open::{Place, Threads};
use super::room::RoomWatch;
use crate::StoreError;
use crate::contract::ChangeSet;

/// Operations in one group.
const GROUP_MAX: usize = 512;
/// Bytes of content in one group.
const GROUP_BYTES: usize = 8 << 20;
/// How long a group may run before it commits.
const GROUP_TIME: Duration = Duration::from_millis(10);
/// How long a store that failed waits before it opens its file again.
const REOPEN_AFTER: Duration = Duration::from_millis(250);

/// The writer itself.
pub(crate) struct Writer {
    place: Place,
    conn: Option<Connection>,
    broken_at: Instant,
    kept: Kept,
    inbox: Arc<Inbox>,
    done: Arc<Done>,
    changes: broadcast::Sender<Arc<ChangeSet>>,
    checkpointer: Checkpointer,
    room: RoomWatch,
    files: FileWatch,
    high_water: HighWater,
}

/// How a group's transaction ended.
enum Ended {
    /// Committed.
    Committed(ChangeSet),
    /// Rolled back; each operation can be run again.
    RolledBack(StoreError),
    /// The file cannot be trusted; the connection is gone.
    Broken(StoreError),
    /// One of SQLite's files is another one; the connection is gone and the writer ends.
    Replaced(StoreError),
}

impl Writer {
    /// Starts the writer on what the options say.
    pub(crate) fn start(
        mut conn: Connection,
        high_water: HighWater,
        place: Place,
        changes: broadcast::Sender<Arc<ChangeSet>>,
    ) -> Result<WriterHandle, StoreError> {
        let threads = place.options.threads;
        let faults = place.options.faults.clone();
        let inbox = Arc::new(Inbox::new(threads));
        let done = Arc::new(Done::default());
        let checkpointer = Checkpointer::start(place.clone())?;
        checkpointer.watch(&mut conn)?;
        let writer = Self {
            kept: Kept::load(&conn)?,
            room: RoomWatch::new(&place.path, u64::from(place.options.least_free_mib) << 20),
            files: FileWatch::new(&place.path)?,
            high_water,
            place,
            conn: Some(conn),
            broken_at: Instant::now(),
            inbox: Arc::clone(&inbox),
            done: Arc::clone(&done),
            changes,
            checkpointer,
        };
        let running = match threads {
            Threads::Own => Running::Thread(
                std::thread::Builder::new()
                    .name("store-writer".to_owned())
                    .spawn(move || writer.work())
                    .map_err(|error| StoreError::Unavailable(format!("no thread for the writer: {error}")))?,
            ),
            Threads::Inline => {
                let runtime = tokio::runtime::Handle::try_current()
                    .map_err(|error| StoreError::Unavailable(error.to_string()))?;
                Running::Task(runtime.spawn(writer.serve(faults.clone())))
            }
        };
        Ok(WriterHandle::new(inbox, done, faults, running))
    }

    /// Works on a thread until the store is closed.
    fn work(mut self) {
        let _clear = ClearOnEnd(Arc::clone(&self.inbox));
        let mut waiting = VecDeque::new();
        while let Next::Run(lane) = self.inbox.take(&mut waiting, GROUP_MAX) {
            self.turn(&mut waiting, lane);
        }
        self.end();
    }

    /// Works as a task until the store is closed.
    async fn serve(mut self, faults: Option<Arc<dyn WriteFaults>>) {
        let _clear = ClearOnEnd(Arc::clone(&self.inbox));
        let mut waiting = VecDeque::new();
        while let Next::Run(lane) = self.inbox.next(&mut waiting, GROUP_MAX).await {
            if let Some(faults) = &faults {
                let disk_time = faults.on_group(waiting.len());
                if !disk_time.is_zero() {
                    tokio::time::sleep(disk_time).await;
                }
            }
            self.turn(&mut waiting, lane);
        }
        self.end();
    }

    /// Runs what was taken out of one queue.
    fn turn(&mut self, waiting: &mut VecDeque<Waiting>, lane: Lane) {
        let began = Instant::now();
        while !waiting.is_empty() {
            self.group(waiting, lane, Care::Together);
        }
        if lane == Lane::Background {
            self.inbox.background_took(began.elapsed());
        }
        if let Some(conn) = &self.conn {
            self.checkpointer.finish(conn);
        }
    }

    fn end(mut self) {
        drop(self.conn.take());
        self.checkpointer.stop();
    }

    /// Runs one group and answers its operations.
    fn group(&mut self, waiting: &mut VecDeque<Waiting>, lane: Lane, care: Care) {
        let Some(conn) = self.usable() else {
            for operation in waiting.drain(..) {
                operation.operation.answer(Err(StoreError::Unavailable(
                    "the file is being opened anew".to_owned(),
                )));
            }
            return;
        };
        let mut ran = Vec::new();
        let mut refused = Vec::new();
        let room = self.room.look();
        let ended = match run_group(
            Group::new(&conn, &self.kept, room, self.place.options.step.max(1)).with_care(care),
            waiting,
            &mut ran,
            &mut refused,
            |waiting, room| {
                if lane == Lane::Hot {
                    self.inbox.take_more(waiting, room);
                }
            },
        ) {
            Ok(learnt) => self.commit(conn, learnt),
            Err(error) => self.roll_back(conn, error),
        };
        let (apart, refused) = split_off_damaged(refused, care);
        for (waiting, error) in refused {
            waiting.operation.answer(Err(error));
        }
        match ended {
            Ended::Committed(changes) => self.committed(ran, changes),
            Ended::RolledBack(error) if ran.len() == 1 && care == Care::Together && error.is_of_content() => {
                self.group(&mut VecDeque::from(ran), Lane::Background, Care::Apart);
            }
            Ended::RolledBack(error) if ran.len() == 1 => answer_all(ran, &error),
            Ended::RolledBack(error) => {
                tracing::warn!(error = %error, operations = ran.len(), "a group of writes failed and is run one by one");
                for operation in ran {
                    self.group(&mut VecDeque::from([operation]), Lane::Background, care);
                }
            }
            Ended::Broken(error) => {
                tracing::error!(error = %error, "writing the file failed; it is closed and opened anew");
                answer_all(ran, &error);
            }
            Ended::Replaced(error) => {
                answer_all(ran, &error);
                answer_all(waiting.drain(..).collect(), &error);
                self.inbox.end(error.to_string());
            }
        }
        for operation in apart {
            self.group(&mut VecDeque::from([operation]), Lane::Background, Care::Apart);
        }
    }

    fn committed(&mut self, ran: Vec<Waiting>, changes: ChangeSet) {
        self.done.commits.fetch_add(1, Ordering::Relaxed);
        let n = u64::try_from(ran.len()).unwrap_or(0);
        self.done.operations.fetch_add(n, Ordering::Relaxed);
        if !changes.is_empty() && self.changes.receiver_count() > 0 {
            let _ = self.changes.send(Arc::new(changes));
        }
        for waiting in ran {
            waiting.operation.answer(Ok(()));
        }
    }

    fn commit(&mut self, conn: Connection, learnt: Learnt) -> Ended {
        let committed = self.high_water.step(&conn, learnt.last_id()).and_then(|mark| {
            conn.prepare_cached("COMMIT")?.execute([])?;
            Ok(mark)
        });
        match committed {
            Ok(mark) => {
                self.high_water.committed(&conn, mark);
                if let Some(file) = self.files.replaced() {
                    return Ended::Replaced(abandon(&conn, file));
                }
                self.conn = Some(conn);
                Ended::Committed(self.kept.learn(learnt))
            }
            Err(error) if is_io(&error) => {
                self.broken_at = Instant::now();
                Ended::Broken(StoreError::Unavailable(error.to_string()))
            }
            Err(error) => self.roll_back(conn, error.into()),
        }
    }

    /// Undoes a transaction; a connection that cannot even do that is dropped.
    fn roll_back(&mut self, conn: Connection, error: StoreError) -> Ended {
        if !conn.is_autocommit()
            && let Err(failed) = conn.execute_batch("ROLLBACK")
        {
            self.broken_at = Instant::now();
            return Ended::Broken(StoreError::Unavailable(failed.to_string()));
        }
        self.conn = Some(conn);
        Ended::RolledBack(error)
    }

    /// The connection; after a failure a new one, once the pause is over and what the log holds is in the file.
    fn usable(&mut self) -> Option<Connection> {
        if let Some(conn) = self.conn.take() {
            return Some(conn);
        }
        if self.inbox.has_ended() || self.broken_at.elapsed() < REOPEN_AFTER {
            return None;
        }
        match self.reopen() {
            Ok((conn, kept)) => {
                self.kept = kept;
                tracing::info!("the file is open again");
                Some(conn)
            }
            Err(error) => {
                self.broken_at = Instant::now();
                tracing::error!(error = %error, "the file cannot be opened again");
                None
            }
        }
    }

    fn reopen(&self) -> Result<(Connection, Kept), StoreError> {
        let mut conn = self.place.connect(OpenFlags::empty())?;
        conn.wal_checkpoint_v2(None::<&str>, rusqlite::wal::CheckpointMode::PASSIVE)?;
        self.checkpointer.watch(&mut conn)?;
        let kept = Kept::load(&conn)?;
        Ok((conn, kept))
    }
}

/// Runs operations until a bound is reached; everything but the commit.
fn run_group(
    mut group: Group<'_>,
    waiting: &mut VecDeque<Waiting>,
    ran: &mut Vec<Waiting>,
    refused: &mut Vec<(Waiting, StoreError)>,
    more: impl Fn(&mut VecDeque<Waiting>, usize),
) -> Result<Learnt, StoreError> {
    let began = Instant::now();
    let mut bytes = 0;
    let conn = group.conn;
    let opened = conn
        .prepare_cached("BEGIN IMMEDIATE")
        .and_then(|mut begin| begin.execute([]));
    if let Err(error) = opened {
        ran.extend(waiting.pop_front());
        return Err(error.into());
    }
    while let Some(mut operation) = waiting.pop_front() {
        let before = (conn.total_changes(), group.marks());
        bytes += operation.bytes;
        match operation.operation.run(&mut group) {
            Ok(()) => ran.push(operation),
            Err(error) if !conn.is_autocommit() && before == (conn.total_changes(), group.marks()) => {
                refused.push((operation, error));
            }
            Err(error) => {
                ran.push(operation);
                return Err(error);
            }
        }
        if ran.len() >= GROUP_MAX || bytes >= GROUP_BYTES || began.elapsed() >= GROUP_TIME {
            break;
        }
        if waiting.is_empty() {
            more(waiting, GROUP_MAX - ran.len());
        }
    }
    group.flush()?;
    Ok(group.finish())
}

/// Saves what the log of `conn` holds where `file` is no longer the one that SQLite has open.
fn abandon(conn: &Connection, file: &Path) -> StoreError {
    let file = file.display();
    tracing::error!(
        %file,
        "another program removed or replaced the file while the server had it open; the store ends, a restart opens it again"
    );
    match files::rescue(conn) {
        Ok(()) => tracing::warn!("everything that was committed was copied into the database"),
        Err(error) => {
            tracing::error!(%error, "what was committed last could not be copied into the database")
        }
    }
    StoreError::Unavailable(format!("{file} was removed or replaced by another program"))
}

/// Parts those that run again with each message apart from those that are refused for good.
fn split_off_damaged(
    refused: Vec<(Waiting, StoreError)>,
    care: Care,
) -> (Vec<Waiting>, Vec<(Waiting, StoreError)>) {
    let (damaged, refused): (Vec<_>, Vec<_>) = refused
        .into_iter()
        .partition(|(_, error)| care == Care::Together && error.is_of_content());
    (damaged.into_iter().map(|(waiting, _)| waiting).collect(), refused)
}

fn answer_all(operations: Vec<Waiting>, error: &StoreError) {
    for waiting in operations {
        waiting.operation.answer(Err(error.clone()));
    }
}

/// Lets callers go when the writer ends, however it ends.
struct ClearOnEnd(Arc<Inbox>);

impl Drop for ClearOnEnd {
    fn drop(&mut self) {
        self.0.clear();
    }
}
