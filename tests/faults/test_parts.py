"""A part of the server that ends unexpectedly: the process ends with a status of its own, or the part starts again."""

from __future__ import annotations

import re

from tests.lab import wait
from tests.lab.cases import SinkCase
from tests.lab.postroom import Postroom

PART_ENDED = 70


class Parts(SinkCase):
    """The real server (a build with debug assertions), one of whose parts panics."""

    def prepared(self) -> Postroom:
        """Makes a server that delivers to the sink."""
        server = Postroom(self.folder / "postroom", self.sink.port, trusted=True).prepare()
        self.addCleanup(server.kill)
        return server

    def assert_delivers(self, server: Postroom) -> None:
        """Mail is taken in and delivered."""
        server.api().send({"from": "case@example.test", "to": ["client@example.org"], "subject": "s", "text": "x"})
        server.wait_until_empty(20)

    def test_end_of_delivery_ends_the_process_with_a_status_and_a_reason(self) -> None:
        """The supervisor of the process starts a new one, which works."""
        server = self.prepared()
        server.environment = {"POSTROOM_TEST_PANIC": "delivery"}
        server.start()
        assert server.process is not None
        self.assertEqual(PART_ENDED, server.process.wait(20))
        log = (server.folder / "serve.log").read_text()
        self.assertIn("delivery ended unexpectedly: it panicked: a test asked for it", log.splitlines()[-1])
        server.environment = {}
        server.start()
        self.assert_delivers(server)

    def test_end_of_maintenance_is_logged_and_counted_and_it_starts_again(self) -> None:
        """The server goes on."""
        server = self.prepared()
        server.environment = {"POSTROOM_TEST_PANIC": "maintenance"}
        server.start()
        pattern = re.compile(r'^postroom_part_restarts_total\{part="maintenance"\} 2$', re.MULTILINE)
        wait.until(lambda: pattern.search(server.metrics()) is not None, "two restarts", 20, every=0.1)
        self.assertEqual(200, server.health("live"))
        self.assert_delivers(server)
        self.assertEqual(0, server.stop())
