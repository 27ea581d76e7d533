//! The conformance suite on SQLite, and what is SQLite's own.

use std::path::Path;

use async_trait::async_trait;
use futures_util::future::join_all;
use postroom_domain::{MessageState, UserId};
use postroom_store::{
    Drafts, Enqueued, NewDraft, NewMessage, Queue, SqliteOptions, SqliteStore, Store, StoreError, Threads,
    Upkeep,
};
use tempfile::TempDir;

use crate::build::{
    anyone, assert_consistent, at, intake, join, lease, letter, operator, put, record, sent, state,
};
use crate::conformance::{Harness, conformance};
use crate::on_disk::{self, OnDisk};

struct Sqlite(OnDisk);

fn open(path: &Path) -> SqliteStore {
    on_disk::open(path, Threads::Own)
}

#[async_trait]
impl Harness for Sqlite {
    async fn new() -> Self {
        Self(OnDisk::new(Threads::Own))
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

conformance!(Sqlite);

/// A letter with a body of `kib` KiB that does not shrink.
fn heavy(kib: usize) -> NewMessage {
    let mut message = letter(1);
    message.content.body.bytes = vec![b'x'; kib * 1_024];
    message
}

fn small_disk(path: &Path) -> SqliteStore {
    let options = SqliteOptions {
        max_pages: Some(400),
        ..SqliteOptions::default()
    };
    SqliteStore::open(path, options).unwrap()
}

#[tokio::test]
async fn full_disk_refuses_and_recovers_by_itself() {
    let dir = TempDir::new().unwrap();
    let store = small_disk(&dir.path().join("mail.db"));
    let mut ids = Vec::new();
    let refused = loop {
        match store.enqueue(intake(vec![heavy(64)], at(0))).await {
            Ok(Enqueued::Accepted(admitted)) => ids.push(admitted[0].id),
            Ok(other) => panic!("not accepted: {other:?}"),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, StoreError::Full), "{refused}");
    assert_eq!(store.depth(None).await.unwrap().ready, ids.len() as u64);
    store
        .delete(&anyone(), &ids[..3], &operator(), at(1))
        .await
        .unwrap();
    put(&store, vec![heavy(64)], at(1)).await;
    assert_consistent(&store).await;
}

#[tokio::test]
async fn what_is_left_of_a_disk_is_for_queued_mail_and_not_for_new_mail_or_drafts() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("mail.db");
    let draft = || NewDraft {
        subject: "one".to_owned(),
        to: String::new(),
        body: "{}".to_owned(),
    };
    let store = open(&path);
    let ids = put(&store, vec![letter(1)], at(0)).await;
    let kept = store.add_draft(UserId(1), draft(), at(0)).await.unwrap().unwrap();
    store.close().await;
    let options = SqliteOptions {
        least_free_mib: u32::MAX,
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(&path, options).unwrap();
    let full =
        |refused: Option<StoreError>| assert!(matches!(refused, Some(StoreError::Full)), "{refused:?}");
    full(store.enqueue(intake(vec![letter(1)], at(1))).await.err());
    full(store.add_draft(UserId(1), draft(), at(1)).await.err());
    full(store.change_draft(UserId(1), kept, 1, draft(), at(1)).await.err());
    assert!(store.remove_draft(UserId(1), kept).await.unwrap());
    let node = join(&store).await;
    let leased = lease(&store, node, 1, at(2)).await;
    record(&store, node, vec![sent(&leased[0], at(2))], at(2)).await;
    assert_eq!(state(&store, ids[0]).await, MessageState::Sent);
}

#[tokio::test]
async fn operation_that_does_not_fit_leaves_the_others_of_its_group() {
    let dir = TempDir::new().unwrap();
    let store = small_disk(&dir.path().join("mail.db"));
    let asked: Vec<_> = (0..9)
        .map(|n| store.enqueue(intake(vec![heavy(if n == 4 { 4_096 } else { 4 })], at(n))))
        .collect();
    for (n, answer) in join_all(asked).await.into_iter().enumerate() {
        assert_eq!(answer.is_err(), n == 4, "{n}: {answer:?}");
    }
    assert_eq!(store.depth(None).await.unwrap().ready, 8);
    assert_consistent(&store).await;
}

#[tokio::test]
async fn closed_store_refuses() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir.path().join("mail.db"));
    put(&store, vec![letter(1)], at(0)).await;
    store.close().await;
    let written = store.enqueue(intake(vec![letter(1)], at(1))).await;
    assert!(matches!(written, Err(StoreError::Closed)), "{written:?}");
    let read = store.depth(None).await;
    assert!(matches!(read, Err(StoreError::Closed)), "{read:?}");
}

#[tokio::test]
async fn file_of_a_newer_version_is_refused() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("mail.db");
    open(&path).close().await;
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(conn);
    let refused = SqliteStore::open(&path, SqliteOptions::default());
    assert!(matches!(refused, Err(StoreError::Unavailable(text)) if text.contains("newer version")));
}

/// In SQLite `$2` before `$1` binds by first appearance: parameters are numbered, and `$` is not used.
#[test]
fn statements_number_their_parameters() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sqlite");
    for entry in std::fs::read_dir(sources).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            !text.contains("$1") && !text.contains(" ?,"),
            "{}",
            path.display()
        );
    }
}

#[tokio::test]
async fn log_starts_anew_while_mail_comes_in() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("mail.db");
    let options = SqliteOptions {
        checkpoint_mib: 1,
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(&path, options).unwrap();
    for second in 0..400 {
        put(&store, vec![heavy(64)], at(second)).await;
    }
    let log = std::fs::metadata(dir.path().join("mail.db-wal")).unwrap().len();
    assert!(log < 13 << 20, "400 messages of 64 KiB left a log of {log} bytes");
}
