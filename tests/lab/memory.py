"""Memory of a process and all its descendants, as proportional set size (PSS)."""

from __future__ import annotations

import threading
from pathlib import Path


def children() -> dict[int, list[int]]:
    """Returns the children of every process."""
    tree: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name may hold spaces and brackets: what counts comes after the last one.
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        tree.setdefault(parent, []).append(int(stat.parent.name))
    return tree


def family(pid: int) -> list[int]:
    """Returns a process and all its descendants."""
    tree, found = children(), [pid]
    for member in found:
        found += tree.get(member, [])
    return found


def pss_kib(pid: int) -> int:
    """Returns the sum of the PSS of a process and its descendants, in KiB."""
    total = 0
    for member in family(pid):
        try:
            text = Path(f"/proc/{member}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        total += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return total


def _status_kib(pid: int, field: str) -> int:
    """Returns a figure of `/proc/PID/status` in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


class ResidentGrowth:
    """By how much a process's resident memory grew at its peak; the kernel notes it, so that no moment is missed."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._before = _status_kib(pid, "VmRSS")
        # proc(5): the peak starts again from now.
        Path(f"/proc/{pid}/clear_refs").write_text("5")

    def kib(self) -> int:
        """Returns the growth up to now, in KiB."""
        return _status_kib(self.pid, "VmHWM") - self._before


class PeakMemory:
    """Watches a family's PSS in a thread, as a context manager; `kib` is the most it saw."""

    def __init__(self, pid: int, every: float = 0.25) -> None:
        self.pid, self.every, self.kib = pid, every, 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._end.wait(self.every):
            self.kib = max(self.kib, pss_kib(self.pid))

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        self.kib = max(self.kib, pss_kib(self.pid))
