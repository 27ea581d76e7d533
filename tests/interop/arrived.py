"""Compares what arrived with what was sent."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from unittest import TestCase

# What servers on the way may add (RFC 5321 §4.4), and what submission may add where it is missing (RFC 6409 §8).
TRACE = frozenset({b"return-path", b"received", b"x-original-to", b"delivered-to"})
ADDED = frozenset({b"date", b"message-id"})


def split(raw: bytes) -> tuple[list[bytes], bytes]:
    """Splits a message into its header fields, folded as they are and without their last line end, and its body."""
    raw = raw.replace(b"\r\n", b"\n")
    head, _, body = raw.partition(b"\n\n")
    fields: list[bytes] = []
    for line in head.split(b"\n"):
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1] += b"\n" + line
        else:
            fields.append(line)
    return fields, body


def name(field: bytes) -> bytes:
    """Returns a header field's name in lower case."""
    return field.partition(b":")[0].strip().lower()


def kept_fields(raw: bytes, besides: frozenset[bytes]) -> list[bytes]:
    """Returns the header fields that must not change."""
    return [field for field in split(raw)[0] if name(field) not in besides]


def assert_same(test: TestCase, sent: bytes, came: bytes) -> None:
    """Asserts that header fields, in order and folding, and the body are byte-identical, and that Bcc is gone."""
    there = {name(field) for field in split(sent)[0]}
    may_differ = TRACE | {b"bcc"} | (ADDED - there)
    test.assertEqual(kept_fields(sent, may_differ), kept_fields(came, may_differ))
    test.assertNotIn(b"bcc", {name(field) for field in split(came)[0]}, "Bcc travelled")
    sent_body, came_body = split(sent)[1], split(came)[1]
    if sent_body != came_body:  # assertEqual would print all of a large body
        at = next((i for i, (a, b) in enumerate(zip(sent_body, came_body)) if a != b), min(len(sent_body), len(came_body)))
        near = slice(max(0, at - 40), at + 40)
        test.fail(f"the bodies differ from byte {at} on: sent {sent_body[near]!r}, came {came_body[near]!r}")


def parsed(raw: bytes) -> EmailMessage:
    """Parses a message with the standard library's parser."""
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message
