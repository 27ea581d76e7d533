"""Disk full, read-only and broken: no false acknowledgement, queued mail goes where it can, recovery by itself."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from tests.faults import disk
from tests.faults.disk import MIB, Failing, SmallDisk
from tests.lab import wait
from tests.lab.cases import SinkCase
from tests.lab.postroom import Postroom

SETTINGS = {"delivery": {"retry_waits": ["1s"] * 9}, "log": {"level": "warn"}}
RECOVERY_SECONDS = 20.0


class Mail:
    """Submits by HTTP and remembers what was acknowledged."""

    def __init__(self, server: Postroom) -> None:
        self.server = server
        self.api = server.api()
        self.acknowledged: set[str] = set()
        self.refusals: Counter[tuple[int, str]] = Counter()

    def submit(self, text: str = "x", **more: object) -> bool:
        """Submits one message; says whether it was acknowledged."""
        body: dict[str, object] = {"from": "case@example.test", "to": ["client@example.org"], "subject": "s", "text": text}
        answer = self.api.call("POST", "/messages", body | more)
        if answer.status == 202:
            self.acknowledged.add(answer.json()["message_id"].strip("<>"))
            return True
        self.refusals[answer.status, answer.json().get("code", "")] += 1
        return False

    def later(self, count: int, seconds: float) -> None:
        """Submits messages that leave in `seconds`; each must be acknowledged."""
        at = (datetime.now(timezone.utc) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
        for _ in range(count):
            assert self.submit(send_at=at)


class DiskFaults(SinkCase):
    """The real server on a small file system, or with system calls that fail."""

    def setUp(self) -> None:
        """Says what is missing rather than passing over."""
        if why := disk.missing():
            self.fail(why)
        super().setUp()

    def started(self, kind: type[Postroom]) -> tuple[Postroom, Mail]:
        """Starts a server that delivers to the sink."""
        server = kind(self.folder / "postroom", self.sink.port, SETTINGS, trusted=True).prepare()
        server.start()
        self.addCleanup(server.kill)
        return server, Mail(server)

    def arrived(self) -> Counter[str]:
        """Counts the arrivals of each Message-ID."""
        return Counter(found.strip("<>") for found, _ in self.sink.lines())

    def assert_takes_mail_again(self, mail: Mail) -> None:
        """The server needs no restart."""
        wait.until(mail.submit, "the server to take mail again", RECOVERY_SECONDS, every=0.2)

    def assert_whole(self, server: Postroom, mail: Mail) -> None:
        """What was acknowledged has arrived; twice only where an attempt's end was unknown."""
        server.wait_until_empty(RECOVERY_SECONDS * 3)
        arrived = self.arrived()
        self.assertEqual(set(), mail.acknowledged - arrived.keys(), "acknowledged and lost")
        again = {found for found, count in arrived.items() if count > 1}
        self.assertEqual(set(), again - uncertain(server), "came again without an attempt recorded uncertain")

    def test_full_disk_refuses_new_mail_while_queued_mail_leaves(self) -> None:
        """Little room: what is left of it is for the mail that is queued."""
        server, mail = self.started(SmallDisk)
        assert isinstance(server, SmallDisk)
        mail.later(200, seconds=4)
        server.leave(16 * MIB)
        wait.until(lambda: not mail.submit(), "the server to refuse mail", RECOVERY_SECONDS, every=0.1)
        self.assertEqual({(503, "store_full")}, set(mail.refusals))
        wait.until(lambda: len(self.arrived()) >= 200, "queued mail to leave", RECOVERY_SECONDS, every=0.1)
        self.assertFalse(mail.submit(), "there was room after all")
        server.leave(64 * MIB)
        self.assert_takes_mail_again(mail)
        self.assert_whole(server, mail)
        server.check()

    def test_disk_without_any_room_loses_nothing(self) -> None:
        """Not a byte left: real ENOSPC in the middle of work."""
        server, mail = self.started(SmallDisk)
        assert isinstance(server, SmallDisk)
        mail.later(50, seconds=3)
        server.leave(0)
        refused = wait_for(lambda: not mail.submit("y" * 200_000), 200)
        self.assertTrue(refused, "the disk has no end")
        time.sleep(4)  # the queued mail falls due on a full disk
        server.leave(64 * MIB)
        self.assert_takes_mail_again(mail)
        self.assert_whole(server, mail)
        server.check()

    def fault(self, calls: str, error: str) -> None:
        """Mail comes in and leaves while system calls fail; then they work again."""
        server, mail = self.started(Postroom)
        for _ in range(20):
            self.assertTrue(mail.submit())
        mail.later(20, seconds=1)
        before = len(mail.acknowledged)
        with Failing(server, calls, error) as failing:
            until = time.monotonic() + 4
            while time.monotonic() < until:
                mail.submit()
            self.assertGreater(failing.failed(), 0, "nothing was made to fail")
        self.assertEqual(before, len(mail.acknowledged), "acknowledged what was not written")
        self.assertEqual({503}, {status for status, _ in mail.refusals})
        self.assert_takes_mail_again(mail)
        self.assert_whole(server, mail)
        server.stop()
        server.command("check")

    def test_failed_sync_acknowledges_nothing(self) -> None:
        """fdatasync of the log fails with EIO."""
        self.fault("fdatasync,fsync", "EIO")

    def test_failed_write_acknowledges_nothing(self) -> None:
        """Writes fail with EIO."""
        self.fault("pwrite64,write", "EIO")

    def test_read_only_disk_acknowledges_nothing(self) -> None:
        """Writes fail as on a file system that was remounted read-only."""
        self.fault("pwrite64,write", "EROFS")

    def test_write_without_room_acknowledges_nothing(self) -> None:
        """Writes fail with ENOSPC where the file system said that there is room."""
        self.fault("pwrite64,write", "ENOSPC")


def uncertain(server: Postroom) -> set[str]:
    """Returns the Message-IDs of messages with an attempt whose end was unknown."""
    api = server.api()
    found: set[str] = set()
    query: dict[str, object] = {"limit": 200}
    while query:
        page = api.get("/messages", **query)
        for row in page["rows"]:
            attempts = api.get(f"/messages/{row['id']}/attempts")["attempts"] if row["attempts"] > 1 else []
            if any(attempt["outcome"] == "uncertain" for attempt in attempts):
                found.add(api.get(f"/messages/{row['id']}")["message_id"].strip("<>"))
        query = {"limit": 200, "cursor": page["next"]} if page["next"] else {}
    return found


def wait_for(true: Callable[[], bool], tries: int) -> bool:
    """Tries until it holds."""
    return any(true() for _ in range(tries))
