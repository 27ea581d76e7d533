"""Libraries that a server under test starts with (ld.so(8), LD_PRELOAD), made from C."""

from __future__ import annotations

import subprocess
from pathlib import Path


def library(source: Path, folder: Path) -> Path:
    """Compiles a source file and returns the library's path in `folder`."""
    made = folder / f"{source.stem}.so"
    if not made.exists():
        command = ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(made), str(source)]
        subprocess.run(command, check=True)
    return made
