"""No 250 or 202 is written before the sync of its commit returned."""

from __future__ import annotations

import shutil
import smtplib
import unittest
from concurrent.futures import ThreadPoolExecutor

from tests.kill import trace
from tests.lab import wait
from tests.lab.postroom import Postroom
from tests.lab.scratch import Scratch
from tests.lab.sink import Sink

MESSAGES = 20


# Nothing is delivered: a lease's or an outcome's sync between a message and its answer would look like the message's.
SETTINGS = {"delivery": {"paused": True}, "log": {"level": "warn"}}


class OrderOfSyncAndAnswer(unittest.TestCase):
    """The server under strace while mail comes in."""

    def test_every_acknowledgement_follows_a_sync_that_covers_it(self) -> None:
        """Some messages one by one, each once the server is still, then some at once, over SMTP and HTTP."""
        if shutil.which("strace") is None:
            self.fail("strace is missing: tools/setup test installs it")
        with Scratch("trace") as folder, Sink() as sink:
            with Postroom(folder / "postroom", sink.port, SETTINGS, trusted=True) as server:
                file = folder / "trace"
                with trace.Trace(server.pid, file):
                    for number in range(MESSAGES):
                        # Or the sync of the message before, come late, would cover this one.
                        wait.until_still(file)
                        submit(server, number)
                    with ThreadPoolExecutor(8) as together:
                        list(together.map(lambda number: submit(server, number), range(MESSAGES)))
                lines = file.read_text(errors="replace").splitlines()
                findings = trace.examine(lines, str(folder))
                self.assertEqual([], findings.uncovered, "answered before the sync")
                # As many of each: a trace without answers would prove nothing.
                self.assertEqual({"250": MESSAGES, "202": MESSAGES}, findings.covered)
                without = trace.examine([line for line in lines if "sync(" not in line], str(folder))
                self.assertEqual(2 * MESSAGES, len(without.uncovered), "a server that never syncs would pass")
                print(f"\n   {findings.covered.total()} answers, {findings.syncs} syncs")


def submit(server: Postroom, number: int) -> None:
    """Submits one message, by SMTP and by HTTP in turn."""
    if number % 2:
        server.api().send({"from": "case@example.test", "to": ["client@example.org"], "subject": "s", "text": "t"})
        return
    with smtplib.SMTP("127.0.0.1", server.smtp_port, timeout=60) as client:
        client.sendmail("case@example.test", ["client@example.org"], b"Subject: s\r\n\r\nt\r\n")


class ExaminesTraces(unittest.TestCase):
    """The examination itself, on traces written by hand."""

    SYNC = "8 fdatasync(5</d/p.db-wal>) = 0"
    BEGUN = "8 fdatasync(5</d/p.db-wal> <unfinished ...>"
    RETURNED = "8 <... fdatasync resumed>) = 0"
    # The last of the request as it is read, and its acknowledgement as it is written.
    DIALOGUES = {
        "250": (
            '7 recvfrom(9<socket:[1]>, "x\\r\\n.\\r\\n", 4096, 0, NULL, NULL) = 6',
            '7 sendto(9<socket:[1]>, "250 2.0.0 queued\\r\\n", 18, MSG_NOSIGNAL, NULL, 0) = 18',
        ),
        "202": (
            '7 read(9<socket:[1]>, "POST /api/v1/messages HTTP/1.1\\r\\n"..., 8192) = 300',
            '7 writev(9<socket:[1]>, [{iov_base="HTTP/1.1 202 Accepted\\r\\n"..., iov_len=150}], 1) = 150',
        ),
    }

    def examined(self, *order: str) -> list[tuple[str, dict[str, int], list[str]]]:
        """Examines a trace of `order` with each kind of acknowledgement; `read` and `answer` stand for its lines."""
        found = []
        for code, (read, answer) in self.DIALOGUES.items():
            lines = [{"read": read, "answer": answer}.get(line, line) for line in order]
            findings = trace.examine(lines, "/d")
            found.append((code, dict(findings.covered), [code for code, _ in findings.uncovered]))
        return found

    def test_answer_after_read_and_sync_is_covered(self) -> None:
        """The good order."""
        for code, covered, uncovered in self.examined("read", self.SYNC, "answer"):
            self.assertEqual(({code: 1}, []), (covered, uncovered))

    def test_answer_before_the_sync_returned_is_found(self) -> None:
        """The sync began but had not returned."""
        for code, covered, uncovered in self.examined("read", self.BEGUN, "answer", self.RETURNED):
            self.assertEqual(({}, [code]), (covered, uncovered))

    def test_sync_that_began_before_the_read_does_not_count(self) -> None:
        """It was another message's."""
        for code, covered, uncovered in self.examined(self.BEGUN, "read", self.RETURNED, "answer"):
            self.assertEqual(({}, [code]), (covered, uncovered))

    def test_sync_of_another_file_does_not_count(self) -> None:
        """A log file's sync proves nothing."""
        for code, covered, uncovered in self.examined("read", "8 fsync(4</var/log/x>) = 0", "answer"):
            self.assertEqual(({}, [code]), (covered, uncovered))

    def test_failed_sync_does_not_count(self) -> None:
        """It has made nothing durable."""
        failed = "8 fdatasync(5</d/p.db-wal>) = -1 EIO (Input/output error)"
        for code, covered, uncovered in self.examined("read", failed, "answer"):
            self.assertEqual(({}, [code]), (covered, uncovered))

    def test_answers_to_the_envelope_are_no_acknowledgements(self) -> None:
        """MAIL and RCPT have a 250 of their own."""
        line = '7 sendto(9<socket:[1]>, "250 2.1.5 recipient ok\\r\\n", 24, MSG_NOSIGNAL, NULL, 0) = 24'
        findings = trace.examine([line], "/d")
        self.assertEqual((0, []), (findings.covered.total(), findings.uncovered))
