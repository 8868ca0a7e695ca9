"""What is wrong with the quarantined copies of a problem: field, value, what would be right.

Values are shown as they were stored, that is already masked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from tillway.journal.queries import InvalidRow
from tillway.observe import MessageReader

READ_COPIES = 20
SHOWN_BREACHES = 20
_PLACES = re.compile(r"\[\d+\]")


class Breach(msgspec.Struct, frozen=True):
    """One broken rule; path has no indices, so that two lines with one cause are told once."""

    path: str = ""
    rule: str = ""
    value: str = ""
    expected: str = ""


async def breaches_of(reader: MessageReader, invalid_ids: Iterable[int]) -> list[Breach]:
    """Return the distinct breaches of the oldest copies, at most SHOWN_BREACHES."""
    found: dict[Breach, None] = {}
    for number in list(invalid_ids)[:READ_COPIES]:
        for row in await reader.invalid(limit=1, after=number - 1, with_raw=False):
            found.update(dict.fromkeys(_stored(row)))
    return list(found)[:SHOWN_BREACHES]


def _stored(row: InvalidRow) -> list[Breach]:
    try:
        breaches = msgspec.json.decode(row.violations, type=list[Breach])
    except msgspec.DecodeError:
        return []
    return [msgspec.structs.replace(one, path=_PLACES.sub("", one.path)) for one in breaches]
