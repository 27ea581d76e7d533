"""What the queue promises its senders, seen from outside with the real binary."""

from __future__ import annotations

import unittest

from tests.lab import wait
from tests.lab.postroom import LogSink, Postroom
from tests.lab.scratch import Scratch, free_port

CONNECTIONS = 4
# One message on each connection's wire and one leased next.
ON_THE_WIRE = CONNECTIONS * 2
BACKLOG = 10_000


class FairShare(unittest.TestCase):
    """One sender's single message beside another's backlog (SPEC D6)."""

    def test_single_message_leaves_within_twenty_of_a_backlog_of_ten_thousand(self) -> None:
        """case has 10,000 queued and the relay takes them; the kiosk sends one."""
        paused = {"delivery": {"paused": True}, "[[relay]]": {"connections": CONNECTIONS}, "log": {"level": "warn"}}
        with Scratch("fair") as folder, LogSink(folder, free_port()) as sink:
            server = Postroom(folder / "postroom", sink.port, paused).prepare()
            kiosk = server.add_user("kiosk", "kiosk@example.test", "Kiosk")
            with server:
                for batch in range(BACKLOG // 1000):
                    answer = server.api().call("POST", "/messages/batch", {"messages": letters(batch)})
                    self.assertEqual((200, 1000), (answer.status, answer.json().get("accepted")))
            server.configure(paused | {"delivery": {"paused": False}})
            with server:
                wait.until(lambda: len(sink.lines()) >= 50, "the backlog to move")
                sent = server.api(kiosk).send(
                    {"from": "kiosk@example.test", "to": ["client@example.org"], "subject": "one", "text": "just one"}
                )
                before = len(sink.lines())
                mine = sent["message_id"].strip("<>")
                wait.until(lambda: mine in [row[0].strip("<>") for row in sink.lines()], "the kiosk's message at the relay")
                order = [row[0].strip("<>") for row in sink.lines()]
                self.assertGreater(BACKLOG - before, 2000, "the backlog was gone before the kiosk's message came")
                self.assertLessEqual(order.index(mine) - before, 20 + ON_THE_WIRE)


def letters(batch: int) -> list[dict[str, object]]:
    """Returns a thousand of case's form letters."""
    return [
        {
            "from": "case@example.test",
            "to": [f"client{batch}-{number}@example.org"],
            "subject": f"Letter {batch}-{number}",
            "text": "Dear client, this is one of many.\n",
            "kind": "form_letter",
        }
        for number in range(1000)
    ]


class RelayOutage(unittest.TestCase):
    """The relay goes away and comes back (SPEC D4)."""

    def test_every_message_arrives_once_after_an_outage(self) -> None:
        """Mail comes in while nobody listens at the relay's address; then somebody does."""
        settings = {"delivery": {"retry_waits": ["1s"] * 9}, "log": {"level": "warn"}}
        with Scratch("outage") as folder:
            sink = LogSink(folder, free_port())
            with Postroom(folder / "postroom", sink.port, settings) as server:
                api = server.api()
                ids = {
                    api.send(
                        {"from": "case@example.test", "to": ["client@example.org"], "subject": str(n), "text": "t"}
                    )["message_id"].strip("<>")
                    for n in range(30)
                }
                wait.until(lambda: api.get("/status")["relays"][0]["state"] != "up", "the relay to be seen Down")
                with sink:
                    wait.until(lambda: len(sink.lines()) >= len(ids), "the mail to arrive after the outage", 120)
                    server.wait_until_empty()
                    self.assertEqual(sorted(ids), sorted(row[0].strip("<>") for row in sink.lines()))
