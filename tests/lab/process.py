"""A process that listens on a loopback port: started, waited for, and ended."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.lab import wait


class Listening:
    """One program beside the test, with what it prints in a file; begun anew at each start."""

    def __init__(self, line: list[str], port: int, output: Path) -> None:
        self.line = line
        self.port = port
        self.output = output
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it and waits until it accepts connections."""
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(self.line, stdout=output, stderr=output)
        wait.until_listening(self.port)

    def stop(self) -> None:
        """Ends it and waits for its end."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None
