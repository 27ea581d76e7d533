"""Mail at a steady rate over lasting connections: what business software sends all day.

A process of its own, so that it does not share an interpreter with whoever measures. Each session sends its next message
when its turn comes, in one write (RFC 2920 with RFC 3030 chunks), so that the load is even and the server's, not the
generator's, work is what costs time.
"""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from types import TracebackType

from bench.load import MESSAGE_BYTES, RECIPIENT
from tests.lab.postroom import Postroom
from tests.lab.scratch import ROOT

SESSIONS = 40
# Of the offices that `postroom bench-fill` makes, 20 people each; 17 of the 40 lie below office 2.
OFFICES = range(3, 500, 12)[:SESSIONS]
PER_OFFICE = 20


@dataclass(frozen=True)
class Sender:
    """Somebody who sends over a session of their own."""

    login: str
    email: str
    key: str


def senders(server: Postroom) -> list[Sender]:
    """Makes a key for the first person of each of `OFFICES`."""
    people = []
    for office in OFFICES:
        login = f"user{(office - 1) * PER_OFFICE + 1}"
        people.append(Sender(login, f"{login}@office{office}.example.com", server.add_key(login)))
    return people


class Flow:
    """The load as a context manager; afterwards `rate` is what was acknowledged a second and `failures` what was refused."""

    def __init__(self, port: int, per_second: int, people: list[Sender]) -> None:
        self.command = [sys.executable, "-m", "bench.flow", str(port), str(per_second)]
        self.people = people
        self.rate = 0.0
        self.failures = 0

    def __enter__(self) -> Flow:
        self.process = subprocess.Popen(
            self.command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([asdict(sender) for sender in self.people]) + "\n")
        self.process.stdin.flush()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        printed, _ = self.process.communicate()  # the end of its input ends it
        told = json.loads(printed)
        self.rate, self.failures = told["rate"], told["failures"]


class Load:
    """What the sessions have sent so far."""

    def __init__(self, per_second: int) -> None:
        self.pause = SESSIONS / per_second
        self.acknowledged = 0
        self.failures = 0
        self.ended = False

    async def session(self, number: int, port: int, sender: Sender) -> None:
        """Signs in and sends a message in every turn until the end; one that is late sends at once."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reply(reader)
        writer.write(b"EHLO flow.example.test\r\n")
        await reply(reader)
        word = base64.b64encode(f"\0{sender.login}\0{sender.key}".encode())
        writer.write(b"AUTH PLAIN " + word + b"\r\n")
        if not (answer := await reply(reader)).startswith(b"235"):
            raise RuntimeError(f"AUTH as {sender.login}: {answer.decode()}")
        due = time.monotonic() + self.pause * number / SESSIONS
        count = 0
        while not self.ended:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            due += self.pause
            count += 1
            writer.write(message(sender.email, f"{number}.{count}"))
            replies = [await reply(reader) for _ in range(3)]
            if replies[-1].startswith(b"250"):
                self.acknowledged += 1
            else:
                self.failures += 1
        writer.close()


def message(sender: str, name: str) -> bytes:
    """Returns one message of 4 KiB with its envelope, as one write."""
    text = (
        f"From: <{sender}>\r\nTo: <{RECIPIENT}>\r\nSubject: Your policy {name}\r\n"
        f"Date: Mon, 05 Jan 2026 09:00:00 +0000\r\nMessage-ID: <{name}.{time.time_ns()}@flow.example.test>\r\n\r\n"
    ).encode()
    text += b"Good day, here is what you asked for.\r\n" * ((MESSAGE_BYTES - len(text)) // 39)
    envelope = f"MAIL FROM:<{sender}>\r\nRCPT TO:<{RECIPIENT}>\r\nBDAT {len(text)} LAST\r\n"
    return envelope.encode() + text


async def reply(reader: asyncio.StreamReader) -> bytes:
    """Reads one reply (RFC 5321 section 4.2.1) and returns its last line."""
    while True:
        line = await reader.readline()
        if line[3:4] != b"-":
            return line


async def run(port: int, per_second: int) -> None:
    """Sends until standard input ends, then prints what came of it."""
    load = Load(per_second)
    people = [Sender(**one) for one in json.loads(sys.stdin.readline())]
    began = time.monotonic()
    sessions = [asyncio.create_task(load.session(number, port, one)) for number, one in enumerate(people)]
    await asyncio.to_thread(sys.stdin.read)
    took = time.monotonic() - began
    load.ended = True
    rate = load.acknowledged / took
    await asyncio.gather(*sessions)
    print(json.dumps({"rate": rate, "failures": load.failures}))


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]), int(sys.argv[2])))
