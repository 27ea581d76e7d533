"""The tables and the results file."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

from bench import report, versions
from bench.relay import Arrivals


class Results(unittest.TestCase):
    """Sections of the results file."""

    def test_section_is_replaced_and_the_others_stay(self) -> None:
        """A second run of one command leaves the other's section alone."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "RESULTS.md")
            report.replace_section(file, "one", "first")
            report.replace_section(file, "two", "kept\n\n### deeper\n")
            report.replace_section(file, "one", "second")
            text = file.read_text()
        self.assertEqual("# Results\n\n## one\n\nsecond\n\n## two\n\nkept\n\n### deeper\n", text)


class Ratios(unittest.TestCase):
    """What the table says about who is better."""

    def test_ratio_says_better_whichever_way_the_measure_points(self) -> None:
        """More messages a second and fewer milliseconds are both better."""
        row = {"Postroom": [400.0, 500.0, 600.0], "Postfix default": [100.0]}
        self.assertEqual("5.0 ×", report.ratio(row, "Postfix default", more_is_better=True))
        self.assertEqual("0.2 ×", report.ratio(row, "Postfix default", more_is_better=False))
        self.assertEqual("–", report.ratio(row, "Postfix tuned", more_is_better=True))

    def test_cell_shows_median_and_range(self) -> None:
        """One value has no range."""
        self.assertEqual("**2.00** (1.00–30.0)", report.cell([30.0, 1.0, 2.0]))
        self.assertEqual("**1,234**", report.cell([1234.0]))

    def test_rate_of_a_drain_leaves_out_what_had_arrived_at_the_first_look(self) -> None:
        """Or a late first look would flatter."""
        self.assertEqual(90.0, Arrivals(first_at=1.0, first_count=10, last_at=2.0, count=100).rate())


class Versions(unittest.TestCase):
    """Two builds side by side."""

    def test_ratio_of_a_pair_is_above_one_where_the_new_build_is_better(self) -> None:
        """More messages a second and less processor time are both better."""
        old = {"accept (messages/s)": 100.0, "server CPU per message (ms)": 0.2}
        new = {"accept (messages/s)": 110.0, "server CPU per message (ms)": 0.25}
        text = versions.table([(old, new)])
        self.assertIn("| accept (messages/s) | 100.00 | 110.00 | **1.100** |", text)
        self.assertIn("| server CPU per message (ms) | 0.20 | 0.25 | **0.800** |", text)
