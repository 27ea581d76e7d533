"""Waiting for something to become true, with a limit and words for the case that it doesn't."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path


class GaveUp(Exception):
    """What was waited for did not come in time."""


def until(true: Callable[[], bool], what: str, seconds: float = 30.0, every: float = 0.01) -> None:
    """Waits until `true()` holds.

    Raises `GaveUp`, naming `what`, once `seconds` have passed.
    """
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise GaveUp(f"waited {seconds:.0f} s for {what}")
        time.sleep(every)


def until_listening(port: int, seconds: float = 30.0) -> None:
    """Waits until somebody accepts connections on a loopback port."""

    def connects() -> bool:
        with socket.socket() as probe:
            probe.settimeout(1.0)
            return probe.connect_ex(("127.0.0.1", port)) == 0

    until(connects, f"port {port} to accept connections", seconds)


def until_still(file: Path, seconds: float = 0.1, most: float = 5.0) -> None:
    """Waits until a file has not grown for `seconds`, at most `most`."""
    size, since, began = -1, time.monotonic(), time.monotonic()
    while time.monotonic() - since < seconds and time.monotonic() - began < most:
        now = file.stat().st_size if file.exists() else 0
        if now != size:
            size, since = now, time.monotonic()
        time.sleep(0.01)
