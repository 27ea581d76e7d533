"""AUTH for a Postfix of our own: Cyrus SASL with a password file in its folder."""

from __future__ import annotations

import pwd
import shutil
import subprocess
from pathlib import Path


def submission(folder: Path, realm: str, login: tuple[str, str]) -> dict[str, str]:
    """Writes one login for the Postfix in `folder` and returns the settings that make its smtpd ask for AUTH."""
    user, password = login
    # Debian's Postfix reads smtpd.conf from its own configuration folder, whatever cyrus_sasl_config_path says.
    config, passwords = folder / "etc" / "sasl", folder / "sasldb2"
    config.mkdir(parents=True)
    (config / "smtpd.conf").write_text(
        f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\nsasldb_path: {passwords}\n"
    )
    line = ["/usr/sbin/saslpasswd2", "-p", "-c", "-u", realm, "-f", str(passwords), user]
    done = subprocess.run(line, input=password, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"saslpasswd2: {done.stderr.strip()}")
    # smtpd reads it as its own user.
    shutil.chown(passwords, pwd.getpwnam("postfix").pw_uid)
    return {
        "smtpd_sasl_auth_enable": "yes",
        "smtpd_sasl_local_domain": realm,
        "smtpd_sasl_security_options": "noanonymous",
        "smtpd_relay_restrictions": "permit_sasl_authenticated, reject",
    }
