//! Reads the end of the database file into the page cache, in large pieces.
//!
//! This is the one place that opens the database file by other means than SQLite, and what it opens is never closed:
//! closing *any* descriptor of a file drops all POSIX locks that the process has on it (fcntl(2)), so SQLite's too. Another
//! program that looks at the database then believes that nobody has it open, and deletes the write-ahead log that the
//! server goes on writing.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io;
use std::num::NonZeroU64;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rustix::fs::Advice;
use tokio::time::Instant;

/// Bytes that are asked for at once, and how many such pieces the disk is asked for before the oldest has to be there:
/// enough to keep it busy, and little that a first read would have to wait behind.
const PIECE: u64 = 1 << 20;
const PIECES_AHEAD: usize = 16;
/// Bytes at the file's end that are read ahead at most.
const AHEAD_MAX: u64 = 1 << 30;

/// A descriptor for each file that was read ahead, by device and inode; none is ever closed.
static OPENED: Mutex<BTreeMap<(u64, u64), File>> = Mutex::new(BTreeMap::new());

/// Asks for the pieces of the file at `path` from its end on, and stays a few ahead of what has come.
///
/// # Errors
/// Where the file cannot be opened or read.
pub(super) fn read_ahead(path: &Path, until: Instant) -> io::Result<()> {
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    let file = open(&mut opened, path)?;
    let end = file.metadata()?.len();
    let mut asked = VecDeque::with_capacity(PIECES_AHEAD);
    for n in 1..=end.min(AHEAD_MAX).div_ceil(PIECE) {
        let at = end.saturating_sub(n * PIECE);
        rustix::fs::fadvise(file, at, NonZeroU64::new(PIECE), Advice::WillNeed)?;
        asked.push_back(at);
        if asked.len() == PIECES_AHEAD {
            let oldest = asked.pop_front().unwrap_or(at);
            file.read_at(&mut [0], oldest)?;
            if Instant::now() >= until {
                break;
            }
        }
    }
    Ok(())
}

/// The descriptor of the file at `path`: the one that is open already, else a new one.
fn open<'o>(opened: &'o mut BTreeMap<(u64, u64), File>, path: &Path) -> io::Result<&'o File> {
    let found = std::fs::metadata(path)?;
    Ok(match opened.entry((found.dev(), found.ino())) {
        Entry::Occupied(open) => open.into_mut(),
        Entry::Vacant(new) => new.insert(File::open(path)?),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn files_shorter_than_a_piece_and_longer_than_what_is_asked_ahead_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let later = Instant::now() + Duration::from_secs(60);
        assert!(read_ahead(&path, later).is_err(), "there is no file");
        for length in [0, 1, PIECE, PIECE * (PIECES_AHEAD as u64 + 3) + 1] {
            File::create(&path).unwrap().set_len(length).unwrap();
            read_ahead(&path, later).unwrap();
        }
    }

    #[test]
    fn file_that_is_read_ahead_again_is_not_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        File::create(&path).unwrap();
        let mut opened = BTreeMap::new();
        let descriptor = |file: &File| std::os::fd::AsRawFd::as_raw_fd(file);
        let first = descriptor(open(&mut opened, &path).unwrap());
        assert_eq!(descriptor(open(&mut opened, &path).unwrap()), first);
        std::fs::rename(&path, folder.path().join("old")).unwrap();
        File::create(&path).unwrap();
        assert_ne!(descriptor(open(&mut opened, &path).unwrap()), first);
        assert_eq!(opened.len(), 2);
    }
}
