"""Clients who take connections and do nothing useful with them, thousands at a time."""

from __future__ import annotations

import base64
import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

# RFC 9113 §3.4, with an empty SETTINGS frame behind it.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
# The pause between two rounds of `Hostile.pressing`.
PAUSE_SECONDS = 0.05
# The start of a HEADERS frame of 64 octets.
HALF_FRAME = bytes((0, 0, 64, 1, 4))


def one_address() -> Iterator[str]:
    """Yields 127.0.0.1, from which the others come too."""
    return itertools.repeat("127.0.0.1")


def many_addresses() -> Iterator[str]:
    """Yields addresses of 127/8, each in a /24 of its own."""
    return (f"127.{1 + n // 250 % 250}.{1 + n % 250}.7" for n in itertools.count())


def silent(_: str) -> list[bytes]:
    """Says nothing."""
    return []


def slow_header(_: str) -> list[bytes]:
    """Begins a header."""
    return [b"GET / HTTP/1.1\r\nHost: postroom.example.test\r\nX-Slow: "]


def slow_body(_: str) -> list[bytes]:
    """Sends a header and the first octet of a body."""
    return [
        b"POST /api/v1/session HTTP/1.1\r\nHost: postroom.example.test\r\n"
        b"Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n{"
    ]


def half_frame(_: str) -> list[bytes]:
    """Begins HTTP/2 and stops within a frame."""
    return [PREFACE + HALF_FRAME]


def slow_reader(_: str) -> list[bytes]:
    """Asks for the largest thing that strangers get, again and again, and reads nothing."""
    return [b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: postroom.example.test\r\n\r\n" * 40]


def smtp_trickle(_: str) -> list[bytes]:
    """Greets, and begins a command."""
    return [b"EHLO client.example.com\r\n", b"N"]


def smtp_signed_in(key: str) -> list[bytes]:
    """Signs in with a key, and begins a command."""
    proof = base64.b64encode(f"\0case\0{key}".encode())
    return [b"EHLO client.example.com\r\n", b"AUTH PLAIN " + proof + b"\r\n", b"N"]


Kind = Callable[[str], list[bytes]]


class Hostile:
    """Many clients of one kind, as a context manager; `press` has them go on, `pressing` again and again.

    `connected` counts the connections that came about, those that the server closed at once too.
    """

    def __init__(self, port: int, kind: Kind, addresses: Iterator[str], count: int, key: str = "") -> None:
        self.port = port
        self.parts = kind(key)
        self.addresses = addresses
        self.sockets: list[socket.socket] = []
        self.connected = 0
        for _ in range(count):
            self.connect()

    def connect(self) -> None:
        """Adds one more."""
        client = socket.socket()
        # Little of an answer that is not read fits into the system's memory.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        client.settimeout(1)
        self.sockets.append(client)
        # Where it is refused or closed at once: what counts is what others can still do.
        with suppress(OSError):
            client.bind((next(self.addresses), 0))
            client.connect(("127.0.0.1", self.port))
            self.connected += 1
            for part in self.parts:
                client.sendall(part)
        client.setblocking(False)

    def press(self, again: int) -> None:
        """Sends an octet on each connection, but for those who stay silent; so many that were closed come again."""
        gone = [client for client in self.sockets if not self.goes_on(client)]
        for client in gone[:again]:
            client.close()
            self.sockets.remove(client)
            self.connect()

    @contextmanager
    def pressing(self, again: int) -> Iterator[None]:
        """Presses all the time while the caller does something else, and raises what went wrong with it at the end."""
        ended = threading.Event()
        failures: list[Exception] = []

        def go_on() -> None:
            try:
                while not ended.wait(PAUSE_SECONDS):
                    self.press(again)
            except Exception as failure:
                failures.append(failure)

        thread = threading.Thread(target=go_on, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
        if failures:
            raise failures[0]

    def goes_on(self, client: socket.socket) -> bool:
        """Sends an octet, or looks whether the server has closed where nothing is ever said."""
        if not self.parts:
            return is_open(client)
        try:
            client.send(b"x")
        except BlockingIOError:
            return True
        except OSError:
            return False
        return True

    def open(self) -> int:
        """Counts the connections that the server has not closed; nothing of an answer is lost but its octets."""
        return sum(1 for client in self.sockets if is_open(client))

    def __enter__(self) -> Hostile:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self.sockets:
            client.close()


def is_open(client: socket.socket) -> bool:
    """Reads what has come and returns whether the other side has closed."""
    try:
        while client.recv(65536):
            pass
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
