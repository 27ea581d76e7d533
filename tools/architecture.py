"""Checks that the crates depend on each other in one direction only, as DESIGN's table of rooms says.

Reads `cargo metadata`; prints every dependency that the table forbids and exits 1 if there is one. A crate that
the table does not know is an error too, so that a new room is placed on purpose.
"""

from __future__ import annotations

import json
import subprocess
import sys

# room -> what it may use, at run time and in its tests (besides testkit, which every test may use)
MAY_USE: dict[str, frozenset[str]] = {
    "postroom-allocator": frozenset(),
    "postroom-domain": frozenset(),
    "postroom-smtp": frozenset(),
    "postroom-store": frozenset({"postroom-domain"}),
    "postroom-engine": frozenset({"postroom-domain", "postroom-smtp", "postroom-store"}),
    "postroom-office": frozenset({"postroom-domain", "postroom-smtp", "postroom-store", "postroom-engine"}),
    "postroom-testkit": frozenset({"postroom-domain", "postroom-smtp", "postroom-store"}),
    "postroom-simulator": frozenset(
        {"postroom-domain", "postroom-smtp", "postroom-store", "postroom-engine", "postroom-office"}
    ),
    "postroom": frozenset(
        {
            "postroom-allocator",
            "postroom-domain",
            "postroom-smtp",
            "postroom-store",
            "postroom-engine",
            "postroom-office",
        }
    ),
}
# What the pure rooms must not pull in: a domain that can do I/O stops being testable by moving a clock.
PURE = {"postroom-domain": frozenset({"tokio", "rusqlite", "axum", "hyper", "reqwest"})}


def violations(metadata: dict) -> list[str]:
    """Returns one sentence for each dependency that the table forbids."""
    found = []
    for package in metadata["packages"]:
        name = package["name"]
        if name not in MAY_USE:
            found.append(f"{name} is not in the table of tools/architecture.py: say what it may use")
            continue
        for dependency in package["dependencies"]:
            target, kind = dependency["name"], dependency["kind"] or "normal"
            ours = target in MAY_USE
            testing = kind == "dev" and target == "postroom-testkit"
            if ours and target not in MAY_USE[name] and not testing:
                found.append(f"{name} must not use {target} ({kind} dependency)")
            if target in PURE.get(name, frozenset()) and kind == "normal":
                found.append(f"{name} is pure and must not use {target}")
    return found


def main() -> int:
    """Runs the check and returns the exit status."""
    output = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--no-deps"], check=True, capture_output=True
    ).stdout
    metadata = json.loads(output)
    found = violations(metadata)
    for sentence in found:
        print(f"   {sentence}")
    if not found:
        print(f"   {len(metadata['packages'])} crates, all in the allowed direction")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
