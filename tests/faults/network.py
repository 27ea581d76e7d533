"""A relay's host in a network namespace of its own, which can lose its power or its network."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from pathlib import Path

from tests.lab import wait
from tests.lab.postroom import binary

HERE, THERE = "10.255.250.1", "10.255.250.2"
NETWORK = "10.255.250.0/30"
PORT = 2525
# A namespace goes in the background: the next one has a name of its own.
NUMBERS = itertools.count(1)


def missing() -> str | None:
    """Says what keeps these tests from running here, or None."""
    if os.geteuid() != 0:
        return "a network namespace needs root"
    for program in ("ip", "nft", "ss"):
        if shutil.which(program) is None:
            return f"{program} is missing: tools/setup test installs it"
    return None


def run(*line: str) -> str:
    """Runs a program and returns what it printed."""
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(line)}: exit {done.returncode}: {done.stderr}")
    return done.stdout


class RelayHost:
    """A host with `postroom sink` on it, at the other end of a cable; a context manager."""

    def __init__(self, folder: Path) -> None:
        number = next(NUMBERS)
        self.name = f"postroom-{os.getpid()}-{number}"
        self.cable = f"pr{os.getpid() % 10_000_000}-{number}"
        self.log = folder / "sink.log"
        self.errors = folder / "sink.err"
        self.sink: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> RelayHost:
        run("ip", "netns", "add", self.name)
        try:
            ours, theirs = f"{self.cable}a", f"{self.cable}b"
            run("ip", "link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", self.name)
            run("ip", "address", "add", f"{HERE}/30", "dev", ours)
            run("ip", "link", "set", ours, "up")
            self.inside("ip", "address", "add", f"{THERE}/30", "dev", theirs)
            self.inside("ip", "link", "set", theirs, "up")
            self.inside("ip", "link", "set", "lo", "up")
            # What a process leaves behind is gone in a second, as after a loss of power.
            self.inside("sysctl", "-q", "-w", "net.ipv4.tcp_orphan_retries=1")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.end_sink()
        # With the cable our address goes at once, and the next host may have it.
        subprocess.run(["ip", "link", "delete", f"{self.cable}a"], capture_output=True, check=False)
        run("ip", "netns", "delete", self.name)

    def inside(self, *line: str) -> str:
        """Runs a program on the host."""
        return run("ip", "netns", "exec", self.name, *line)

    def start_sink(self, stall_seconds: int) -> None:
        """Starts the SMTP server, which answers RCPT for `stall…` so late, and waits until it listens."""
        line = ["ip", "netns", "exec", self.name, str(binary()), "sink", "--listen", f"{THERE}:{PORT}"]
        line += ["--log", str(self.log), "--stall", str(stall_seconds)]
        with self.errors.open("ab") as errors:
            self.sink = subprocess.Popen(line, stdout=errors, stderr=errors)
        wait.until(lambda: bool(self.inside("ss", "-Hltn", f"sport = {PORT}")), "the sink to listen")

    def end_sink(self) -> None:
        """Kills the SMTP server."""
        if self.sink is not None:
            self.sink.kill()
            self.sink.wait(10)
            self.sink = None

    def cut(self) -> None:
        """Nothing goes in or out any more, and nobody is told."""
        rules = "".join(
            f"chain {hook} {{ type filter hook {hook} priority 0; policy drop; }}\n" for hook in ("input", "output")
        )
        self.inside("nft", f"table inet cut {{\n{rules}}}")

    def join(self) -> None:
        """The network is back."""
        self.inside("nft", "delete", "table", "inet", "cut")

    def connections(self) -> int:
        """Counts the connections to the SMTP server that our side believes in."""
        return len(run("ss", "-Htn", "state", "established", f"dst {THERE} and dport = {PORT}").splitlines())

    def arrived(self) -> list[str]:
        """Returns the Message-IDs that arrived, in order."""
        return [line.split("\t")[0] for line in self.log.read_text().splitlines()] if self.log.exists() else []
