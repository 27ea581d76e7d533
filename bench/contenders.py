"""The queues that are compared, behind one face: accept only, deliver, and the change from one to the other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from tests.lab import sasl
from tests.lab.certificate import Certificate
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


@dataclass(frozen=True)
class Secure:
    """TLS and AUTH on both sides: in with the contender's own login, out with the sink's."""

    certificate: Certificate
    sink_user: str = "office"
    sink_password: str = "secret"


class Contender(ABC):
    """One queue in a folder of its own, relaying to one sink."""

    name: str
    port: int
    login: tuple[str, str]
    """User name and password of its submission side, where it is secure."""

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

    login = ("case", "correct horse battery staple")

    def __init__(
        self, folder: Path, relay_port: int, name: str, settings: dict[str, str], secure: Secure | None = None
    ) -> None:
        self.name = name
        relay = f"[127.0.0.1]:{relay_port}"
        self.settings = {"relayhost": relay} | settings
        if secure:
            self.settings |= secure_settings(folder, relay, secure, self.login)
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


def secure_settings(folder: Path, relay: str, secure: Secure, login: tuple[str, str]) -> dict[str, str]:
    """Settings of a Postfix that asks for TLS and AUTH and uses both towards its relay, over reused connections."""
    passwords = folder / "relay-passwords"
    passwords.write_text(f"{relay} {secure.sink_user}:{secure.sink_password}\n")
    return sasl.submission(folder / "postfix", "postfix.example.test", login) | {
        "smtpd_tls_security_level": "encrypt",
        "smtpd_tls_cert_file": str(secure.certificate.chain),
        "smtpd_tls_key_file": str(secure.certificate.key),
        "smtp_tls_security_level": "verify",
        "smtp_tls_verify_cert_match": "localhost",
        "smtp_tls_CAfile": str(secure.certificate.authority),
        "smtp_tls_connection_reuse": "yes",
        "smtp_sasl_auth_enable": "yes",
        "smtp_sasl_password_maps": f"texthash:{passwords}",
        "smtp_sasl_security_options": "noanonymous",
    }


class PostroomContender(Contender):
    """Postroom with SQLite, as it comes."""

    name = "Postroom"

    def __init__(
        self, folder: Path, relay_port: int, secure: Secure | None = None, program: Path | None = None
    ) -> None:
        """Prepares it; `program` is the binary where it is not the one under test."""
        self.settings: dict[str, dict[str, object]] = {"log": {"level": "warn"}}
        if secure:
            certificate = secure.certificate
            self.settings["submission"] = {
                "tls_certificate": str(certificate.chain),
                "tls_key": str(certificate.key),
            }
            self.settings["[[relay]]"] = {
                "tls": "required",
                "ca_file": str(certificate.authority),
                "username": secure.sink_user,
                "password": secure.sink_password,
            }
        folder /= "postroom"
        self.server = Postroom(folder, relay_port, self.settings, trusted=secure is None, program=program)
        self.server.prepare()
        self.login = ("case", self.server.key)
        self.port = 0

    def _start(self, paused: bool) -> None:
        self.stop()
        self.server.configure(self.settings | {"delivery": {"paused": paused}})
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


def make(kind: str, folder: Path, relay_port: int, secure: Secure | None = None) -> Contender:
    """Makes the contender of this kind in a folder."""
    if kind == "postfix":
        return PostfixContender(folder, relay_port, "Postfix default", {}, secure)
    if kind == "postfix-tuned":
        return PostfixContender(folder, relay_port, "Postfix tuned", TUNED, secure)
    if kind == "postroom":
        return PostroomContender(folder, relay_port, secure)
    raise ValueError(f"unknown contender {kind!r}: one of {', '.join(KINDS)}")
