"""A Postroom server of our own: its configuration, data and ports in a scratch folder."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from tests.lab import wait
from tests.lab.api import Api
from tests.lab.process import Listening
from tests.lab.scratch import ROOT

PASSWORD = "correct horse battery staple"
LISTENING = re.compile(r"listening http=(\S+):(\d+) smtp=(\S+):(\d+)")


def binary() -> Path:
    """Returns the binary under test: `POSTROOM_BIN`, else the development build."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return Path(os.environ.get("POSTROOM_BIN", target / "debug" / "postroom"))


def toml(tables: Mapping[str, Mapping[str, object]]) -> str:
    """Writes tables as TOML; a name in double brackets makes an element of an array of tables."""

    def value(item: object) -> str:
        if isinstance(item, bool):
            return str(item).lower()
        if isinstance(item, list):
            return "[" + ", ".join(value(part) for part in item) + "]"
        return str(item) if isinstance(item, int) else '"' + str(item).replace("\\", "\\\\").replace('"', '\\"') + '"'

    lines = []
    for name, keys in tables.items():
        lines.append(f"{name}" if name.startswith("[[") else f"[{name}]")
        lines += [f"{key} = {value(item)}" for key, item in keys.items()]
    return "\n".join(lines) + "\n"


class Postroom:
    """One server: `start`, `stop`, `kill`, its ports, and one user, case, with an API key."""

    def __init__(
        self,
        folder: Path,
        relay_port: int,
        settings: Mapping[str, Mapping[str, object]] | None = None,
        trusted: bool = False,
        program: Path | None = None,
    ) -> None:
        """Writes the configuration; `settings` override keys, table by table; `trusted` lets loopback submit as case.

        `program` is the binary to run where it is not the one under test.
        """
        self.program = program or binary()
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.config = folder / "postroom.toml"
        self.relay_port = relay_port
        self.trusted = trusted
        self.http_port = self.smtp_port = 0
        self.process: subprocess.Popen[str] | None = None
        self.key = ""
        self.starts = 0
        self.environment: dict[str, str] = {}
        self.configure(settings or {})

    def configure(self, settings: Mapping[str, Mapping[str, object]]) -> None:
        """Writes the configuration file; it holds from the next start."""
        tables: dict[str, dict[str, object]] = {
            "server": {"data_dir": str(self.folder / "data"), "hostname": "postroom.example.test"},
            "http": {"listen": "127.0.0.1:0"},
            "submission": {"listen": ["127.0.0.1:0"]},
            "delivery": {},
            "network": {"allow_relay_networks": ["127.0.0.0/8"]},
            "[[relay]]": {"name": "default", "host": "127.0.0.1", "port": self.relay_port, "tls": "none"},
            "log": {"format": "text", "level": "info"},
        }
        if "limits" not in settings:
            # Most tests send more than people may in a day.
            tables["limits"] = {"user_daily_limit": 0}
        if self.trusted:
            tables["[[submission.trusted]]"] = {"network": "127.0.0.1/32", "login": "case"}
        for name, keys in settings.items():
            tables.setdefault(name, {}).update(keys)
        self.config.write_text(toml(tables))

    def command(self, *words: str, text: str | bytes = b"", check: bool = True) -> str:
        """Runs a command of the binary with this configuration and returns what it printed."""
        line = [str(self.program), *words, "--config", str(self.config)]
        given = text.encode() if isinstance(text, str) else text
        done = subprocess.run(line, input=given, capture_output=True, check=False)
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(line)}: exit {done.returncode}: {done.stderr.decode()}")
        return done.stdout.decode()

    def add_user(
        self, login: str = "case", email: str = "case@example.test", name: str = "Case Clerk", rights: str = ""
    ) -> str:
        """Adds a user with `PASSWORD` and returns an API key of theirs."""
        words = ["user", "add", "--login", login, "--email", email, "--name", name, "--password-stdin"]
        self.command(*words, *(["--rights", rights] if rights else []), text=PASSWORD + "\n")
        return self.add_key(login)

    def add_key(self, login: str) -> str:
        """Makes an API key for a user and returns it."""
        printed = self.command("key", "add", "--user", login)
        found = re.search(r"pk_\S+", printed)
        if found is None:
            raise RuntimeError(f"key add printed no key: {printed!r}")
        return found.group()

    def prepare(self) -> Postroom:
        """Adds case and keeps her API key, before the first start."""
        self.key = self.add_user()
        return self

    def command_line(self) -> list[str]:
        """Returns the command that serves."""
        return [str(self.program), "serve", "--config", str(self.config)]

    def errors(self) -> IO[bytes]:
        """Opens what becomes the server's standard error, its log."""
        return (self.folder / "serve.log").open("ab")

    def spawn(self) -> subprocess.Popen[str]:
        """Starts the process and waits for nothing."""
        with self.errors() as errors:
            environment = os.environ | self.environment
            return subprocess.Popen(
                self.command_line(), stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
            )

    def start(self) -> Postroom:
        """Starts the server and waits for the line that names its ports."""
        self.starts += 1
        self.process = self.spawn()
        assert self.process.stdout is not None
        for printed in self.process.stdout:
            if match := LISTENING.search(printed):
                self.http_port, self.smtp_port = int(match[2]), int(match[4])
                # Whatever else it prints must not fill the pipe and stop it.
                threading.Thread(target=drain, args=(self.process.stdout,), daemon=True).start()
                return self
        self.process.wait()
        log = (self.folder / "serve.log").read_text(errors="replace")
        raise RuntimeError(f"postroom serve ended with {self.process.returncode} before it listened:\n{log[-3000:]}")

    @property
    def pid(self) -> int:
        """Returns the process id of the running server."""
        assert self.process is not None, "not started"
        return self.process.pid

    def stop(self, seconds: float = 30.0) -> int:
        """Asks the server to stop, waits for its end, and returns its exit status."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        return self._reap(seconds)

    def kill(self) -> None:
        """Ends the server with SIGKILL, as a crash would."""
        if self.process is not None:
            self.process.kill()
            self._reap(10)

    def _reap(self, seconds: float) -> int:
        assert self.process is not None
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise wait.GaveUp(f"waited {seconds:.0f} s for postroom to stop") from None
        finally:
            self.process = None

    def api(self, key: str | None = None) -> Api:
        """Opens an API client with case's key, or another."""
        return Api(self.http_port, self.key if key is None else key)

    def fetch(self, path: str, seconds: float = 10.0) -> tuple[int, str]:
        """Gets a path outside the API without a key, over a connection of its own; returns status and text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=seconds)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def health(self, kind: str) -> int:
        """Returns the status of `/health/live` or `/health/ready`."""
        return self.fetch(f"/health/{kind}")[0]

    def metrics(self) -> str:
        """Returns what Prometheus would read."""
        return self.fetch("/metrics")[1]

    def wait_until_empty(self, seconds: float = 60.0) -> None:
        """Waits until no message is in Outbox."""
        api = self.api()
        wait.until(lambda: api.outbox() == 0, "the queue to be empty", seconds, every=0.05)

    def __enter__(self) -> Postroom:
        if not self.key:
            self.prepare()
        return self.start()

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.stop()
        else:
            self.kill()


def drain(stream: IO[str]) -> None:
    """Reads a stream to its end and closes it."""
    with stream:
        for _ in stream:
            pass


class LogSink:
    """`postroom sink --log`: fast, scripted by recipient, one line per accepted message."""

    def __init__(self, folder: Path, port: int, options: Sequence[str] = ()) -> None:
        """Describes the sink; `options` are further ones of its command line."""
        self.log = folder / "sink.log"
        self.port = port
        line = [str(binary()), "sink", "--listen", f"127.0.0.1:{port}", "--log", str(self.log), *options]
        self.server = Listening(line, port, folder / "sink.err")

    def start(self) -> LogSink:
        """Starts it and waits until it accepts connections."""
        self.server.start()
        return self

    def stop(self) -> None:
        """Ends it."""
        self.server.stop()

    def lines(self) -> list[tuple[str, list[str]]]:
        """Returns what it accepted, in order: Message-ID and recipients."""
        if not self.log.exists():
            return []
        rows = (line.split("\t") for line in self.log.read_text().splitlines())
        return [(row[0], row[2].split(",")) for row in rows if len(row) == 3]

    def __enter__(self) -> LogSink:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
