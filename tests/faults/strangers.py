"""Thousands of connections that do nothing, and the minutes that they are given: `python3 -m unittest tests.faults.strangers`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tests.faults.hostile import (
    Hostile,
    half_frame,
    one_address,
    silent,
    slow_body,
    slow_header,
    slow_reader,
    smtp_signed_in,
    smtp_trickle,
)
from tests.faults.test_strangers import Strangers, open_connections
from tests.lab import wait


class Thousands(Strangers):
    """One server as it is configured by default."""

    count = 4200
    again = 50
    looks = 20
    settings: Mapping[str, Mapping[str, object]] = MappingProxyType({})

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
