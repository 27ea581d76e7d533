"""The campaign: start, load, kill -9, again and again; then let the queue empty and compare."""

from __future__ import annotations

import contextlib
import random
import shutil
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.kill.ledger import Ledger
from tests.kill.submitters import HttpSubmitter, SmtpSubmitter, Submitter
from tests.lab.api import Api
from tests.lab.onlooker import Onlooker
from tests.lab.postroom import LogSink, Postroom
from tests.lab.scratch import free_port

CONNECTIONS = 8
"""Connections to the relay."""

SETTINGS = {
    # An attempt whose end is unknown is tried again soon, or the campaign would wait for the schedule.
    "delivery": {"retry_waits": ["1s"] * 9},
    "[[relay]]": {"connections": CONNECTIONS},
    "log": {"level": "warn"},
}


@dataclass
class Verdict:
    """What a campaign found."""

    cycles: int
    acknowledged: int
    arrived: int
    cut: int
    lost: list[str] = field(default_factory=list)
    duplicates: dict[str, int] = field(default_factory=dict)
    """Message-ID to copies beyond the first."""
    unexplained: list[str] = field(default_factory=list)
    """Duplicates with fewer attempts `uncertain` than copies beyond the first."""
    leased: int = 0
    """Leases open at the kills, all together."""
    unleased: list[str] = field(default_factory=list)
    """Duplicates with more copies beyond the first than kills that found them leased."""
    uncertain: int = 0
    """Attempts `uncertain` of the duplicated messages."""
    refused: list[str] = field(default_factory=list)
    looked: int = 0
    """Looks with `sqlite3` from outside."""
    unseen: list[str] = field(default_factory=list)
    """Looks that failed."""
    restart_ms_max: float = 0.0

    def sentence(self) -> str:
        """Says it in one line."""
        return (
            f"{self.cycles} kills: {self.acknowledged} acknowledged, {self.cut} cut off before an answer, "
            f"{self.arrived} arrived, {len(self.lost)} lost, {self.leased} leases open at the kills, "
            f"{sum(self.duplicates.values())} came again, {len(self.unleased)} of them without a lease, "
            f"{len(self.unexplained)} without an uncertain attempt; {self.looked} looks with sqlite3, "
            f"{len(self.unseen)} failed; slowest restart {self.restart_ms_max:.0f} ms"
        )

    def good(self) -> bool:
        """Says whether the promises held."""
        return not (self.lost or self.unexplained or self.unleased or self.refused or self.unseen)


def run(folder: Path, cycles: int, seed: int, report: Callable[[str], None] = lambda _: None) -> Verdict:
    """Kills the server `cycles` times under load and returns what became of the mail."""
    chance = random.Random(seed)
    ledger = Ledger()
    leases: Counter[str] = Counter()
    with LogSink(folder, free_port()) as sink:
        server = Postroom(folder / "postroom", sink.port, SETTINGS, trusted=True).prepare()
        clients: list[Submitter] = [SmtpSubmitter(f"smtp{n}", server, ledger, seed) for n in range(4)]
        clients += [HttpSubmitter(f"http{n}", server, ledger, seed) for n in range(4)]
        onlooker = Onlooker(server.folder / "data" / "postroom.db", folder / "copies", seed)
        slowest = 0.0
        try:
            for client in clients:
                client.start()
            onlooker.start()
            for cycle in range(cycles):
                slowest = max(slowest, start(server, clients))
                # Sometimes at once, while recovery still runs; mostly in the middle of both submission and delivery.
                time.sleep(chance.choice((chance.uniform(0.0, 0.1), chance.uniform(0.2, 1.5))))
                server.kill()
                for client in clients:
                    client.up.clear()
                with onlooker.looking:
                    leases.update(open_leases(server))
                report(f"kill {cycle + 1}: {len(ledger.acknowledged)} acknowledged so far")
            end(clients)
            onlooker.end()
            slowest = max(slowest, start(server, []))
            server.wait_until_empty(seconds=120 + cycles)
            server.command("check")  # fails where a kept count is wrong
            verdict = judge(server, sink, ledger, leases, cycles, slowest)
            verdict.looked, verdict.unseen = onlooker.looked, onlooker.failed
            return verdict
        finally:
            end(clients)
            onlooker.end()
            server.kill()


def start(server: Postroom, clients: list[Submitter]) -> float:
    """Starts the server, sets the clients going, and returns how long it took to listen, in ms."""
    began = time.perf_counter()
    server.start()
    took = (time.perf_counter() - began) * 1000
    for client in clients:
        client.up.set()
    return took


def end(clients: list[Submitter]) -> None:
    """Ends the clients."""
    for client in clients:
        client.ending.set()
    for client in clients:
        if client.is_alive():
            client.join(30)


def open_leases(server: Postroom) -> list[str]:
    """Returns the Message-IDs that a killed server had leased, from a copy of its database.

    A copy, because this program's SQLite is not the server's: opening the file itself would recover its log.
    """
    with tempfile.TemporaryDirectory(dir=server.folder) as folder:
        for file in (server.folder / "data").glob("*.db*"):
            if not file.name.endswith("-shm"):
                shutil.copy(file, folder)
        copy = next(Path(folder).glob("*.db"))
        with contextlib.closing(sqlite3.connect(copy)) as database:
            rows = database.execute(
                "SELECT message_id FROM work INDEXED BY work_leased JOIN message USING (ord) WHERE phase = 3"
            ).fetchall()
    return [row[0].strip("<>") for row in rows]


def judge(
    server: Postroom, sink: LogSink, ledger: Ledger, leases: Counter[str], cycles: int, slowest: float
) -> Verdict:
    """Compares what was acknowledged with what the sink has, and asks the server about what came twice."""
    arrivals = Counter(found.strip("<>") for found, _ in sink.lines())
    duplicates = {found: count - 1 for found, count in arrivals.items() if count > 1}
    verdict = Verdict(
        cycles=cycles,
        acknowledged=len(ledger.acknowledged),
        arrived=len(arrivals),
        cut=ledger.cut,
        lost=sorted(token for token, found in ledger.acknowledged.items() if found not in arrivals),
        duplicates=duplicates,
        leased=leases.total(),
        unleased=sorted(found for found, extra in duplicates.items() if extra > leases[found]),
        refused=ledger.refused,
        restart_ms_max=slowest,
    )
    if duplicates:
        api = server.api()
        ids = ids_by_message_id(api, set(duplicates))
        for found, extra in duplicates.items():
            attempts = api.get(f"/messages/{ids[found]}/attempts")["attempts"] if found in ids else []
            uncertain = sum(attempt["outcome"] == "uncertain" for attempt in attempts)
            verdict.uncertain += uncertain
            if uncertain < extra:
                verdict.unexplained.append(found)
    return verdict


def ids_by_message_id(api: Api, wanted: set[str]) -> dict[str, str]:
    """Finds the server's ids of messages by Message-ID, walking the list to its end or until all are found."""
    found: dict[str, str] = {}
    query: dict[str, object] = {"limit": 200}
    while wanted - found.keys():
        page = api.get("/messages", **query)
        for row in page["rows"]:
            token_id = f"{row['subject']}@kill.example.test"
            # Only what may be one of them: by its own Message-ID, or by HTTP, where the server chose it.
            if token_id in wanted or row["subject"].startswith("http"):
                own = token_id if token_id in wanted else api.get(f"/messages/{row['id']}")["message_id"].strip("<>")
                if own in wanted:
                    found[own] = row["id"]
        if not page["next"]:
            break
        query["cursor"] = page["next"]
    return found
