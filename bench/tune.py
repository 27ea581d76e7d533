"""Measures settings of Postfix one by one and together, so that the comparison meets it at its best."""

from __future__ import annotations

import statistics
import time

from bench import load
from bench.contenders import TUNED, PostfixContender
from bench.relay import CountingRelay, watch
from tests.lab.scratch import Scratch

CANDIDATES: dict[str, dict[str, str]] = {
    "default": {},
    "in_flow_delay": {"in_flow_delay": "0"},
    "processes": {"default_process_limit": "200"},
    "concurrency": {"default_destination_concurrency_limit": "50", "initial_destination_concurrency": "50"},
    "active": {"qmgr_message_active_limit": "100000"},
    "max_use": {"max_use": "10000"},
    "no anvil": {"smtpd_client_connection_count_limit": "0", "smtpd_peername_lookup": "no"},
    "no checks": {"receive_override_options": "no_header_body_checks,no_address_mappings"},
    "cache": {"smtp_connection_cache_destinations": "static:all", "smtp_connection_cache_time_limit": "30s"},
    "all": TUNED,
}


def measure(settings: dict[str, str], messages: int) -> tuple[float, float, float]:
    """Returns accept (on hold), end to end and drain, in messages a second."""
    with Scratch("bench-tune") as folder:
        relay = CountingRelay(folder)
        relay.start()
        contender = PostfixContender(folder, relay.port, "tune", settings)
        try:
            contender.accept_only()
            accept = messages / load.smtp_source(contender.port, messages)
            contender.deliver()
            drain = watch(relay, messages, 60).rate()
            began = time.perf_counter()
            load.smtp_source(contender.port, messages)
            arrivals = watch(relay, messages, 60, base=messages)
            return accept, messages / (arrivals.last_at - began), drain
        finally:
            contender.stop()
            relay.stop()


def main(messages: int, rounds: int) -> int:
    """Measures every candidate, interleaved in rounds, and prints medians."""
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in CANDIDATES}
    for _ in range(rounds):
        for name, settings in CANDIDATES.items():
            found[name].append(measure(settings, messages))
    print(f"{'setting':<16}{'accept/s':>10}{'end to end/s':>14}{'drain/s':>10}")
    for name, runs in found.items():
        accept, both, drain = (statistics.median(column) for column in zip(*runs, strict=True))
        print(f"{name:<16}{accept:>10.0f}{both:>14.0f}{drain:>10.0f}")
    return 0
