"""The short campaign that CI runs."""

from __future__ import annotations

import random
import unittest

from tests.kill import campaign
from tests.lab.scratch import Scratch


class KillNine(unittest.TestCase):
    """`kill -9` under load."""

    def test_nothing_acknowledged_is_lost_and_every_duplicate_is_recorded_uncertain(self) -> None:
        """Five cycles at random moments; `make soak` runs a hundred."""
        seed = random.randrange(2**32)
        with Scratch("kill") as folder:
            verdict = campaign.run(folder, cycles=5, seed=seed)
            print(f"\n   seed {seed}: {verdict.sentence()}")
            self.assertEqual([], verdict.lost, "acknowledged and lost")
            self.assertEqual([], verdict.unexplained, "came again without an attempt recorded uncertain")
            self.assertEqual([], verdict.unleased, "came again more often than kills found it leased")
            self.assertEqual([], verdict.refused, "the server refused good mail")
            self.assertEqual([], verdict.unseen, "a look with sqlite3 failed")
            self.assertTrue(verdict.good(), verdict.sentence())
            self.assertGreater(verdict.acknowledged, 50, "there was no load to speak of")
            self.assertGreater(verdict.looked, 0, "nobody looked")
            self.assertGreater(verdict.leased, 0, "no kill met a message under way")
