"""The measurements, each on a fresh queue in a fresh folder, with a sink of its own."""

from __future__ import annotations

import os
import re
import signal
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import contenders, load
from bench.contenders import Contender, PostroomContender, Secure
from bench.relay import CountingRelay, LoggingRelay, Relay, watch
from tests.lab import certificate, cpu
from tests.lab.memory import PeakMemory, family, pss_kib
from tests.lab.scratch import Scratch
from tests.lab.sink import Sink

Results = dict[str, float]
PATIENCE = 60.0


@dataclass(frozen=True)
class Plan:
    """How much a run does."""

    messages: int
    backlog: int
    lone: int
    http_seconds: int
    syncs: int


QUICK = Plan(messages=5_000, backlog=5_000, lone=50, http_seconds=5, syncs=500)
FULL = Plan(messages=20_000, backlog=20_000, lone=200, http_seconds=10, syncs=2_000)


@dataclass(frozen=True)
class Setting:
    """Which kind of sink a run uses."""

    sink: Callable[[Path], Relay]


SINKS: dict[str, Callable[[Path], Relay]] = {"postroom": LoggingRelay, "smtp-sink": CountingRelay}


class Loss(Exception):
    """Messages were lost or came twice: the run is void."""


@contextmanager
def fresh(kind: str, setting: Setting) -> Iterator[tuple[Contender, Relay]]:
    """Makes a contender and its sink in a folder of their own and stops both at the end."""
    with Scratch(f"bench-{kind}") as folder:
        relay = setting.sink(folder)
        relay.start()
        contender = contenders.make(kind, folder, relay.port)
        # What an earlier run left to be written must not slow this one.
        os.sync()
        try:
            yield contender, relay
        finally:
            contender.stop()
            relay.stop()


def check_ids(relay: Relay, expected: int) -> None:
    """Checks at the sink that each of `expected` messages came exactly once."""
    ids = relay.ids()
    if ids is None:
        return
    twice = sum(count - 1 for count in ids.values())
    if len(ids) != expected or twice:
        raise Loss(f"{expected} messages sent: {expected - len(ids)} lost, {twice} came again")


def accept_and_drain(kind: str, setting: Setting, plan: Plan) -> Results:
    """Accepts a backlog with delivery off, then delivers it."""
    with fresh(kind, setting) as (contender, relay):
        contender.accept_only()
        took = load.smtp_source(contender.port, plan.backlog)
        contender.deliver()
        arrivals = watch(relay, plan.backlog, PATIENCE)
        contender.stop()
        check_ids(relay, plan.backlog)
        return {"accept": plan.backlog / took, "drain": arrivals.rate()}


def end_to_end(kind: str, setting: Setting, plan: Plan) -> Results:
    """Accepts and delivers at once; the rate is up to the last arrival. Memory is the most seen meanwhile."""
    with fresh(kind, setting) as (contender, relay):
        contender.deliver()
        idle_kib, idle_cpu = pss_kib(contender.pid()), cpu.seconds(contender.pid())
        with PeakMemory(contender.pid(), every=0.5) as memory:
            began = time.perf_counter()
            took = load.smtp_source(contender.port, plan.messages)
            arrivals = watch(relay, plan.messages, PATIENCE)
        spent = cpu.seconds(contender.pid()) - idle_cpu
        contender.stop()
        check_ids(relay, plan.messages)
        return {
            "end to end": plan.messages / (arrivals.last_at - began),
            "accept while delivering": plan.messages / took,
            "memory idle": idle_kib / 1024,
            "memory peak": memory.kib / 1024,
            "server CPU per message": spent * 1000 / plan.messages,
        }


def end_to_end_secure(kind: str, _: Setting, plan: Plan) -> Results:
    """Accepts and delivers at once with TLS and AUTH on both sides; the sink is always `postroom sink`."""
    with Scratch(f"bench-{kind}") as folder:
        secure = Secure(certificate.make(folder))
        options = ["--tls-certificate", str(secure.certificate.chain), "--tls-key", str(secure.certificate.key)]
        relay = LoggingRelay(folder, [*options, "--login", f"{secure.sink_user}:{secure.sink_password}"])
        relay.start()
        contender = contenders.make(kind, folder, relay.port, secure)
        os.sync()
        try:
            contender.deliver()
            idle_cpu = cpu.seconds(contender.pid())
            began = time.perf_counter()
            load.secure_source(contender.port, plan.messages, secure.certificate.authority, contender.login)
            arrivals = watch(relay, plan.messages, PATIENCE)
            spent = cpu.seconds(contender.pid()) - idle_cpu
            contender.stop()
            check_ids(relay, plan.messages)
        finally:
            contender.stop()
            relay.stop()
        return {
            "end to end, TLS and AUTH": plan.messages / (arrivals.last_at - began),
            "server CPU per message, TLS and AUTH": spent * 1000 / plan.messages,
        }


def lone(kind: str, setting: Setting, plan: Plan) -> Results:
    """Sends messages one at a time to an idle queue."""
    with Scratch(f"bench-{kind}") as folder, Sink() as sink:
        contender = contenders.make(kind, folder, sink.port)
        contender.deliver()
        try:
            times = load.lone_messages(contender.port, sink, plan.lone)
        finally:
            contender.stop()
        return {
            "lone: dot to 250": statistics.median(one.answer_ms for one in times),
            "lone: 250 to DATA": statistics.median(one.to_data_ms for one in times),
            "lone: 250 to DATA p95": sorted(one.to_data_ms for one in times)[int(len(times) * 0.95)],
        }


def http_accept(kind: str, setting: Setting, plan: Plan) -> Results:
    """Accepts single messages over HTTP with delivery off; nothing for those without an HTTP API."""
    if kind != "postroom":
        return {}
    with fresh(kind, setting) as (contender, _):
        assert isinstance(contender, PostroomContender)
        contender.accept_only()
        run = load.wrk(contender.server.http_port, contender.server.key, plan.http_seconds)
        if run.errors:
            raise Loss(f"{run.errors} HTTP requests failed or were refused")
        return {"accept over HTTP": run.per_second, "HTTP p99": run.p99_ms}


def syncs(kind: str, setting: Setting, plan: Plan) -> Results:
    """Counts the syncs of a durable accept under strace, which slows everything: a run of its own."""
    with fresh(kind, setting) as (contender, _):
        contender.accept_only()
        load.smtp_source(contender.port, 100)
        attach = [part for pid in family(contender.pid()) for part in ("-p", str(pid))]
        line = ["strace", "-f", "-c", "-e", "trace=fsync,fdatasync,sync_file_range", *attach]
        tracer = subprocess.Popen(line, stderr=subprocess.PIPE, text=True)
        assert tracer.stderr is not None
        tracer.stderr.readline()  # "attached": before that the first syncs would be missed
        load.smtp_source(contender.port, plan.syncs)
        tracer.send_signal(signal.SIGINT)
        summary = tracer.communicate(timeout=60)[1]
        calls = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(fsync|fdatasync|sync_file_range)$", summary, re.M)
        return {"syncs per message": sum(int(count) for count, _ in calls) / plan.syncs}


def ceiling(setting: Setting, plan: Plan) -> Results:
    """Sends straight into the sink: what no queue between the two can pass."""
    results = {}
    for name, make in (("smtp-sink", CountingRelay), ("the sink used", setting.sink)):
        with Scratch("bench-ceiling") as folder:
            relay = make(folder)
            relay.start()
            try:
                results[f"ceiling: {name}"] = plan.messages / load.smtp_source(relay.port, plan.messages)
            finally:
                relay.stop()
    return results


MEASURES: dict[str, Callable[[str, Setting, Plan], Results]] = {
    "accept": accept_and_drain,
    "end-to-end": end_to_end,
    "secure": end_to_end_secure,
    "lone": lone,
    "http": http_accept,
    "syncs": syncs,
}
