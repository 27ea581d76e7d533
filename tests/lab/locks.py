"""The POSIX locks that a process holds on SQLite's files, as the kernel tells them in `/proc/locks`."""

from __future__ import annotations

import os
import threading
from pathlib import Path

SHARED = range(0x40000002, 0x40000002 + 510)
"""Bytes of the database file that a connection in WAL mode holds a read lock on."""
DEAD_MAN_SWITCH = 128
"""Byte of the `-shm` file that every process which has the database open holds a read lock on."""
TRIES = 3
"""A table that is read while it changes may miss a line: a lock is gone when it is missing so many times in a row."""


def held(pid: int, file: Path) -> set[int]:
    """Returns the first bytes of the ranges of `file` that the process has locked."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return set()
    name = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    rows = (line.split() for line in Path("/proc/locks").read_text().splitlines())
    # "1: POSIX  ADVISORY  READ 23789 fe:00:10010864 124 124"; a line "1: -> …" is of somebody who waits.
    return {int(row[6]) for row in rows if row[1] == "POSIX" and row[4] == str(pid) and row[5] == name}


def has_both(pid: int, database: Path) -> bool:
    """Says whether the process has SQLite's locks on the database and on its shared memory."""
    shared_memory = database.with_name(f"{database.name}-shm")
    for _ in range(TRIES):
        if held(pid, database) & set(SHARED) and DEAD_MAN_SWITCH in held(pid, shared_memory):
            return True
    return False


class Watch(threading.Thread):
    """Looks without pause, as a context manager: once SQLite has its locks it must keep them."""

    def __init__(self, pid: int, database: Path) -> None:
        super().__init__(daemon=True)
        self.pid, self.database = pid, database
        self.ending = threading.Event()
        self.seen = self.missing = 0
        """Looks that found the locks, and looks after the first such that did not."""

    def run(self) -> None:
        """Looks until the end."""
        while not self.ending.is_set():
            if has_both(self.pid, self.database):
                self.seen += 1
            elif self.seen:
                self.missing += 1

    def __enter__(self) -> Watch:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ending.set()
        self.join(10)
