"""Large messages by the hundred: memory stays within its budget, all arrive, and it is given back.

Small enough for every day: 3 MB each against a budget of 16 MiB. The whole size, 200 messages of 24.5 MB against the
default budget, is `python3 -m tests.faults.large`, which `make soak` runs.
"""

from __future__ import annotations

import socket
import threading
import unittest

from tests.faults.large import MB, Figures, Load, measure
from tests.lab import wait
from tests.lab.postroom import LogSink, Postroom
from tests.lab.scratch import Scratch, free_port

COUNT = 36
SIZE = 3 * MB
SETTINGS = {"server": {"content_memory_mib": 16}}
# The budget, the caches of SQLite's connections, what its writer copies of one message, and the allocator's slack.
GROWTH_KIB_MAX = 96 * 1024


class LargeMessages(unittest.TestCase):
    """Many clients send a large message each, all at once."""

    def run_by(self, way: str) -> Figures:
        """Sends the load and checks what holds for every way."""
        scratch = Scratch("large")
        figures = measure(scratch.path, Load(COUNT, way, SIZE, seconds=180), SETTINGS)
        words = "\n".join(figures.lines())
        self.assertEqual((COUNT, COUNT), (figures.accepted, figures.delivered), words)
        self.assertLess(figures.growth, GROWTH_KIB_MAX, words)
        self.assertIsNotNone(figures.given_back_s, words)
        scratch.remove()
        return figures

    def test_memory_is_bounded_by_smtp(self) -> None:
        """DATA with a declared size."""
        self.run_by("smtp")

    def test_memory_is_bounded_by_json(self) -> None:
        """Attachments in base64."""
        self.run_by("json")

    def test_memory_is_bounded_by_raw(self) -> None:
        """Whole messages by HTTP."""
        self.run_by("raw")


class Strangers(unittest.TestCase):
    """People who have not signed in."""

    def test_unfinished_requests_of_strangers_hold_no_memory(self) -> None:
        """A long body for a small route is refused by its length, and what was sent of it is not kept."""
        scratch = Scratch("strangers")
        with Postroom(scratch.path / "postroom", free_port(), {"log": {"level": "warn"}}) as server:
            with LogSink(scratch.path, server.relay_port):
                head = b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                head += b"Content-Length: 1900000\r\n\r\n"
                answers: list[bytes] = []

                def knock() -> None:
                    with socket.create_connection(("127.0.0.1", server.http_port), timeout=30) as wire:
                        wire.sendall(head + b"x" * 1000)
                        answers.append(wire.recv(64))

                threads = [threading.Thread(target=knock, daemon=True) for _ in range(50)]
                for thread in threads:
                    thread.start()
                wait.until(lambda: len(answers) == len(threads), "every stranger to be answered", 30)
        self.assertEqual({b"HTTP/1.1 413"}, {answer[:12] for answer in answers})
        scratch.remove()
