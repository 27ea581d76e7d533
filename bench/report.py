"""Medians, ranges and ratios, as a Markdown table on the screen and in `bench/RESULTS.md`."""

from __future__ import annotations

import platform
import statistics
import subprocess
from collections import defaultdict
from pathlib import Path

from bench import load
from bench.contenders import TUNED
from tests.lab import postfix
from tests.lab.postroom import binary
from tests.lab.scratch import ROOT

RESULTS = Path(__file__).with_name("RESULTS.md")
UNITS = {
    "accept": ("messages/s", True),
    "accept while delivering": ("messages/s", True),
    "accept over HTTP": ("messages/s", True),
    "end to end": ("messages/s", True),
    "end to end, TLS and AUTH": ("messages/s", True),
    "drain": ("messages/s", True),
    "drain, large backlog": ("messages/s", True),
    "accept, large backlog": ("messages/s", True),
    "HTTP p99": ("ms", False),
    "lone: dot to 250": ("ms", False),
    "lone: 250 to DATA": ("ms", False),
    "lone: 250 to DATA p95": ("ms", False),
    "server CPU per message": ("ms", False),
    "server CPU per message, TLS and AUTH": ("ms", False),
    "memory idle": ("MiB", False),
    "memory peak": ("MiB", False),
    "syncs per message": ("", False),
}


class Table:
    """What was measured, by measure and contender, one value per round."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        self.ceilings: dict[str, list[float]] = defaultdict(list)

    def add(self, contender: str, results: dict[str, float]) -> None:
        """Keeps one round's results of one contender."""
        for measure, value in results.items():
            self.values[measure][contender].append(value)

    def add_ceiling(self, results: dict[str, float]) -> None:
        """Keeps one round's loopback ceilings."""
        for name, value in results.items():
            self.ceilings[name].append(value)

    def markdown(self) -> str:
        """Returns the table: a row per measure, a column per contender, and Postroom's ratio to the better Postfix."""
        names = list(dict.fromkeys(name for row in self.values.values() for name in row))
        lines = [
            "| measure | " + " | ".join(names) + " | Postroom to Postfix default | to Postfix tuned |",
            "| --- |" + " --- |" * (len(names) + 2),
        ]
        for measure in sorted(self.values, key=lambda name: list(UNITS).index(name) if name in UNITS else 99):
            row, (unit, more_is_better) = self.values[measure], UNITS.get(measure, ("", True))
            cells = [cell(row.get(name, [])) for name in names]
            ratios = [ratio(row, other, more_is_better) for other in ("Postfix default", "Postfix tuned")]
            lines.append(f"| {measure}{f' ({unit})' if unit else ''} | " + " | ".join(cells + ratios) + " |")
        for name, found in self.ceilings.items():
            share = self._share(found)
            lines.append(f"| {name} (messages/s) | {cell(found)}{share} |" + " |" * (len(names) + 1))
        return "\n".join(lines) + "\n"

    def _share(self, ceiling: list[float]) -> str:
        ours = self.values.get("end to end", {}).get("Postroom")
        if not ours:
            return ""
        return f", Postroom end to end is {statistics.median(ours) / statistics.median(ceiling):.0%} of it"


def cell(values: list[float]) -> str:
    """Returns a median and, for more than one value, the range."""
    if not values:
        return "–"
    median = number(statistics.median(values))
    return f"**{median}**" + (f" ({number(min(values))}–{number(max(values))})" if len(values) > 1 else "")


def number(value: float) -> str:
    """Writes a number with the digits that mean something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def ratio(row: dict[str, list[float]], other: str, more_is_better: bool) -> str:
    """Returns how many times better Postroom is than another, both by their medians."""
    ours, theirs = row.get("Postroom"), row.get(other)
    if not ours or not theirs:
        return "–"
    a, b = statistics.median(ours), statistics.median(theirs)
    if a <= 0 or b <= 0:
        return "–"
    return f"{a / b if more_is_better else b / a:.1f} ×"


def machine() -> str:
    """Describes what the run ran on."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    cores = Path("/proc/cpuinfo").read_text().count("processor\t")
    source = subprocess.run(
        ["findmnt", "-no", "FSTYPE,OPTIONS", "-T", str(ROOT)], capture_output=True, text=True, check=False
    ).stdout
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    ours = "not built"
    if binary().exists():
        ours = subprocess.run([binary(), "--version"], capture_output=True, text=True, check=False).stdout.strip()
    return "\n".join(
        [
            f"- {ours or 'postroom'}, commit {commit.stdout.strip()}; Postfix {postfix.version()}",
            f"- Linux {platform.release()}, {cores} × {model}; data on {' '.join(source.split())}",
            f"- load: `{' '.join(load.smtp_source_command(0, 0)).replace('127.0.0.1:0', '127.0.0.1:PORT')}`"
            " (`-m` as in the plan)",
            "- Postfix tuned: " + ", ".join(f"`{name}={value}`" for name, value in TUNED.items()),
        ]
    )


def replace_section(path: Path, title: str, body: str) -> None:
    """Writes `body` under the second-level heading `title` of a Markdown file, in place of what stood there."""
    text = path.read_text() if path.exists() else "# Results\n"
    head = f"\n## {title}\n"
    before, found, after = text.partition(head)
    rest = after[after.find("\n## ") :] if found and "\n## " in after else ""
    path.write_text(before.rstrip("\n") + "\n" + head + "\n" + body.strip("\n") + "\n" + rest)
