"""The figures of one store-day, side by side: as the shop declared them, as the receipts add up."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from tillway.reconcile.day_book import DayBook, Sums
from tillway.reconcile.facts import ZERO


class Measure(msgspec.Struct, frozen=True):
    """One figure of a day in one currency: as declared by the shop (None: not), and as received."""

    name: str
    currency: str
    declared: str | None
    received: str
    difference: str | None


def measures(book: DayBook) -> Iterable[Measure]:
    """Yield the figures of a day, each as declared and as received."""
    for currency, sums in sorted(book.sums.items()):
        declared = book.closed if book.closed_currency == currency else None
        yield Measure("receipts", currency, None, str(sums.count), None)
        for name in ("gross", "discount", "net", "tax", "rounding", "tip", "grand", "returns"):
            stated = getattr(declared, name, None) if declared else None
            yield _measure(name, currency, stated, getattr(sums, name))
        taxes = declared.taxes if declared else {}
        for rate in sorted(sums.taxes.keys() | taxes.keys()):
            received = sums.taxes[rate].tax if rate in sums.taxes else ZERO
            stated = taxes.get(rate, ZERO) if taxes else None
            yield _measure(
                f"tax {rate} %" if rate else "tax without a rate", currency, stated, received
            )
        yield from _tenders(sums, declared.tenders if declared else {}, currency)


def _tenders(sums: Sums, declared: dict[str, Decimal], currency: str) -> Iterable[Measure]:
    for kind in sorted(sums.tenders.keys() | declared.keys()):
        received = sums.tenders[kind].amount if kind in sums.tenders else ZERO
        stated = declared.get(kind, ZERO) if declared else None
        yield _measure(f"tender {kind}", currency, stated, received)


def _measure(name: str, currency: str, declared: Decimal | None, received: Decimal) -> Measure:
    if declared is None:
        return Measure(name, currency, None, str(received), None)
    return Measure(name, currency, str(declared), str(received), str(received - declared))


def registers_of(book: DayBook) -> dict[str, dict[str, Any]]:
    """Return register -> its messages, runs of numbers (first, last, count) and declaration."""
    found = {}
    for name, register in sorted(book.registers.items()):
        declared = book.closed.registers.get(name) if book.closed else None
        found[name] = {
            "messages": register.count,
            "numbers": {
                str(epoch): [numbers.first, numbers.last, len(numbers)]
                for epoch, numbers in register.numbers.items()
            },
            "quarantined": sum(len(one) for one in register.quarantined.values()),
            "declared": list(declared) if declared else None,
        }
    return found
