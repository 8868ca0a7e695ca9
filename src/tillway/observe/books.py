"""Checks that the books of the hub balance (guarantees section 2), in count and in money.

Two equations hold per message type and currency: what was received has exactly one outcome, and
what was accepted has exactly one fate on every route. Kept totals must equal the stored rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from tillway.journal.queries import JournalQueries, RouteTotals, Total
from tillway.observe.amounts import amount_of, is_internal, states_money

OUTCOMES = ("accepted", "duplicate", "conflict", "quarantined", "refused")
FATES = ("delivered", "filtered", "pending", "held", "in_doubt", "dead", "abandoned")
STORED_OUTCOMES = OUTCOMES[:-1]


class Figures(msgspec.Struct, frozen=True):
    """Count and money of one cell. unknown counts messages whose amount is not known."""

    count: int = 0
    amount_minor: int = 0
    unknown: int = 0

    def plus(self, other: Figures) -> Figures:
        """Return the sum of two cells."""
        return Figures(
            self.count + other.count,
            self.amount_minor + other.amount_minor,
            self.unknown + other.unknown,
        )

    def minus(self, other: Figures) -> Figures:
        """Return the difference of two cells."""
        return self.plus(Figures(-other.count, -other.amount_minor, -other.unknown))


NOTHING = Figures()


class BooksRow(msgspec.Struct, frozen=True):
    """One message type and currency: whole must equal the sum of parts."""

    message_type: str
    currency: str
    whole: Figures
    parts: dict[str, Figures]

    @property
    def difference(self) -> Figures:
        """Return whole less the parts."""
        left = self.whole
        for part in self.parts.values():
            left = left.minus(part)
        return left

    @property
    def balanced(self) -> bool:
        """Say whether nothing is left over, in count, in money and in unknown amounts."""
        return self.difference == NOTHING

    @property
    def states_money(self) -> bool:
        """Say whether its messages stand for money in a known currency."""
        return bool(self.currency) and states_money(self.message_type)

    def amount(self, figures: Figures) -> Decimal:
        """Return the money of one of its cells as a decimal."""
        return amount_of(figures.amount_minor, self.currency)


class Equation(msgspec.Struct, frozen=True):
    """A named equation with a row per message type and currency; whole names its left side."""

    name: str
    whole: str
    rows: list[BooksRow]

    @property
    def balanced(self) -> bool:
        """Say whether every row balances."""
        return all(row.balanced for row in self.rows)

    @property
    def total(self) -> int:
        """Return the count of the left side over all rows."""
        return sum(row.whole.count for row in self.rows)

    def part_count(self, part: str) -> int:
        """Return the count of one part over all rows."""
        return sum(row.parts.get(part, NOTHING).count for row in self.rows)


class Books(msgspec.Struct, frozen=True):
    """The result of `verify`. unrouted lists accepted message types that no route carries."""

    equations: list[Equation]
    unrouted: list[Total] = msgspec.field(default_factory=list)

    @property
    def balanced(self) -> bool:
        """Say whether every equation balances; what no route carries is shown, not wrong."""
        return all(equation.balanced for equation in self.equations)


async def verify(
    queries: JournalQueries, carried: Mapping[str, frozenset[str]] | None = None
) -> Books:
    """Check both equations and the kept totals.

    carried: route -> message types, to show what no route carries. Each equation is read at one
    moment, so a hub that works meanwhile does not disturb it.
    """
    totals = await queries.intake_totals()
    outcomes = totals.outcomes
    equations = [
        _equation("received", "received", totals.received, outcomes, OUTCOMES),
        _kept_and_stored(outcomes, totals.stored),
        *_block_equation(totals.blocks),
    ]
    for route in await queries.routes():
        equations += _route_equations(await queries.route_totals(route))
    return Books(equations, _unrouted(outcomes, carried))


def books_as_json(books: Books) -> dict[str, object]:
    """Return the result as plain values: amounts as decimals, differences spelled out."""
    return {
        "balanced": books.balanced,
        "equations": [_equation_as_json(equation) for equation in books.equations],
        "unrouted": [
            {"message_type": total.message_type, "currency": total.currency, "count": total.count}
            for total in books.unrouted
        ],
    }


def _kept_and_stored(outcomes: list[Total], stored: list[Total]) -> Equation:
    """Compare what was counted while storing with what stands in the rows; refused has no rows."""
    kept = [total for total in outcomes if total.group in STORED_OUTCOMES]
    return _equation("stored rows", "kept totals", kept, stored, STORED_OUTCOMES)


def _block_equation(blocks: list[Total]) -> list[Equation]:
    """Compare the totals of whole blocks with their messages; a small journal has none."""
    told = [one for one in blocks if one.group == "told"]
    kept = [one for one in blocks if one.group == "kept"]
    return [_equation("whole blocks", "told", told, kept, ("kept",))] if blocks else []


def _route_equations(totals: RouteTotals) -> Sequence[Equation]:
    fates = [
        *((_fate(total.group), total) for total in totals.rows),
        *(("filtered", total) for total in totals.filtered),
        *(("pending", total) for total in totals.pending),
    ]
    parts = [
        Total(fate, one.message_type, one.currency, one.count, one.amount_minor, one.unknown)
        for fate, one in fates
    ]
    name = f"route {totals.route}"
    # The checksum keeps no unknown amounts, so they are left out on both sides.
    filtered = [
        Total("filtered", one.message_type, one.currency, one.count, one.amount_minor)
        for one in totals.filtered
    ]
    kept = [
        Total("kept", one.message_type, one.currency, one.count, one.amount_minor)
        for one in totals.filtered_kept
    ]
    return (
        _equation(name, "accepted", totals.accepted, parts, FATES),
        _equation(f"{name} filtered", "filtered", filtered, kept, ("kept",)),
        *_settled_equations(name, totals),
    )


def _settled_equations(name: str, totals: RouteTotals) -> Iterable[Equation]:
    """Compare the rows of each state with the book that was kept while settling."""
    states = sorted({one.group for one in (*totals.rows, *totals.settled_kept)})
    for state in states:
        rows = [one for one in totals.rows if one.group == state]
        kept = [
            Total("kept", one.message_type, one.currency, one.count, one.amount_minor, one.unknown)
            for one in totals.settled_kept
            if one.group == state
        ]
        yield _equation(f"{name} {state}", state, rows, kept, ("kept",))


def _fate(state: str) -> str:
    """Return a ledger state as the books name it: what is being sent counts as pending."""
    return "pending" if state == "sending" else state


def _equation(
    name: str, whole: str, left: Iterable[Total], right: Iterable[Total], parts: Sequence[str]
) -> Equation:
    wholes: dict[tuple[str, str], Figures] = {}
    for total in left:
        key = (total.message_type, total.currency)
        wholes[key] = wholes.get(key, NOTHING).plus(_figures(total))
    cells: dict[tuple[str, str], dict[str, Figures]] = {key: {} for key in wholes}
    for total in right:
        row = cells.setdefault((total.message_type, total.currency), {})
        row[total.group] = row.get(total.group, NOTHING).plus(_figures(total))
    order = {part: place for place, part in enumerate(parts)}
    rows = [
        BooksRow(*key, wholes.get(key, NOTHING), dict(sorted(row.items(), key=_place(order))))
        for key, row in sorted(cells.items())
    ]
    return Equation(name, whole, rows)


def _place(order: Mapping[str, int]) -> Callable[[tuple[str, Figures]], int]:
    return lambda item: order.get(item[0], len(order))


def _figures(total: Total) -> Figures:
    return Figures(total.count, total.amount_minor, total.unknown)


def _unrouted(
    outcomes: Iterable[Total], carried: Mapping[str, frozenset[str]] | None
) -> list[Total]:
    if carried is None:
        return []
    known = frozenset[str]().union(*carried.values())
    return [
        one
        for one in outcomes
        if one.group == "accepted"
        and one.message_type not in known
        and not is_internal(one.message_type)
    ]


def _equation_as_json(equation: Equation) -> dict[str, object]:
    return {
        "name": equation.name,
        "balanced": equation.balanced,
        "whole": equation.whole,
        "rows": [_row_as_json(row) for row in equation.rows],
    }


def _row_as_json(row: BooksRow) -> dict[str, object]:
    return {
        "message_type": row.message_type,
        "currency": row.currency,
        "balanced": row.balanced,
        "whole": _cell(row, row.whole),
        "parts": {name: _cell(row, figures) for name, figures in row.parts.items()},
        "difference": _cell(row, row.difference),
    }


def _cell(row: BooksRow, figures: Figures) -> dict[str, object]:
    return {
        "count": figures.count,
        "amount": row.amount(figures) if row.states_money else None,
        "amount_unknown": figures.unknown,
    }
