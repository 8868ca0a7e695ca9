"""Reads the fenced blocks of a page and compares an output with what the page shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
PROMPT = "$ "
_BLOCK = re.compile(r"^```(\w+)[ ]*(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: about is what stands behind the language, such as a file name."""

    language: str
    about: str
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a console block and the output the page shows for it ("" for none)."""

    command: str
    shown: str


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page in reading order."""
    return [Block(*found) for found in _BLOCK.findall(page.read_text("utf-8"))]


def steps(block: Block) -> Iterator[Step]:
    """Yield the commands of a console block; a comment behind a command is left out."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield Step(re.sub(r"\s{2,}#.*", "", command), shown)


def matches(shown: str, printed: str) -> bool:
    """Say whether an output is what the page shows: `...` is anything, white space counts once."""
    parts = [re.escape(" ".join(part.split())) for part in shown.split("...")]
    pattern = r"\s*.*?\s*".join(parts)
    return re.fullmatch(pattern, " ".join(printed.split()), re.DOTALL) is not None
