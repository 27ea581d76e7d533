"""Two builds of Postroom measured in turn, so that a comparison holds while the machine's speed drifts."""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path

from bench import load
from bench.contenders import PostroomContender
from bench.measure import PATIENCE, Plan, Results, check_ids
from bench.relay import LoggingRelay, watch
from tests.lab import cpu
from tests.lab.memory import pss_kib
from tests.lab.scratch import Scratch

# A ratio above 1 is better for the new build: rates are new to old, costs old to new.
COSTS = ("server CPU per message (ms)", "memory idle (MiB)")


def measure(program: Path, plan: Plan) -> Results:
    """Measures one build once: a backlog accepted and drained, then mail accepted and delivered at once."""
    with Scratch("bench-version") as folder:
        relay = LoggingRelay(folder)
        relay.start()
        contender = PostroomContender(folder, relay.port, program=program)
        os.sync()
        try:
            contender.accept_only()
            accept = plan.backlog / load.smtp_source(contender.port, plan.backlog)
            contender.deliver()
            drain = watch(relay, plan.backlog, PATIENCE).rate()
            idle_kib, idle_cpu = pss_kib(contender.pid()), cpu.seconds(contender.pid())
            began = time.perf_counter()
            load.smtp_source(contender.port, plan.messages)
            arrivals = watch(relay, plan.messages, PATIENCE, base=plan.backlog)
            spent = cpu.seconds(contender.pid()) - idle_cpu
            contender.stop()
            check_ids(relay, plan.backlog + plan.messages)
        finally:
            contender.stop()
            relay.stop()
        return {
            "accept (messages/s)": accept,
            "drain (messages/s)": drain,
            "end to end (messages/s)": plan.messages / (arrivals.last_at - began),
            "server CPU per message (ms)": spent * 1000 / plan.messages,
            "memory idle (MiB)": idle_kib / 1024,
        }


def ratio(measure_name: str, new: float, old: float) -> float:
    """Returns how many times better the new build is."""
    return old / new if measure_name in COSTS else new / old


def table(pairs: list[tuple[Results, Results]]) -> str:
    """Returns medians of both builds and the median, least and greatest of the paired ratios, as Markdown."""
    lines = ["| measure | old | new | new to old, median of pairs | range |", "| --- | --- | --- | --- | --- |"]
    for name in pairs[0][0]:
        old, new = ([pair[side][name] for pair in pairs] for side in (0, 1))
        ratios = [ratio(name, b, a) for a, b in zip(old, new, strict=True)]
        lines.append(
            f"| {name} | {statistics.median(old):,.2f} | {statistics.median(new):,.2f} "
            f"| **{statistics.median(ratios):.3f}** | {min(ratios):.3f} to {max(ratios):.3f} |"
        )
    return "\n".join(lines) + "\n"


def main(old: Path, new: Path, plan: Plan, rounds: int) -> int:
    """Measures both builds `rounds` times in turn, the first one of a round by turns, and prints the table."""
    pairs = []
    for number in range(rounds):
        order = [old, new] if number % 2 == 0 else [new, old]
        found = {program: measure(program, plan) for program in order}
        pairs.append((found[old], found[new]))
        told = ", ".join(f"{name} {ratio(name, found[new][name], value):.3f}" for name, value in found[old].items())
        print(f"round {number + 1}: {told}", flush=True)
    print("\n" + table(pairs))
    return 0
