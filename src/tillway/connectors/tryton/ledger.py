"""The moves of one company in Tryton: find by our key, create, post, read.

Surprising: cancelling or reversing a move in Tryton copies it with its description, and our key
with that; such a copy names the move it came from as its origin, and is never taken for ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from tillway.connectors.tryton.moves import REVISION, TAKES_BACK, Move
from tillway.connectors.tryton.session import TrytonSession
from tillway.connectors.tryton.wire import amount
from tillway.errors import NotConnected

MODEL = "model.account.move"
ORIGIN = "account.move,"
NEEDED = {"account.move": ("read", "create", "write"), "account.move.line": ("read", "create")}
"""Model -> what the user that books must be allowed."""
Sums = dict[tuple[int, int], Decimal]
"""(account id, party id or 0) -> what is booked there, debit positive."""
_ZERO = Decimal(0)
_FIELDS = [
    "number",
    "state",
    "description",
    "origin",
    "lines.account",
    "lines.party",
    "lines.debit",
    "lines.credit",
    "lines.description",
]


class BookedLine(msgspec.Struct, frozen=True):
    """A line Tryton holds. amount: debit positive, credit negative; party is an id or 0."""

    account: int
    party: int
    amount: Decimal
    description: str


class Booked(msgspec.Struct, frozen=True):
    """A move Tryton holds. number is "" for a draft. reverses: id of the move it takes back, or 0.

    reverses is 0 for a document of ours.
    """

    id: int
    number: str
    is_posted: bool
    description: str
    reverses: int
    lines: tuple[BookedLine, ...]

    def sums(self) -> Sums:
        """Return what it books on each (account id, party id or 0), zeros left out."""
        sums: Sums = {}
        for line in self.lines:
            place = (line.account, line.party)
            sums[place] = sums.get(place, _ZERO) + line.amount
        return {place: amount for place, amount in sums.items() if amount}

    def reversal(self, values: dict[str, Any], description: str) -> dict[str, Any]:
        """Return the move that takes this one back, on the day and in the journal of values."""
        return {
            **values,
            "description": description,
            "origin": f"{ORIGIN}{self.id}",
            "lines": [["create", self._other_sides("")]],
        }

    def taken_back(self, header: dict[str, Any]) -> dict[str, Any]:
        """Return a document of its own that takes this one back; each line says which it is."""
        lines = self._other_sides(f"{TAKES_BACK}{self.description}")
        return {**header, "lines": [["create", lines]]}

    def _other_sides(self, more: str) -> list[dict[str, Any]]:
        return [
            {
                "account": line.account,
                "party": line.party or None,
                "debit": -line.amount if line.amount < 0 else _ZERO,
                "credit": line.amount if line.amount > 0 else _ZERO,
                "description": f"{line.description}{more}" or None,
            }
            for line in self.lines
        ]


class Ledger:
    """Reads and writes `account.move` of one company."""

    def __init__(self, session: TrytonSession) -> None:
        self._session = session

    async def check_rights(self) -> None:
        """Raise NotConnected TW-4149 when the user may not book moves."""
        rights = await self._session.read("model.ir.model.access.get_access", list(NEEDED))
        lacking = [
            f"{right} {model}"
            for model, wanted in NEEDED.items()
            for right in wanted
            if not rights.get(model, {}).get(right)
        ]
        if lacking:
            raise NotConnected(
                "TW-4149",
                f"{self._session.name} does not let this user {', '.join(lacking)}",
                target=self._session.name,
            )

    async def find(self, moves: Iterable[Move]) -> dict[str, list[Booked]]:
        """Return key -> what Tryton holds under it, oldest first; reversals of it among them."""
        plain, families, keys = [], [], []
        for move in moves:
            keys.append(move.key)
            plain.append(move.key)
            if move.revision is not None:
                families.append(["description", "like", _pattern(move.key)])
        rows = await self._search(["OR", ["description", "in", plain], *families])
        found: dict[str, list[Booked]] = {key: [] for key in keys}
        for booked in rows:
            key = booked.description.partition(REVISION)[0]
            if (place := found.get(booked.description, found.get(key))) is not None:
                place.append(booked)
        return found

    async def named(self, description: str) -> list[Booked]:
        """Return the moves with exactly this description, oldest first."""
        return await self._search(["description", "=", description])

    async def reversed_by(self, moves: Iterable[Move]) -> dict[str, list[Booked]]:
        """Return key -> what Tryton holds under the keys that these moves take back."""
        wanted = sorted({move.reverses for move in moves if move.reverses})
        found: dict[str, list[Booked]] = {key: [] for key in wanted}
        for booked in await self._search(["description", "in", wanted]) if wanted else []:
            found[booked.description].append(booked)
        return found

    async def read(self, ids: Sequence[int]) -> dict[int, Booked]:
        """Return id -> move."""
        return {booked.id: booked for booked in await self._search(["id", "in", list(ids)])}

    async def create(self, values: Sequence[dict[str, Any]]) -> list[int]:
        """Create drafts, all or none, and return their ids in the same order."""
        ids: list[int] = await self._session.write(f"{MODEL}.create", list(values))
        return ids

    async def post(self, ids: Sequence[int]) -> None:
        """Post drafts, all or none."""
        await self._session.write(f"{MODEL}.post", list(ids))

    async def delete(self, ids: Sequence[int]) -> None:
        """Delete drafts, all or none; Tryton refuses to delete what is posted."""
        await self._session.write(f"{MODEL}.delete", list(ids))

    async def _search(self, condition: list[Any]) -> list[Booked]:
        rows = await self._session.read(
            f"{MODEL}.search_read",
            [condition, ["company", "=", self._session.company]],
            0,
            None,
            [["id", "ASC"]],
            _FIELDS,
        )
        return [_booked(row) for row in rows]


def _pattern(key: str) -> str:
    """Return the SQL pattern of every revision of a key."""
    plain = key.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"{plain}{REVISION}%"


def _booked(row: dict[str, Any]) -> Booked:
    origin = row["origin"] or ""
    return Booked(
        id=row["id"],
        number=row["number"] or "",
        is_posted=row["state"] == "posted",
        description=row["description"] or "",
        reverses=int(origin.removeprefix(ORIGIN)) if origin.startswith(ORIGIN) else 0,
        lines=tuple(
            BookedLine(
                account=line["account"],
                party=line["party"] or 0,
                amount=amount(line["debit"]) - amount(line["credit"]),
                description=line["description"] or "",
            )
            for line in row["lines."]
        ),
    )
