"""A job over all that match, while the server is killed again and again: each message is visited once."""

from __future__ import annotations

import unittest

from tests.lab import wait
from tests.lab.postroom import LogSink, Postroom
from tests.lab.scratch import Scratch, free_port

MESSAGES = 1_000
KILLS = 3


class Jobs(unittest.TestCase):
    """What a job leaves when it is killed."""

    def test_killed_job_sends_each_message_again_once(self) -> None:
        with Scratch("jobs") as folder:
            sink = LogSink(folder, free_port())
            sink.start()
            server = Postroom(folder / "postroom", sink.port)
            server.key = server.add_user("case", "case@example.test", "Case Clerk", "")
            server.start()
            try:
                self.resend_under_kills(server)
            finally:
                server.stop()
                sink.stop()

    def resend_under_kills(self, server: Postroom) -> None:
        letter = {"from": "case@example.test", "to": ["client@example.com"], "subject": "Many", "text": "Dear client"}
        for _ in range(MESSAGES // 1_000):
            server.api().call("POST", "/messages/batch", {"messages": [letter] * 1_000})
        server.wait_until_empty()
        begun = server.api().call(
            "POST", "/messages/actions", {"action": "resend", "filter": {"type": "sent"}, "background": True}
        )
        self.assertEqual(202, begun.status, begun.body)
        place = f"/jobs/{begun.json()['id']}"
        for _ in range(KILLS):
            seen = server.api().get(place)["visited"]
            wait.until(lambda: server.api().get(place)["visited"] > seen, "the job to go on", 60, every=0.01)
            server.kill()
            server.start()
        wait.until(lambda: server.api().get(place)["state"] != "running", "the job to end", 120, every=0.05)
        ended = server.api().get(place)
        self.assertEqual((ended["state"], ended["done"], ended["visited"]), ("done", MESSAGES, MESSAGES))
        # Attempts that a kill cut off wait a minute for their next one: Outbox need not be empty yet.
        counts = server.api().get("/messages/counts")
        self.assertEqual(counts["total"], 2 * MESSAGES)


if __name__ == "__main__":
    unittest.main()
