"""What a person may type to find a message, read into the facts the journal is indexed by."""

from __future__ import annotations

import re
from dataclasses import dataclass

_STORE_TILL_NUMBER = re.compile(r"(?P<store>[^-:/\s]+)[-/](?P<till>[^-:/\s]+)[-/](?P<number>\d+)")


@dataclass(frozen=True, slots=True)
class Search:
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


def parse_search(text: str) -> Search:
    """Read a search text; anything is allowed, what it cannot be is simply not looked for."""
    typed = text.strip()
    found = _STORE_TILL_NUMBER.fullmatch(typed)
    if found:
        return Search(typed, "", found["store"], found["till"], int(found["number"]))
    return Search(typed, receipt_form(typed))
