"""A real message: UTF-8 subject and text, a binary attachment, several recipients with Bcc, awkward lines."""

from __future__ import annotations

import base64
import random
import uuid
from dataclasses import dataclass, field
from email.header import Header

TO = ("case@example.test", "kiosk@example.test")
CC = ("lee@example.test",)
BCC = ("hidden@example.test",)
EVERYBODY = TO + CC + BCC
MAILBOXES = tuple(address.partition("@")[0] for address in EVERYBODY)
SENDER = "case@example.test"

SUBJECT = "Änderung Ihrer Police – 保険 ✓"
# What relays trip over: dots at line starts, trailing blanks, a long line, "From " and blank lines at the end.
TEXT = (
    "Sehr geehrte Frau Müller,\r\n"
    "\r\n"
    ".hidden line\r\n"
    "..two dots\r\n"
    ".\tdot and tab\r\n"
    "From here on it ends in blanks   \r\n" + "€" * 300 + "\r\n"
    "naïve café 漢字 🙂\r\n"
    "\r\n"
    "\r\n"
)


def attachment(seed: int = 2, size: int = 150_000) -> bytes:
    """Returns bytes that begin like a PDF and hold every byte value, the same every time."""
    return b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + random.Random(seed).randbytes(size) + b"\r\n.\r\n%%EOF\n"


@dataclass(frozen=True)
class Sample:
    """One message to send, as raw RFC 5322 bytes with a Bcc field, and its parts."""

    message_id: str = field(default_factory=lambda: f"<{uuid.uuid4()}@client.example.test>")

    def raw(self) -> bytes:
        """Returns the message with CRLF line ends and 8-bit text."""
        boundary = "=_part_of_a_sample"
        subject = Header(SUBJECT, "utf-8", header_name="Subject").encode(linesep="\r\n")
        head = (
            f"Date: Mon, 23 Nov 2026 10:11:12 +0100\r\n"
            f"From: Case Clerk <{SENDER}>\r\n"
            f"To: {TO[0]},\r\n"
            f" Kiosk <{TO[1]}>\r\n"
            f"Cc: {CC[0]}\r\n"
            f"Bcc: {BCC[0]}\r\n"
            f"Subject: {subject}\r\n"
            f"Message-ID: {self.message_id}\r\n"
            f"X-Folded: one\r\n"
            f"\ttwo   three\r\n"
            f"MIME-Version: 1.0\r\n"
            f'Content-Type: multipart/mixed; boundary="{boundary}"\r\n'
            f"\r\n"
        )
        text = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + TEXT
        encoded = base64.encodebytes(attachment()).replace(b"\n", b"\r\n")
        name = 'Content-Disposition: attachment; filename="policy.pdf"\r\n'
        file_head = "Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n" + name + "\r\n"
        mark = f"--{boundary}".encode()
        return b"".join(
            [
                head.encode(),
                b"A preamble that nobody reads.\r\n",
                mark + b"\r\n" + text.encode() + b"\r\n",
                mark + b"\r\n" + file_head.encode() + encoded,
                mark + b"--\r\n",
            ]
        )
