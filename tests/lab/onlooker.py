"""Somebody who looks at a running server's database with `sqlite3`."""

from __future__ import annotations

import random
import subprocess
import threading
from pathlib import Path

SECONDS_MOST = 60
BUSY = "database is locked"
"""What a look may be told while the server recovers or checkpoints."""


def sqlite3(database: Path, statement: str, *options: str) -> str:
    """Runs one statement or dot command with the system's `sqlite3` and returns what it printed."""
    line = ["sqlite3", *options, "-cmd", ".timeout 5000", str(database), statement]
    done = subprocess.run(line, capture_output=True, text=True, timeout=SECONDS_MOST, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(line)}: exit {done.returncode}: {done.stderr}")
    return done.stdout.strip()


def count(database: Path) -> int:
    """Counts the messages in a database."""
    return int(sqlite3(database, "SELECT count(*) FROM message"))


class Looks:
    """The ways to look, and the copies that were made."""

    def __init__(self, database: Path, folder: Path) -> None:
        self.database, self.folder = database, folder
        self.copies: list[Path] = []
        folder.mkdir(parents=True, exist_ok=True)

    def select(self) -> int:
        """Counts the messages."""
        return count(self.database)

    def select_read_only(self) -> int:
        """Counts the messages over a connection that cannot write."""
        return int(sqlite3(self.database, "SELECT count(*) FROM message", "-readonly"))

    def backup(self) -> int:
        """Copies the database with `.backup` and counts the copy's messages."""
        return self.copied('.backup "{}"')

    def vacuum_into(self) -> int:
        """Copies the database with `VACUUM INTO` and counts the copy's messages."""
        return self.copied("VACUUM INTO '{}'")

    def copied(self, statement: str) -> int:
        copy = self.folder / f"copy{len(self.copies)}.db"
        self.copies.append(copy)
        sqlite3(self.database, statement.format(copy))
        if (found := sqlite3(copy, "PRAGMA integrity_check")) != "ok":
            raise RuntimeError(f"the copy made by {statement} is not whole: {found}")
        return count(copy)

    def all(self) -> tuple[int, int, int, int]:
        """Looks in every way and returns the messages that each saw."""
        return self.select(), self.select_read_only(), self.backup(), self.vacuum_into()


class Onlooker(threading.Thread):
    """Looks at random moments in random ways, also while the server is down, until it is told to end."""

    def __init__(self, database: Path, folder: Path, seed: int) -> None:
        super().__init__(name="onlooker", daemon=True)
        self.looks, self.random = Looks(database, folder), random.Random(f"{seed}-onlooker")
        self.ending = threading.Event()
        self.looking = threading.Lock()
        """Held during a look: whoever holds it has the files of a server that is down to itself."""
        self.looked = 0
        self.failed: list[str] = []

    def run(self) -> None:
        """Looks, again and again."""
        while not self.ending.wait(self.random.uniform(0.0, 0.4)):
            look = self.random.choice(
                (self.looks.select, self.looks.select_read_only, self.looks.backup, self.looks.vacuum_into)
            )
            try:
                with self.looking:
                    look()
                self.looked += 1
            except RuntimeError as error:
                if BUSY not in str(error):
                    self.failed.append(str(error))
            for copy in self.looks.copies:
                copy.unlink(missing_ok=True)

    def end(self) -> None:
        """Ends it and waits for its end."""
        self.ending.set()
        if self.is_alive():
            self.join(SECONDS_MOST)
