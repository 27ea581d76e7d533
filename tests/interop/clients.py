"""The programs that people send mail with, each as a function that submits one message."""

from __future__ import annotations

import base64
import json
import os
import smtplib
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.interop import material
from tests.lab.postroom import PASSWORD, binary

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Submission:
    """Where mail is handed in, as whom, and a folder for files on the way."""

    port: int
    folder: Path
    user: str = "case"
    password: str = PASSWORD


def run(*line: str | Path, given: bytes = b"", env: dict[str, str] | None = None) -> str:
    """Runs a program and returns what it printed; a failure carries all of it."""
    words = [str(word) for word in line]
    done = subprocess.run(words, input=given, capture_output=True, check=False, timeout=60, env=os.environ | (env or {}))
    printed = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
    if done.returncode != 0:
        raise AssertionError(f"{words[0]}: exit {done.returncode}\n{printed[-3000:]}")
    return printed


def unix(raw: bytes) -> bytes:
    """Returns a message with the line ends of a Unix file, as scripts have it."""
    return raw.replace(b"\r\n", b"\n")


def file(at: Submission, raw: bytes) -> Path:
    """Writes a message to a file for programs that want one."""
    path = at.folder / "message.eml"
    path.write_bytes(raw)
    return path


def swaks(at: Submission, raw: bytes) -> None:
    """swaks with AUTH LOGIN; it stuffs what it reads from a file, and adds the last line end."""
    message = file(at, unix(raw).removesuffix(b"\n"))
    run(
        "swaks", "--server", "127.0.0.1", "--port", str(at.port), "--from", material.SENDER,
        "--to", ",".join(material.EVERYBODY), "--auth", "LOGIN", "--auth-user", at.user,
        "--auth-password", at.password, "--data", f"@{message}",
    )  # fmt: skip


def curl(at: Submission, raw: bytes) -> None:
    """curl's smtp:// with AUTH PLAIN."""
    recipients = [word for address in material.EVERYBODY for word in ("--mail-rcpt", address)]
    run(
        "curl", "--silent", "--show-error", "--fail", f"smtp://127.0.0.1:{at.port}/client.example.test",
        "--user", f"{at.user}:{at.password}", "--login-options", "AUTH=PLAIN", "--mail-from", material.SENDER,
        *recipients, "--upload-file", file(at, raw),
    )  # fmt: skip


def python_smtplib(at: Submission, raw: bytes) -> None:
    """Python's smtplib with AUTH PLAIN and 8BITMIME."""
    with smtplib.SMTP("127.0.0.1", at.port, local_hostname="client.example.test", timeout=30) as client:
        client.login(at.user, at.password)
        refused = client.sendmail(material.SENDER, list(material.EVERYBODY), raw, mail_options=["BODY=8BITMIME"])
    if refused:
        raise AssertionError(f"smtplib: refused {refused}")


def nodemailer(at: Submission, raw: bytes) -> None:
    """nodemailer with the message as it is."""
    job = {
        "host": "127.0.0.1", "port": at.port, "user": at.user, "password": at.password,
        "envelope": {"from": material.SENDER, "to": list(material.EVERYBODY)},
        "raw": base64.b64encode(raw).decode(),
    }  # fmt: skip
    run("node", HERE / "nodemailer.mjs", given=json.dumps(job).encode())


def msmtp(at: Submission, raw: bytes) -> None:
    """msmtp as a sendmail: recipients from the header fields, Bcc removed by msmtp itself."""
    run(
        "msmtp", "--file=/dev/null", "--host=127.0.0.1", f"--port={at.port}", "--auth=plain", "--tls=off",
        f"--user={at.user}", f"--passwordeval=printf %s '{at.password}'", f"--from={material.SENDER}",
        "--read-recipients", given=unix(raw),
    )  # fmt: skip


def postroom_sendmail(at: Submission, raw: bytes) -> None:
    """`postroom sendmail -t -i`, as PHP's mail() and scripts call it."""
    env = {"POSTROOM_SMTP": f"127.0.0.1:{at.port}"}
    run(binary(), "sendmail", "-t", "-i", "-f", material.SENDER, given=unix(raw), env=env)


AS_IT_IS = {
    "swaks": swaks,
    "curl": curl,
    "smtplib": python_smtplib,
    "nodemailer": nodemailer,
    "msmtp": msmtp,
    "postroom sendmail": postroom_sendmail,
}
