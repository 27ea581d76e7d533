"""Test cases with a scratch folder, which stays where the test failed, and with a sink to deliver to."""

from __future__ import annotations

import sys
import unittest

from tests.lab.postroom import LogSink
from tests.lab.scratch import Scratch, free_port


class ScratchCase(unittest.TestCase):
    """Has `folder`, which is removed after the cleanups of a test that passed."""

    def run(self, result: unittest.TestResult | None = None) -> unittest.TestResult | None:
        """Runs the test, and says where its folder is if it failed."""
        result = self.defaultTestResult() if result is None else result
        self.scratch: Scratch | None = None
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if self.scratch is not None:
            if len(result.failures) + len(result.errors) == before:
                self.scratch.remove()
            else:
                print(f"   kept {self.scratch.path}", file=sys.stderr)
        return result

    def setUp(self) -> None:
        self.scratch = Scratch(type(self).__name__.lower())
        self.folder = self.scratch.path


class SinkCase(ScratchCase):
    """Has `sink` besides, which accepts everything."""

    def setUp(self) -> None:
        super().setUp()
        self.sink = LogSink(self.folder, free_port()).start()
        self.addCleanup(self.sink.stop)
