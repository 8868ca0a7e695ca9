"""What a person may type to find a message, read into the facts the journal is indexed by."""

from __future__ import annotations

import re

import msgspec

# No register counts beyond 18 digits, and SQLite holds no more in a number.
_STORE_TILL_NUMBER = re.compile(
    r"(?P<store>[^-:/\s]+)[-/](?P<till>[^-:/\s]+)[-/](?P<number>[0-9]{1,18})"
)
_NUMBER_AND_EPOCH = re.compile(r"(?P<number>[0-9]{1,18})(?::e(?P<epoch>[0-9]{1,18}))?")
_KEY_PARTS_BEFORE_NUMBER = 3
_REGISTER_KEY = re.compile(
    r"(?P<place>.+):(?P<date>[^:]*):(?P<number>[0-9]{1,18}(?::e[0-9]{1,18})?)", re.DOTALL
)
_COPY = re.compile(r"#(?P<number>[1-9][0-9]{0,17})")
MOST_NAMES = 16
"""Colons in the names of a shop and its till, more than any vendor has ever put there."""


class Search(msgspec.Struct, frozen=True):
    """text as typed; receipt without leading zeros; store, workstation, number when it names one.

    `0003-01-000042` is store 0003, workstation 01, number 42.
    """

    text: str
    receipt: str = ""
    store: str = ""
    workstation: str = ""
    number: int | None = None


def receipt_form(text: str) -> str:
    """Return a receipt number as it is indexed: without leading zeros."""
    return text.strip().lstrip("0")


def number_and_epoch(rest: str) -> tuple[int, int] | None:
    """Read what stands in a natural key after its date: `42` is (42, 0), `42:e1` is (42, 1).

    None where that is no number of a register.
    """
    found = _NUMBER_AND_EPOCH.fullmatch(rest)
    return (int(found["number"]), int(found["epoch"] or 0)) if found else None


class RegisterKey(msgspec.Struct, frozen=True):
    """The natural key of a number of a register, in its parts."""

    store: str
    workstation: str
    business_date: str
    number: int
    register_epoch: int


def register_key(text: str) -> RegisterKey | None:
    """Read `0145:03:2026-11-20:1043` or `...:1043:e1`; None for any other text."""
    *place, rest = text.split(":", _KEY_PARTS_BEFORE_NUMBER)
    number = number_and_epoch(rest)
    if number is None or len(place) != _KEY_PARTS_BEFORE_NUMBER:
        return None
    store, workstation, business_date = place
    return RegisterKey(store, workstation, business_date, *number)


def register_keys(text: str) -> list[RegisterKey]:
    """Return every way to read a natural key of a register: a shop's name may hold a colon."""
    found = _REGISTER_KEY.fullmatch(text)
    number = number_and_epoch(found["number"]) if found else None
    if found is None or number is None:
        return []
    names = found["place"].split(":")[: MOST_NAMES + 1]
    if len(names) > MOST_NAMES:
        return []
    return [
        RegisterKey(":".join(names[:at]), ":".join(names[at:]), found["date"], *number)
        for at in range(1, len(names))
    ]


def copy_number(text: str) -> int:
    """Return the number of a kept copy (`#7`), 0 for any other text."""
    found = _COPY.fullmatch(text.strip())
    return int(found["number"]) if found else 0


def parse_search(text: str) -> Search:
    """Read a search text; anything is allowed, what it cannot be is simply not looked for."""
    typed = text.strip()
    found = _STORE_TILL_NUMBER.fullmatch(typed)
    if found:
        return Search(typed, "", found["store"], found["till"], int(found["number"]))
    return Search(typed, receipt_form(typed))
