"""Two payloads side by side, line by line: what only one of them has, and what changed."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Literal

import msgspec

MOST_LINES = 2_000
"""Longer payloads are compared up to here: a comparison of more would hold the hub up."""
Kind = Literal["same", "changed", "left", "right"]


class Pair(msgspec.Struct, frozen=True):
    """One line of each side; "" where that side has none. kind: same, changed, left or right."""

    kind: Kind
    left: str
    right: str


def side_by_side(left: str, right: str) -> list[Pair]:
    """Return both texts as pairs of lines."""
    before, after = left.splitlines()[:MOST_LINES], right.splitlines()[:MOST_LINES]
    pairs: list[Pair] = []
    matcher = SequenceMatcher(None, before, after, autojunk=True)
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind == "equal":
            pairs += [Pair("same", line, line) for line in before[i1:i2]]
            continue
        for place in range(max(i2 - i1, j2 - j1)):
            one = before[i1 + place] if i1 + place < i2 else ""
            other = after[j1 + place] if j1 + place < j2 else ""
            both = i1 + place < i2 and j1 + place < j2
            told: Kind = "changed" if both else "left" if i1 + place < i2 else "right"
            pairs.append(Pair(told, one, other))
    return pairs
