"""A relay's host that loses its power or its network for 15 s: waiting mail leaves soon after it is back."""

from __future__ import annotations

import time
import unittest
from collections import Counter

from tests.faults import network
from tests.faults.network import NETWORK, PORT, THERE, RelayHost
from tests.lab import wait
from tests.lab.cases import ScratchCase
from tests.lab.postroom import Postroom

SETTINGS = {
    "delivery": {"retry_waits": ["1s"] * 9},
    "network": {"allow_relay_networks": [NETWORK]},
    "[[relay]]": {"host": THERE, "port": PORT},
    "log": {"level": "warn"},
}
GONE_SECONDS = 15.0
MESSAGES = 23


class VanishedHost(ScratchCase):
    """The real server, and a relay's host at the other end of a cable."""

    def setUp(self) -> None:
        """Says what is missing rather than passing over."""
        if why := network.missing():
            self.fail(why)
        super().setUp()
        self.host = self.enterContext(RelayHost(self.folder))

    def started(self, stall_seconds: int) -> Postroom:
        """Starts the relay and a server that delivers to it."""
        self.host.start_sink(stall_seconds)
        server = Postroom(self.folder / "postroom", PORT, SETTINGS).prepare()
        server.start()
        self.addCleanup(server.kill)
        return server

    def submit(self, server: Postroom, to: str) -> set[str]:
        """Submits messages; returns their Message-IDs."""
        api = server.api()
        ids = set()
        for _ in range(MESSAGES):
            body = {"from": "case@example.test", "to": [to], "subject": "s", "text": "x"}
            ids.add(api.send(body)["message_id"])
        return ids

    def wait_for_all(self, ids: set[str], seconds: float) -> float:
        """Waits until each has arrived; returns how long that took."""
        began = time.monotonic()
        wait.until(lambda: ids <= set(self.host.arrived()), "all mail to arrive", seconds, every=0.1)
        return time.monotonic() - began

    def test_mail_leaves_soon_after_a_host_that_lost_its_power_is_back(self) -> None:
        server = self.started(stall_seconds=900)
        ids = self.submit(server, "stall@example.org")
        # Each connection waits for an answer, and nothing is left to be acknowledged.
        wait.until(lambda: self.host.connections() == 20, "the connections to open")
        self.host.cut()
        self.host.end_sink()
        time.sleep(GONE_SECONDS)  # the loss of power itself
        self.host.join()
        self.host.start_sink(stall_seconds=0)
        seconds = self.wait_for_all(ids, 90)
        print(f"   all mail had left {seconds:.1f} s after the host was back")
        self.assertEqual(max(Counter(self.host.arrived()).values()), 1)

    def test_network_that_is_gone_for_a_while_costs_nothing(self) -> None:
        server = self.started(stall_seconds=0)
        self.wait_for_all(self.submit(server, "a@example.org"), 30)
        self.host.cut()
        ids = self.submit(server, "a@example.org")
        time.sleep(GONE_SECONDS)  # the outage itself
        self.host.join()
        seconds = self.wait_for_all(ids, 60)
        print(f"   all mail had left {seconds:.1f} s after the network was back")
        self.assertEqual(max(Counter(self.host.arrived()).values()), 1)
        wait.until(lambda: server.api().outbox() == 0, "the outcomes")
        rows = server.api().get("/messages", limit=100)["rows"]
        self.assertEqual({row["attempts"] for row in rows}, {1})


if __name__ == "__main__":
    unittest.main()
