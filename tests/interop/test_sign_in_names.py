"""A name that is one person's login and another's address, as an earlier version took it: shown, and used by nobody."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing

from tests.lab import wait
from tests.lab.cases import ScratchCase
from tests.lab.postroom import PASSWORD, Postroom
from tests.lab.scratch import free_port

TITLE = "Two people have one sign-in name"
CLASH = "case@example.test"


class SignInNames(ScratchCase):
    """The real server over a database with such a name."""

    def signs_in(self, server: Postroom, login: str) -> int:
        """Signs in with the password and returns the status."""
        return server.api().call("POST", "/session", {"login": login, "password": PASSWORD}).status

    def check(self, server: Postroom) -> str:
        """Runs `postroom check`, which finds nothing else wrong."""
        printed = server.command("check")
        self.assertIn("all counts are right", printed)
        return printed

    def test_name_of_two_people_is_shown_until_it_is_decided(self) -> None:
        """An upgrade finds the name; `postroom user change` ends it."""
        server = Postroom(self.folder, free_port()).prepare()
        server.add_user("attacker", "attacker@example.test", "Attacker")
        admin = server.add_user("admin", "admin@example.test", "Administrator", "administrator")
        self.assertNotIn(CLASH, self.check(server))
        with closing(sqlite3.connect(self.folder / "data" / "postroom.db")) as database:
            database.execute("UPDATE user SET login = ? WHERE login = 'attacker'", [CLASH])
            database.commit()
        server.start()
        self.addCleanup(server.kill)
        self.assertIn(f'"{CLASH}" is the login of user 2 and the e-mail address of user 1', self.check(server))
        self.assertEqual(401, self.signs_in(server, CLASH))
        self.assertEqual((200, 200), (self.signs_in(server, "case"), self.signs_in(server, "attacker@example.test")))
        administrator = server.api()
        administrator.key = admin
        wait.until(lambda: TITLE in str(administrator.get("/alerts")), "the alert")
        self.assertNotIn(TITLE, str(server.api().get("/alerts")))
        line = [str(server.program), "user", "rights", CLASH, "super_user", "--config", str(server.config)]
        refused = subprocess.run(line, capture_output=True, text=True, check=False)
        self.assertNotEqual(0, refused.returncode)
        self.assertIn("give the number", refused.stderr)
        server.command("user", "change", "2", "--login", "attacker")
        self.assertNotIn(CLASH, self.check(server))
        self.assertEqual(200, self.signs_in(server, CLASH))
