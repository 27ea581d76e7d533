"""The server that the documentation's commands meet: a small office tree, a relay, and names for all of it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.docs import page
from tests.lab.postroom import PASSWORD, LogSink, Postroom, binary
from tests.lab.scratch import free_port

ALL_RIGHTS = "super_user,enterprise_view,administrator,customize_list_layout"
SECONDS_MOST = 120

# Who is there: the variable of their API key, login, rights. docs/README.md lists them.
PEOPLE = (
    ("ADMIN_KEY", "admin", "Office Administrator", ALL_RIGHTS),
    ("SUPER_KEY", "super", "Super User", "super_user"),
    ("KEY", "case", "Case Clerk", ""),
    ("ASSISTANT_KEY", "assistant", "Assistant", ""),
)


class House:
    """A server with people, for one page, as a context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sink = LogSink(folder, free_port())
        self.server = Postroom(folder / "postroom", self.sink.port, {"limits": {}})
        self.keys: dict[str, str] = {}

    def __enter__(self) -> House:
        self.sink.start()
        for variable, login, name, rights in PEOPLE:
            self.keys[variable] = self.server.add_user(login, f"{login}@example.test", name, rights)
        self.server.key = self.keys["KEY"]
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()
        self.sink.stop()

    def environment(self) -> dict[str, str]:
        """Returns the variables that pages use."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("POSTROOM")}
        data = str(self.server.folder / "data")
        return kept | self.keys | {
            "POSTROOM": str(binary()),
            "POSTROOM_CONFIG": str(self.server.config),
            "CONFIG": str(self.server.config),
            "DATA": data,
            "WORK": str(self.folder / "work"),
            "URL": f"http://127.0.0.1:{self.server.http_port}",
            "PORT": str(self.server.http_port),
            "SMTP": f"127.0.0.1:{self.server.smtp_port}",
            "RELAY": f"127.0.0.1:{self.sink.port}",
            "PASSWORD": PASSWORD,
            "PID": str(self.server.pid),
            "LOG": str(self.server.folder / "serve.log"),
        }

    def run(self, blocks: list[page.Block]) -> list[page.Run]:
        """Runs a page's blocks in one bash and returns what each printed."""
        work = self.folder / "work"
        work.mkdir(exist_ok=True)
        done = subprocess.run(
            ["bash", "-c", page.script(blocks)],
            cwd=work,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SECONDS_MOST,
            check=False,
        )
        return page.runs(done.stdout.decode(errors="replace"), len(blocks))
