"""A Postfix instance of our own: its own configuration, queue and port in a scratch folder.

Postfix's master needs root. Nothing of the machine's own Postfix configuration is read or changed.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.lab import wait
from tests.lab.scratch import free_port

SBIN = "/usr/sbin"

# The services of Debian's master.cf that this needs, none of them in a chroot, with the default process limit (-).
MASTER_CF = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix  n - n 60    1 pickup
cleanup   unix  n - n -     0 cleanup
qmgr      unix  n - n 300   1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
tlsproxy  unix  - - n -     0 tlsproxy
rewrite   unix  - - n -     - trivial-rewrite
bounce    unix  - - n -     0 bounce
defer     unix  - - n -     0 bounce
trace     unix  - - n -     0 bounce
verify    unix  - - n -     1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n -     - proxymap
proxywrite unix - - n -     1 proxymap
smtp      unix  - - n -     - smtp
relay     unix  - - n -     - smtp
showq     unix  n - n -     - showq
error     unix  - - n -     - error
retry     unix  - - n -     - error
discard   unix  - - n -     - discard
virtual   unix  - n n -     - virtual
anvil     unix  - - n -     1 anvil
scache    unix  - - n -     1 scache
postlog   unix-dgram n - n - 1 postlogd
"""

BASE: dict[str, str] = {
    "compatibility_level": "3.7",
    "inet_interfaces": "127.0.0.1",
    "inet_protocols": "ipv4",
    "myhostname": "postfix.example.test",
    "mydestination": "",
    "mynetworks": "127.0.0.0/8",
    "alias_maps": "",
    "alias_database": "",
    "smtp_dns_support_level": "disabled",
    "smtp_host_lookup": "native",
    # Nothing here is for anybody else's eyes, and a lookup of local people would only slow it.
    "local_recipient_maps": "",
}


def missing() -> str | None:
    """Says what keeps Postfix from running here, or None."""
    if not Path(SBIN, "postfix").exists():
        return "Postfix is not installed (tools/setup test)"
    if os.geteuid() != 0:
        return "Postfix's master process needs root"
    return None


class Postfix:
    """One instance: `start`, `stop`, and what it holds."""

    def __init__(self, folder: Path, settings: Mapping[str, str], log: bool = False) -> None:
        """Writes the configuration into `folder`; `settings` override the defaults, and no other file is read.

        `log` writes `folder/maillog`, which costs time: off in benchmarks, as with no syslog daemon.
        """
        self.port = free_port()
        self.folder = folder
        self.config = folder / "etc"
        self.queue = folder / "spool"
        self.data = folder / "data"
        self.config.mkdir(parents=True, exist_ok=True)
        self.queue.mkdir()
        self.data.mkdir()
        shutil.chown(self.data, "postfix", "postfix")
        self.settings = BASE | {"queue_directory": str(self.queue), "data_directory": str(self.data)}
        if log:
            self.settings |= {"maillog_file": str(folder / "maillog"), "maillog_file_prefixes": str(folder)}
        self.settings |= settings
        self.configure({})
        (self.config / "master.cf").write_text(MASTER_CF.format(port=self.port))

    def configure(self, changes: Mapping[str, str]) -> None:
        """Changes settings; they hold from the next start."""
        self.settings |= changes
        lines = [f"{name} = {value}\n" for name, value in self.settings.items()]
        (self.config / "main.cf").write_text("".join(lines))

    def without_queue_manager(self, off: bool) -> None:
        """Takes the queue manager out of master.cf or puts it back: without it mail comes in and waits."""
        text = MASTER_CF.format(port=self.port)
        (self.config / "master.cf").write_text(text.replace("\nqmgr ", "\n#qmgr ") if off else text)

    def run(self, *words: str) -> str:
        """Runs one of Postfix's commands on this instance and returns what it printed."""
        command = [str(Path(SBIN, words[0])), "-c", str(self.config), *words[1:]]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def start(self) -> None:
        """Starts the instance and waits until it accepts connections."""
        self.run("postfix", "start")
        wait.until_listening(self.port)

    def stop(self) -> None:
        """Stops the instance and waits until its processes are gone."""
        master = self.master()
        self.run("postfix", "stop")
        if master is not None:
            wait.until(lambda: not Path(f"/proc/{master}").exists(), "Postfix to stop")

    def master(self) -> int | None:
        """Returns the master process's id while it runs."""
        try:
            pid = int((self.queue / "pid" / "master.pid").read_text())
        except (FileNotFoundError, ValueError):
            return None
        return pid if Path(f"/proc/{pid}").exists() else None

    def waiting(self) -> int:
        """Counts the messages in its queue, wherever they are in it."""
        folders = ("maildrop", "incoming", "active", "deferred", "hold")
        return sum(len(files) for name in folders for _, _, files in os.walk(self.queue / name))

    def __enter__(self) -> Postfix:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def mailbox_settings(folder: Path, people: Iterable[str]) -> dict[str, str]:
    """Settings that deliver mail for these local parts at example.test into `folder/mail/LOCALPART/` as `nobody`."""
    mail = folder / "mail"
    mail.mkdir(parents=True)
    nobody = pwd.getpwnam("nobody")
    os.chown(mail, nobody.pw_uid, nobody.pw_gid)
    table = folder / "mailboxes"
    table.write_text("".join(f"{person}@example.test {person}/\n" for person in people))
    return {
        "virtual_mailbox_domains": "example.test",
        "virtual_mailbox_base": str(mail),
        "virtual_mailbox_maps": f"texthash:{table}",
        "virtual_uid_maps": f"static:{nobody.pw_uid}",
        "virtual_gid_maps": f"static:{nobody.pw_gid}",
        "virtual_mailbox_limit": "0",
        "virtual_transport": "virtual",
        "message_size_limit": "52428800",
    }


def wait_for_mail(folder: Path, mailbox: str, count: int, seconds: float = 30.0) -> list[bytes]:
    """Waits until a mailbox of `mailbox_settings` holds `count` messages and returns them, oldest first."""
    new = folder / "mail" / mailbox / "new"

    def files() -> list[Path]:
        return sorted(new.iterdir(), key=lambda file: file.stat().st_mtime_ns) if new.is_dir() else []

    wait.until(lambda: len(files()) >= count, f"{count} messages in {mailbox}'s mailbox", seconds)
    return [file.read_bytes() for file in files()]


def version() -> str:
    """Returns Postfix's version, for reports."""
    out = subprocess.run([f"{SBIN}/postconf", "-dh", "mail_version"], capture_output=True, text=True, check=False)
    return out.stdout.strip() or "unknown"
