"""The clock of a server's machine, set for that server alone; monotonic readings stay as they are."""

from __future__ import annotations

import struct
from pathlib import Path

from tests.lab import preload

SOURCE = Path(__file__).with_suffix(".c")
DAY = 86_400


class MachineClock:
    """What one server takes for its machine's clock: the real one, and so many seconds."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "clock"
        self.file.write_bytes(bytes(8))
        self.library = preload.library(SOURCE, folder)

    def set(self, seconds: int) -> None:
        """Sets the clock, for a running server too; its next look sees it."""
        with self.file.open("r+b") as file:
            file.write(struct.pack("=q", seconds))

    def environment(self) -> dict[str, str]:
        """Returns what the server is started with."""
        return {"LD_PRELOAD": str(self.library), "MACHINE_CLOCK": str(self.file)}
