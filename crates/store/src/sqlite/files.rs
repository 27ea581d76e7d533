//! Watches that the names of the database's files still mean the files that SQLite has open.
//!
//! A write-ahead log that was removed or replaced while SQLite has it open takes every commit and keeps none of them: the
//! next process finds another file, or none, under its name. So the names are looked up after each commit, before anybody
//! is answered: three calls of stat(2), some two microseconds. Nothing is opened: see [`super::read_ahead`].

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::wal::CheckpointMode;

use crate::StoreError;

/// What SQLite appends to the database's name for its other files.
const ENDINGS: [&str; 3] = ["", "-wal", "-shm"];
/// How often the log is asked to be copied into the database; each waits for locks as long as the connection does.
const RESCUE_TRIES: usize = 50;

/// The files of a database, as they were when it was opened.
#[derive(Debug)]
pub(crate) struct FileWatch {
    files: Vec<(PathBuf, (u64, u64))>,
}

impl FileWatch {
    /// Watches the files of the database at `path`, which a connection has open.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where one of them is missing.
    pub(crate) fn new(path: &Path) -> Result<Self, StoreError> {
        let files = ENDINGS.map(|ending| {
            let file = with_ending(path, ending);
            let found = std::fs::metadata(&file)
                .map_err(|error| StoreError::Unavailable(format!("{}: {error}", file.display())))?;
            Ok((file, identity(&found)))
        });
        Ok(Self {
            files: files.into_iter().collect::<Result<_, StoreError>>()?,
        })
    }

    /// The first file whose name means another file than at the start, or none.
    pub(crate) fn replaced(&self) -> Option<&Path> {
        let replaced = self
            .files
            .iter()
            .find(|(path, known)| std::fs::metadata(path).map_or(true, |found| identity(&found) != *known));
        replaced.map(|(path, _)| path.as_path())
    }
}

/// Copies what the log of `conn` holds into the database, so that a log whose file is gone takes nothing with it.
///
/// # Errors
/// Where not all of it could be copied.
pub(crate) fn rescue(conn: &Connection) -> Result<(), StoreError> {
    let mut last = StoreError::Unavailable("a reader holds the log".to_owned());
    for _ in 0..RESCUE_TRIES {
        match conn.wal_checkpoint_v2(None::<&str>, CheckpointMode::FULL) {
            Ok((log, copied)) if log == copied => return Ok(()),
            Ok(_) => {}
            Err(error) => last = error.into(),
        }
    }
    Err(last)
}

/// The path of another file of the database.
pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn identity(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}
