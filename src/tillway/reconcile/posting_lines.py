"""What a posting says: the lines of a store-day, of one receipt, and of the reversal of either.

Debit is positive, credit negative, and the lines of a posting add up to zero to the cent. Tips,
gift cards sold, deposits and payments on account are owed to somebody: they have lines of their own
and are no sales. Over and short stands beside the tender it belongs to, so that the ledger shows
what was counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from tillway.model import round_money
from tillway.model.currencies import MINOR_DIGITS
from tillway.model.postings import PostingLine
from tillway.reconcile.audit_tills import over_short
from tillway.reconcile.day_book import DayBook, Sums
from tillway.reconcile.facts import ZERO, Fact

PAID = ("tender", "over_short")


def store_day_lines(
    book: DayBook,
    currency: str,
    *,
    by_group: bool,
    level: str = "workstation",
    method: str = "declared",
) -> tuple[PostingLine, ...]:
    """Return the lines of a day in one currency; receipts booked by themselves are left out.

    level, method: where and how over and short is told, as `audit_tills.over_short` takes them.
    """
    sums = book.sums.get(currency) or Sums()
    singles = book.singles.get(currency) or Sums()
    over = over_short(book, level, method).get(currency, {})
    return _lines(sums, singles, over, currency, by_group=by_group)


def receipt_lines(fact: Fact, *, by_group: bool) -> tuple[PostingLine, ...]:
    """Return the lines of one receipt or post-void."""
    sums = Sums()
    sums.add(fact, 1)
    return _lines(sums, Sums(), {}, fact.currency, by_group=by_group)


def currencies(book: DayBook) -> list[str]:
    """Return the currencies of a day: of its receipts, and of tills that were counted."""
    counted = {count.currency for count in book.counts.values()}
    return sorted((book.sums.keys() | counted) - {""})


def amount_of(lines: Iterable[PostingLine]) -> Decimal:
    """Return the amount of a posting: what its tender and over/short lines come to."""
    return sum((one.amount for one in lines if one.posting_line_type in PAID), ZERO)


def reversed_lines(lines: Iterable[PostingLine]) -> tuple[PostingLine, ...]:
    """Return what takes these lines back."""
    return tuple(
        PostingLine(
            posting_line_type=line.posting_line_type,
            amount=-line.amount,
            account_code=line.account_code,
            tender_type=line.tender_type,
            tax_code=line.tax_code,
            tax_rate=line.tax_rate,
            merchandise_hierarchy=line.merchandise_hierarchy,
            description=line.description,
        )
        for line in lines
    )


def _lines(
    sums: Sums, less: Sums, over: dict[str, Decimal], currency: str, *, by_group: bool
) -> tuple[PostingLine, ...]:
    lines = [*_tenders(sums, less, over), *_credits(sums, less, by_group=by_group)]
    rounded = [_rounded(line, currency) for line in lines]
    _close(rounded, sum((line.amount for line in lines), ZERO), currency)
    return tuple(line for line in rounded if line.amount)


def _tenders(sums: Sums, less: Sums, differences: dict[str, Decimal]) -> list[PostingLine]:
    lines = []
    for kind in sorted(sums.tenders.keys() | differences.keys()):
        taken = sums.tenders[kind].amount if kind in sums.tenders else ZERO
        taken -= less.tenders[kind].amount if kind in less.tenders else ZERO
        over = differences.get(kind, ZERO)
        lines.append(PostingLine(posting_line_type="tender", amount=taken + over, tender_type=kind))  # type: ignore[arg-type]
        if over:
            lines.append(
                PostingLine(posting_line_type="over_short", amount=-over, tender_type=kind)  # type: ignore[arg-type]
            )
    return lines


def _credits(sums: Sums, less: Sums, *, by_group: bool) -> list[PostingLine]:
    lines = []
    for (group, rate), amount in sorted(_sales(sums, less, by_group=by_group).items()):
        lines.append(
            PostingLine(
                posting_line_type="sales",
                amount=-amount,
                tax_rate=Decimal(rate) if rate else None,
                merchandise_hierarchy=group or None,
            )
        )
    for rate, tax in sorted(sums.taxes.items()):
        amount = tax.tax - (less.taxes[rate].tax if rate in less.taxes else ZERO)
        lines.append(
            PostingLine(
                posting_line_type="tax", amount=-amount, tax_rate=Decimal(rate) if rate else None
            )
        )
    for kind, owed in sorted(sums.owed.items()):
        amount = owed - less.owed.get(kind, ZERO)
        lines.append(PostingLine(posting_line_type=kind, amount=-amount))  # type: ignore[arg-type]
    lines.append(PostingLine(posting_line_type="tip", amount=less.tip - sums.tip))
    lines.append(PostingLine(posting_line_type="rounding", amount=less.rounding - sums.rounding))
    return lines


def _sales(sums: Sums, less: Sums, *, by_group: bool) -> dict[tuple[str, str], Decimal]:
    found: dict[tuple[str, str], Decimal] = {}
    for part, sign in ((sums, 1), (less, -1)):
        for group, rates in part.sales.items():
            for rate, amount in rates.items():
                key = (group if by_group else "", rate)
                found[key] = found.get(key, ZERO) + sign * amount
    return found


def _rounded(line: PostingLine, currency: str) -> PostingLine:
    return PostingLine(
        posting_line_type=line.posting_line_type,
        amount=_to_unit(line.amount, currency),
        tender_type=line.tender_type,
        tax_rate=line.tax_rate,
        merchandise_hierarchy=line.merchandise_hierarchy,
    )


def _to_unit(amount: Decimal, currency: str) -> Decimal:
    """Return an amount rounded to the minor unit.

    A currency that ISO 4217 does not have is a finding of its receipts, CURRENCY_UNKNOWN, and holds
    the day. Once a person accounted for it, amounts are posted as they were told: it has no unit.
    """
    return round_money(amount, currency) if currency in MINOR_DIGITS else amount


def _close(lines: list[PostingLine], apart: Decimal, currency: str) -> None:
    """Bring the lines to zero: rounding goes to the largest sale, a real difference is told.

    apart is what the exact amounts lack: receipts that do not balance in themselves and were let
    through by a person.
    """
    if apart := _to_unit(apart, currency):
        told = "receipts that do not balance in themselves"
        lines.append(PostingLine(posting_line_type="other", amount=-apart, description=told))
    rest = sum((line.amount for line in lines), ZERO)
    if not rest:
        return
    sales = [at for at, line in enumerate(lines) if line.posting_line_type == "sales"]
    if not sales:
        lines.append(PostingLine(posting_line_type="rounding", amount=-rest))
        return
    at = max(sales, key=lambda index: abs(lines[index].amount))
    line = lines[at]
    lines[at] = PostingLine(
        posting_line_type="sales",
        amount=line.amount - rest,
        tax_rate=line.tax_rate,
        merchandise_hierarchy=line.merchandise_hierarchy,
    )
