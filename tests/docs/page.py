"""Finds the commands of a page and what they are to print, and writes them as one script."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^(?P<indent> *)```(?P<words>.*)$")
MARK = "@@postroom-docs"


class BadPage(Exception):
    """A page has a block that the runner does not understand."""


@dataclass
class Block:
    """One ```sh block: where it stands, its commands, whether it is to fail, and what it is to print."""

    line: int
    commands: str
    fails: bool = False
    expected: str | None = None


def blocks(path: Path) -> list[Block]:
    """Returns the ```sh blocks of a page in order; a ```text block that follows one is what it prints."""
    found: list[Block] = []
    lines = path.read_text().splitlines()
    number = 0
    while number < len(lines):
        opening = FENCE.match(lines[number])
        number += 1
        if opening is None:
            continue
        began, words, indent = number, opening["words"].split(), len(opening["indent"])
        body = []
        while number < len(lines) and lines[number].strip() != "```":
            body.append(lines[number][indent:])
            number += 1
        if number == len(lines):
            raise BadPage(f"{path.name}:{began}: the block has no end")
        number += 1
        text = "\n".join(body)
        if words[:1] == ["sh"]:
            if words[1:] not in ([], ["fails"]):
                raise BadPage(f"{path.name}:{began}: ```sh is followed by nothing or by `fails`, not {words[1:]}")
            found.append(Block(began, text, fails=len(words) > 1))
        elif words == ["text"] and found and found[-1].expected is None:
            found[-1].expected = text
    return found


def script(parts: list[Block]) -> str:
    """Writes the blocks as one script of bash, so that a variable set in one is there in the next."""
    lines = ["set -euo pipefail"]
    for number, block in enumerate(parts):
        lines.append(f"echo '{MARK} begin {number}'")
        if block.fails:
            lines += ["set +e", "(", "set -e", block.commands, ")", f"echo '{MARK} status' $?", "set -e"]
        else:
            lines += [block.commands, f"echo '{MARK} status 0'"]
    return "\n".join(lines) + "\n"


@dataclass
class Run:
    """What one block printed, on both streams, and its exit status; None where the script ended inside it."""

    printed: str
    status: int | None


def runs(output: str, count: int) -> list[Run]:
    """Takes a script's output apart again, a run for each block that was begun."""
    found: list[Run] = []
    for line in output.splitlines():
        if line.startswith(f"{MARK} begin"):
            found.append(Run("", None))
        elif line.startswith(f"{MARK} status") and found:
            found[-1].status = int(line.split()[-1])
        elif found:
            found[-1].printed += line + "\n"
    return found[:count]


def fits(expected: str, printed: str) -> bool:
    """Says whether a block printed what its page shows; `…` in a line is any text, a line of `…` any lines."""
    pattern = ""
    for line in expected.strip().splitlines():
        if line.strip() == "…":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += re.escape(line.rstrip()).replace("…", ".*?") + r"[ \t]*\n"
    return re.fullmatch(pattern, printed.strip("\n") + "\n") is not None
