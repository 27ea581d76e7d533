"""A million messages: how long lists, jumps, counts and searches take, cold and warm, alone and while mail flows."""

from __future__ import annotations

import math
import os
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench import report
from bench.flow import Flow, senders
from tests.lab.api import Api
from tests.lab.memory import PeakMemory, pss_kib
from tests.lab.postroom import LogSink, Postroom
from tests.lab.scratch import ROOT, Scratch, free_port

TOTAL = re.compile(r"total;\s*dur=([\d.]+)")


@dataclass(frozen=True)
class Person:
    """Somebody who looks at the list: a label for the table and their API key."""

    label: str
    key: str


@dataclass
class Times:
    """Durations of one kind of request, in ms: on the wall and as the server says in Server-Timing."""

    wall: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)

    def cells(self) -> str:
        """Returns table cells: p50, p95 and the most, at the server where it says so, and the wall's p95."""
        times = sorted(self.server or self.wall)
        if not times:
            return "– | – | – | –"
        wall = sorted(self.wall)
        return " | ".join(f"{value:.1f}" for value in (at(times, 0.5), at(times, 0.95), times[-1], at(wall, 0.95)))


def at(ordered: list[float], share: float) -> float:
    """Returns a quantile of an ordered list by nearest rank: of 20 values p95 is the last but one."""
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


class Reader:
    """One person's requests, timed."""

    def __init__(self, server: Postroom, person: Person, seed: int) -> None:
        self.api = Api(server.http_port, person.key)
        self.person = person
        self.random = random.Random(f"{seed}-{person.label}")
        self.words = ["policy"]
        self.senders: list[int] = []
        self.total = 0

    def look_around(self) -> None:
        """Learns the list's length, and words and senders to look for, from pages across it."""
        self.total = int(self.api.get("/messages/counts")["total"])
        words, senders = set(), set()
        for _ in range(5):
            for row in self.api.get("/messages", limit=50, at=self.random.randrange(max(1, self.total)))["rows"]:
                words.update(re.findall(r"[A-Za-z]{4,}", row["subject"]))
                senders.add(row["sender"]["id"])
        self.words = sorted(words) or self.words
        self.senders = sorted(senders)

    def timed(self, times: Times, path: str, **query: object) -> dict:
        """Sends one request and keeps how long it took."""
        began = time.perf_counter()
        answer = self.api.call("GET", path, query=query)
        times.wall.append((time.perf_counter() - began) * 1000)
        if answer.status != 200:
            raise RuntimeError(f"GET {path} {query}: {answer.status} {answer.body[:300]!r}")
        if found := TOTAL.search(answer.headers.get("server-timing", "")):
            times.server.append(float(found[1]))
        return answer.json()

    def first_page(self, times: Times) -> None:
        """The first page without a filter, then with each Type and Source."""
        self.timed(times, "/messages", limit=50, type=self.random.choice(("all", "outbox", "sent", "failed")))

    def filtered(self, times: Times) -> None:
        """The first page of a source, a kind, a sender or some days."""
        choices: list[dict[str, object]] = [
            {"source": "mine_sent"}, {"source": "notifications"}, {"kind": "direct"}, {"kind": "form_letter"},
            {"mine": "true"}, {"from": "2026-01-01", "to": "2030-01-01"},
        ]  # fmt: skip
        choices += [{"sender": sender} for sender in self.senders[:3]]
        self.timed(times, "/messages", limit=50, **self.random.choice(choices))

    def next_pages(self, times: Times) -> None:
        """Three pages on by cursor from a random place."""
        page = self.api.get("/messages", limit=50, at=self.random.randrange(max(1, self.total)))
        for _ in range(3):
            if not page["next"]:
                return
            page = self.timed(times, "/messages", limit=50, cursor=page["next"])

    def jump(self, times: Times) -> None:
        """A jump of the scrollbar to a random row."""
        self.timed(times, "/messages", limit=50, at=self.random.randrange(max(1, self.total)))

    def counts(self, times: Times) -> None:
        """The counts of a Type."""
        self.timed(times, "/messages/counts", type=self.random.choice(("all", "outbox", "sent", "failed")))

    def search(self, times: Times) -> None:
        """The first page of a search for one word, two words or a prefix."""
        one, two = self.random.choice(self.words), self.random.choice(self.words)
        self.timed(times, "/messages", limit=50, q=self.random.choice((one, f"{one} {two}", one[:3])))


KINDS: dict[str, Callable[[Reader, Times], None]] = {
    "first page, each Type": Reader.first_page,
    "first page, other filters": Reader.filtered,
    "next page by cursor": Reader.next_pages,
    "jump to any row": Reader.jump,
    "counts": Reader.counts,
    "search": Reader.search,
}


def forget(folder: Path) -> None:
    """Has the kernel drop its cached pages of every file below a folder."""
    os.sync()
    for file in folder.rglob("*"):
        if file.is_file():
            descriptor = os.open(file, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def start_ms(server: Postroom) -> float:
    """Starts the server and returns how long it took to listen, in ms."""
    began = time.perf_counter()
    server.start()
    return (time.perf_counter() - began) * 1000


def requests(server: Postroom, people: list[Person], rounds: int, seed: int) -> dict[tuple[str, str], Times]:
    """Sends every kind of request for every person, mixed, `rounds` times each."""
    found = {(kind, person.label): Times() for kind in KINDS for person in people}
    readers = [Reader(server, person, seed) for person in people]
    for reader in readers:
        reader.look_around()
    for _ in range(rounds):
        for reader in readers:
            for kind, send in KINDS.items():
                send(reader, found[kind, reader.person.label])
    return found


def cold(server: Postroom, people: list[Person], rounds: int) -> tuple[dict[tuple[str, str], Times], list[float]]:
    """Restarts on an empty page cache before every kind of request; returns their times and the starts'."""
    found = {(kind, person.label): Times() for kind in KINDS for person in people}
    starts = []
    for number in range(rounds):
        for kind, send in KINDS.items():
            for person in people:
                server.stop()
                forget(server.folder)
                starts.append(start_ms(server))
                reader = Reader(server, person, number)
                reader.total = 100_000  # looking around would warm what is to be cold
                send(reader, found[kind, person.label])
    return found, starts


def table(title: str, found: dict[tuple[str, str], Times]) -> str:
    """Returns one table: a row per kind of request and person."""
    lines = [f"### {title}", "", "| request | who | p50 | p95 | max | p95 with HTTP |", "| --- | --- | --- | --- | --- | --- |"]
    lines += [f"| {kind} | {who} | {times.cells()} |" for (kind, who), times in found.items()]
    return "\n".join(lines) + "\n"


def crowd(server: Postroom) -> list[Person]:
    """Makes keys for people of every kind; the fill has made all but the first of them (20 users an office)."""
    everything = server.add_user(rights="super_user,enterprise_view,administrator")
    return [
        Person("all", everything),
        Person("200 descendant offices", server.add_key("user40")),
        Person("a whole office", server.add_key("user60")),
        Person("20 principals", server.add_key("user80")),
        Person("own only, busiest sender", server.add_key("user1")),
        Person("own only, rare sender", server.add_key("user9990")),
    ]


def main(messages: int, rounds: int, dry: bool) -> int:
    """Fills, measures and writes the section of `bench/RESULTS.md`."""
    with Scratch("bench-rows") as folder, LogSink(folder, free_port()) as sink:
        settings = {"log": {"level": "warn"}, "delivery": {"paused": True}}
        server = Postroom(folder / "postroom", sink.port, settings, trusted=True)
        print(f"filling {messages:,} messages", flush=True)
        began = time.perf_counter()
        print(server.command("bench-fill", "--messages", str(messages), "--days", "60").strip(), flush=True)
        filled = time.perf_counter() - began
        people = crowd(server)
        load = senders(server)
        server.key = people[0].key
        size = sum(file.stat().st_size for file in (folder / "postroom" / "data").rglob("*") if file.is_file())
        forget(server.folder)
        first_start = start_ms(server)
        idle_kib = pss_kib(server.pid)
        print("warm", flush=True)
        warm = requests(server, people, rounds, seed=1)
        print("while mail flows", flush=True)
        server.stop()
        server.configure(settings | {"delivery": {"paused": False}})
        server.start()
        with PeakMemory(server.pid) as memory, Flow(server.smtp_port, 1000, load) as flow:
            flowing = requests(server, people, rounds, seed=2)
        print("cold", flush=True)
        chilled, starts = cold(server, people, max(1, rounds // 5))
        server.stop()
        text = "\n".join(
            [
                f"`make bench-rows` (`bench/run rows`): {messages:,} messages, {size / 2**30:.1f} GiB on the disk, filled in "
                f"{filled:.0f} s. Times in ms, at the server (`Server-Timing`) where it says so; {rounds} requests of each "
                "kind and person, mixed.",
                "",
                f"- start to listening: {first_start:.0f} ms cold the first time, at most {max(starts):.0f} ms of {len(starts)}",
                f"- memory (PSS): {idle_kib / 1024:.0f} MiB after the start, at most {memory.kib / 1024:.0f} MiB while mail "
                f"flowed at {flow.rate:,.0f}/s and lists were read",
                "",
                report.machine(),
                "",
                table("Warm, nothing else going on", warm),
                table(f"Warm, while {flow.rate:,.0f} messages/s come in and leave", flowing),
                table("Cold: a new process and an empty page cache before each request", chilled),
            ]
        )
    print(text)
    if flow.failures:
        print(f"{flow.failures} messages of the flow were refused")
        return 1
    if not dry:
        report.replace_section(report.RESULTS, f"{messages:,} messages", text)
        print(f"written to {report.RESULTS.relative_to(ROOT)}")
    return 0
