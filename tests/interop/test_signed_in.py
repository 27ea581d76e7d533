"""A relay that takes mail only with TLS and after AUTH, here a real Postfix with Cyrus SASL."""

from __future__ import annotations

import unittest
from pathlib import Path

from tests.lab import certificate, postfix, sasl, wait
from tests.lab.postroom import Postroom
from tests.lab.scratch import Scratch

LOGIN = ("office", "correct horse battery staple")
MESSAGE = {"from": "case@example.test", "to": ["client@example.org"], "subject": "Signed in", "text": "Good day.\n"}


def relay_settings(folder: Path, made: certificate.Certificate) -> dict[str, str]:
    """Settings of a Postfix that throws mail away and takes it from nobody who did not sign in over TLS."""
    return sasl.submission(folder, "postfix.example.test", LOGIN) | {
        "smtpd_tls_security_level": "encrypt",
        "smtpd_tls_cert_file": str(made.chain),
        "smtpd_tls_key_file": str(made.key),
        "default_transport": "discard:",
        "smtpd_recipient_restrictions": "permit_sasl_authenticated, reject",
    }


class SignedIn(unittest.TestCase):
    """STARTTLS, then AUTH, with the right password and a wrong one."""

    def setUp(self) -> None:
        if why := postfix.missing():
            self.skipTest(why)

    def test_mail_leaves_with_the_right_password_and_waits_with_a_wrong_one(self) -> None:
        """A wrong password costs no message: it leaves once the password is right."""
        with Scratch("signed-in") as folder:
            made = certificate.make(folder)
            settings = relay_settings(folder / "postfix", made)
            with postfix.Postfix(folder / "postfix", settings, log=True) as relay:
                wrong = {"tls": "required", "ca_file": str(made.authority), "username": LOGIN[0], "password": "wrong"}
                server = Postroom(folder / "postroom", relay.port, {"[[relay]]": wrong}).prepare()
                with server:
                    api = server.api()
                    sent = api.send(MESSAGE)
                    wait.until(lambda: api.get("/alerts")["alerts"], "an alert")
                    self.assertEqual(["smtp_failed"], [alert["kind"] for alert in api.get("/alerts")["alerts"]])
                    found = api.get(f"/messages/{sent['id']}")
                    self.assertEqual(("deferred", 1), (found["state"], found["attempts"]))
                server.configure({"[[relay]]": wrong | {"password": LOGIN[1]}})
                with server:
                    server.command("queue", "flush")
                    server.wait_until_empty()
                    found = server.api().get(f"/messages/{sent['id']}")
                    self.assertEqual(("sent", 2), (found["state"], found["attempts"]))
                log = (folder / "postfix" / "maillog").read_text()
                self.assertIn("sasl_username=office", log)


if __name__ == "__main__":
    unittest.main()
