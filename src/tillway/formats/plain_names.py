"""Reads JSON objects and learns, in the same go, that nothing below their top needs masking.

Surprising: names are learned from the records themselves. A decoder made for the names seen so far
refuses every other, so what it reads is known to hold no others, at no cost. What it refuses is
read as ever, and may teach it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, NewType

import msgspec

LEVELS = 6
"""So deep may lists and objects stand in one another below the top."""
MOST_NAMES, LONGEST_NAME = 256, 64
MOST_LESSONS = 32
"""So often a decoder is made anew: a sender can make up names without end."""
PATIENCE = 64
"""After so many records in a row that taught nothing no more is tried."""


class PlainNames:
    """Knows the names that objects of one source have below their top and that may stay.

    may_stay says so of a name. What holds a float is never known: its digits show only when it is
    written out.
    """

    def __init__(self, may_stay: Callable[[str], bool]) -> None:
        self._may_stay = may_stay
        self._names: set[str] = set()
        self._lessons = MOST_LESSONS
        self._patience = PATIENCE
        self._decode = _decoder(self._names)

    def read(self, raw: bytes) -> dict[str, Any] | None:
        """Return the object that raw spells, None where more than known plain names are in it."""
        if not self._patience:
            return None
        try:
            value = self._decode(raw)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            self._patience -= 1
            return None
        self._patience = PATIENCE
        return value

    def learn(self, value: dict[str, Any]) -> None:
        """Learn from an object that `read` did not know."""
        if not (self._patience and self._lessons):
            return
        new = {name for inner in value.values() for name in _names_in(inner, LEVELS)} - self._names
        new = {name for name in new if len(name) <= LONGEST_NAME and self._may_stay(name)}
        if new and len(new) + len(self._names) <= MOST_NAMES:
            self._names |= new
            self._lessons -= 1
            self._patience = PATIENCE
            self._decode = _decoder(self._names)


def _decoder(names: set[str]) -> Callable[[bytes], dict[str, Any]]:
    # A type that has a name of its own is compared by it, not by all the types it is made of.
    named: Callable[[str, Any], Any] = NewType
    inner: Any = str | int | bool | None
    if names:
        name: Any = named("Name", Literal[tuple(sorted(names))])
        for _ in range(LEVELS):
            inner = named("Inner", str | int | bool | list[inner] | dict[name, inner] | None)
    return msgspec.json.Decoder(dict[str, inner]).decode


def _names_in(value: Any, levels: int) -> Iterator[str]:
    if not levels:
        return
    if isinstance(value, dict):
        yield from value
        value = value.values()
    elif not isinstance(value, list):
        return
    for inner in value:
        yield from _names_in(inner, levels - 1)
