"""A certificate authority of our own and a certificate of it for loopback, made by openssl."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    """PEM files."""

    authority: Path
    chain: Path
    key: Path


def make(folder: Path) -> Certificate:
    """Writes an authority, and a certificate for 127.0.0.1 and localhost with its key, into `folder`."""
    authority, authority_key = folder / "ca.pem", folder / "ca-key.pem"
    chain, key, request, extensions = (folder / name for name in ("chain.pem", "key.pem", "request.pem", "extensions"))
    extensions.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=CA:FALSE\n")
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl(
        "req", "-x509", *new_key, "-days", "2", "-subj", "/CN=Authority of example.test",
        "-keyout", str(authority_key), "-out", str(authority),
    )  # fmt: skip
    openssl("req", *new_key, "-subj", "/CN=localhost", "-keyout", str(key), "-out", str(request))
    openssl(
        "x509", "-req", "-in", str(request), "-CA", str(authority), "-CAkey", str(authority_key), "-CAcreateserial",
        "-days", "2", "-extfile", str(extensions), "-out", str(chain),
    )  # fmt: skip
    return Certificate(authority, chain, key)


def openssl(*words: str) -> None:
    """Runs openssl; what it said is in the error where it fails."""
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {words[0]}: {done.stderr.strip()}")
