"""The sink that both sides relay to, and watching what arrives at it.

Two kinds: `postroom sink --log`, which writes each Message-ID so that losses and duplicates can be counted, and
Postfix's `smtp-sink`, which counts only. A run uses one kind for all contenders, each with an instance of its own.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.lab import wait
from tests.lab.postroom import LogSink
from tests.lab.process import Listening
from tests.lab.scratch import free_port


class Relay(Protocol):
    """A fast SMTP sink on a loopback port."""

    port: int

    def start(self) -> object:
        """Starts it and waits until it listens."""

    def stop(self) -> None:
        """Ends it."""

    def arrived(self) -> int:
        """Counts the messages accepted since the start, cheaply."""

    def ids(self) -> Counter[str] | None:
        """Counts the arrivals of each Message-ID, or None where the kind keeps none."""


class LoggingRelay:
    """`postroom sink --log`."""

    def __init__(self, folder: Path, options: Sequence[str] = ()) -> None:
        self.sink = LogSink(folder, free_port(), options)
        self.port = self.sink.port
        self._read = 0
        self._lines = 0

    def start(self) -> object:
        return self.sink.start()

    def stop(self) -> None:
        self.sink.stop()

    def arrived(self) -> int:
        if self.sink.log.exists():
            with self.sink.log.open("rb") as log:
                log.seek(self._read)
                new = log.read()
            self._read += len(new)
            self._lines += new.count(b"\n")
        return self._lines

    def ids(self) -> Counter[str] | None:
        return Counter(row[0] for row in self.sink.lines())


class CountingRelay:
    """Postfix's `smtp-sink -c`, whose running count is read from what it prints."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.output = folder / "smtp-sink.out"
        line = ["/usr/sbin/smtp-sink", "-u", "nobody", "-c", f"127.0.0.1:{self.port}", "500"]
        self.server = Listening(line, self.port, self.output)

    def start(self) -> object:
        self.server.start()
        return self

    def stop(self) -> None:
        self.server.stop()

    def arrived(self) -> int:
        with self.output.open("rb") as out:
            out.seek(max(0, self.output.stat().st_size - 200))
            tail = out.read().decode(errors="replace")
        # Counts end with a return; what follows the last one may be half written.
        whole = tail.rpartition("\r")[0]
        return int(whole.rpartition("mesg=")[2].split()[0]) if "mesg=" in whole else 0

    def ids(self) -> Counter[str] | None:
        return None


@dataclass(frozen=True)
class Arrivals:
    """When messages were seen to arrive, by `time.perf_counter()`."""

    first_at: float
    first_count: int
    last_at: float
    count: int

    def rate(self) -> float:
        """Messages a second from the first seen to the last."""
        return (self.count - self.first_count) / max(self.last_at - self.first_at, 1e-9)


def watch(relay: Relay, count: int, seconds: float, base: int = 0) -> Arrivals:
    """Waits until `count` messages beyond `base` have arrived, giving up `seconds` after the last arrival."""
    first_at, first_count, last, last_at = 0.0, 0, 0, time.perf_counter()
    while last < count:
        now, seen = time.perf_counter(), relay.arrived() - base
        if seen > last:
            if last == 0:
                first_at, first_count = now, seen
            last, last_at = seen, now
        elif now - last_at > seconds:
            raise wait.GaveUp(f"{last} of {count} messages arrived, and none for {seconds:.0f} s")
        time.sleep(0.005)
    return Arrivals(first_at, first_count, last_at, last)
