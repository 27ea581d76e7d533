//! Keeps the database for its owner alone, in whatever folder it is.

use std::ffi::OsString;
use std::fs::{Permissions, metadata, set_permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// What stands behind the database's name in those of the files beside it.
const BESIDE: [&str; 5] = ["", "-wal", "-shm", "-journal", "-mark"];
/// The rights of group and others.
const OF_OTHERS: u32 = 0o077;

/// Takes the rights of others from the database's files, which an earlier version or a restored copy may have. It is done
/// by their names: a descriptor of a file that is closed drops the locks that SQLite has on it (ADR 14).
pub(super) fn make_private(database: &Path) {
    for beside in BESIDE {
        let mut path = OsString::from(database);
        path.push(beside);
        let path = Path::new(&path);
        if let Err(error) = narrow(path) {
            tracing::warn!(
                file = %path.display(),
                %error,
                "others may be able to read the database: the rights of a file could not be changed"
            );
        }
    }
}

fn narrow(path: &Path) -> io::Result<()> {
    let is_gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let mode = match metadata(path) {
        Ok(found) => found.permissions().mode(),
        Err(error) if is_gone(&error) => return Ok(()),
        Err(error) => return Err(error),
    };
    if mode & OF_OTHERS == 0 {
        return Ok(());
    }
    match set_permissions(path, Permissions::from_mode(mode & !OF_OTHERS & 0o7777)) {
        Err(error) if !is_gone(&error) => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_database_are_their_owners_alone_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("mail.db");
        let names = [
            "mail.db",
            "mail.db-wal",
            "mail.db-shm",
            "mail.db-mark",
            "mail.db.copy",
        ];
        let path = |name: &str| folder.path().join(name);
        for name in names {
            std::fs::write(path(name), "").unwrap();
            set_permissions(path(name), Permissions::from_mode(0o664)).unwrap();
        }
        make_private(&database);
        let modes = names.map(|name| metadata(path(name)).unwrap().permissions().mode() & 0o777);
        assert_eq!(modes, [0o600, 0o600, 0o600, 0o600, 0o664]);
    }
}
