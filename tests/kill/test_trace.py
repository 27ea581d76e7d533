"""No 250 or 202 is written before the sync of its commit returned."""

from __future__ import annotations

import shutil
import smtplib
import unittest
from concurrent.futures import ThreadPoolExecutor

from tests.kill import trace
from tests.lab.postroom import Postroom
from tests.lab.scratch import Scratch
from tests.lab.sink import Sink

MESSAGES = 20


class OrderOfSyncAndAnswer(unittest.TestCase):
    """The server under strace while mail comes in."""

    def test_every_acknowledgement_follows_a_sync_that_covers_it(self) -> None:
        """Some messages one by one, then some at once, over SMTP and HTTP."""
        if shutil.which("strace") is None:
            self.fail("strace is missing: tools/setup test installs it")
        with Scratch("trace") as folder, Sink() as sink:
            with Postroom(folder / "postroom", sink.port, trusted=True) as server:
                file = folder / "trace"
                with trace.Trace(server.pid, file):
                    for number in range(MESSAGES):
                        submit(server, number)
                    with ThreadPoolExecutor(8) as together:
                        list(together.map(lambda number: submit(server, number), range(MESSAGES)))
                findings = trace.examine(file.read_text(errors="replace").splitlines(), str(folder))
                self.assertEqual([], findings.uncovered, "answered before the sync")
                self.assertEqual(2 * MESSAGES, findings.covered, "not every answer was seen in the trace")
                print(f"\n   {findings.covered} answers, {findings.syncs} syncs")


def submit(server: Postroom, number: int) -> None:
    """Submits one message, by SMTP and by HTTP in turn."""
    if number % 2:
        server.api().send({"from": "case@example.test", "to": ["client@example.org"], "subject": "s", "text": "t"})
        return
    with smtplib.SMTP("127.0.0.1", server.smtp_port, timeout=60) as client:
        client.sendmail("case@example.test", ["client@example.org"], b"Subject: s\r\n\r\nt\r\n")


class ExaminesTraces(unittest.TestCase):
    """The examination itself, on traces written by hand."""

    READ = '7 recvfrom(9<socket:[1]>, "x\\r\\n.\\r\\n", 4096, 0, NULL, NULL) = 6'
    SYNC = "8 fdatasync(5</d/p.db-wal>) = 0"
    ANSWER = '7 sendto(9<socket:[1]>, "250 2.0.0 queued\\r\\n", 18, MSG_NOSIGNAL, NULL, 0) = 18'

    def test_answer_after_read_and_sync_is_covered(self) -> None:
        """The good order."""
        self.assertEqual(1, trace.examine([self.READ, self.SYNC, self.ANSWER], "/d").covered)

    def test_answer_before_the_sync_returned_is_found(self) -> None:
        """The sync began but had not returned."""
        begun = "8 fdatasync(5</d/p.db-wal> <unfinished ...>"
        lines = [self.READ, begun, self.ANSWER, "8 <... fdatasync resumed>) = 0"]
        self.assertEqual(1, len(trace.examine(lines, "/d").uncovered))

    def test_sync_that_began_before_the_read_does_not_count(self) -> None:
        """It was another message's."""
        begun = "8 fdatasync(5</d/p.db-wal> <unfinished ...>"
        lines = [begun, self.READ, "8 <... fdatasync resumed>) = 0", self.ANSWER]
        self.assertEqual(1, len(trace.examine(lines, "/d").uncovered))

    def test_sync_of_another_file_does_not_count(self) -> None:
        """A log file's sync proves nothing."""
        lines = [self.READ, "8 fsync(4</var/log/x>) = 0", self.ANSWER]
        self.assertEqual(1, len(trace.examine(lines, "/d").uncovered))
