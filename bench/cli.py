"""The commands: `compare`, `tune`, `rows` and `versions`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from bench import contenders, report, rows, tune, versions
from bench.measure import FULL, MEASURES, QUICK, SINKS, Plan, Setting, accept_and_drain, ceiling
from bench.report import Table
from tests.lab import postfix
from tests.lab.postroom import binary
from tests.lab.scratch import ROOT


def say(line: str) -> None:
    """Prints a line at once, even into a pipe."""
    print(line, flush=True)


def compare(words: argparse.Namespace) -> int:
    """Runs all measures of all contenders, interleaved in rounds, and writes the table."""
    plan = FULL if words.size == "full" else QUICK
    setting = Setting(SINKS[words.sink])
    table = Table()
    measures = words.only.split(",") if words.only else list(MEASURES)
    kinds = words.contenders.split(",")
    for number in range(words.rounds):
        table.add_ceiling(ceiling(setting, plan))
        for measure in measures:
            if measure == "syncs" and number > 0:
                continue  # a count, not a time: once is enough
            # Each goes first in turn, so that no one always meets the machine warm.
            for kind in kinds[number % len(kinds) :] + kinds[: number % len(kinds)]:
                run(table, kind, measure, setting, plan, number + 1)
    if words.large:
        large = replace(plan, backlog=words.large)
        for kind in kinds:
            say(f"large backlog of {words.large:,}: {kind}")
            results = accept_and_drain(kind, setting, large)
            table.add(NAMES[kind], {f"{name}, large backlog": value for name, value in results.items()})
    text = table.markdown()
    say("\n" + text)
    if not words.dry:
        report.replace_section(report.RESULTS, "Postroom and Postfix", heading(words, plan) + "\n" + text)
        say(f"written to {report.RESULTS.relative_to(ROOT)}")
    return 0


NAMES = {"postfix": "Postfix default", "postfix-tuned": "Postfix tuned", "postroom": "Postroom"}


def run(table: Table, kind: str, measure: str, setting: Setting, plan: Plan, number: int) -> None:
    """Runs one measure of one contender and keeps what it found."""
    results = MEASURES[measure](kind, setting, plan)
    table.add(NAMES[kind], results)
    if results:
        found = ", ".join(f"{name} {report.number(value)}" for name, value in results.items())
        say(f"round {number}: {NAMES[kind]}: {found}")


def heading(words: argparse.Namespace, plan: Plan) -> str:
    """Says how the table was made."""
    large = f", a large backlog of {words.large:,}" if words.large else ""
    return f"""`make bench` (`bench/run compare --size {words.size} --rounds {words.rounds}`): both sides in one run, interleaved \
by rounds; 4 KiB messages, 50 sessions, many messages per session; data on the disk, nothing in memory. Each cell is the \
median of the rounds, with the range. {plan.messages:,} messages end to end, {plan.backlog:,} for accept and drain{large}. \
Message-IDs were counted at the sink: none lost, none twice, or the run would have stopped.

- accept: durable accept with delivery off. For Postfix on hold, where its queue manager never sees the message (its \
best case); for Postroom `delivery.paused`.
- end to end: from the first connection to the last arrival at the sink. drain: from the first arrival to the last.
- TLS and AUTH: the same end to end with STARTTLS and AUTH on both sides, in and out, the certificate verified; load by \
`submit_rate` (an example of the `smtp` crate), Postfix with `smtp_tls_connection_reuse=yes`. Postroom's login is an API key.
- server CPU per message: user and system time of all the server's processes, in and out, without load and sink.
- lone: one message at a time on an idle server; the median, from the 250 to the relay's DATA.
- memory: PSS of all processes, idle and the most seen in the end-to-end run.
- syncs: fsync, fdatasync and sync_file_range calls during accept, counted by strace in a run of its own.

{report.machine()}
"""


def parser() -> argparse.ArgumentParser:
    """Describes the command line."""
    top = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    one = commands.add_parser("compare", help="Postroom and Postfix side by side")
    one.add_argument("--size", choices=("quick", "full"), default="quick")
    one.add_argument("--rounds", type=int, default=3)
    one.add_argument("--only", default="", help=f"measures: {','.join(MEASURES)}")
    one.add_argument("--contenders", default=",".join(contenders.KINDS))
    one.add_argument("--sink", choices=tuple(SINKS), default="postroom", help="what both relay to")
    one.add_argument("--large", type=int, default=None, help="also drain a backlog of this many, once")
    one.add_argument("--dry", action="store_true", help="print the table and leave bench/RESULTS.md alone")
    two = commands.add_parser("tune", help="measure settings of Postfix, to find its best")
    two.add_argument("--messages", type=int, default=5000)
    two.add_argument("--rounds", type=int, default=2)
    three = commands.add_parser("rows", help="fill many messages and measure lists, jumps, counts and search")
    three.add_argument("--size", choices=("quick", "full"), default="quick")
    three.add_argument("--messages", type=int, default=None, help="100,000 for quick, 1,000,000 for full")
    three.add_argument("--requests", type=int, default=100, help="of each kind and person")
    three.add_argument("--dry", action="store_true", help="print and leave bench/RESULTS.md alone")
    four = commands.add_parser("versions", help="two builds of Postroom in turn, by the ratios of pairs")
    four.add_argument("old", type=Path, help="the binary to compare with")
    four.add_argument("new", type=Path, help="the binary under test")
    four.add_argument("--size", choices=("quick", "full"), default="full")
    four.add_argument("--rounds", type=int, default=9)
    return top


def main() -> int:
    """Runs the command line and returns the exit status."""
    words = parser().parse_args()
    # Both end by unwinding, so that servers stop and folders go; a shell's background jobs ignore SIGINT otherwise.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda number, _: sys.exit(128 + number))
    os.environ.setdefault("POSTROOM_BIN", str(ROOT / "target" / "release" / "postroom"))
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if why := postfix.missing():
        say(f"The comparison needs Postfix: {why}.")
        return 1
    if words.command == "tune":
        return tune.main(words.messages, words.rounds)
    if words.command == "versions":
        os.environ["POSTROOM_BIN"] = str(words.new.resolve())
        return versions.main(words.old.resolve(), words.new.resolve(), FULL if words.size == "full" else QUICK, words.rounds)
    if words.command == "rows":
        messages = words.messages or (1_000_000 if words.size == "full" else 100_000)
        return rows.main(messages, words.requests, words.dry)
    if "postroom" in (words.contenders + words.sink) and not binary().exists():
        say(f"{binary()} is missing: build it with tools/build --release, or name it in POSTROOM_BIN.")
        return 1
    if words.large is None:
        words.large = 100_000 if words.size == "full" else 0
    return compare(words)


if __name__ == "__main__":
    sys.exit(main())
