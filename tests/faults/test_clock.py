"""The machine's clock is set while the server runs and between two starts: nothing is delayed for long."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.lab import wait
from tests.lab.cases import ScratchCase
from tests.lab.machine_clock import DAY, MachineClock
from tests.lab.postroom import LogSink, Postroom
from tests.lab.scratch import free_port

SETTINGS = {
    "delivery": {"retry_waits": ["3s", "3s", "3s", "10m"]},
    "limits": {"user_daily_limit": 5, "time_zone": "UTC"},
    "log": {"level": "info"},
}
MESSAGE = {"from": "case@example.test", "to": ["client@example.org"], "subject": "s", "text": "t"}
MONTH = 31 * DAY


def seconds_from_now(text: str) -> float:
    """Returns how far a timestamp of the API lies ahead of the real time."""
    return (datetime.fromisoformat(text) - datetime.now(UTC)).total_seconds()


class Clock(ScratchCase):
    """The real server with a clock of its own, and a sink."""

    def setUp(self) -> None:
        """Starts nothing yet."""
        super().setUp()
        port = free_port()
        self.sink = LogSink(self.folder, port)
        self.server = Postroom(self.folder / "postroom", port, SETTINGS, trusted=True).prepare()
        self.clock = MachineClock(self.folder)
        self.server.environment = self.clock.environment()
        self.addCleanup(self.sink.stop)
        self.addCleanup(self.server.kill)

    def submit(self) -> str:
        """Submits a message and returns its id."""
        return str(self.server.api().send(MESSAGE)["id"])

    def row(self, message: str) -> dict[str, Any]:
        """Returns a message as the list shows it."""
        found: dict[str, Any] = self.server.api().get(f"/messages/{message}")
        return found

    def until_sent(self, message: str, seconds: float = 30.0) -> None:
        """Waits until a message has left."""
        wait.until(lambda: self.row(message)["state"] == "sent", f"{message} to be sent", seconds, every=0.1)

    def limits_day(self) -> str:
        """Returns the day that counts for the limits."""
        return str(self.server.api().get("/limits")["day"])

    def today(self) -> str:
        """Returns the real day in UTC."""
        return datetime.now(UTC).date().isoformat()

    def assert_right(self, message: str) -> None:
        """A message was sent, its Date and the limits' day are the real ones."""
        self.until_sent(message)
        self.assertLess(abs(seconds_from_now(self.row(message)["date"])), 120, "the Date is off")
        self.assertEqual(self.today(), self.limits_day(), "the limits' day is off")

    def test_month_ahead_for_seconds_leaves_nothing_behind(self) -> None:
        """Mail before, during and after; the clock that the server sees is never off."""
        self.sink.start()
        self.server.start()
        self.assert_right(self.submit())
        self.clock.set(MONTH)
        during = self.submit()
        self.assert_right(during)
        self.clock.set(0)
        self.assert_right(self.submit())
        self.assertLess(abs(seconds_from_now(self.row(during)["date"])), 120)

    def test_day_back_while_it_runs_delays_no_retry(self) -> None:
        """Mail that was deferred before the clock was set leaves after its wait."""
        self.server.start()
        deferred = self.submit()
        wait.until(lambda: self.row(deferred)["attempts"] == 1, "the first attempt")
        self.clock.set(-DAY)
        self.sink.start()
        self.until_sent(deferred, 15)

    def test_day_back_between_two_starts_delays_no_retry(self) -> None:
        """The next start finds its last one a day ahead."""
        self.server.start()
        deferred = self.submit()
        wait.until(lambda: self.row(deferred)["attempts"] == 1, "the first attempt")
        self.server.kill()
        self.clock.set(-DAY)
        self.sink.start()
        self.server.start()
        self.until_sent(deferred, 15)

    def test_start_a_month_ahead_is_made_good_by_a_start_with_the_right_time(self) -> None:
        """What was used on a day of next month counts today; Date and day are right, and nothing is held till then."""
        self.sink.start()
        self.clock.set(MONTH)
        self.server.start()
        ahead = self.submit()
        self.until_sent(ahead)
        self.assertGreater(seconds_from_now(self.row(ahead)["date"]), 30 * DAY)
        self.server.stop()
        self.clock.set(0)
        self.server.start()
        wait.until(lambda: self.limits_day() == self.today(), "the limits' day to be right")
        for _ in range(4):
            self.assert_right(self.submit())
        held = self.server.api().send(MESSAGE)
        self.assertEqual("held", held["state"], "five were sent, one of them a month ahead")
        self.assertLess(seconds_from_now(self.row(held["id"])["held_until"]), DAY)
        self.assertIn("all counts are right", self.server.command("check"))

    def test_jump_that_lasts_is_followed_and_said_in_the_log(self) -> None:
        """After a minute the server goes by the clock as it is set; what waits goes on waiting as long as before."""
        self.server.start()
        deferred = self.submit()
        wait.until(lambda: self.row(deferred)["attempts"] == 1, "the first attempt")
        self.clock.set(-DAY)
        log = self.server.folder / "serve.log"
        wait.until(lambda: "clock was set" in log.read_text(), "the jump to be followed", 90, every=0.2)
        self.sink.start()
        self.server.command("queue", "flush")
        self.until_sent(deferred, 15)
        self.assertLess(abs(seconds_from_now(self.row(deferred)["sent_on"]) + DAY), 120)
