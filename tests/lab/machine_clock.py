"""The clock of a server's machine, set by libfaketime; monotonic readings stay as they are."""

from __future__ import annotations

from pathlib import Path

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
DAY = 86_400


class MachineClock:
    """What one server takes for its machine's clock: the real one, and so many seconds."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "clock"
        self.set(0)

    def set(self, seconds: int) -> None:
        """Sets the clock, for a running server too; its next look sees it."""
        # Written beside and renamed: no reader ever sees half of it.
        beside = self.file.with_suffix(".new")
        beside.write_text(f"{seconds:+d}s\n")
        beside.rename(self.file)

    def environment(self) -> dict[str, str]:
        """Returns what the server is started with."""
        if LIBRARY is None:
            raise RuntimeError("libfaketime is missing: tools/setup test installs it")
        return {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
