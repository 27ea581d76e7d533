"""The queues that are compared, behind one face: accept only, deliver, and the change from one to the other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from tests.lab.postfix import Postfix
from tests.lab.postroom import Postroom

# What was found to make Postfix fastest here (`bench/run tune` measures each alone and all together).
TUNED = {
    "in_flow_delay": "0",
    "default_process_limit": "200",
    "default_destination_concurrency_limit": "50",
    "initial_destination_concurrency": "50",
    "qmgr_message_active_limit": "100000",
    "max_use": "10000",
    "smtpd_client_connection_count_limit": "0",
    "smtpd_peername_lookup": "no",
    "receive_override_options": "no_header_body_checks,no_address_mappings",
}


class Contender(ABC):
    """One queue in a folder of its own, relaying to one sink."""

    name: str
    port: int

    @abstractmethod
    def accept_only(self) -> None:
        """Starts it so that it takes mail in durably and delivers none."""

    @abstractmethod
    def deliver(self) -> None:
        """Starts it so that it delivers what it has and what comes; stops it first if it runs."""

    @abstractmethod
    def stop(self) -> None:
        """Stops it."""

    @abstractmethod
    def pid(self) -> int:
        """Returns the process that all its others descend from."""


class PostfixContender(Contender):
    """Postfix with default settings, or with `TUNED` or others on top."""

    def __init__(self, folder: Path, relay_port: int, name: str, settings: dict[str, str]) -> None:
        self.name = name
        self.settings = {"relayhost": f"[127.0.0.1]:{relay_port}"} | settings
        self.postfix = Postfix(folder / "postfix", self.settings)
        self.port = self.postfix.port
        self.hold = folder / "hold"
        self.hold.write_text("/./ HOLD\n")
        self.running = False

    def accept_only(self) -> None:
        # On hold the queue manager never sees a message: the least that Postfix can do for a durable accept.
        self.postfix.configure({"smtpd_client_restrictions": f"check_client_access regexp:{self.hold}"})
        self.postfix.start()
        self.running = True

    def deliver(self) -> None:
        self.stop()
        self.postfix.configure({"smtpd_client_restrictions": ""})
        if self.postfix.waiting():
            self.postfix.run("postsuper", "-H", "ALL")
        self.postfix.start()
        self.running = True
        self.postfix.run("postqueue", "-f")

    def stop(self) -> None:
        if self.running:
            self.postfix.stop()
            self.running = False

    def pid(self) -> int:
        master = self.postfix.master()
        assert master is not None, "Postfix is not running"
        return master


class PostroomContender(Contender):
    """Postroom with SQLite, as it comes."""

    name = "Postroom"

    def __init__(self, folder: Path, relay_port: int) -> None:
        self.server = Postroom(folder / "postroom", relay_port, trusted=True)
        self.server.prepare()
        self.port = 0

    def _start(self, paused: bool) -> None:
        self.stop()
        self.server.configure({"delivery": {"paused": paused}, "log": {"level": "warn"}})
        self.server.start()
        self.port = self.server.smtp_port

    def accept_only(self) -> None:
        self._start(paused=True)

    def deliver(self) -> None:
        self._start(paused=False)

    def stop(self) -> None:
        if self.server.process is not None:
            self.server.stop()

    def pid(self) -> int:
        return self.server.pid


KINDS = ("postfix", "postfix-tuned", "postroom")


def make(kind: str, folder: Path, relay_port: int) -> Contender:
    """Makes the contender of this kind in a folder."""
    if kind == "postfix":
        return PostfixContender(folder, relay_port, "Postfix default", {})
    if kind == "postfix-tuned":
        return PostfixContender(folder, relay_port, "Postfix tuned", TUNED)
    if kind == "postroom":
        return PostroomContender(folder, relay_port)
    raise ValueError(f"unknown contender {kind!r}: one of {', '.join(KINDS)}")
