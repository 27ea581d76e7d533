"""Processor time of a process and all its descendants."""

from __future__ import annotations

import os
from pathlib import Path

from tests.lab.memory import family

TICKS = os.sysconf("SC_CLK_TCK")


def seconds(pid: int) -> float:
    """Returns the user and system time of a process and its descendants, those that have ended and been reaped included."""
    ticks = 0
    for member in family(pid):
        try:
            # The name may hold spaces and brackets: utime, stime, cutime and cstime are fields 14 to 17 (proc(5)).
            fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        ticks += sum(int(field) for field in fields[11:15])
    return ticks / TICKS
