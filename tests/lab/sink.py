"""A small SMTP sink that keeps what it was given, byte by byte, and when DATA came. For checking, not for speed."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, field

from tests.lab import wait

EXTENSIONS = ("PIPELINING", "SIZE 52428800", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")


@dataclass
class Received:
    """One message as it arrived: its envelope and its bytes with dots unstuffed."""

    sender: str
    recipients: list[str]
    content: bytes
    data_at: float
    """When the DATA command was read, by `time.perf_counter()`."""


@dataclass
class Sink:
    """Listens on a loopback port in a thread of its own, as a context manager."""

    messages: list[Received] = field(default_factory=list)
    port: int = 0

    def __enter__(self) -> Sink:
        ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        start = asyncio.start_server(self._session, "127.0.0.1", self.port, limit=2**20)
        server = self._loop.run_until_complete(start)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def reply(*lines: str) -> None:
            code, texts = lines[0], lines[1:]
            marks = ["-"] * (len(texts) - 1) + [" "]
            writer.write("".join(f"{code}{m}{t}\r\n" for m, t in zip(marks, texts, strict=True)).encode())

        reply("220", "sink.example.test ESMTP")
        sender, recipients = "", []
        while line := await reader.readline():
            command = line.decode("utf-8", "replace").strip()
            verb = command.split(":")[0].split(" ")[0].upper()
            if verb == "EHLO":
                reply("250", "sink.example.test", *EXTENSIONS)
            elif verb == "MAIL":
                sender, recipients = path(command), []
                reply("250", "2.1.0 ok")
            elif verb == "RCPT":
                recipients.append(path(command))
                reply("250", "2.1.5 ok")
            elif verb == "DATA":
                at = time.perf_counter()
                reply("354", "go on")
                content = await body(reader)
                self.messages.append(Received(sender, recipients, content, at))
                reply("250", "2.0.0 kept")
            elif verb == "QUIT":
                reply("221", "2.0.0 bye")
                await writer.drain()
                return
            elif verb in ("HELO", "RSET", "NOOP"):
                reply("250", "2.0.0 ok")
            else:
                reply("502", "5.5.1 unknown")
            await writer.drain()

    def wait_for(self, count: int, seconds: float = 30.0) -> list[Received]:
        """Waits until `count` messages have come and returns all of them."""
        wait.until(lambda: len(self.messages) >= count, f"{count} messages at the sink", seconds, every=0.002)
        return list(self.messages)


def path(command: str) -> str:
    """Returns the address between the angle brackets of a MAIL or RCPT command."""
    return command[command.index("<") + 1 : command.index(">")]


async def body(reader: asyncio.StreamReader) -> bytes:
    """Reads to the lone dot and returns the content with dots unstuffed (RFC 5321 §4.5.2)."""
    lines = []
    while (line := await reader.readuntil(b"\r\n")) != b".\r\n":
        lines.append(line[1:] if line.startswith(b".") else line)
    return b"".join(lines)
