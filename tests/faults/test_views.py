"""Messages made to cost much when somebody looks at them: each view is there at once, and nobody else waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from tests.lab.cases import ScratchCase
from tests.lab.memory import PeakMemory, pss_kib
from tests.lab.postroom import Postroom, binary
from tests.lab.scratch import free_port

# A release build takes at most a second for HTML, and less for the rest. A development build is slower, and the machine
# may do other things.
IS_RELEASE = binary().parent.name == "release"
SECONDS, TRIES = (1.5, 3) if IS_RELEASE else (4.0, 1)
GROWTH_KIB_MAX = 192 * 1024
SETTINGS = {"delivery": {"paused": True}, "log": {"level": "warn"}}
HEAD = "From: case@example.test\r\nTo: client@example.org\r\nSubject: s\r\nMIME-Version: 1.0\r\n"
INSTEAD = b"The plain text is shown instead"


def html(page: str) -> bytes:
    """Returns a message of a text and a page, with its lines broken."""
    lines = "\r\n".join(page[i : i + 60_000] for i in range(0, len(page), 60_000))
    return (
        f"{HEAD}Content-Type: multipart/alternative; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nThe words\r\n"
        f"--b\r\nContent-Type: text/html\r\n\r\n{lines}\r\n--b--\r\n"
    ).encode()


def numbered(pattern: str, count: int) -> str:
    """Returns a pattern with each number from 0."""
    return "".join(pattern.format(number) for number in range(count))


PAGES: dict[str, Callable[[], str]] = {
    "97 KiB of div": lambda: "<div>" * 20_000,
    "1 MB of div": lambda: "<div>" * 200_000,
    "24 MB of div": lambda: "<div>" * 4_800_000,
    "tables": lambda: "<table><tr><td>" * 60_000,
    "attributes": lambda: f"<p{numbered(' a{}', 100_000)}>",
    "unclosed fonts": lambda: numbered("<font size={}>", 10_000) + "<p>x" * 10_000,
    "fonts built again": lambda: f"<p>{numbered('<font size={}>', 300)}x</p>" + "<p>x</p>" * 60_000,
    "long attributes built again": lambda: f"<p><font face='{'x' * 100_000}'>x</p>" + "<p>x</p>" * 60_000,
    "text between rows": lambda: "<table>" + "<tr>x<b>y</b>" * 120_000,
    "text between fewer rows": lambda: "<table>" + "<tr>x<b>y</b>" * 24_000,
    "attributes of the document": lambda: numbered("<html a{}=1>", 60_000),
    "entities": lambda: "&amp;" * 200_000,
    "styles": lambda: f"<p style='{'x' * 900_000}'>x",
    "elements in a style": lambda: "<svg><style>" + "<g>" * 200_000,
}
# Not costly enough to be refused whatever the machine.
EITHER = ("entities", "styles", "text between fewer rows")
# Multiparts whose delimiters never come, parts of a few bytes, encoded words that do not end, parameters in pieces, header
# fields of a few bytes, lists of a few bytes in them, messages in messages.
PARTS = {
    "multiparts": "--x\r\nContent-Type: multipart/mixed; boundary=never\r\n\r\n" * 16_000,
    "parts": "--x\r\n\r\n" * 3_000_000,
    "words": "--x\r\nSubject: " + "=?aa?q?aa\r\n " * 90_000 + "x\r\n\r\n",
    "pieces": "--x\r\nContent-Type: text/plain" + numbered(";\r\n a{}*1=x", 90_000) + "\r\n\r\n",
    "fields": "--x\r\n" + "a:\r\n" * 6_000_000 + "\r\n",
    "addresses": "--x\r\nTo: a" + ",a,a,a,a,a,a,a,a\r\n " * 1_200_000 + "x\r\n\r\n",
    "keywords": "--x\r\nKeywords: a" + ",a,a,a,a,a,a,a,a\r\n " * 1_200_000 + "x\r\n\r\n",
    "parameters": "--x\r\nContent-Type: text/plain" + ";a=b;a=b;a=b\r\n " * 1_400_000 + "x\r\n\r\n",
    "messages": "--x\r\n" + "Content-Type: message/rfc822\r\n\r\n" * 700_000,
    "fields of a message": "--x\r\nContent-Type: message/rfc822\r\n\r\n" + "a:\r\n" * 6_000_000 + "\r\n",
}


class Views(ScratchCase):
    """The real server, with messages that are costly to look at."""

    def setUp(self) -> None:
        """Starts a server that takes mail in and keeps it."""
        super().setUp()
        self.server = Postroom(self.folder / "postroom", free_port(), SETTINGS).prepare()
        self.server.start()
        self.addCleanup(self.server.kill)

    def submit(self, message: bytes) -> str:
        """Submits a message as it is and returns its id."""
        answer = self.server.api().call("POST", "/messages/raw", message, headers={"Content-Type": "message/rfc822"})
        self.assertEqual(202, answer.status, answer.body)
        return str(answer.json()["id"])

    def look(self, path: str) -> tuple[int, bytes]:
        """Gets a view, in time at least once; returns its status and body."""
        took = []
        for _ in range(TRIES):
            began = time.monotonic()
            answer = self.server.api().call("GET", f"/messages/{path}")
            took.append(time.monotonic() - began)
        self.assertLess(min(took), SECONDS, path)
        return answer.status, answer.body

    def test_pages(self) -> None:
        """The HTML, or the text with a line that says why; memory stays bounded."""
        for name, page in PAGES.items():
            with self.subTest(name):
                message = self.submit(html(page()))
                before = pss_kib(self.server.pid)
                with PeakMemory(self.server.pid, every=0.02) as peak:
                    status, body = self.look(f"{message}/body/html")
                self.assertEqual(200, status, body[:200])
                if name not in EITHER:
                    self.assertIn(INSTEAD, body[:2_000])
                self.assertLess(peak.kib - before, GROWTH_KIB_MAX)
                self.assertEqual(200, self.look(message)[0])

    def test_parts(self) -> None:
        """The header and the source."""
        for name, parts in PARTS.items():
            with self.subTest(name):
                message = f"{HEAD}Content-Type: multipart/mixed; boundary=x\r\n\r\n{parts}--x--\r\n"
                message = self.submit(message.encode())
                before = pss_kib(self.server.pid)
                with PeakMemory(self.server.pid, every=0.02) as peak:
                    self.assertEqual(200, self.look(message)[0])
                self.assertLess(peak.kib - before, GROWTH_KIB_MAX)
                self.assertEqual(200, self.look(f"{message}/body/source")[0])
                self.assertEqual(422, self.look(f"{message}/body/text")[0])

    def test_others_do_not_wait(self) -> None:
        """One person asks for many such pages at once; the rest of the server answers as always."""
        message = self.submit(html(PAGES["attributes"]()))
        statuses: list[int] = []

        def ask() -> None:
            statuses.append(self.server.api().call("GET", f"/messages/{message}/body/html").status)

        threads = [threading.Thread(target=ask, daemon=True) for _ in range(40)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            began = time.monotonic()
            self.assertEqual(200, self.server.health("live"))
            self.server.api().get("/messages", limit=50)
            self.assertLess(time.monotonic() - began, SECONDS)
        self.assertEqual(40, len(statuses))
        self.assertIn(200, statuses)
        self.assertIn(429, statuses)
        self.assertEqual({200, 429}, set(statuses))
