"""Large messages by the hundred at once: what the server's memory does, whether all arrive, whether it is given back.

    python3 -m tests.faults.large --count 200 --by smtp        # or json, raw, all; POSTROOM_BIN names the binary

It fails where one is missing, where memory grew by more than 256 MiB over that of the idle server, or where it was not
given back within 30 s.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import random
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from tests.lab import wait
from tests.lab.memory import ResidentGrowth, pss_kib
from tests.lab.postroom import LogSink, Postroom
from tests.lab.scratch import Scratch, free_port

MB = 1_000_000
WAYS = ("smtp", "json", "raw")
GROWTH_KIB_MAX = 256 * 1024
SENDER, RECIPIENT = "case@example.test", "client@example.org"


def noise(size: int) -> bytes:
    """Returns `size` octets of base64 in lines, as a file that does not compress looks on the wire."""
    raw = random.Random(size).randbytes(1_026_000)
    lines = base64.encodebytes(raw).replace(b"\n", b"\r\n")
    return (lines * (size // len(lines) + 1))[: size - size % 78]


@dataclass
class Senders:
    """Sends messages, each on a connection and thread of its own, and tries again what was refused for a while."""

    server: Postroom
    by: str
    size: int
    seconds: float
    accepted: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lock = threading.Lock()
        if self.by == "json":
            file = base64.b64encode(random.Random(1).randbytes(self.size * 3 // 4)).decode()
            message = {"from": SENDER, "to": [RECIPIENT], "subject": "s", "text": "t"}
            self.body = json.dumps(message | {"attachments": [{"filename": "f.bin", "content": file}]}).encode()
        else:
            self.body = noise(self.size)

    def run(self, count: int) -> None:
        """Sends `count` messages at once and waits until all were accepted or given up."""
        self.deadline = time.monotonic() + self.seconds
        threads = [threading.Thread(target=self._until_accepted, args=(n,), daemon=True) for n in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _until_accepted(self, number: int) -> None:
        send: Callable[[int], tuple[str, float | None]] = self._by_smtp if self.by == "smtp" else self._by_http
        while time.monotonic() < self.deadline:
            try:
                answer, again = send(number)
            except OSError as error:
                answer, again = type(error).__name__, 1.0
            with self.lock:
                self.answers[answer] += 1
                self.accepted += again is None
            if again is None:
                return
            time.sleep(again)
        with self.lock:
            self.failures.append(f"message {number} was not accepted in {self.seconds:.0f} s")

    def _by_smtp(self, number: int) -> tuple[str, float | None]:
        """Returns the last reply, and when to try again, None once the message was accepted."""
        with socket.create_connection(("127.0.0.1", self.server.smtp_port), timeout=300) as wire:
            replies = wire.makefile("rb")

            def say(words: str) -> str:
                if words:
                    wire.sendall(words.encode() + b"\r\n")
                while (line := replies.readline())[3:4] == b"-":
                    pass
                return line.decode(errors="replace").strip()

            header = f"From: {SENDER}\r\nTo: {RECIPIENT}\r\nSubject: {number}\r\n\r\n".encode()
            size = len(header) + len(self.body)
            dialogue = ["", "EHLO client.example.test", f"MAIL FROM:<{SENDER}> SIZE={size}", f"RCPT TO:<{RECIPIENT}>", "DATA"]
            for words in dialogue:
                reply = say(words)
                if reply[:1] not in ("2", "3"):
                    return reply, 1.0
            wire.sendall(header)
            wire.sendall(self.body)
            reply = say(".")
            return (reply.split(" Queued")[0], None) if reply[:1] == "2" else (reply, 1.0)

    def _by_http(self, number: int) -> tuple[str, float | None]:
        """Returns status and code, and when to try again, None once the message was accepted."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.http_port, timeout=300)
        fields = {"Authorization": f"Bearer {self.server.key}"}
        target = "/api/v1/messages"
        if self.by == "raw":
            fields["Content-Type"] = "message/rfc822"
            target += "/raw?" + urlencode({"from": SENDER, "to": RECIPIENT})
            header = f"From: {SENDER}\r\nTo: {RECIPIENT}\r\nSubject: {number}\r\n\r\n".encode()
        else:
            fields["Content-Type"] = "application/json"
            header = b""
        fields["Content-Length"] = str(len(header) + len(self.body))
        try:
            connection.putrequest("POST", target)
            for name, value in fields.items():
                connection.putheader(name, value)
            connection.endheaders()
            connection.send(header)
            connection.send(self.body)
            response = connection.getresponse()
            answer = json.loads(response.read())
            if response.status == 202:
                return "202", None
            return f"{response.status} {answer.get('code')}", float(response.headers.get("Retry-After", "1"))
        finally:
            connection.close()


@dataclass
class Figures:
    """What a run showed; memory in KiB."""

    count: int
    by: str
    idle: int = 0
    peak: int = 0
    growth: int = 0
    """Of resident memory at its peak: the samples of PSS may miss it."""
    after: int = 0
    given_back_s: float | None = None
    accepted: int = 0
    delivered: int = 0
    accepted_s: float = 0.0
    delivered_s: float = 0.0
    answers: Counter[str] = field(default_factory=Counter)
    curve: list[tuple[float, int]] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Returns the figures in words."""
        back = "not within the time" if self.given_back_s is None else f"{self.given_back_s:.1f} s"
        return [
            f"{self.count} messages by {self.by}: accepted {self.accepted} in {self.accepted_s:.1f} s, "
            f"delivered {self.delivered} in {self.delivered_s:.1f} s",
            f"PSS: idle {mib(self.idle)}, peak {mib(self.peak)} (+{mib(self.peak - self.idle)}, RSS +{mib(self.growth)}), "
            f"after {mib(self.after)} (+{mib(self.after - self.idle)}), given back: {back}",
            f"answers: {dict(self.answers)}",
        ]


def mib(kib: int) -> str:
    """Writes KiB as MiB."""
    return f"{kib / 1024:.0f} MiB"


class Watch:
    """Notes a process's PSS in a thread while a `with` block runs."""

    def __init__(self, pid: int, every: float = 0.1) -> None:
        self.pid, self.every = pid, every
        self.curve: list[tuple[float, int]] = []
        self._began = time.monotonic()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._end.is_set():
            self.curve.append((time.monotonic() - self._began, pss_kib(self.pid)))
            self._end.wait(self.every)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


@dataclass(frozen=True)
class Load:
    """What is sent."""

    count: int
    by: str
    size: int
    seconds: float = 600.0
    back_s: float = 30.0
    """How long memory may take to be given back."""


def measure(folder: Path, load: Load, settings: Mapping[str, Mapping[str, object]] | None = None) -> Figures:
    """Starts a server and a sink, sends the load, waits until all was delivered and memory was given back."""
    figures = Figures(load.count, load.by)
    sink = LogSink(folder, free_port())
    server = Postroom(folder / "postroom", sink.port, {"log": {"level": "warn"}} | dict(settings or {}), trusted=True)
    with sink, server:
        warm_up(server, sink)
        figures.idle, growth = pss_kib(server.pid), ResidentGrowth(server.pid)
        with Watch(server.pid) as watch:
            began = time.monotonic()
            senders = Senders(server, load.by, load.size, load.seconds)
            senders.run(load.count)
            figures.accepted, figures.answers = senders.accepted, senders.answers
            figures.accepted_s = time.monotonic() - began
            delivered = lambda: len(sink.lines()) - 1  # noqa: E731  one was the warm-up's
            try:
                wait.until(lambda: delivered() >= senders.accepted, "all to arrive", load.seconds, every=0.2)
            except wait.GaveUp as error:
                senders.failures.append(str(error))
            figures.delivered, figures.delivered_s = delivered(), time.monotonic() - began
            over = time.monotonic()
            while (waited := time.monotonic() - over) < load.back_s:
                if pss_kib(server.pid) <= figures.idle + 32 * 1024:
                    figures.given_back_s = waited
                    break
                time.sleep(0.25)
        figures.after, figures.growth = pss_kib(server.pid), growth.kib()
        figures.curve = watch.curve
        figures.peak = max(kib for _, kib in watch.curve)
        figures.answers.update(senders.failures)
    return figures


def warm_up(server: Postroom, sink: LogSink) -> None:
    """Sends one small message, so that what every server allocates once is part of the idle figure."""
    server.api().send({"from": SENDER, "to": [RECIPIENT], "subject": "s", "text": "t"})
    wait.until(lambda: len(sink.lines()) == 1, "the first message to arrive")


def main() -> None:
    """Runs one load for each way and prints its figures."""
    parser = argparse.ArgumentParser(description="Sends large messages at once and watches the server's memory.")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--size", type=float, default=24.5, help="MB of each")
    parser.add_argument("--by", choices=(*WAYS, "all"), default="all")
    parser.add_argument("--budget", type=int, default=128, help="server.content_memory_mib")
    parser.add_argument("--curve", action="store_true", help="print memory over time")
    args = parser.parse_args()
    settings = {"server": {"content_memory_mib": args.budget}}
    failed = False
    for way in WAYS if args.by == "all" else (args.by,):
        with Scratch("large") as folder:
            figures = measure(folder, Load(args.count, way, int(args.size * MB)), settings)
        print("\n".join(figures.lines()), flush=True)
        if args.curve:
            for at, kib in figures.curve[:: max(1, len(figures.curve) // 60)]:
                print(f"{at:8.1f} s {mib(kib)}")
        arrived = figures.delivered == figures.accepted == args.count
        bounded = figures.growth <= GROWTH_KIB_MAX and figures.given_back_s is not None
        failed |= not (arrived and bounded)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
