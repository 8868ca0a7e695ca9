"""Which numbers of a register are missing (invariant f), as pure arithmetic over what was seen.

Gaps are ranges, never lists: one mistyped number must not make a million missing ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

_WRAP = re.compile(r"wrap_at_([1-9][0-9]{0,17})")


class ResetPolicy(msgspec.Struct, frozen=True):
    """When a counter starts again: every day, never, or after reaching wrap_at.

    first: the number it starts again with.
    """

    kind: Literal["daily", "never", "wrap"] = "never"
    wrap_at: int = 0
    first: int = 1


NEVER = ResetPolicy("never")
DAILY = ResetPolicy("daily")


class Gap(msgspec.Struct, frozen=True):
    """Missing numbers from first to last, both of them missing."""

    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first + 1


def reset_policy(text: str) -> ResetPolicy:
    """Return the policy written as `daily`, `never` or `wrap_at_9999`; ValueError otherwise."""
    if text == "daily":
        return DAILY
    if text == "never":
        return NEVER
    match = _WRAP.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no reset policy: write daily, never or wrap_at_9999")
    return ResetPolicy("wrap", int(match[1]))


def next_number(number: int, policy: ResetPolicy = NEVER, *, new_day: bool = False) -> int:
    """Return the number the register gives after this one."""
    if new_day and policy.kind == "daily":
        return policy.first
    if policy.kind == "wrap" and number >= policy.wrap_at:
        return policy.first
    return number + 1


def gaps(first: int, last: int, seen: Iterable[int], policy: ResetPolicy = NEVER) -> list[Gap]:
    """Return the gaps between first and last, both of which are expected, in counting order.

    A last below first means the counter wrapped in between, if the policy lets it; for the other
    policies there is nothing between them. Numbers outside the span are no business of this span.
    """
    known = set(seen)
    if last >= first:
        return _gaps_between(first, last, known)
    if policy.kind != "wrap":
        return []
    before = _gaps_between(first, policy.wrap_at, known)
    return before + _gaps_between(policy.first, last, known)


def missing_numbers(
    first: int, last: int, seen: Iterable[int], policy: ResetPolicy = NEVER
) -> Iterator[int]:
    """Give each missing number of the same span, one by one and without keeping them."""
    for gap in gaps(first, last, seen, policy):
        yield from range(gap.first, gap.last + 1)


def _gaps_between(first: int, last: int, known: set[int]) -> list[Gap]:
    found: list[Gap] = []
    expected = first
    for number in sorted(number for number in known if first <= number <= last):
        if number > expected:
            found.append(Gap(expected, number - 1))
        expected = number + 1
    if expected <= last:
        found.append(Gap(expected, last))
    return found
