"""Libraries that run before the program does."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.lab import preload
from tests.lab.cases import ScratchCase
from tests.lab.postroom import binary

SOURCE = Path(preload.__file__).with_name("frees_null.c")


class Preload(ScratchCase):
    """The real binary with a library that is loaded before it."""

    def test_library_that_frees_null_first(self) -> None:
        """The allocator is ready before any library's constructor runs."""
        environment = {**os.environ, "LD_PRELOAD": str(preload.library(SOURCE, self.folder))}
        answer = subprocess.run([binary(), "--version"], env=environment, capture_output=True, text=True, check=False)
        self.assertEqual(0, answer.returncode, answer.stderr)
        self.assertTrue(answer.stdout.startswith("postroom "), answer.stdout)
