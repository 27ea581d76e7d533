"""Scratch folders and free ports."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parents[2]


class Scratch:
    """A folder on the disk that goes with the `with` block; kept, and its name printed, where the block failed.

    It lies under `target/`, on the disk that the project is on: a temporary folder may be in memory, where a sync
    costs nothing and a benchmark would lie.
    """

    def __init__(self, name: str) -> None:
        base = Path(os.environ.get("POSTROOM_SCRATCH", ROOT / "target" / "scratch"))
        base.mkdir(parents=True, exist_ok=True)
        self.path = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=base))
        # Postfix's daemons and mailbox writer run as other users and must get through to their own folders.
        self.path.chmod(0o755)

    def __enter__(self) -> Path:
        return self.path

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.remove()
        else:
            print(f"   kept {self.path}", file=sys.stderr)

    def remove(self) -> None:
        """Removes the folder and what is in it."""
        shutil.rmtree(self.path, ignore_errors=True)


def free_port() -> int:
    """Returns a loopback TCP port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
