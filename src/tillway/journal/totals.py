"""Counts and money per group, message type and currency, as the books keep them."""

from __future__ import annotations

from tillway.journal.base import AppendItem, Candidate, Invalid
from tillway.journal.queries import Total

Facts = tuple[str, str, int | None]


def item_facts(item: AppendItem) -> Facts:
    """Return (message type, currency, amount in minor units or None) as far as they were read."""
    if isinstance(item, Candidate):
        envelope = item.envelope
        return envelope.message_type, envelope.currency, envelope.amount_minor
    if isinstance(item, Invalid):
        return item.message_type, item.currency, item.amount_minor
    return "", "", None


class Tally:
    """A running table of totals."""

    def __init__(self) -> None:
        self.cells: dict[tuple[str, str, str], list[int]] = {}

    def add(
        self,
        group: str,
        message_type: str,
        currency: str,
        amount_minor: int | None,
        count: int = 1,
    ) -> None:
        """Add count messages that together carry amount_minor (None: amount unknown)."""
        cell = self.cells.setdefault((group, message_type, currency), [0, 0, 0])
        cell[0] += count
        if amount_minor is None:
            cell[2] += count
        else:
            cell[1] += amount_minor

    def put(
        self,
        group: str,
        message_type: str,
        currency: str,
        count: int,
        amount_minor: int,
        unknown: int,
    ) -> None:
        """Add what is a total already; negative figures take it away."""
        cell = self.cells.setdefault((group, message_type, currency), [0, 0, 0])
        cell[0] += count
        cell[1] += amount_minor
        cell[2] += unknown

    def merge(self, other: Tally) -> None:
        """Add another table to this one."""
        for key, figures in other.cells.items():
            self.put(*key, *figures)

    def totals(self) -> list[Total]:
        """Return the table, sorted."""
        return [
            Total(group, message_type, currency, *cell)
            for (group, message_type, currency), cell in sorted(self.cells.items())
        ]
