"""Where Postroom's mail goes in these tests: a real Postfix, a sink that keeps bytes, and Postroom's own sink."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.interop import material
from tests.lab import postfix, wait
from tests.lab.postroom import LogSink
from tests.lab.scratch import free_port
from tests.lab.sink import Sink

MESSAGE_ID = re.compile(rb"^message-id:\s*(\S+)", re.I | re.M)


@dataclass(frozen=True)
class Copy:
    """What one recipient got; no content where the relay keeps none."""

    recipient: str
    content: bytes | None


class Destination(Protocol):
    """A relay that one can look into."""

    port: int

    def stop(self) -> None:
        """Ends it."""

    def copies(self, message_id: str) -> list[Copy]:
        """Returns every copy of a message that has arrived so far."""


def same_id(content: bytes, message_id: str) -> bool:
    """Says whether a message's header section has this Message-ID."""
    found = MESSAGE_ID.search(content.replace(b"\r\n", b"\n").partition(b"\n\n")[0])
    return found is not None and found[1].decode(errors="replace") == message_id


class RealPostfix:
    """A Postfix that writes into a Maildir per person, as nobody."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "destination"
        self.folder.mkdir()
        settings = postfix.mailbox_settings(self.folder, material.MAILBOXES)
        self.postfix = postfix.Postfix(self.folder / "postfix", settings, log=True)
        self.postfix.start()
        self.port = self.postfix.port

    def stop(self) -> None:
        self.postfix.stop()

    def copies(self, message_id: str) -> list[Copy]:
        found = []
        for file in self.folder.glob("mail/*/new/*"):
            content = file.read_bytes()
            if same_id(content, message_id):
                found.append(Copy(f"{file.parts[-3]}@example.test", content))
        return found


class ByteSink:
    """The tests' own sink, which keeps each byte that it was given."""

    def __init__(self, _: Path) -> None:
        self.sink = Sink()
        self.sink.__enter__()
        self.port = self.sink.port

    def stop(self) -> None:
        self.sink.__exit__()

    def copies(self, message_id: str) -> list[Copy]:
        return [
            Copy(recipient, message.content)
            for message in list(self.sink.messages)
            if same_id(message.content, message_id)
            for recipient in message.recipients
        ]


class PostroomSink:
    """`postroom sink --log`, which keeps ids, recipients and sizes."""

    def __init__(self, folder: Path) -> None:
        self.sink = LogSink(folder, free_port()).start()
        self.port = self.sink.port

    def stop(self) -> None:
        self.sink.stop()

    def copies(self, message_id: str) -> list[Copy]:
        return [
            Copy(recipient, None)
            for found, recipients in self.sink.lines()
            if found.strip("<>") == message_id.strip("<>")
            for recipient in recipients
        ]


def wait_for_all(destination: Destination, message_id: str, seconds: float = 30.0) -> list[Copy]:
    """Waits until every recipient of the sample has a copy and returns all copies, the ones too many included."""
    wanted = set(material.EVERYBODY)

    def all_there() -> bool:
        return wanted <= {copy.recipient for copy in destination.copies(message_id)}

    wait.until(all_there, f"{message_id} to reach {', '.join(sorted(wanted))}", seconds, every=0.05)
    return destination.copies(message_id)
