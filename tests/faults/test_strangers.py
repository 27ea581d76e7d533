"""Thousands of connections that do nothing: health checks and people at work do not notice, and they are closed."""

from __future__ import annotations

import http.client
import itertools
import resource
import smtplib
import time

from tests.faults.hostile import (
    Hostile,
    Kind,
    event_stream,
    half_frame,
    many_addresses,
    one_address,
    silent,
    slow_body,
    slow_header,
    slow_reader,
    smtp_signed_in,
    smtp_trickle,
)
from tests.lab import wait
from tests.lab.cases import SinkCase
from tests.lab.postroom import Postroom, binary

COUNT = 4200
# Descriptors of this process: the clients' and its own.
DESCRIPTORS = COUNT + 300
LOOKS = 20
# From a connection to its first request: a client far away needs as long for its TLS handshake. Others come and press
# meanwhile, and it must not be closed for them.
HANDSHAKE_SECONDS = 0.2
# What a release build may take; a development build is compared with itself before the others come.
P95_SECONDS_MAX = 0.050
AGAIN = 50
KINDS_OF_HTTP: tuple[Kind, ...] = (silent, slow_header, slow_body, half_frame, slow_reader, event_stream)
KINDS_OF_SMTP: tuple[Kind, ...] = (silent, smtp_trickle, smtp_signed_in)


class Strangers(SinkCase):
    """One server, and those who want to keep others out of it."""

    def setUp(self) -> None:
        """Starts a server; the test needs descriptors of its own."""
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < DESCRIPTORS:
            self.skipTest(f"{DESCRIPTORS} open files are needed, {hard} are allowed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        super().setUp()
        self.server = Postroom(self.folder / "postroom", self.sink.port).prepare()
        self.server.start()
        self.addCleanup(self.server.kill)

    def get(self, path: str, key: str = "") -> float:
        """Gets a path, which must answer 200, over a new connection; returns the seconds but for the handshake."""
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.server.http_port, timeout=10)
        try:
            connection.connect()
            time.sleep(HANDSHAKE_SECONDS)
            connection.request("GET", path, headers={"Authorization": f"Bearer {key}"} if key else {})
            answer = connection.getresponse()
            answer.read()
            self.assertEqual(200, answer.status, path)
        finally:
            connection.close()
        return time.monotonic() - began - HANDSHAKE_SECONDS

    def p95(self) -> dict[str, float]:
        """Measures health checks and a signed-in person's first page; returns seconds by name."""
        health, page = [], []
        for _ in range(LOOKS):
            health.append(self.get("/health/live"))
            page.append(self.get("/api/v1/messages", self.server.key))
        return {name: sorted(took)[LOOKS * 95 // 100 - 1] for name, took in (("health", health), ("page", page))}

    def bounds(self) -> dict[str, float]:
        """Returns the seconds that a look may take while others go on; nobody else may be there yet."""
        undisturbed = self.p95()
        if binary().parent.name == "release":
            return dict.fromkeys(undisturbed, P95_SECONDS_MAX)
        return {name: 5 * took + 0.2 for name, took in undisturbed.items()}

    def assert_not_noticed(self, hostile: Hostile, what: str, bounds: dict[str, float]) -> None:
        """Health checks and a signed-in person's first page are answered at once while the others go on."""
        self.assertGreaterEqual(hostile.connected, COUNT * 95 // 100, what)
        with hostile.pressing(AGAIN):
            took = self.p95()
        for name, most in bounds.items():
            self.assertLessEqual(took[name], most, f"{what}: {name}")

    def test_http_connections_keep_nobody_out(self) -> None:
        """4,200 of each kind, which come again when they are closed."""
        bounds = self.bounds()
        for kind, addresses in itertools.product(KINDS_OF_HTTP, (one_address, many_addresses)):
            what = f"{kind.__name__} from {addresses.__name__}"
            before = evicted(self.server, "http")
            with (
                self.subTest(what),
                Hostile(self.server.http_port, kind, addresses(), COUNT, self.server.key) as hostile,
            ):
                self.assert_not_noticed(hostile, what, bounds)
                self.assert_made_room("http", before)

    def test_smtp_connections_keep_nobody_out(self) -> None:
        """4,200 of each kind: HTTP does not notice, and a person from elsewhere signs in and sends."""
        bounds = self.bounds()
        for kind, addresses in itertools.product(KINDS_OF_SMTP, (one_address, many_addresses)):
            what = f"{kind.__name__} from {addresses.__name__}"
            before = evicted(self.server, "smtp")
            with (
                self.subTest(what),
                Hostile(self.server.smtp_port, kind, addresses(), COUNT, self.server.key) as hostile,
            ):
                self.assert_not_noticed(hostile, what, bounds)
                self.assert_sends_by_smtp()
                self.assert_made_room("smtp", before)

    def assert_made_room(self, listener: str, before: int) -> None:
        """Connections of a listener were closed for newcomers, so there were too many."""
        self.assertGreater(evicted(self.server, listener), before)

    def assert_sends_by_smtp(self) -> None:
        """Somebody signs in and sends, from an address of their own."""
        elsewhere = ("127.200.200.200", 0)
        with smtplib.SMTP("127.0.0.1", self.server.smtp_port, timeout=10, source_address=elsewhere) as client:
            client.login("case", self.server.key)
            client.sendmail("case@example.test", ["client@example.org"], "Subject: s\r\n\r\nx\r\n")

    def test_connections_without_a_request_are_closed(self) -> None:
        """Whether they say nothing, begin a header, or stop within a frame: ten seconds each, whatever drips."""
        for kind in (silent, slow_header, half_frame):
            with self.subTest(kind.__name__), Hostile(self.server.http_port, kind, one_address(), 500) as hostile:
                self.assertEqual(500, hostile.open())

                def all_closed(hostile: Hostile = hostile) -> bool:
                    hostile.press(again=0)
                    return hostile.open() == 0

                wait.until(all_closed, f"{kind.__name__} to be closed", 20, every=1)

    def test_bodies_that_never_end_are_closed(self) -> None:
        """Half a minute for a body that is no message."""
        with Hostile(self.server.http_port, slow_body, one_address(), 500) as hostile:
            self.assertEqual(500, hostile.open())
            wait.until(lambda: hostile.open() == 0, "bodies to be refused", 50, every=1)

    def test_answers_that_nobody_reads_end(self) -> None:
        """A minute without a reader."""
        with Hostile(self.server.http_port, slow_reader, one_address(), 500):
            wait.until(lambda: open_connections(self.server, "http") >= 500, "readers to be there", 10)
            wait.until(lambda: open_connections(self.server, "http") <= 1, "readers to be closed", 150, every=1)

    def test_smtp_commands_that_drip_are_cut_off(self) -> None:
        """Before the sign-in and after it: a minute for a command, also an octet each second."""
        for kind in (smtp_trickle, smtp_signed_in):
            with Hostile(self.server.smtp_port, kind, one_address(), 200, self.server.key) as hostile:
                self.assertEqual(200, hostile.open())

                def all_closed(hostile: Hostile = hostile) -> bool:
                    hostile.press(again=0)
                    return hostile.open() == 0

                wait.until(all_closed, f"{kind.__name__} to be closed", 90, every=1)


def evicted(server: Postroom, listener: str) -> int:
    """Returns how many connections of a listener were closed for others, from the server's own figures."""
    return figure(server, f'postroom_connections_closed_total{{listener="{listener}",reason="evicted"}}')


def open_connections(server: Postroom, listener: str) -> int:
    """Returns how many connections a listener has, from the server's own figures."""
    return figure(server, f'postroom_connections{{listener="{listener}",')


def figure(server: Postroom, start: str) -> int:
    """Adds up the figures whose lines start with something; those that are not there count as none."""
    lines = (line for line in server.metrics().splitlines() if line.startswith(start))
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in lines)
