"""SIGTERM: the server ends within ten seconds, whatever goes on."""

from __future__ import annotations

import http.client
import signal
import socket
import threading
import time
from collections.abc import Callable
from urllib.parse import urlencode

from tests.lab import wait
from tests.lab.cases import ScratchCase
from tests.lab.postroom import LogSink, Postroom
from tests.lab.scratch import free_port

SECONDS = 10.0
SETTINGS = {"log": {"level": "info"}}
ROWS = 40_000


class SilentRelay:
    """A relay that takes each message up to its dot and then says nothing, as a context manager."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        self.silent = threading.Event()
        self.open: list[socket.socket] = []

    def __enter__(self) -> SilentRelay:
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for connection in (self.listener, *self.open):
            connection.close()

    def accept(self) -> None:
        """Serves each connection in a thread until the listener is closed."""
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection: socket.socket) -> None:
        """Talks until DATA."""
        lines = connection.makefile("rb")
        try:
            connection.sendall(b"220 silent.example.test ESMTP\r\n")
            for line in lines:
                if line[:4].upper() == b"DATA":
                    connection.sendall(b"354 go on\r\n")
                    self.silent.set()
                    while lines.readline():
                        pass
                    return
                connection.sendall(b"250 ok\r\n")
        except OSError:
            return


class Stop(ScratchCase):
    """The real server, stopped in the middle of work."""

    def prepared(self, relay_port: int) -> Postroom:
        """Makes a server that is not started."""
        return Postroom(self.folder / "postroom", relay_port, SETTINGS, trusted=True)

    def started(self, relay_port: int) -> Postroom:
        """Starts a server."""
        server = self.prepared(relay_port).prepare()
        server.start()
        self.addCleanup(server.kill)
        return server

    def assert_stops(self, server: Postroom) -> None:
        """SIGTERM ends it in time, with success."""
        began = time.monotonic()
        self.assertEqual(0, server.stop(SECONDS * 3))
        self.assertLess(time.monotonic() - began, SECONDS)

    def test_silent_relay(self) -> None:
        """A relay that has a message's dot and says nothing."""
        with SilentRelay() as relay:
            server = self.started(relay.port)
            server.api().send(message())
            self.assertTrue(relay.silent.wait(20), "the relay was given no message")
            self.assert_stops(server)
            # The attempt's end is unknown; the message is not lost.
            server.start()
            self.assertEqual(1, server.api().outbox())

    def test_clients_that_go_on(self) -> None:
        """Event streams, a message half read, an SMTP message half sent, headers and bodies half sent."""
        with LogSink(self.folder, free_port()) as sink:
            server = self.started(sink.port)
            api = server.api()
            large = api.send(message(text="x" * 20_000_000))["id"]
            clients = [
                *(http_client(server, "GET /api/v1/events HTTP/1.1", "\r\n") for _ in range(20)),
                *(http_client(server, f"GET /api/v1/messages/{large}/raw HTTP/1.1", "\r\n") for _ in range(5)),
                http_client(server, "POST /api/v1/messages HTTP/1.1", "Content-Length: 1000\r\n\r\n{"),
                http_client(server, "GET /api/v1/messages HTTP/1.1", "X-Half: "),
                smtp_client(server),
            ]
            for client in clients[:20]:
                self.assertIn(b" 200 ", client.recv(20))
            self.assert_stops(server)
            for client in clients:
                client.close()

    def test_work_that_takes_long(self) -> None:
        """A page of deeply nested HTML, heavy reads, an export, and a job on all messages."""
        with LogSink(self.folder, free_port()) as sink:
            server = self.prepared(sink.port)
            server.command("bench-fill", "--messages", str(ROWS))
            server.key = server.add_user(rights="administrator,super_user")
            server.start()
            self.addCleanup(server.kill)
            api = server.api()
            nested = api.send(message(html="<div>" * 100_000 + "x"))["id"]
            heavy: dict[str, object] = {"q": "policy", "sort": "from", "limit": 200}
            # A query that is refused, or finds nothing, would weigh nothing.
            self.assertEqual(200, len(api.get("/messages", **heavy)["rows"]))
            ask(server, "GET", f"/api/v1/messages/{nested}/body/html")
            for _ in range(8):
                ask(server, "GET", f"/api/v1/messages?{urlencode(heavy)}")
            export = http_client(server, "GET /api/v1/messages/export HTTP/1.1", "\r\n")
            started = api.call("POST", "/messages/actions", {"action": "delete", "filter": {"type": "sent"}})
            self.assertIn(started.status, (200, 202), started.body)
            self.assertIn(b" 200 ", export.recv(20))
            self.assert_stops(server)
            export.close()

    def test_start_that_is_not_over(self) -> None:
        """A stop during the start ends the start."""
        server = self.prepared(free_port()).prepare()
        for pause_ms in (5, 20, 50, 100, 200):
            with self.subTest(pause_ms=pause_ms):
                ended = self.interrupted(server, pause_ms)
                self.assertIn(ended, (0, -signal.SIGTERM))

    def interrupted(self, server: Postroom, pause_ms: int) -> int:
        """Starts the server, stops it soon after, and returns its exit status."""
        began = time.monotonic()
        process = server.spawn()
        wait.until(lambda: time.monotonic() - began > pause_ms / 1000, "its time", every=0.001)
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(SECONDS)
        finally:
            process.kill()
            process.communicate()


def message(**more: object) -> dict[str, object]:
    """Returns a message that nobody objects to."""
    return {"from": "case@example.test", "to": ["client@example.org"], "subject": "s", "text": "x"} | more


def http_client(server: Postroom, line: str, rest: str) -> socket.socket:
    """Connects and sends a request as far as `rest`; the answer is not read."""
    client = socket.create_connection(("127.0.0.1", server.http_port), timeout=20)
    head = f"{line}\r\nHost: localhost\r\nAuthorization: Bearer {server.key}\r\nContent-Type: application/json\r\n{rest}"
    client.sendall(head.encode())
    return client


def smtp_client(server: Postroom) -> socket.socket:
    """Connects as a trusted client and sends half a message."""
    client = socket.create_connection(("127.0.0.1", server.smtp_port), timeout=20)
    lines = client.makefile("rb")
    lines.readline()
    for command in ("HELO client.example.test", "MAIL FROM:<case@example.test>", "RCPT TO:<client@example.org>", "DATA"):
        client.sendall(f"{command}\r\n".encode())
        assert lines.readline()[:1] in b"23", command
    client.sendall(b"Subject: half\r\n\r\nhalf")
    return client


def ask(server: Postroom, method: str, target: str) -> None:
    """Sends a request in a thread of its own and forgets about it."""

    def run() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=60)
        ignoring(lambda: connection.request(method, target, headers={"Authorization": f"Bearer {server.key}"}))
        ignoring(connection.getresponse)
        connection.close()

    threading.Thread(target=run, daemon=True).start()


def ignoring(act: Callable[[], object]) -> None:
    """Does something that the server's end may cut off."""
    try:
        act()
    except (OSError, http.client.HTTPException):
        pass
