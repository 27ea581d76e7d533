"""Connections that do nothing, more than there are places: people at work do not notice, and they are closed.

`strangers.py` does the same with thousands.
"""

from __future__ import annotations

import http.client
import itertools
import resource
import smtplib
import time
from collections.abc import Mapping
from types import MappingProxyType

from tests.faults.hostile import (
    Hostile,
    Kind,
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
from tests.lab.cases import SinkCase
from tests.lab.postroom import Postroom, binary

# From a connection to its first request: a client far away needs as long for its TLS handshake. Others come and press
# meanwhile, and it must not be closed for them.
HANDSHAKE_SECONDS = 0.2
# What a release build may take; a development build is compared with itself before the others come.
P95_SECONDS_MAX = 0.050
# Somebody who signs in thousands of times and holds what they have is not among them: see docs/PLAN.md.
KINDS_OF_HTTP: tuple[Kind, ...] = (silent, slow_header, slow_body, half_frame, slow_reader)
KINDS_OF_SMTP: tuple[Kind, ...] = (silent, smtp_trickle, smtp_signed_in)


class Strangers(SinkCase):
    """One server, and those who want to keep others out of it."""

    # How many there are of each kind, how many of them come again in a round (somebody new lasts for as long as it takes
    # them to use up the share of an address), the places that they fight for, and how often somebody looks.
    count = 300
    again = 4
    looks = 10
    settings: Mapping[str, Mapping[str, object]] = MappingProxyType(
        {"http": {"max_connections": 256}, "submission": {"max_connections": 256}}
    )

    def setUp(self) -> None:
        """Starts a server; the test needs descriptors of its own."""
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        descriptors = self.count + 300
        if hard != resource.RLIM_INFINITY and hard < descriptors:
            self.skipTest(f"{descriptors} open files are needed, {hard} are allowed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        super().setUp()
        self.server = Postroom(self.folder / "postroom", self.sink.port, self.settings).prepare()
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
        for _ in range(self.looks):
            health.append(self.get("/health/live"))
            page.append(self.get("/api/v1/messages", self.server.key))
        return {name: sorted(took)[self.looks * 95 // 100 - 1] for name, took in (("health", health), ("page", page))}

    def bounds(self) -> dict[str, float]:
        """Returns the seconds that a look may take while others go on; nobody else may be there yet."""
        undisturbed = self.p95()
        if binary().parent.name == "release":
            return dict.fromkeys(undisturbed, P95_SECONDS_MAX)
        return {name: 5 * took + 1 for name, took in undisturbed.items()}

    def assert_not_noticed(self, hostile: Hostile, what: str, bounds: dict[str, float]) -> None:
        """Health checks and a signed-in person's first page are answered at once while the others go on."""
        self.assertGreaterEqual(hostile.connected, self.count * 95 // 100, what)
        with hostile.pressing(self.again):
            took = self.p95()
        for name, most in bounds.items():
            self.assertLessEqual(took[name], most, f"{what}: {name}")

    def test_http_connections_keep_nobody_out(self) -> None:
        """All places of each kind, which come again when they are closed."""
        bounds = self.bounds()
        for kind, addresses in itertools.product(KINDS_OF_HTTP, (one_address, many_addresses)):
            what = f"{kind.__name__} from {addresses.__name__}"
            before = evicted(self.server, "http")
            with (
                self.subTest(what),
                Hostile(self.server.http_port, kind, addresses(), self.count, self.server.key) as hostile,
            ):
                self.assert_not_noticed(hostile, what, bounds)
                self.assert_made_room("http", before)

    def test_smtp_connections_keep_nobody_out(self) -> None:
        """All places of each kind: HTTP does not notice, and a person from elsewhere signs in and sends."""
        bounds = self.bounds()
        for kind, addresses in itertools.product(KINDS_OF_SMTP, (one_address, many_addresses)):
            what = f"{kind.__name__} from {addresses.__name__}"
            before = evicted(self.server, "smtp")
            with (
                self.subTest(what),
                Hostile(self.server.smtp_port, kind, addresses(), self.count, self.server.key) as hostile,
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
