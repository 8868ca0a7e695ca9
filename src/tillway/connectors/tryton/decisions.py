"""Decides what one document needs, from what Tryton already holds under its key.

Surprising: a posted move is never changed. A higher revision takes the booked one back and books
anew; both moves are made in one call and posted in one call, so there is never half of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from tillway.connect.kit import Delivered
from tillway.connectors.tryton.ledger import Booked
from tillway.connectors.tryton.moves import REVERSAL, Move, revision_of
from tillway.errors import Permanent


class Work(msgspec.Struct):
    """What is left to do for one document: create these moves, then post them and the drafts.

    ids: what is to be posted; the last one is the document itself, the one whose number counts.
    made: ids that this very call created.
    """

    create: list[dict[str, Any]]
    ids: list[int]
    made: list[int]


def decided(
    move: Move,
    values: dict[str, Any],
    sums: dict[tuple[int, int], Decimal],
    booked: Sequence[Booked],
) -> Delivered | Work:
    """Return Delivered when it is booked already, else the work that is left.

    values and sums: the move as `create` takes it, and what it books on each account. Raises
    Permanent TW-4160 (booked otherwise and no revision says which is right) or TW-4161 (a draft
    under this key books something else).
    """
    drafts = [one for one in booked if not one.is_posted]
    own = {REVERSAL: move.description + REVERSAL, "": move.description}
    resumed = [one for name in own.values() for one in drafts if one.description == name]
    current, wanted = _current(move.key, booked), move.revision or 0
    if current is not None:
        revision = revision_of(current.description, move.key) or 0
        if current.sums() == sums or revision > wanted:
            return Delivered(current.number, repeated=True)
        if revision == wanted:
            raise Permanent(
                "TW-4160",
                f"move {current.number} is booked under this key with other lines",
                path="lines",
                key=move.key,
            )
    if resumed:
        return _resume(move, sums, resumed)
    if current is None:
        return Work([values], [], [])
    reversal = current.reversal(values, move.description + REVERSAL)
    return Work([reversal, values], [], [])


def original(move: Move, booked: Sequence[Booked]) -> Booked:
    """Return the posted move that this one takes back, of what is booked under its key.

    Raises Permanent TW-4162 (no posted move has that key) or TW-4163 (somebody took it back).
    """
    posted = [one for one in booked if one.is_posted]
    found = next((one for one in posted if not one.reverses), None)
    if found is None:
        raise Permanent(
            "TW-4162",
            f"there is no posted move with the key {move.reverses} to take back",
            path="reverses",
            key=move.key,
        )
    for one in posted:
        if one.reverses == found.id:
            raise Permanent(
                "TW-4163",
                f"move {one.number} took move {found.number} back already",
                path="reverses",
                key=move.key,
            )
    return found


def _current(key: str, booked: Sequence[Booked]) -> Booked | None:
    """Return the posted move that counts: the highest revision, the oldest of several copies."""
    counting = [
        (revision, -one.id, one)
        for one in booked
        if one.is_posted
        and not one.reverses
        and (revision := revision_of(one.description, key)) is not None
    ]
    return max(counting)[2] if counting else None


def _resume(move: Move, sums: dict[tuple[int, int], Decimal], drafts: list[Booked]) -> Work:
    """Post what an earlier call created and did not come to post."""
    document = next((one for one in drafts if one.description == move.description), None)
    if document is None or document.sums() != sums or document.reverses:
        raise Permanent(
            "TW-4161",
            f"a draft with the key {move.description} books something else than the document",
            path="lines",
            key=move.key,
        )
    reversals = [one.id for one in drafts if one.reverses]
    return Work([], [*reversals[:1], document.id], [])
