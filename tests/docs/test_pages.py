"""Every command of docs/*.md does what its page says. One page alone: python3 -m unittest tests.docs.test_pages.Pages.test_limits"""

from __future__ import annotations

import subprocess
import unittest
from pathlib import Path

from tests.docs import page
from tests.docs.house import House
from tests.lab.scratch import ROOT, Scratch


class Pages(unittest.TestCase):
    """A test for each page with commands; each meets a server of its own."""

    def check(self, path: Path) -> None:
        """Runs a page and compares."""
        blocks = page.blocks(path)
        with Scratch(f"docs-{path.stem}") as folder, House(folder) as house:
            runs = house.run(blocks)
            for block, run in zip(blocks, runs, strict=False):
                place = f"docs/{path.name}:{block.line}"
                self.assertIsNotNone(run.status, f"{place} failed:\n{block.commands}\n--- printed:\n{run.printed}")
                if block.fails:
                    self.assertNotEqual(0, run.status, f"{place} did not fail, as its page says:\n{run.printed}")
                if block.expected is not None:
                    self.assertTrue(
                        page.fits(block.expected, run.printed),
                        f"{place} printed something else:\n{run.printed}\n--- its page says:\n{block.expected}",
                    )
            self.assertEqual(len(blocks), len(runs), f"docs/{path.name}: the page ended early")


def add_pages() -> None:
    """Gives each page with commands a test named after it."""
    for path in sorted((ROOT / "docs").glob("*.md")):
        if page.blocks(path):

            def test(self: Pages, path: Path = path) -> None:
                self.check(path)

            test.__doc__ = f"docs/{path.name}"
            setattr(Pages, f"test_{path.stem.lower().replace('-', '_')}", test)


add_pages()


class Comparing(unittest.TestCase):
    """What a page may leave open."""

    def test_dots_stand_for_text_in_a_line_and_for_lines(self) -> None:
        """… is any text; a line of … is any lines, also none."""
        self.assertTrue(page.fits("id 0…\n…\nend", "id 01k2\nmore\nlines\nend\n"))
        self.assertTrue(page.fits("id 0…\n…\nend", "id 01k2\nend\n"))
        self.assertFalse(page.fits("id 0…\nend", "id 01k2\nmore\nend\n"))
        self.assertFalse(page.fits("a.c", "abc\n"))

    def test_failing_block_lets_the_next_run_and_a_broken_one_ends_the_page(self) -> None:
        """`fails` is for the page, an unexpected failure is not."""
        blocks = [page.Block(1, "exit 3", fails=True), page.Block(2, "x=1"), page.Block(3, "echo $x; false"), page.Block(4, "true")]
        done = subprocess.run(["bash", "-c", page.script(blocks)], stdout=subprocess.PIPE, text=True, check=False)
        runs = page.runs(done.stdout, len(blocks))
        self.assertEqual([3, 0, None], [run.status for run in runs])
        self.assertEqual("1\n", runs[2].printed)


if __name__ == "__main__":
    unittest.main()
