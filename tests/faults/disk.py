"""A small disk of the server's own, and system calls that fail."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.lab.postroom import Postroom, binary

MIB = 2**20


class SmallDisk(Postroom):
    """A server whose data lie on a file system of their own, which a test can fill.

    The file system is mounted in a mount namespace that the server alone is in, so nothing is left behind however
    the test ends. Needs root.
    """

    mib = 96

    def command_line(self) -> list[str]:
        """Mounts the file system over the data folder, takes the data over and becomes the server."""
        data, aside = self.folder / "data", self.folder / "aside"
        script = (
            f"cp -a {data} {aside} && mount -t tmpfs -o size={self.mib}m tmpfs {data} && "
            f'cp -a {aside}/. {data}/ && rm -r {aside} && exec "$0" "$@"'
        )
        return ["unshare", "-m", "sh", "-c", script, *super().command_line()]

    def inside(self) -> Path:
        """Returns the data folder as the server sees it."""
        return Path(f"/proc/{self.pid}/root{self.folder}/data")

    def free(self) -> int:
        """Returns the bytes that are free."""
        status = os.statvfs(self.inside())
        return status.f_bavail * status.f_frsize

    def leave(self, size: int) -> None:
        """Fills the file system but for `size` bytes; what was filled before is given back first."""
        ballast = self.inside() / "ballast"
        ballast.unlink(missing_ok=True)
        wanted = self.free() - size
        if wanted > 0:
            with ballast.open("wb") as file:
                try:
                    os.posix_fallocate(file.fileno(), 0, wanted)
                except OSError:
                    with suppress(OSError):  # the server has taken some of it meanwhile
                        file.write(bytes(wanted))

    def check(self) -> str:
        """Runs `postroom check` beside the server, which sees its file system."""
        line = ["nsenter", "-t", str(self.pid), "-m", str(binary()), "check", "--config", str(self.config)]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"postroom check: exit {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout


class Failing:
    """System calls on the server's database files fail with an error, as a context manager, by strace."""

    def __init__(self, server: Postroom, calls: str, error: str) -> None:
        data = server.folder / "data"
        paths = [word for name in ("postroom.db", "postroom.db-wal") for word in ("-P", str(data / name))]
        self.log = server.folder / f"strace-{error}"
        self.line = ["strace", "-f", "-e", f"trace={calls}", "-e", f"inject={calls}:error={error}", *paths]
        self.line += ["-o", str(self.log), "-p", str(server.pid)]

    def __enter__(self) -> Failing:
        self.process = subprocess.Popen(self.line, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        first = self.process.stderr.readline()
        while first and "attached" not in first:  # it says first which paths it found
            first = self.process.stderr.readline()
        if not first:
            raise RuntimeError("strace could not attach")
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.communicate(timeout=30)

    def failed(self) -> int:
        """Counts the calls that were made to fail."""
        return self.log.read_text(errors="replace").count("(INJECTED)") if self.log.exists() else 0


def missing() -> str | None:
    """Says what keeps these tests from running here, or None."""
    if os.geteuid() != 0:
        return "a file system of one's own needs root"
    for program in ("strace", "unshare", "nsenter"):
        if shutil.which(program) is None:
            return f"{program} is missing: tools/setup test installs it"
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode != 0:
        return "this machine lets nobody make a mount namespace"
    return None
