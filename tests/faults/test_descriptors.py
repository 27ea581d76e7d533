"""Few file descriptors: strangers who connect and say nothing keep neither mail nor health checks from working."""

from __future__ import annotations

import os
import resource
import socket
import time
from contextlib import suppress
from pathlib import Path

from tests.lab import wait
from tests.lab.cases import SinkCase
from tests.lab.postroom import Postroom

STRANGERS = 997
MESSAGES = 50
SETTINGS = {"log": {"level": "info"}}


class FewDescriptors(Postroom):
    """A server that may have 1,024 descriptors and no more."""

    descriptors = 1024

    def command_line(self) -> list[str]:
        """Lowers the limit, soft and hard, and becomes the server."""
        return ["sh", "-c", f'ulimit -n {self.descriptors} && exec "$0" "$@"', *super().command_line()]


class LowSoftLimit(Postroom):
    """A server that is started with a low soft limit, as shells and services set it, and may raise it."""

    def command_line(self) -> list[str]:
        """Lowers the soft limit and becomes the server."""
        return ["sh", "-c", 'ulimit -Sn 256 && exec "$0" "$@"', *super().command_line()]


class Strangers:
    """Clients of a port who connect and say nothing, as a context manager."""

    def __init__(self, port: int, count: int) -> None:
        self.sockets: list[socket.socket] = []
        for _ in range(count):
            stranger = socket.socket()
            stranger.settimeout(1)
            self.sockets.append(stranger)
            with suppress(TimeoutError):  # where nobody accepts: what counts is what others can still do
                stranger.connect(("127.0.0.1", port))

    def __enter__(self) -> Strangers:
        return self

    def __exit__(self, *_: object) -> None:
        for stranger in self.sockets:
            stranger.close()


class Descriptors(SinkCase):
    """The real server under a low limit."""

    def setUp(self) -> None:
        """Starts a sink; the test needs descriptors of its own."""
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        super().setUp()

    def started(self, kind: type[Postroom]) -> Postroom:
        """Starts a server that delivers to the sink."""
        server = kind(self.folder / "postroom", self.sink.port, SETTINGS, trusted=True).prepare()
        server.start()
        self.addCleanup(server.kill)
        return server

    def assert_delivers(self, server: Postroom) -> None:
        """Mail is taken in and delivered at the first attempt, and the relay is not blamed."""
        api = server.api()
        message: dict[str, object] = {"from": "case@example.test", "to": ["client@example.org"], "subject": "s", "text": "x"}
        ids = [api.send(message)["id"] for _ in range(MESSAGES)]
        server.wait_until_empty(30)
        for number in ids:
            found = api.get(f"/messages/{number}")
            self.assertEqual(("sent", 1), (found["state"], found["attempts"]))
        relays = api.get("/status")["relays"]
        self.assertEqual({"up"}, {relay["state"] for relay in relays})

    def assert_answers_health(self, server: Postroom) -> None:
        """Health checks are answered at once."""
        for kind in ("live", "ready"):
            began = time.monotonic()
            self.assertEqual(200, server.health(kind))
            self.assertLess(time.monotonic() - began, 2, kind)

    def test_idle_http_strangers_keep_nobody_out(self) -> None:
        """997 HTTP connections that say nothing, at 1,024 descriptors."""
        server = self.started(FewDescriptors)
        with Strangers(server.http_port, STRANGERS):
            self.assert_answers_health(server)
            self.assert_delivers(server)
        self.assertIn("few files may be open", log(server))

    def test_idle_smtp_strangers_keep_nobody_out(self) -> None:
        """997 SMTP connections that say nothing: HTTP and delivery do not notice."""
        server = self.started(FewDescriptors)
        with Strangers(server.smtp_port, STRANGERS):
            self.assert_answers_health(server)
            self.assert_delivers(server)

    def test_strangers_at_every_listener_keep_delivery_working(self) -> None:
        """997 at each port."""
        server = self.started(FewDescriptors)
        with Strangers(server.smtp_port, STRANGERS), Strangers(server.http_port, STRANGERS):
            self.assert_answers_health(server)
            self.assert_delivers(server)

    def test_soft_limit_is_raised_to_the_hard_one(self) -> None:
        """A server that is started with 256 descriptors, and may have more, has them."""
        server = self.started(LowSoftLimit)
        limits = Path(f"/proc/{server.pid}/limits").read_text()
        soft, hard = next(line.split()[3:5] for line in limits.splitlines() if line.startswith("Max open files"))
        self.assertEqual(hard, soft)

    def test_listeners_survive_that_no_connection_can_be_accepted(self) -> None:
        """Accepting fails with EMFILE: the loops wait, each says so once, and go on when there is room."""
        server = self.started(Postroom)
        ports = (server.http_port, server.smtp_port)
        _, hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
        highest = max(int(name) for name in os.listdir(f"/proc/{server.pid}/fd"))
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (highest + 5, hard))
        with Strangers(ports[0], 60), Strangers(ports[1], 60):
            wait.until(lambda: "can be accepted; will retry" in log(server), "accepting to fail", 20)
            before = cpu_seconds(server)
            time.sleep(2)  # what is measured is the time itself
            self.assertLess(cpu_seconds(server) - before, 0.5, "it spins")
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (hard, hard))
        self.assertEqual(200, server.health("live"))
        self.assert_delivers(server)
        wait.until(lambda: "connections are accepted again" in log(server), "the log to say so", 20)
        for listener in ("HTTP", "SMTP"):
            self.assertLessEqual(log(server).count(f"no {listener} connection can be accepted"), 1)


def log(server: Postroom) -> str:
    """Returns what the server has logged."""
    return (server.folder / "serve.log").read_text(errors="replace")


def cpu_seconds(server: Postroom) -> float:
    """Returns the processor time that the server has used."""
    fields = Path(f"/proc/{server.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100
