"""The load: Postfix's smtp-source over SMTP, wrk over HTTP, and a lone client for latency."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.lab.postroom import binary
from tests.lab.sink import Sink

SENDER = "case@example.test"
RECIPIENT = "client@example.org"
MESSAGE_BYTES = 4096
SESSIONS = 50


def smtp_source_command(port: int, messages: int, sessions: int = SESSIONS) -> list[str]:
    """Returns the command that sends `messages` over `sessions` connections, many messages per connection (-d)."""
    return [
        "/usr/sbin/smtp-source", "-d", "-s", str(sessions), "-m", str(messages), "-l", str(MESSAGE_BYTES),
        "-f", SENDER, "-t", RECIPIENT, f"127.0.0.1:{port}",
    ]  # fmt: skip


def smtp_source(port: int, messages: int, sessions: int = SESSIONS) -> float:
    """Sends the messages and returns the seconds until the last was acknowledged."""
    began = time.perf_counter()
    done = subprocess.run(smtp_source_command(port, messages, sessions), capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    if done.returncode != 0 or done.stderr.strip():
        raise RuntimeError(f"smtp-source: exit {done.returncode}: {done.stderr.strip()[:500]}")
    return took


def submit_rate() -> Path:
    """Returns the program that submits over TLS and AUTH: an example of the `smtp` crate, built beside the server."""
    return binary().parent / "examples" / "submit_rate"


def secure_source(port: int, messages: int, authority: Path, login: tuple[str, str], sessions: int = SESSIONS) -> float:
    """Sends the messages over sessions with TLS and AUTH and returns the seconds until the last was acknowledged."""
    line = [str(submit_rate()), str(port), str(messages), str(sessions), str(authority), *login]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"submit_rate: exit {done.returncode}: {done.stderr.strip()[:500]}")
    return float(done.stdout)


@dataclass(frozen=True)
class HttpRun:
    """What wrk saw."""

    per_second: float
    p99_ms: float
    errors: int


def wrk(port: int, key: str, seconds: int, connections: int = SESSIONS) -> HttpRun:
    """Posts single messages over keep-alive connections for some seconds."""
    body = json.dumps(
        {"from": SENDER, "to": [RECIPIENT], "subject": "Your policy", "text": ("x" * 78 + "\n") * (MESSAGE_BYTES // 79)}
    )
    script = Path(__file__).with_name("accept.lua")
    done = subprocess.run(
        ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script),
         f"http://127.0.0.1:{port}/api/v1/messages"],
        capture_output=True, text=True, check=False, env=os.environ | {"BENCH_KEY": key, "BENCH_BODY": body},
    )  # fmt: skip
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if rate is None:
        raise RuntimeError(f"wrk: exit {done.returncode}: {done.stdout}{done.stderr}")
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", done.stdout)
    scale = {"us": 0.001, "ms": 1.0, "s": 1000.0}
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", done.stdout)
    errors = int(refused[1]) if refused else 0
    errors += sum(int(count) for count in broken.groups()) if broken else 0
    return HttpRun(float(rate[1]), float(p99[1]) * scale[p99[2]] if p99 else 0.0, errors)


@dataclass(frozen=True)
class Lone:
    """One message sent alone: how long its 250 took, and from the 250 to the relay's DATA, in ms."""

    answer_ms: float
    to_data_ms: float


def lone_messages(port: int, sink: Sink, count: int, pause: float = 0.02) -> list[Lone]:
    """Sends `count` messages one at a time, each after the one before has arrived, and times each."""
    results = []
    content = b"".join((b"x" * 78 + b"\r\n") for _ in range(MESSAGE_BYTES // 80))
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        replies = connection.makefile("rb")

        def expect(code: bytes) -> None:
            while (line := replies.readline())[3:4] == b"-":
                pass
            if not line.startswith(code):
                raise RuntimeError(f"expected {code.decode()}, got {line.decode(errors='replace')!r}")

        def say(line: str, code: bytes) -> None:
            connection.sendall(line.encode() + b"\r\n")
            expect(code)

        expect(b"220")
        say("EHLO bench.example.test", b"250")
        for number in range(count):
            say(f"MAIL FROM:<{SENDER}>", b"250")
            say(f"RCPT TO:<{RECIPIENT}>", b"250")
            say("DATA", b"354")
            head = f"From: <{SENDER}>\r\nTo: <{RECIPIENT}>\r\nSubject: lone {number}\r\n\r\n".encode()
            began = time.perf_counter()
            connection.sendall(head + content + b".\r\n")
            expect(b"250")
            answered = time.perf_counter()
            arrived = sink.wait_for(number + 1)[number]
            results.append(Lone((answered - began) * 1000, (arrived.data_at - answered) * 1000))
            time.sleep(pause)
        say("QUIT", b"221")
    return results
