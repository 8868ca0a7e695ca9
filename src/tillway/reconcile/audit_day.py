"""The rules that look at a whole day: is it complete, and do its totals agree.

Pure: everything comes from the book and from what `Surroundings` says of the days beside it. The
cost depends on registers, tills and rates, never on how many receipts the day has.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from tillway.reconcile.audit_numbers import Surroundings, Waiting, audit_numbers, missing_in
from tillway.reconcile.audit_tills import audit_tills
from tillway.reconcile.day_book import DayBook, Sums
from tillway.reconcile.facts import ZERO, Declared
from tillway.reconcile.findings import Finding
from tillway.reconcile.rules import DEFAULT_RATE_PERCENT, Judge
from tillway.reconcile.totals import Pair, mismatch, pairs

__all__ = ["RULES", "DayAudit", "Surroundings", "audit_day", "missing_in"]
RULES = (
    "SEQ_GAP",
    "SEQ_DUPLICATE",
    "SEQ_OUT_OF_ORDER",
    "STORE_DAY_NO_DATA",
    "STORE_DAY_NOT_CLOSED",
    "COUNT_MISMATCH",
    "UNKNOWN_STORE",
    "UNKNOWN_WORKSTATION",
    "TRAINING_MODE",
    "TOTALS_MISMATCH",
    "OVER_SHORT",
    "MISSING_DECLARATION",
    "NO_SALE_RATE",
    "POST_VOID_RATE",
    "PRICE_OVERRIDE_RATE",
)
"""Rules that are asked here; what they no longer say is gone."""
_HUNDRED = Decimal(100)


class DayAudit(msgspec.Struct, frozen=True):
    """What the rules say of a day. waits_until: when a young gap is shown, 0 without one."""

    findings: list[Finding]
    waits_until: int = 0


def audit_day(book: DayBook, around: Surroundings, judge: Judge) -> DayAudit:
    """Return what the rules say of a day as it stands."""
    waiting = Waiting()
    found = list(audit_numbers(book, around, judge, waiting))
    if book.closed is not None:
        found += _day_totals(book, book.closed, around, judge)
    elif around.past_cut_off and book.messages and around.closes:
        found += judge.finding("STORE_DAY_NOT_CLOSED", around.store, around.business_date)
    elif around.past_cut_off and not book.messages and around.expected:
        found += judge.finding("STORE_DAY_NO_DATA", around.store, around.business_date)
    found += audit_tills(book, around, judge)
    found += _rates(book, around, judge)
    if book.training:
        found += judge.finding(
            "TRAINING_MODE", around.store, around.business_date, found=str(book.training)
        )
    return DayAudit(found, waiting.until)


def _day_totals(
    book: DayBook, declared: Declared, around: Surroundings, judge: Judge
) -> list[Finding]:
    """Compare the totals of the close record with the receipts, in its currency."""
    sums = book.sums.get(book.closed_currency, Sums())
    figures: list[Pair] = [
        ("gross", declared.gross, sums.gross),
        ("discount", declared.discount, sums.discount),
        ("net", declared.net, sums.net),
        ("tax", declared.tax, sums.tax),
        ("grand", declared.grand, sums.grand),
        ("returns", declared.returns, sums.returns),
    ]
    if declared.taxes:
        rates = declared.taxes.keys() | {rate for rate, tax in sums.taxes.items() if tax.tax}
        figures += [
            (
                f"tax {rate}",
                declared.taxes.get(rate, ZERO),
                sums.taxes[rate].tax if rate in sums.taxes else ZERO,
            )
            for rate in sorted(rates)
        ]
    if declared.tenders:
        received = {kind: total.amount for kind, total in sums.tenders.items()}
        figures += pairs("tender", declared.tenders, received)
    return mismatch("day", figures, book.closed_currency, around.store, around.business_date, judge)


def _rates(book: DayBook, around: Surroundings, judge: Judge) -> Iterator[Finding]:
    """Compare what operators do beside selling with how much they sell, in percent of receipts."""
    for rule, name in (
        ("NO_SALE_RATE", "no_sales"),
        ("POST_VOID_RATE", "voids"),
        ("PRICE_OVERRIDE_RATE", "overrides"),
    ):
        if judge.severity(rule) == "off":
            continue
        limit = judge.tolerance(rule, DEFAULT_RATE_PERCENT)
        for operator, acts in book.operators.items():
            done = getattr(acts, name)
            if operator and done * _HUNDRED > limit * max(acts.receipts, 1):
                yield from judge.finding(
                    rule,
                    around.store,
                    around.business_date,
                    subject=f"operator {operator}",
                    expected=f"at most {limit} in 100 receipts",
                    found=f"{done} in {acts.receipts}",
                )
