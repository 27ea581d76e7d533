"""Clients that submit without pause over SMTP and HTTP, through crashes of the server, and note what they were told."""

from __future__ import annotations

import http.client
import random
import socket
import threading

from tests.kill.ledger import Ledger, message_id
from tests.lab.api import Api
from tests.lab.postroom import Postroom

SENDER = "case@example.test"
RECIPIENT = "client@example.org"


class Refused(Exception):
    """The server answered something else than an acknowledgement."""


class Submitter(threading.Thread):
    """One client thread; subclasses submit over one protocol until the connection breaks."""

    def __init__(self, name: str, server: Postroom, ledger: Ledger, seed: int) -> None:
        super().__init__(name=name, daemon=True)
        self.server, self.ledger = server, ledger
        self.random = random.Random(f"{seed}-{name}")
        self.up = threading.Event()
        self.ending = threading.Event()
        self.count = 0

    def token(self) -> str:
        """Returns the next message's token, which nothing else in this run has."""
        self.count += 1
        return f"{self.name}-{self.count}"

    def text(self) -> str:
        """Returns a body of one to some 160 lines."""
        return "".join(f"line {number} {'x' * 60}\r\n" for number in range(self.random.randint(1, 160)))

    def run(self) -> None:
        """Submits while the server is up."""
        while not self.ending.is_set():
            if not self.up.wait(0.05):
                continue
            try:
                self.submit_until_broken()
            except (OSError, EOFError, http.client.HTTPException):
                self.ledger.lose()
                # Wait for the next start: the one that just ended still counts as up for a moment.
                self.ending.wait(0.01)
            except Refused as answer:
                self.ledger.refuse(str(answer))

    def going(self) -> bool:
        """Says whether to submit another."""
        return self.up.is_set() and not self.ending.is_set()

    def submit_until_broken(self) -> None:
        """Submits over one connection."""
        raise NotImplementedError


class SmtpSubmitter(Submitter):
    """Sends over one SMTP session, pipelining the envelope."""

    def submit_until_broken(self) -> None:
        with socket.create_connection(("127.0.0.1", self.server.smtp_port), timeout=20) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            replies = connection.makefile("rb")

            def expect(code: str) -> None:
                while (line := replies.readline())[3:4] == b"-":
                    pass
                if not line.endswith(b"\n"):
                    raise EOFError
                if not line.startswith(code.encode()):
                    raise Refused(line.decode(errors="replace").strip())

            expect("220")
            connection.sendall(b"EHLO client.example.test\r\n")
            expect("250")
            while self.going():
                token = self.token()
                envelope = f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<{RECIPIENT}>\r\nDATA\r\n"
                connection.sendall(envelope.encode())
                for code in ("250", "250", "354"):
                    expect(code)
                head = f"From: <{SENDER}>\r\nTo: <{RECIPIENT}>\r\nSubject: {token}\r\nMessage-ID: {message_id(token)}\r\n"
                connection.sendall((head + "\r\n" + self.text() + ".\r\n").encode())
                expect("250")
                self.ledger.acknowledge(token, message_id(token))
            connection.sendall(b"QUIT\r\n")


class HttpSubmitter(Submitter):
    """Posts JSON over a kept connection; the Message-ID is the server's."""

    def submit_until_broken(self) -> None:
        api = Api(self.server.http_port, self.server.key, seconds=20)
        while self.going():
            token = self.token()
            body = {"from": SENDER, "to": [RECIPIENT], "subject": token, "text": self.text()}
            answer = api.call("POST", "/messages", body)
            if answer.status != 202:
                raise Refused(f"{answer.status} {answer.body.decode(errors='replace')[:300]}")
            self.ledger.acknowledge(token, answer.json()["message_id"])
        api.connection.close()
