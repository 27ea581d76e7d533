//! What becomes of SQLite's files, and of mail, when others have their hands in them.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use postroom_store::{Queue as _, SqliteOptions, SqliteStore, StoreError, Upkeep as _};
use tempfile::TempDir;

use crate::build::{anyone, assert_consistent, at, intake, letter, operator, put};

/// A wait for an event that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);

fn options() -> SqliteOptions {
    SqliteOptions {
        warm_up: Duration::from_secs(1),
        ..SqliteOptions::default()
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}{ending}", path.display()))
}

/// Copies the files of a store as a kill would leave them. Another program does it: a file that is opened and closed here
/// loses the locks that SQLite has on it.
pub(crate) fn copy_as_a_kill_leaves_them(old: &Path, new: &Path, endings: &[&str]) {
    for ending in endings {
        let copied = Command::new("cp")
            .args([with_ending(old, ending), with_ending(new, ending)])
            .status()
            .unwrap();
        assert!(copied.success());
    }
}

/// The first bytes of the ranges of the file at `path` that this process has locked.
fn locked(path: &Path) -> Vec<u64> {
    let found = std::fs::metadata(path).unwrap();
    let (pid, inode) = (std::process::id().to_string(), format!(":{}", found.ino()));
    let table = std::fs::read_to_string("/proc/locks").unwrap();
    let mut locked = Vec::new();
    for line in table.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        // "1: POSIX  ADVISORY  READ 23789 fe:00:10010864 124 124"
        if let [_, "POSIX", _, _, owner, file, first, _] = words[..]
            && owner == pid
            && file.ends_with(&inode)
        {
            locked.push(first.parse().unwrap());
        }
    }
    locked
}

/// Reads of the table of locks after which one that was never seen is not there: while others lock and unlock, a read may
/// miss a line.
const TABLE_READS: usize = 20;

fn assert_locked(path: &Path, when: &str) {
    let first_shared = 0x4000_0002;
    let is_shared = |byte: &u64| (first_shared..first_shared + 510).contains(byte);
    let is_locked =
        |path: &Path, what: &dyn Fn(&u64) -> bool| (0..TABLE_READS).any(|_| locked(path).iter().any(what));
    assert!(is_locked(path, &is_shared), "{when}: no lock on the database");
    let memory = with_ending(path, "-shm");
    assert!(
        is_locked(&memory, &|byte| *byte == 128),
        "{when}: no lock on the shared memory"
    );
}

#[tokio::test]
async fn sqlite_keeps_its_locks_when_its_file_is_read_ahead() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("mail.db");
    let store = SqliteStore::open(&path, options()).unwrap();
    assert_locked(&path, "after the first start");
    put(&store, vec![letter(1)], at(0)).await;
    assert_locked(&path, "after the first message");
    let other = SqliteStore::open(&path, options()).unwrap();
    assert_locked(&path, "after a second store of the same file");
    other.close().await;
    assert_locked(&path, "after the second store was closed");
    store.close().await;
    let store = SqliteStore::open(&path, options()).unwrap();
    assert_locked(&path, "after a start with a file");
    store.check().await.unwrap();
    assert_locked(&path, "after a check");
}

#[tokio::test]
async fn removed_log_is_noticed_before_anybody_is_answered_and_takes_nothing_with_it() {
    for ending in ["-wal", "-shm"] {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("mail.db");
        let store = SqliteStore::open(&path, options()).unwrap();
        for second in 0..5 {
            put(&store, vec![letter(1)], at(second)).await;
        }
        std::fs::remove_file(with_ending(&path, ending)).unwrap();
        let refused = store.enqueue(intake(vec![letter(1)], at(6))).await;
        assert!(
            matches!(&refused, Err(StoreError::Unavailable(why)) if why.contains("removed or replaced")),
            "{ending}: {refused:?}"
        );
        let why = tokio::time::timeout(PATIENCE, store.ended()).await.unwrap();
        assert!(why.contains(ending), "{why}");
        let refused = store.enqueue(intake(vec![letter(1)], at(7))).await;
        assert!(
            matches!(refused, Err(StoreError::Closed)),
            "{ending}: {refused:?}"
        );
        // As after a kill: nothing that closing would still do.
        let left = dir.path().join("left.db");
        copy_as_a_kill_leaves_them(&path, &left, &["", "-mark"]);
        let store = SqliteStore::open(&left, options()).unwrap();
        let report = store.check().await.unwrap();
        assert_eq!((report.messages, report.differences), (6, Vec::new()), "{ending}");
    }
}

#[tokio::test]
async fn database_that_was_replaced_is_written_to_no_more() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("mail.db");
    let store = SqliteStore::open(&path, options()).unwrap();
    put(&store, vec![letter(1)], at(0)).await;
    copy_as_a_kill_leaves_them(&path, &dir.path().join("other.db"), &[""]);
    std::fs::rename(dir.path().join("other.db"), &path).unwrap();
    let refused = store.enqueue(intake(vec![letter(1)], at(1))).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
}

#[tokio::test]
async fn loss_of_the_newest_commits_is_reported_until_it_is_acknowledged() {
    let dir = TempDir::new().unwrap();
    let (path, left) = (dir.path().join("mail.db"), dir.path().join("left.db"));
    let store = SqliteStore::open(&path, options()).unwrap();
    put(&store, vec![letter(1)], at(0)).await;
    // The log goes into the database and the file is whole without it.
    store.close().await;
    let store = SqliteStore::open(&path, options()).unwrap();
    put(&store, vec![letter(1)], at(1)).await;
    copy_as_a_kill_leaves_them(&path, &left, &["", "-mark"]);

    let store = SqliteStore::open(&left, options()).unwrap();
    let report = store.check().await.unwrap();
    assert_eq!(report.messages, 1, "{report:?}");
    assert!(
        matches!(&report.differences[..], [loss] if loss.contains("has lost what was written last")),
        "{report:?}"
    );
    store.close().await;
    let store = SqliteStore::open(&left, options()).unwrap();
    assert_eq!(
        store.check().await.unwrap().differences,
        report.differences,
        "not forgotten"
    );
    assert_eq!(store.acknowledge_losses().await.unwrap(), 1);
    assert_consistent(&store).await;
    // What comes in from now on is numbered behind what was lost.
    put(&store, vec![letter(1)], at(2)).await;
    store.close().await;
    assert_consistent(&SqliteStore::open(&left, options()).unwrap()).await;
}

#[tokio::test]
async fn kill_loses_nothing_and_raises_no_false_alarm() {
    let dir = TempDir::new().unwrap();
    let mut path = dir.path().join("mail.db");
    for kill in 0..5 {
        let store = SqliteStore::open(&path, options()).unwrap();
        assert_consistent(&store).await;
        for second in 0..3 {
            put(&store, vec![letter(1)], at(kill * 10 + second)).await;
        }
        let left = dir.path().join(format!("left{kill}.db"));
        copy_as_a_kill_leaves_them(&path, &left, &["", "-wal", "-mark"]);
        path = left;
    }
    let report = SqliteStore::open(&path, options())
        .unwrap()
        .check()
        .await
        .unwrap();
    assert_eq!((report.messages, report.differences), (15, Vec::new()));
}

#[tokio::test]
async fn space_of_deleted_mail_goes_back_in_steps_and_a_little_stays() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("mail.db");
    let store = SqliteStore::open(&path, options()).unwrap();
    let mut ids = Vec::new();
    for second in 0..60 {
        let mut message = letter(1);
        message.content.body.bytes = vec![b'x'; 200_000];
        ids.extend(put(&store, vec![message], at(second)).await);
    }
    store.delete(&anyone(), &ids, &operator(), at(100)).await.unwrap();
    let mut steps = 0;
    while store.release_space().await.unwrap() {
        steps += 1;
        // Mail comes in between two steps.
        put(&store, vec![letter(1)], at(100 + steps)).await;
    }
    assert!((3..100).contains(&steps), "12 MB in {steps} steps");
    assert!(!store.release_space().await.unwrap(), "nothing is left to do");
    assert_consistent(&store).await;
    store.close().await;
    let left = std::fs::metadata(&path).unwrap().len();
    assert!((4 << 20..7 << 20).contains(&left), "{left} bytes are left");
}

/// Closing any descriptor of a file drops the locks that SQLite has on it, so nothing else opens a file in this crate; and
/// nothing outside it knows where the database is, but what opens the store.
#[test]
fn only_sqlite_opens_the_database() {
    const OPENS: [&str; 9] = [
        "File::open",
        "File::create",
        "File::options",
        "OpenOptions",
        "fs::read",
        "fs::write",
        "fs::copy",
        "fs::open",
        "hard_link",
    ];
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let (mut sources, mut opening, mut naming) = (0, Vec::new(), Vec::new());
    let mut folders: Vec<PathBuf> = vec![crates.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(crates).unwrap().display().to_string();
            if !name.contains("/src/") || !name.ends_with(".rs") {
                continue;
            }
            sources += 1;
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            if name.starts_with("store/") && OPENS.iter().any(|open| code.contains(open)) {
                opening.push(name.clone());
            }
            if code.contains("postroom.db\"") {
                naming.push(name);
            }
        }
    }
    assert!(sources > 200, "{sources} sources were found");
    opening.sort();
    // The one keeps what it opens; the other opens a file of its own.
    assert_eq!(
        opening,
        ["store/src/sqlite/high_water.rs", "store/src/sqlite/read_ahead.rs"]
    );
    naming.sort();
    assert_eq!(
        naming,
        [
            "server/src/cli/bench_fill.rs",
            "server/src/node/mod.rs",
            "simulator/src/world/mod.rs"
        ]
    );
}
