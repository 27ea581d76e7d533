"""Standard error that cannot be written: on a full disk, without a reader, with one that reads no more."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import IO

from tests.faults import disk
from tests.faults.disk import MIB, SmallDisk
from tests.lab import wait
from tests.lab.cases import SinkCase
from tests.lab.postroom import Postroom
from tests.lab.scratch import Scratch, free_port

# Every event is logged, so that each thing the server does meets the broken log.
SETTINGS = {"delivery": {"retry_waits": ["1s"] * 9}, "log": {"level": "debug"}}
ROUNDS = 20


class NoRoom(Postroom):
    """A server whose log goes to a device that is always full."""

    def errors(self) -> IO[bytes]:
        """Opens the full device."""
        return Path("/dev/full").open("wb")


class Piped(Postroom):
    """A server whose log goes into a pipe, as under `serve 2>&1 | tee`."""

    reader: int = -1

    def errors(self) -> IO[bytes]:
        """Makes the pipe and keeps its other end."""
        self.reader, writer = os.pipe()
        return os.fdopen(writer, "wb")


class LogOnSmallDisk(SmallDisk):
    """A server whose log is on the small disk, on which its database is too."""

    def command_line(self) -> list[str]:
        """Sends standard error to a file on the small disk."""
        line = super().command_line()
        script = line.index("-c") + 1
        line[script] = line[script].replace('exec "$0"', f'exec 2>>{self.folder}/data/serve.log "$0"')
        return line

    def log(self) -> str:
        """Returns what the log says."""
        return (self.inside() / "serve.log").read_text(errors="replace")


class DataOnFullDisk(LogOnSmallDisk):
    """A server whose log is on a full disk of its own, and whose database has room."""

    mib = 4

    def command_line(self) -> list[str]:
        """Mounts the small disk beside the data and sends standard error there."""
        logs = self.folder / "logs"
        script = f'mkdir -p {logs} && mount -t tmpfs -o size={self.mib}m tmpfs {logs} && exec 2>>{logs}/serve.log "$0" "$@"'
        return ["unshare", "-m", "sh", "-c", script, *Postroom.command_line(self)]

    def inside(self) -> Path:
        """Returns the folder of the log as the server sees it."""
        return Path(f"/proc/{self.pid}/root{self.folder}/logs")


class UnwritableLog(SinkCase):
    """Mail comes in and leaves, and the server answers, whatever becomes of its log."""

    def started(self, kind: type[Postroom]) -> Postroom:
        """Starts a server that delivers to the sink."""
        server = kind(self.folder / "postroom", self.sink.port, SETTINGS, trusted=True).prepare()
        server.start()
        self.addCleanup(server.kill)
        return server

    def assert_works(self, server: Postroom) -> None:
        """Mail is taken in and delivered, good and deferred, while each part of the server logs."""
        api = server.api()
        os.kill(server.pid, signal.SIGHUP)
        for n in range(ROUNDS):
            message: dict[str, object] = {"from": "case@example.test", "to": ["client@example.org"], "subject": f"{n}", "text": "x"}
            api.send(message)
            api.send(message | {"to": ["defer@example.org"]})
            log_a_line(server)
        wait.until(lambda: api.get("/messages/counts", state="sent")["total"] >= ROUNDS, "mail to leave", 30)
        self.assertEqual(200, server.health("live"))
        self.assertEqual(200, server.health("ready"))

    def lost(self, server: Postroom) -> int:
        """Returns how many lines the server counts as lost."""
        found = re.search(r"^postroom_log_lines_lost_total (\d+)", server.metrics(), re.MULTILINE)
        assert found is not None, "no count of lost lines"
        return int(found[1])

    def test_full_device_costs_nothing_but_the_log(self) -> None:
        """Each write fails with ENOSPC."""
        server = self.started(NoRoom)
        self.assert_works(server)
        self.assertGreaterEqual(self.lost(server), ROUNDS)
        self.assertEqual(0, server.stop())

    def test_closed_pipe_costs_nothing_but_the_log(self) -> None:
        """Whoever read the log has ended."""
        server = self.started(Piped)
        assert isinstance(server, Piped)
        os.close(server.reader)
        self.assert_works(server)
        self.assertGreaterEqual(self.lost(server), ROUNDS)
        self.assertEqual(0, server.stop())

    def test_reader_that_reads_no_more_keeps_nothing_waiting(self) -> None:
        """Whoever reads the log has been stopped: the pipe is full and a write waits for ever."""
        server = self.started(Piped)
        assert isinstance(server, Piped)
        self.addCleanup(os.close, server.reader)
        self.assert_works(server)
        for _ in range(5_000):  # until the pipe and what waits before it are full
            log_a_line(server)
            if self.lost(server):
                break
        self.assertGreater(self.lost(server), 0, "the pipe never filled")
        self.assert_works(server)
        self.assertEqual(0, server.stop(10))

    def test_full_disk_with_log_and_database_recovers(self) -> None:
        """Mail is refused while the disk is full, and taken again without a restart; the log says what it lost, once."""
        if why := disk.missing():
            self.fail(why)
        server = self.started(LogOnSmallDisk)
        assert isinstance(server, LogOnSmallDisk)
        self.assert_works(server)
        api = server.api()
        message = {"from": "case@example.test", "to": ["client@example.org"], "subject": "s", "text": "y" * 20_000}
        due = datetime.now(timezone.utc) + timedelta(seconds=3)
        for _ in range(50):
            api.send(message | {"send_at": due.strftime("%Y-%m-%dT%H:%M:%SZ")})
        server.leave(0)
        # Queued mail falls due while nothing can be written, and its writes fail for want of room.
        while datetime.now(timezone.utc) < due + timedelta(seconds=2):
            self.assertEqual(503, api.call("POST", "/messages", message).status)
        self.assertEqual(200, server.health("live"))
        server.leave(64 * MIB)
        wait.until(lambda: api.call("POST", "/messages", message).status == 202, "mail to be taken again", 30, every=0.2)
        self.assert_works(server)
        wait.until(lambda: "log lines could not be written and are lost" in server.log(), "the log to say so", 10)

    def test_full_disk_with_the_log_alone_costs_nothing_but_the_log(self) -> None:
        """The database has room; the log has none for a while."""
        if why := disk.missing():
            self.fail(why)
        server = self.started(DataOnFullDisk)
        assert isinstance(server, DataOnFullDisk)
        server.leave(0)
        self.assert_works(server)
        lost = self.lost(server)
        self.assertGreaterEqual(lost, ROUNDS)
        server.leave(2 * MIB)
        self.assert_works(server)
        wait.until(lambda: "log lines could not be written and are lost" in server.log(), "the log to say so", 10)
        self.assertEqual(1, server.log().count("log lines could not be written and are lost"))


def log_a_line(server: Postroom) -> None:
    """Has the server log the end of an SMTP session."""
    with socket.create_connection(("127.0.0.1", server.smtp_port), timeout=20) as client:
        lines = client.makefile("rb")
        lines.readline()
        client.sendall(b"QUIT\r\n")
        while lines.readline():
            pass


class ClosedOutput(SinkCase):
    """Commands whose reader goes away."""

    def test_command_survives_a_reader_that_has_gone(self) -> None:
        """`postroom … | head -1` and `2>&1 | head -1`: no panic, whatever is closed."""
        scratch = Scratch("output")
        self.addCleanup(scratch.remove)
        server = Postroom(scratch.path / "postroom", free_port()).prepare()
        line = [*server.command_line()[:1], "queue", "list", "--config", str(server.config)]
        wrong = [*server.command_line()[:1], "queue", "show", "0", "--config", str(server.config)]
        for words in (line, wrong):
            for streams in ("stdout", "stderr", "both"):
                with self.subTest(words=words[1:3], closed=streams):
                    self.assertIn(closed(words, streams), (0, 1))


def closed(line: list[str], streams: str) -> int:
    """Runs a command with an output that nobody reads and returns its exit status."""
    reader, writer = os.pipe()
    os.close(reader)
    out = writer if streams in ("stdout", "both") else subprocess.DEVNULL
    errors = writer if streams in ("stderr", "both") else subprocess.DEVNULL
    done = subprocess.run(line, stdin=subprocess.DEVNULL, stdout=out, stderr=errors, check=False)
    os.close(writer)
    return done.returncode
