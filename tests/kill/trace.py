"""Reads a system call trace of the server and finds answers written before a sync that covers them.

An acknowledgement is covered if a sync of a file in the data folder began after the last read on its connection had
returned, and returned before the acknowledgement was written. `kill -9` can't show this: the kernel keeps what was
written; only a power cut would lose it.
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab import wait

READS = ("read", "readv", "recvfrom", "recvmsg")
WRITES = ("write", "writev", "sendto", "sendmsg")
SYNCS = ("fsync", "fdatasync")
WHOLE = re.compile(r"^(\d+)\s+(\w+)\((.*)$")
RESUMED = re.compile(r"^(\d+)\s+<\.\.\. (\w+) resumed>(.*)$")
DESCRIPTOR = re.compile(r"^(\d+)<(.*?)>")
# What an answer looks like in the trace: a 250 to the final dot names its enhanced code 2.0.0 or 2.6.0.
ANSWER = re.compile(r'"(?:HTTP/1\.1 )?(250(?= 2\.[06]\.0 )|202(?= ))')


class Trace:
    """strace on a running process, as a context manager; the trace is complete after the block."""

    def __init__(self, pid: int, file: Path) -> None:
        calls = ",".join(READS + WRITES + SYNCS)
        self.line = ["strace", "-f", "-y", "-s", "64", "-e", f"trace={calls}", "-o", str(file), "-p", str(pid)]
        self.file = file

    def __enter__(self) -> Trace:
        self.process = subprocess.Popen(self.line, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        first = self.process.stderr.readline()
        if "attached" not in first:
            raise RuntimeError(f"strace: {first}{self.process.stderr.read()}")
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.communicate(timeout=30)
        wait.until(self.file.exists, "the trace's file")


@dataclass
class Findings:
    """Acknowledgements in a trace, by their code: how many a sync covers, and the lines of those that none does."""

    covered: Counter[str] = field(default_factory=Counter)
    uncovered: list[tuple[str, str]] = field(default_factory=list)
    syncs: int = 0


@dataclass(frozen=True)
class Call:
    """One system call: where in the trace it began and ended, and its text."""

    name: str
    begin: int
    end: int
    descriptor: str
    path: str
    text: str

    def succeeded(self) -> bool:
        """Says whether it returned 0."""
        return self.text.rstrip().endswith("= 0")


def calls(lines: list[str]) -> list[Call]:
    """Joins what strace splits (`<unfinished ...>`, `resumed`) and returns the calls in order of their ends."""
    open_calls: dict[str, tuple[int, str, str]] = {}
    found = []
    for number, line in enumerate(lines):
        if whole := WHOLE.match(line):
            thread, name, rest = whole.groups()
            if rest.endswith("<unfinished ...>"):
                open_calls[thread] = (number, name, rest)
                continue
            begin, text = number, rest
        elif resumed := RESUMED.match(line):
            thread, name, rest = resumed.groups()
            begin, _, start = open_calls.pop(thread, (number, name, ""))
            text = start + rest
        else:
            continue
        named = DESCRIPTOR.match(text)
        found.append(Call(name, begin, number, *(named.groups() if named else ("", "")), text))
    return found


def examine(lines: list[str], data_dir: str) -> Findings:
    """Checks every acknowledgement in a trace."""
    findings = Findings()
    joined = calls(lines)
    syncs = [call for call in joined if call.name in SYNCS and call.path.startswith(data_dir) and call.succeeded()]
    findings.syncs = len(syncs)
    last_read: dict[str, int] = {}
    # Reads count from their end, writes from their beginning.
    moments = [(call.end, call) for call in joined if call.name in READS]
    moments += [(call.begin, call) for call in joined if call.name in WRITES]
    for _, call in sorted(moments, key=lambda moment: moment[0]):
        if call.name in READS:
            if '"' in call.text and not call.text.rstrip().endswith("= 0"):
                last_read[call.descriptor] = call.end
        elif answer := ANSWER.search(call.text):
            read = last_read.get(call.descriptor, -1)
            if any(read < sync.begin and sync.end < call.begin for sync in syncs):
                findings.covered[answer[1]] += 1
            else:
                findings.uncovered.append((answer[1], lines[call.begin]))
    return findings
