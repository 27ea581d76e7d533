"""The long campaign: `python3 -m tests.kill --cycles 100 [--seed N]`."""

from __future__ import annotations

import argparse
import random
import sys

from tests.kill import campaign
from tests.lab.scratch import Scratch


def main() -> int:
    """Runs the campaign, prints what it found and returns the exit status."""
    words = argparse.ArgumentParser(prog="python3 -m tests.kill", description=__doc__)
    words.add_argument("--cycles", type=int, default=100)
    words.add_argument("--seed", type=int, default=random.randrange(2**32))
    given = words.parse_args()
    print(f"Killing the server {given.cycles} times under load, seed {given.seed}", flush=True)
    scratch = Scratch("soak")
    verdict = campaign.run(scratch.path, given.cycles, given.seed, lambda line: print(f"   {line}", flush=True))
    print(verdict.sentence())
    if verdict.good():
        scratch.remove()
        return 0
    for title, items in (
        ("lost", verdict.lost),
        ("unexplained", verdict.unexplained),
        ("unleased", verdict.unleased),
        ("refused", verdict.refused),
        ("look failed", verdict.unseen),
    ):
        for item in items[:20]:
            print(f"   {title}: {item}")
    print(f"   kept {scratch.path}; the same again: --seed {given.seed}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
