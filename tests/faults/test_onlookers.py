"""Other programs at the database while the server has it: they see all of it, and take nothing away."""

from __future__ import annotations

import http.client
import shutil
import threading

from tests.lab import locks, wait
from tests.lab.onlooker import Looks
from tests.lab.cases import ScratchCase
from tests.lab.postroom import Postroom
from tests.lab.scratch import free_port

SETTINGS = {"delivery": {"paused": True}, "log": {"level": "warn"}}
MESSAGE = {"from": "case@example.test", "to": ["client@example.org"], "subject": "s", "text": "t"}


class Onlookers(ScratchCase):
    """The real server, with `sqlite3` beside it."""

    def setUp(self) -> None:
        """Starts a server that takes mail in and keeps it."""
        if shutil.which("sqlite3") is None:
            self.fail("sqlite3 is missing: tools/setup test installs it")
        super().setUp()
        self.server = Postroom(self.folder / "postroom", free_port(), SETTINGS, trusted=True).prepare()
        self.addCleanup(self.server.kill)
        self.database = self.server.folder / "data" / "postroom.db"
        self.looks = Looks(self.database, self.folder / "copies")

    def submit(self, count: int) -> None:
        """Submits messages; each must be acknowledged."""
        api = self.server.api()
        for number in range(count):
            api.send(MESSAGE | {"subject": f"{number}"})

    def test_mail_that_was_acknowledged_before_and_after_a_look_survives_a_kill(self) -> None:
        """Each way to look, with mail before and after it, then `kill -9`."""
        self.server.start()
        acknowledged = 0
        for look in (self.looks.select, self.looks.select_read_only, self.looks.backup, self.looks.vacuum_into):
            self.submit(20)
            acknowledged += 20
            self.assertEqual(acknowledged, look(), f"{look.__name__} does not see all that was acknowledged")
        self.submit(20)
        self.server.kill()
        self.server.start()
        self.assertEqual(acknowledged + 20, self.server.api().outbox(), "acknowledged and lost")
        self.assertIn("all counts are right", self.server.command("check"))

    def test_looks_without_pause_while_mail_comes_in_take_nothing_away(self) -> None:
        """Mail from four clients, looks of all kinds meanwhile, `kill -9`."""
        self.server.start()
        clients = [threading.Thread(target=self.submit, args=(60,)) for _ in range(4)]
        for client in clients:
            client.start()
        looked = 0
        while any(client.is_alive() for client in clients) or looked < 2:
            self.looks.all()
            looked += 1
        self.submit(5)
        self.server.kill()
        self.server.start()
        self.assertEqual(245, self.server.api().outbox(), "acknowledged and lost")
        self.assertIn("all counts are right", self.server.command("check"))

    def test_sqlite_has_its_locks_from_its_start_on(self) -> None:
        """First start, start after a stop and after a kill, and under load with commands beside it."""
        for _ in range(3):
            self.server.start()
            with locks.Watch(self.server.pid, self.database) as watch:
                self.submit(50)
                self.server.command("check")
                self.server.command("queue", "list")
                self.looks.all()
                wait.until(lambda: watch.seen > 10, "looks at the locks")
            self.assertEqual(0, watch.missing, "SQLite's locks were gone")
            self.server.stop()
            self.server.start()
            self.assertTrue(locks.has_both(self.server.pid, self.database), "no locks after a start")
            self.server.kill()

    def test_server_whose_log_is_removed_loses_nothing_and_ends(self) -> None:
        """`rm postroom.db-wal` beside the running server: it refuses the next message, saves the rest and ends."""
        self.server.start()
        self.submit(50)
        self.database.with_name("postroom.db-wal").unlink()
        try:
            answer = self.server.api().call("POST", "/messages", MESSAGE)
            self.assertEqual(503, answer.status, answer.body)
        except (OSError, http.client.HTTPException):
            pass  # It had ended by then: its own work is a commit too.
        process = self.server.process
        assert process is not None
        self.assertNotEqual(0, process.wait(30), "the supervisor would take it for a stop that was asked for")
        self.assertIn("removed or replaced", (self.server.folder / "serve.log").read_text())
        self.server.start()
        self.assertGreaterEqual(self.server.api().outbox(), 50, "acknowledged and lost")
        self.assertIn("all counts are right", self.server.command("check"))

    def test_check_reports_that_the_log_was_removed_after_a_kill(self) -> None:
        """Counters went with the messages; the mark beside the database did not."""
        self.server.start()
        self.submit(20)
        self.server.stop()
        self.server.start()
        self.submit(20)
        self.server.kill()
        self.database.with_name("postroom.db-wal").unlink()
        self.server.start()
        self.assertEqual(20, self.server.api().outbox())
        self.assertIn("has lost what was written last", self.server.command("check", check=False))
        self.assertIn("1 losses acknowledged", self.server.command("check", "--acknowledge-losses"))
        self.assertIn("all counts are right", self.server.command("check"))
