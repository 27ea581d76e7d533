"""Each program's message reaches each recipient once and byte-identical; Bcc doesn't travel."""

from __future__ import annotations

import base64
import json
import shutil
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from tests.interop import clients, material
from tests.interop.arrived import assert_same, parsed
from tests.interop.clients import AS_IT_IS, Submission
from tests.interop.material import Sample
from tests.interop.relays import ByteSink, Destination, PostroomSink, RealPostfix, wait_for_all
from tests.lab import postfix
from tests.lab.postroom import Postroom
from tests.lab.scratch import Scratch


class Through(unittest.TestCase):
    """One server and one destination for all tests of a class; subclasses name the destination."""

    destination_kind: ClassVar[Callable[[Path], Destination] | None] = None
    destination: ClassVar[Destination]
    server: ClassVar[Postroom]
    folder: ClassVar[Path]

    @classmethod
    def setUpClass(cls) -> None:
        if cls.destination_kind is None:
            raise unittest.SkipTest("the subclasses run these tests")
        scratch = Scratch("interop")
        cls.addClassCleanup(scratch.remove)
        cls.folder = scratch.path
        cls.destination = cls.destination_kind(cls.folder)
        cls.addClassCleanup(cls.destination.stop)
        cls.server = Postroom(cls.folder / "postroom", cls.destination.port, trusted=True).prepare().start()
        cls.addClassCleanup(cls.server.stop)

    def at(self) -> Submission:
        """Returns where these tests hand mail in."""
        return Submission(self.server.smtp_port, self.folder)

    def assert_each_recipient_once(self, message_id: str) -> list[bytes]:
        """Waits for the message and returns the contents that arrived, one per recipient."""
        copies = wait_for_all(self.destination, message_id)
        self.server.wait_until_empty()
        copies = self.destination.copies(message_id)
        self.assertEqual(sorted(material.EVERYBODY), sorted(copy.recipient for copy in copies))
        return [copy.content for copy in copies if copy.content is not None]


class Clients:
    """What every destination must see; mixed into the classes below."""

    def test_raw_message_of_every_program_arrives_byte_identical(self: Through) -> None:
        """Each of the programs hands in the same bytes."""
        for name, submit in AS_IT_IS.items():
            with self.subTest(program=name):
                if name == "nodemailer" and not (clients.HERE / "node_modules").exists():
                    self.fail("nodemailer is missing: npm ci --prefix tests/interop")
                sample = Sample()
                submit(self.at(), sample.raw())
                for came in self.assert_each_recipient_once(sample.message_id):
                    assert_same(self, sample.raw(), came)

    def test_raw_message_over_http_arrives_byte_identical(self: Through) -> None:
        """`POST /messages/raw` with the envelope from the header fields, sent by curl."""
        sample = Sample()
        clients.run(
            "curl", "--silent", "--show-error", "--fail-with-body",
            f"http://127.0.0.1:{self.server.http_port}/api/v1/messages/raw",
            "-H", f"Authorization: Bearer {self.server.key}", "-H", "Content-Type: message/rfc822",
            "--data-binary", f"@{clients.file(self.at(), sample.raw())}",
        )  # fmt: skip
        for came in self.assert_each_recipient_once(sample.message_id):
            assert_same(self, sample.raw(), came)

    def test_json_message_arrives_with_its_text_subject_and_attachment(self: Through) -> None:
        """`POST /messages`, sent by curl: Postroom builds the MIME."""
        body = {
            "from": f"Case Clerk <{material.SENDER}>",
            "to": list(material.TO),
            "cc": list(material.CC),
            "bcc": list(material.BCC),
            "subject": material.SUBJECT,
            "text": material.TEXT,
            "html": "<p>Änderung</p>",
            "headers": {"X-Case": "42"},
            "attachments": [
                {
                    "filename": "Police Müller.pdf",
                    "content_type": "application/pdf",
                    "content": base64.b64encode(material.attachment()).decode(),
                }
            ],
        }
        file = self.folder / "message.json"
        file.write_text(json.dumps(body))
        printed = clients.run(
            "curl", "--silent", "--show-error", "--fail-with-body",
            f"http://127.0.0.1:{self.server.http_port}/api/v1/messages",
            "-H", f"Authorization: Bearer {self.server.key}", "-H", "Content-Type: application/json",
            "--data-binary", f"@{file}",
        )  # fmt: skip
        answer = json.loads(printed)
        for came in self.assert_each_recipient_once(answer["message_id"]):
            self.assert_parts(came, "Police Müller.pdf")
            self.assertEqual("42", parsed(came)["X-Case"])

    def test_message_composed_by_nodemailer_arrives_with_its_parts(self: Through) -> None:
        """nodemailer builds the MIME and takes the envelope, Bcc included, from its fields."""
        job = {
            "host": "127.0.0.1", "port": self.server.smtp_port, "user": "case", "password": self.at().password,
            "message": {
                "from": f"Case Clerk <{material.SENDER}>", "to": list(material.TO), "cc": list(material.CC),
                "bcc": list(material.BCC), "subject": material.SUBJECT, "text": material.TEXT,
                "attachments": [
                    {
                        "filename": "Police Müller.pdf", "contentType": "application/pdf",
                        "content": base64.b64encode(material.attachment()).decode(),
                    }
                ],
            },
        }  # fmt: skip
        printed = clients.run("node", clients.HERE / "nodemailer.mjs", given=json.dumps(job).encode())
        for came in self.assert_each_recipient_once(json.loads(printed)["messageId"]):
            self.assert_parts(came, "Police Müller.pdf")

    def test_message_of_swaks_own_making_arrives(self: Through) -> None:
        """swaks builds the message and attaches a file."""
        message_id = Sample().message_id
        pdf = self.folder / "policy.pdf"
        pdf.write_bytes(material.attachment())
        clients.run(
            "swaks", "--server", "127.0.0.1", "--port", str(self.server.smtp_port), "--from", material.SENDER,
            "--to", ",".join(material.EVERYBODY), "--auth", "PLAIN", "--auth-user", "case",
            "--auth-password", self.at().password, "--header", "Subject: a plain one",
            "--header", f"Message-Id: {message_id}", "--attach-type", "application/pdf", "--attach", f"@{pdf}",
        )  # fmt: skip
        for came in self.assert_each_recipient_once(message_id):
            files = [part.get_content() for part in parsed(came).iter_attachments()]
            self.assertIn(material.attachment(), files)

    def assert_parts(self: Through, came: bytes, filename: str) -> None:
        """Asserts subject, text, attachment and addresses of a composed message, and that Bcc is gone."""
        message = parsed(came)
        self.assertEqual(material.SUBJECT, message["Subject"])
        self.assertIsNone(message["Bcc"])
        self.assertEqual(material.TO, tuple(address.addr_spec for address in message["To"].addresses))
        self.assertEqual(material.CC, tuple(address.addr_spec for address in message["Cc"].addresses))
        text = message.get_body(("plain",))
        assert text is not None
        # How blank lines at the end of a text part come out is the composer's affair.
        self.assertEqual(material.TEXT.replace("\r\n", "\n").rstrip("\n"), text.get_content().replace("\r\n", "\n").rstrip("\n"))
        files = [(part.get_filename(), part.get_content()) for part in message.iter_attachments()]
        self.assertEqual([(filename, material.attachment())], files)


class ToPostfix(Clients, Through):
    """To a real Postfix, which writes into mailboxes."""

    destination_kind = RealPostfix

    @classmethod
    def setUpClass(cls) -> None:
        if why := postfix.missing():
            raise unittest.SkipTest(why)
        super().setUpClass()


class ToByteSink(Clients, Through):
    """To a sink that keeps what Postroom wrote on the wire."""

    destination_kind = ByteSink


class ToPostroomSink(Clients, Through):
    """To `postroom sink`, by its log."""

    destination_kind = PostroomSink


class TheProgramsAreThere(unittest.TestCase):
    """A missing program must fail loudly and not shrink the tests."""

    def test_programs_are_installed(self) -> None:
        """Names what to install."""
        missing = [name for name in ("swaks", "curl", "node", "msmtp") if shutil.which(name) is None]
        self.assertEqual([], missing, "tools/setup test installs them")


if __name__ == "__main__":
    unittest.main()
