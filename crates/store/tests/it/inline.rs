//! The conformance suite on SQLite without threads, and what is said of that alone.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use postroom_domain::NodeSlot;
use postroom_store::{
    Enqueue, Queue as _, SqliteOptions, SqliteStore, Store, StoreError, Threads, Upkeep as _, WriteFault,
    WriteFaults, WriteOperation,
};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::build::{at, intake, join, lease, letter, put, record, sent};
use crate::conformance::{Harness, conformance};
use crate::on_disk::OnDisk;

struct Inline(OnDisk);

#[async_trait]
impl Harness for Inline {
    async fn new() -> Self {
        Self(OnDisk::new(Threads::Inline))
    }

    fn store(&self) -> &dyn Store {
        self.0.store()
    }

    async fn reopen(&mut self) {
        self.0.reopen().await;
    }

    async fn kill(&mut self) {
        self.0.kill();
    }
}

conformance!(Inline);

/// What a test lets happen to the next operations, in order; afterwards nothing.
#[derive(Debug, Default)]
struct Script {
    operations: Mutex<VecDeque<WriteFault>>,
    names: Mutex<Vec<&'static str>>,
    disk_time: Duration,
}

impl WriteFaults for Script {
    fn on_operation(&self, operation: WriteOperation) -> WriteFault {
        self.names.lock().unwrap().push(operation.name);
        self.operations
            .lock()
            .unwrap()
            .pop_front()
            .unwrap_or(WriteFault::None)
    }

    fn on_group(&self, _: usize) -> Duration {
        self.disk_time
    }
}

fn with_faults(dir: &TempDir, script: Script) -> (SqliteStore, Arc<Script>) {
    let script = Arc::new(script);
    let options = SqliteOptions {
        faults: Some(Arc::clone(&script) as Arc<dyn WriteFaults>),
        ..inline()
    };
    (open(dir, options), script)
}

fn inline() -> SqliteOptions {
    SqliteOptions {
        threads: Threads::Inline,
        ..SqliteOptions::default()
    }
}

fn open(dir: &TempDir, options: SqliteOptions) -> SqliteStore {
    SqliteStore::open(dir.path().join("mail.db"), options).unwrap()
}

fn one() -> Enqueue {
    intake(vec![letter(1)], at(0))
}

#[test]
fn store_outside_a_runtime_is_refused() {
    let dir = TempDir::new().unwrap();
    let refused = SqliteStore::open(dir.path().join("mail.db"), inline());
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
}

#[tokio::test]
async fn store_has_no_thread_of_its_own() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir, inline());
    put(&store, vec![letter(1)], at(0)).await;
    assert_eq!(store.depth(None).await.unwrap().ready, 1);
    let names = std::fs::read_dir("/proc/self/task").unwrap().map(|task| {
        let comm = task.unwrap().path().join("comm");
        std::fs::read_to_string(comm).unwrap_or_default()
    });
    let own: Vec<String> = names.filter(|name| name.starts_with("store-")).collect();
    assert!(own.is_empty(), "{own:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_in_one_poll_is_one_commit() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir, inline());
    let before = store.writes();
    for answer in join_all((0..20).map(|_| store.enqueue(one()))).await {
        answer.unwrap();
    }
    let after = store.writes();
    assert_eq!((after.0 - before.0, after.1 - before.1), (1, 20));
}

#[tokio::test]
async fn what_a_caller_asked_is_done_after_the_caller_went_away() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir, inline());
    {
        let mut asked = std::pin::pin!(store.enqueue(one()));
        assert!(futures_util::poll!(&mut asked).is_pending());
    }
    tokio::task::yield_now().await;
    assert_eq!(store.depth(None).await.unwrap().ready, 1);
}

#[tokio::test(start_paused = true)]
async fn no_time_passes_while_the_store_works() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir, inline());
    let began = Instant::now();
    let node = join(&store).await;
    for second in 0..50 {
        put(&store, vec![letter(1)], at(second)).await;
        let leased = lease(&store, node, 1, at(second)).await;
        record(&store, node, vec![sent(&leased[0], at(second))], at(second)).await;
    }
    while store.index_text().await.unwrap() {}
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn log_starts_anew_between_two_groups() {
    let dir = TempDir::new().unwrap();
    let options = SqliteOptions {
        checkpoint_mib: 1,
        ..inline()
    };
    let store = open(&dir, options);
    for second in 0..400 {
        let mut message = letter(1);
        message.content.body.bytes = vec![b'x'; 16 << 10];
        put(&store, vec![message], at(second)).await;
    }
    let log = size_of(&dir.path().join("mail.db-wal"));
    assert!(log < 3 << 20, "400 messages of 16 KiB left a log of {log} bytes");
}

fn size_of(path: &Path) -> u64 {
    std::fs::metadata(path).unwrap().len()
}

#[tokio::test]
async fn step_is_as_large_as_the_options_say() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir, SqliteOptions { step: 3, ..inline() });
    put(&store, (0..8).map(|_| letter(1)).collect(), at(0)).await;
    let mut more = vec![];
    loop {
        more.push(store.index_text().await.unwrap());
        if more.last() == Some(&false) {
            break;
        }
    }
    assert_eq!(more, [true, true, false]);
}

#[tokio::test(start_paused = true)]
async fn refused_write_changes_nothing() {
    let dir = TempDir::new().unwrap();
    let script = Script {
        operations: Mutex::new([WriteFault::Refuse(StoreError::Full)].into()),
        ..Script::default()
    };
    let (store, script) = with_faults(&dir, script);
    let refused = store.enqueue(one()).await;
    assert!(matches!(refused, Err(StoreError::Full)), "{refused:?}");
    assert_eq!(store.depth(None).await.unwrap().ready, 0);
    store.enqueue(one()).await.unwrap();
    store
        .heartbeat(join(&store).await, at(1), Duration::ZERO)
        .await
        .unwrap();
    assert_eq!(store.depth(None).await.unwrap().ready, 1);
    assert_eq!(
        *script.names.lock().unwrap(),
        ["enqueue", "enqueue", "join", "heartbeat"]
    );
}

#[tokio::test(start_paused = true)]
async fn write_whose_answer_is_lost_is_done() {
    let dir = TempDir::new().unwrap();
    let script = Script {
        operations: Mutex::new([WriteFault::LoseAnswer].into()),
        ..Script::default()
    };
    let (store, _) = with_faults(&dir, script);
    let lost = store.enqueue(one()).await;
    assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
    assert_eq!(store.depth(None).await.unwrap().ready, 1);
}

#[tokio::test(start_paused = true)]
async fn delayed_write_comes_after_the_others_and_a_slow_disk_holds_up_all() {
    let dir = TempDir::new().unwrap();
    let script = Script {
        operations: Mutex::new([WriteFault::Delay(Duration::from_secs(7))].into()),
        disk_time: Duration::from_secs(2),
        ..Script::default()
    };
    let (store, _) = with_faults(&dir, script);
    let began = Instant::now();
    let timed = async |slot| {
        store.join(NodeSlot(slot), at(0)).await.unwrap();
        began.elapsed().as_secs()
    };
    assert_eq!(tokio::join!(timed(1), timed(2)), (9, 2));
}
