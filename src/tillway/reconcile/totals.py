"""Figures that were declared beside those that were added up, and the one finding they make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from tillway.reconcile.facts import ZERO
from tillway.reconcile.findings import Finding
from tillway.reconcile.rules import Judge

Pair = tuple[str, Decimal | None, Decimal]
"""Name of a figure, as declared (None: not at all), as received."""


def pairs(word: str, declared: Mapping[str, Decimal], summed: Mapping[str, Decimal]) -> list[Pair]:
    """Pair what was declared with what was summed; without any declaration there is nothing."""
    if not declared:
        return []
    kinds = declared.keys() | {kind for kind, amount in summed.items() if amount}
    return [
        (f"{word} {kind}", declared.get(kind, ZERO), summed.get(kind, ZERO))
        for kind in sorted(kinds)
    ]


def mismatch(
    subject: str,
    figures: Iterable[Pair],
    currency: str,
    store: str,
    business_date: str,
    judge: Judge,
) -> list[Finding]:
    """Return one finding for all figures that do not agree; the largest stands in front."""
    allowed = judge.tolerance("TOTALS_MISMATCH")
    apart = [
        (name, declared, summed)
        for name, declared, summed in figures
        if declared is not None and abs(summed - declared) > allowed
    ]
    if not apart:
        return []
    _, declared, summed = max(apart, key=lambda one: abs(one[2] - (one[1] or ZERO)))
    return judge.finding(
        "TOTALS_MISMATCH",
        store,
        business_date,
        subject=subject,
        currency=currency,
        expected=str(declared),
        found=str(summed),
        difference=str(summed - (declared or ZERO)),
        detail="; ".join(f"{name}: declared {was}, received {now}" for name, was, now in apart),
    )
