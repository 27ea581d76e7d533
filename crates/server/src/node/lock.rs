//! One process writes a data folder at a time.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// The lock of a data folder; it ends with the process, however that ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why a data folder could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("{} is in use by another Postroom process: stop that one first, or use another server.data_dir", folder.display())]
    Held {
        /// The folder.
        folder: PathBuf,
    },
    /// The lock's file cannot be used.
    #[error("cannot lock {}: {source}", folder.display())]
    Unusable {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Lock {
    /// Locks a data folder for this process.
    ///
    /// # Errors
    /// [`LockError::Held`] where another process has it.
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        let unusable = |source| LockError::Unusable {
            folder: folder.to_owned(),
            source,
        };
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(folder.join("postroom.lock"))
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Held {
                folder: folder.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_is_locked_once_until_the_lock_goes() {
        let folder = tempfile::tempdir().unwrap();
        let lock = Lock::take(folder.path()).unwrap();
        assert!(matches!(Lock::take(folder.path()), Err(LockError::Held { .. })));
        drop(lock);
        assert!(Lock::take(folder.path()).is_ok());
    }
}
