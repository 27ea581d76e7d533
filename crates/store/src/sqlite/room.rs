//! Room on the disk: new mail is refused while there is still enough for the mail that is queued.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

/// How often the file system is asked.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Whether new mail may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// There is room.
    Enough,
    /// What is left belongs to leases and outcomes of the mail that is queued.
    Little,
}

/// Watches the free space beside the file.
///
/// A disk without a free byte takes no lease and no outcome either, so that nothing leaves; intake stops before that.
#[derive(Debug)]
pub(crate) struct RoomWatch {
    folder: PathBuf,
    least_bytes: u64,
    looked_at: Option<Instant>,
    room: Room,
}

impl RoomWatch {
    /// Watches the file system of the file at `path`, which must keep `least_bytes` free.
    pub(crate) fn new(path: &Path, least_bytes: u64) -> Self {
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        Self {
            folder: folder.unwrap_or(Path::new(".")).to_owned(),
            least_bytes,
            looked_at: None,
            room: Room::Enough,
        }
    }

    /// Whether there is room, as of at most a moment ago. A file system that does not say is taken to have room.
    pub(crate) fn look(&mut self) -> Room {
        if self.least_bytes == 0 || self.looked_at.is_some_and(|at| at.elapsed() < LOOK_EVERY) {
            return self.room;
        }
        self.looked_at = Some(Instant::now());
        let free = rustix::fs::statvfs(&self.folder).map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
        let room = match free {
            Ok(bytes) if bytes < self.least_bytes => Room::Little,
            Ok(_) | Err(_) => Room::Enough,
        };
        if room != self.room {
            match room {
                Room::Little => tracing::error!(
                    least_mib = self.least_bytes >> 20,
                    "the disk is nearly full: new mail is refused, queued mail goes on"
                ),
                Room::Enough => tracing::info!("the disk has room again: new mail is taken in"),
            }
            self.room = room;
        }
        room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_any_disk_has_is_little_room_and_nothing_is_enough() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("postroom.db");
        assert_eq!(RoomWatch::new(&file, u64::MAX).look(), Room::Little);
        assert_eq!(RoomWatch::new(&file, 1).look(), Room::Enough);
        assert_eq!(RoomWatch::new(&file, 0).look(), Room::Enough);
    }

    #[test]
    fn disk_that_does_not_say_has_room() {
        assert_eq!(
            RoomWatch::new(Path::new("/nowhere/at/all.db"), u64::MAX).look(),
            Room::Enough
        );
    }
}
