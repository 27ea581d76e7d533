//! What is damaged in the file is never taken for right, and holds up nothing else.

mod found;
mod holds_up_nothing;

use std::path::Path;

use postroom_domain::{Damage, FailureCause, MessageId, MessageState, RouteId, Scope};
use postroom_store::{
    ActionOutcome, Bulk as _, Consumer, Content, ContentStore as _, Exhaust, FactKind, Facts as _, Filter,
    List as _, Next, NodeLease, Outcome, PageRequest, Place, Queue as _, Recorded, SqliteOptions,
    SqliteStore, StoreError, Upkeep as _,
};
use rusqlite::Connection;

use crate::build::{
    anyone, assert_consistent, at, deferred, failed, greylisted, join, lease, letter, operator, promote, put,
    record, row, sent, state,
};

/// A store in a folder of its own, which can be closed and tampered with.
struct Tampered {
    folder: tempfile::TempDir,
    store: SqliteStore,
}

impl Tampered {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder.path().join("postroom.db")).unwrap();
        Self { folder, store }
    }

    /// Closes the store, does something to its file, and opens it again.
    async fn with(mut self, tamper: impl FnOnce(&Path)) -> Self {
        self.store.close().await;
        let path = self.folder.path().join("postroom.db");
        tamper(&path);
        self.store = open(&path).unwrap();
        self
    }

    /// The same with SQL.
    async fn sql(self, sql: &str) -> Self {
        self.with(|path| Connection::open(path).unwrap().execute_batch(sql).unwrap())
            .await
    }

    /// The same with SQL that puts values of the wrong type into a table, as flipped bits do.
    async fn mistyped(self, table: &str, sql: &str) -> Self {
        self.with(|path| {
            let schema = |from: &str, to: &str| {
                let conn = Connection::open(path).unwrap();
                conn.execute_batch("PRAGMA writable_schema = ON").unwrap();
                let changed = conn.execute(
                    "UPDATE sqlite_schema SET sql = replace(sql, ?1, ?2) WHERE name = ?3",
                    [from, to, table],
                );
                assert_eq!(changed.unwrap(), 1);
            };
            schema(") STRICT, WITHOUT", ") WITHOUT");
            Connection::open(path).unwrap().execute_batch(sql).unwrap();
            schema(") WITHOUT", ") STRICT, WITHOUT");
        })
        .await
    }

    async fn content(&self, id: MessageId) -> Result<Option<Content>, StoreError> {
        self.store.content(&Scope::everything(), id, at(9)).await
    }

    async fn facts(&self, kind: FactKind) -> Vec<Option<MessageId>> {
        let facts = self.store.facts(Consumer::Alerts, 256).await.unwrap();
        let of_kind = facts.into_iter().filter(|fact| fact.kind == kind);
        of_kind.map(|fact| fact.message).collect()
    }

    /// Ids of the first page.
    async fn page(&self) -> Vec<MessageId> {
        let request = PageRequest {
            scope: Scope::everything(),
            filter: Filter::default(),
            place: Place::First,
            limit: 200,
        };
        let page = self.store.page(&request).await.unwrap();
        page.rows.into_iter().map(|row| row.id).collect()
    }

    async fn close(self) {
        self.store.close().await;
    }
}

fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    let options = SqliteOptions {
        readers: 2,
        ..SqliteOptions::default()
    };
    SqliteStore::open(path, options)
}

/// Three messages of three people, leased.
async fn three_leased(t: &Tampered) -> (NodeLease, Vec<postroom_store::Leased>) {
    put(&t.store, vec![letter(1), letter(2), letter(3)], at(1)).await;
    let node = join(&t.store).await;
    let leases = lease(&t.store, node, 3, at(2)).await;
    assert_eq!(leases.len(), 3);
    (node, leases)
}

fn is_damaged<T: std::fmt::Debug>(read: &Result<T, StoreError>, id: MessageId) -> bool {
    matches!(read, Err(StoreError::Damaged(of, Damage::Content)) if *of == id)
}
