//! What the audit log shows of hands in the file.

use postroom_store::{Actor, Audit as _, AuditAction, AuditEntry, AuditNote, SqliteOptions, SqliteStore};
use rusqlite::Connection;

use crate::build::at;

/// Writes six entries, does `tamper` to the closed file, and answers what the check says.
async fn after(tamper: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("postroom.db");
    let store = SqliteStore::open(&path, SqliteOptions::default()).unwrap();
    for n in 0..6_u64 {
        let note = AuditNote::by(Actor::Operator);
        let entry = AuditEntry::new(at(1), &note, AuditAction::LimitsChange, "limits").with("user", n);
        store.append_audit(entry).await.unwrap();
    }
    postroom_store::Upkeep::close(&store).await;
    Connection::open(&path).unwrap().execute_batch(tamper).unwrap();
    let store = SqliteStore::open(&path, SqliteOptions::default()).unwrap();
    store.verify_audit(None).await.unwrap().problems
}

#[tokio::test]
async fn untouched_log_is_right() {
    assert_eq!(after("SELECT 1").await, Vec::<String>::new());
}

#[tokio::test]
async fn changed_entry_is_named() {
    let problems = after("DROP TRIGGER audit_kept; UPDATE audit SET count = 9 WHERE seq = 3").await;
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].starts_with("entry 3 does not fit its hash"),
        "{problems:?}"
    );
}

#[tokio::test]
async fn removed_entry_is_missed() {
    let problems = after("DROP TRIGGER audit_stays; DELETE FROM audit WHERE seq = 4").await;
    assert!(
        problems.contains(&"entry 4 is missing".to_owned()),
        "{problems:?}"
    );
}

#[tokio::test]
async fn end_that_was_cut_off_is_missed() {
    let problems = after("DROP TRIGGER audit_stays; DELETE FROM audit WHERE seq > 4").await;
    assert_eq!(problems, ["entries 5 to 6 are missing"]);
}

#[tokio::test]
async fn database_refuses_changes_to_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("postroom.db");
    let store = SqliteStore::open(&path, SqliteOptions::default()).unwrap();
    let note = AuditNote::by(Actor::Operator);
    let entry = AuditEntry::new(at(1), &note, AuditAction::Setup, "setup");
    store.append_audit(entry).await.unwrap();
    let conn = Connection::open(&path).unwrap();
    for sql in [
        "UPDATE audit SET count = 2",
        "DELETE FROM audit",
        "DELETE FROM audit_head",
    ] {
        let refused = conn.execute_batch(sql).unwrap_err().to_string();
        assert!(refused.contains("only appended to"), "{sql}: {refused}");
    }
}
