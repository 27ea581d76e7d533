"""Flipped bits and damaged rows: nothing wrong is delivered or shown as right, and other mail goes on."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import unittest
from datetime import datetime, timedelta, timezone
from email import message_from_bytes
from pathlib import Path

from tests.lab.cases import ScratchCase
from tests.lab.postroom import Postroom, binary
from tests.lab.sink import Sink

MESSAGES = 24
SEEDS = range(16)
DAMAGED_EACH = 3
DAMAGE_EXIT = 3
SETTINGS = {"delivery": {"retry_waits": ["1s"] * 9}, "log": {"level": "warn"}}


class Trial(Postroom):
    """A server that takes over the data of another one that was stopped."""

    def take_over(self, other: Postroom) -> Trial:
        """Copies the other's data folder."""
        shutil.copytree(other.folder / "data", self.folder / "data", ignore=shutil.ignore_patterns("*.sock"))
        self.key = other.key
        return self

    @property
    def database(self) -> Path:
        """The database file."""
        return self.folder / "data" / "postroom.db"

    def check(self, *words: str) -> tuple[int, str]:
        """Runs `postroom check` and returns its exit status and what it printed."""
        line = [str(binary()), "check", *words, "--config", str(self.config)]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr


def message_id(content: bytes) -> str:
    """Returns a message's Message-ID."""
    return str(message_from_bytes(content)["Message-ID"]).strip("<>")


class Damage(ScratchCase):
    """The real server over a file that was changed while it was stopped."""

    def stored(self, port: int) -> tuple[Postroom, list[str]]:
        """Stores messages that are due once the server has stopped; returns the server and their ids."""
        server = Postroom(self.folder / "stored", port, SETTINGS, trusted=True).prepare()
        server.start()
        self.addCleanup(server.kill)
        at = (datetime.now(timezone.utc) + timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
        dice = random.Random(7)
        ids = []
        api = server.api()
        for n in range(MESSAGES):
            text = "\n".join(f"{n} {dice.random()}" for _ in range(dice.choice([3, 80, 900])))
            body = {"from": "case@example.test", "to": [f"to{n}@example.org"], "subject": f"no. {n}", "text": text, "send_at": at}
            answer = api.call("POST", "/messages", body)
            self.assertEqual(202, answer.status, answer.body)
            ids.append(answer.json()["id"])
        server.stop()
        make_due(server.folder / "data" / "postroom.db")
        return server, ids

    def trial(self, name: str, stored: Postroom, port: int) -> Trial:
        """Makes a server over a copy of what was stored."""
        server = Trial(self.folder / name, port, SETTINGS, trusted=True).take_over(stored)
        self.addCleanup(server.kill)
        return server

    def test_flipped_bits_are_never_delivered_or_shown_as_right(self) -> None:
        """Bits of stored content flip while the server is stopped."""
        with Sink() as sink:
            stored, ids = self.stored(sink.port)
            whole = self.trial("whole", stored, sink.port)
            with whole:
                came = sink.wait_for(MESSAGES)
            self.assertEqual((0, True), (whole.check("--deep")[0], len(came) == MESSAGES))
            right = {message_id(one.content): one.content for one in came}
        for seed in SEEDS:
            with self.subTest(seed=seed), Sink() as sink:
                server = self.trial(f"seed-{seed}", stored, sink.port)
                hit = flip(server.database, random.Random(seed))
                with server:
                    server.wait_until_empty()
                    for one in sink.wait_for(MESSAGES - len(hit)):
                        self.assertEqual(right.get(message_id(one.content)), one.content, "a wrong content was delivered")
                    self.assertEqual(MESSAGES - len(hit), len(sink.messages))
                    api = server.api()
                    for ident in ids:
                        state = api.call("GET", f"/messages/{ident}").json()["state"]
                        raw = api.call("GET", f"/messages/{ident}/raw")
                        if ident in hit:
                            self.assertEqual(("failed", 500), (state, raw.status))
                            self.assertEqual("urn:postroom:problem:content_damaged", raw.json()["type"])
                        else:
                            self.assertEqual(("sent", 200), (state, raw.status))
                    status, printed = server.check("--deep")
                self.assertEqual(DAMAGE_EXIT, status, printed)
                self.assertEqual(hit, {ident for ident in ids if ident in printed}, printed)
                shutil.rmtree(server.folder)

    def test_damaged_recipient_row_holds_up_no_other_message(self) -> None:
        """A recipient's row has a value of the wrong type in a column that delivery does not read."""
        with Sink() as sink:
            stored, ids = self.stored(sink.port)
            server = self.trial("row", stored, sink.port)
            mistype(server.database, "UPDATE recipient SET role = x'ff' WHERE ord = (SELECT min(ord) FROM recipient)")
            with server:
                sink.wait_for(MESSAGES)
                server.wait_until_empty()
                states = [server.api().call("GET", f"/messages/{ident}").json()["state"] for ident in ids]
            self.assertEqual(["sent"] * MESSAGES, states)
            with server:
                server.wait_until_empty()
                status, printed = server.check()
            self.assertEqual((MESSAGES, DAMAGE_EXIT), (len(sink.messages), status), printed)
            self.assertEqual([ids[0]], [ident for ident in ids if ident in printed], printed)


def make_due(database: Path) -> None:
    """Brings the time of scheduled mail forward: it is due at the next start."""
    with sqlite3.connect(database) as file:
        file.execute("UPDATE work SET due_at = 1")
        file.execute("UPDATE message SET send_at = 1")
    file.close()


def flip(database: Path, dice: random.Random) -> set[str]:
    """Flips one to four bits in the stored content of some messages; returns their ids."""
    file = sqlite3.connect(database)
    rows = file.execute("SELECT ord, header, body FROM content ORDER BY ord").fetchall()
    file.close()
    octets = bytearray(database.read_bytes())
    hit = set()
    for ord_, header, body in dice.sample(rows, DAMAGED_EACH):
        # What lies on the row's own page; the rest of a body may be on pages elsewhere.
        part = dice.choice([header, body[:60]])
        bits = dice.sample(range(8 * len(part)), dice.randint(1, 4))
        place, found = octets.find(part), 0
        while place >= 0:  # also where a page was split and its old copy is still there
            for bit in bits:
                octets[place + bit // 8] ^= 1 << bit % 8
            place, found = octets.find(part, place), found + 1
        assert found, "stored content was not found in the file"
        hit.add(name(ord_))
    database.write_bytes(octets)
    return hit


def name(ord_: int) -> str:
    """Returns the id of a message as people see it."""
    digits = "0123456789abcdefghjkmnpqrstvwxyz"
    text = ""
    for _ in range(13):
        text = digits[ord_ & 31] + text
        ord_ >>= 5
    return text


def mistype(database: Path, sql: str) -> None:
    """Runs SQL on the recipients as if their types were not enforced, which flipped bits do not ask about either."""
    strict, loose = ") STRICT, WITHOUT ROWID", ") WITHOUT ROWID"
    for old, new, then in ((strict, loose, sql), (loose, strict, "SELECT 1")):
        file = sqlite3.connect(database)
        file.execute("PRAGMA writable_schema = ON")
        file.execute("UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE name = 'recipient'", (old, new))
        file.commit()
        file.close()
        file = sqlite3.connect(database)
        file.execute(then)
        file.commit()
        file.close()


if __name__ == "__main__":
    unittest.main()
