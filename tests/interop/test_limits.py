"""A relay with limits of its own, here a real Postfix: they cost no attempt and no alert, and are learnt (SPEC D8)."""

from __future__ import annotations

import time
import unittest
from pathlib import Path
from typing import Any

from tests.lab import postfix, wait
from tests.lab.api import Api
from tests.lab.postroom import Postroom
from tests.lab.scratch import Scratch

MESSAGES = 200
RECIPIENTS = 60
LIMIT = 3
# What a connection in vain costs, seventeen times, while the machine has other things to do.
FIXED_COST_S = 1.5


def relay_settings(**limits: str) -> dict[str, str]:
    """Settings of a Postfix that throws mail away and exempts nobody from its limits."""
    return {
        "smtpd_client_event_limit_exceptions": "",
        "default_transport": "discard:",
        "relay_transport": "discard:",
        "smtpd_recipient_restrictions": "permit_mynetworks, reject",
    } | limits


def letters() -> list[dict[str, object]]:
    """Returns the messages of one batch."""
    return [
        {"from": "case@example.test", "to": [f"client{n}@example.org"], "subject": f"Letter {n}", "text": "Good day.\n"}
        for n in range(MESSAGES)
    ]


def all_rows(api: Api) -> list[dict[str, Any]]:
    """Returns every row of the list."""
    page = api.get("/messages", limit=100)
    rows = list(page["rows"])
    while page["next"]:
        page = api.get("/messages", limit=100, cursor=page["next"])
        rows += page["rows"]
    return rows


def learnt_limits(server: Postroom) -> dict[str, Any]:
    """Returns what a running server has learnt of its relay's limits, which administrators are told."""
    key = server.add_user("root", "root@example.test", "Root", rights="administrator")
    limits: dict[str, Any] = server.api(key).get("/status")["relays"][0]["limits"]
    return limits


class ConnectionLimit(unittest.TestCase):
    """`smtpd_client_connection_count_limit`: 421 4.7.0 in place of a greeting."""

    def setUp(self) -> None:
        if why := postfix.missing():
            self.skipTest(why)

    def drain(self, folder: Path, relay: postfix.Postfix, connections: dict[str, object]) -> float:
        """Sends the messages through the relay and returns the time they took, having looked at what it cost."""
        paused: dict[str, dict[str, object]] = {"delivery": {"paused": True}, "[[relay]]": connections}
        server = Postroom(folder, relay.port, paused).prepare()
        with server:
            answer = server.api().call("POST", "/messages/batch", {"messages": letters()})
            self.assertEqual((200, MESSAGES), (answer.status, answer.json().get("accepted")))
        server.configure(paused | {"delivery": {"paused": False}})
        began = time.monotonic()
        with server:
            server.wait_until_empty()
            took = time.monotonic() - began
            api = server.api()
            rows = all_rows(api)
            self.assertEqual({("sent", 1)}, {(row["state"], row["attempts"]) for row in rows})
            self.assertEqual(MESSAGES, len({row["id"] for row in rows}))
            self.assertEqual([], api.get("/alerts")["alerts"])
            if not connections:
                self.assertEqual(LIMIT, learnt_limits(server)["connections"])
                self.assertIn(f"{LIMIT} connections", server.command("relay", "show"))
        return took

    def test_default_settings_are_as_fast_as_the_right_ones(self) -> None:
        """200 messages, 20 connections configured, 3 taken: no attempt is lost and nobody is alerted."""
        settings = relay_settings(smtpd_client_connection_count_limit=str(LIMIT))
        with Scratch("limits") as folder, postfix.Postfix(folder / "postfix", settings, log=True) as relay:
            right = self.drain(folder / "right", relay, {"connections": LIMIT})
            default = self.drain(folder / "default", relay, {})
            refused = (folder / "postfix" / "maillog").read_text().count("concurrency limit exceeded")
        print(f"three connections {right:.2f} s, default {default:.2f} s, {refused} refused")
        self.assertGreater(refused, 0, "the relay's limit was never met")
        self.assertLessEqual(default, right * 1.2 + FIXED_COST_S)


class RecipientLimit(unittest.TestCase):
    """`smtpd_recipient_limit`: 452 4.5.3 for what is too much in one transaction."""

    def setUp(self) -> None:
        if why := postfix.missing():
            self.skipTest(why)

    def test_sixty_recipients_leave_in_transactions_of_five(self) -> None:
        """One message, one attempt, twelve transactions."""
        settings = relay_settings(smtpd_recipient_limit="5", smtpd_recipient_overshoot_limit="1000")
        with Scratch("limits") as folder, postfix.Postfix(folder / "postfix", settings, log=True) as relay:
            with Postroom(folder / "postroom", relay.port) as server:
                api = server.api()
                people = [f"client{n}@example.org" for n in range(RECIPIENTS)]
                sent = api.send({"from": "case@example.test", "to": people, "subject": "All", "text": "Good day.\n"})
                server.wait_until_empty()
                found = api.get(f"/messages/{sent['id']}")
                self.assertEqual(("sent", 1), (found["state"], found["attempts"]))
                self.assertEqual({"sent"}, {recipient["state"] for recipient in found["recipients_detail"]})
                self.assertEqual(5, learnt_limits(server)["recipients"])
                log = folder / "postfix" / "maillog"
                wait.until(lambda: log.read_text().count("status=sent") == RECIPIENTS, "each recipient's copy")


if __name__ == "__main__":
    unittest.main()
