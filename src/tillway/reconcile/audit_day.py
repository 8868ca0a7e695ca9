"""The rules that look at a whole day: is it complete, and do its totals agree.

Pure: everything comes from the book and from what `Surroundings` says of the days beside it. The
cost depends on registers, tills and rates, never on how many receipts the day has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from tillway.model import sequence
from tillway.model.sequence import ResetPolicy
from tillway.reconcile.day_book import Count, DayBook, Register, Sums, TenderTotal
from tillway.reconcile.facts import ZERO, Declared
from tillway.reconcile.findings import Finding
from tillway.reconcile.rules import Judge

NUMBERS_ONE_BY_ONE = 100
"""A longer run of missing numbers is one finding: a mistyped number must not make a million."""
RULES = (
    "SEQ_GAP",
    "SEQ_DUPLICATE",
    "STORE_DAY_NO_DATA",
    "STORE_DAY_NOT_CLOSED",
    "COUNT_MISMATCH",
    "TOTALS_MISMATCH",
    "OVER_SHORT",
    "MISSING_DECLARATION",
)
"""Rules that are asked here; what they no longer say is gone."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a day's audit needs beside its book.

    before: (workstation, run of the counter) -> last number of the day before. elsewhere: numbers
    of these registers that are on record under another date. policy: how counters start again,
    None where numbers promise nothing. closes, counts_tills: whether the systems of the shop send
    close records and till settlements at all. decided: workstation -> how many missing numbers a
    person accounted for.
    """

    store: str
    business_date: str
    expected: bool = True
    past_cut_off: bool = False
    closes: bool = True
    counts_tills: bool = True
    policy: ResetPolicy | None = sequence.NEVER
    before: Mapping[tuple[str, int], int] = field(default_factory=dict)
    elsewhere: Mapping[tuple[str, int], frozenset[int]] = field(default_factory=dict)
    decided: Mapping[str, int] = field(default_factory=dict)


def audit_day(book: DayBook, around: Surroundings, judge: Judge) -> list[Finding]:
    """Return what the rules say of a day as it stands."""
    found = [*_gaps(book, around, judge), *_duplicates(book, around, judge)]
    if book.closed is not None:
        found += _counts(book, book.closed, around, judge)
        found += _day_totals(book, book.closed, around, judge)
    elif around.past_cut_off and book.messages and around.closes:
        found += judge.finding("STORE_DAY_NOT_CLOSED", around.store, around.business_date)
    elif around.past_cut_off and not book.messages and around.expected:
        found += judge.finding("STORE_DAY_NO_DATA", around.store, around.business_date)
    found += _tills(book, around, judge)
    return found


def _gaps(book: DayBook, around: Surroundings, judge: Judge) -> Iterator[Finding]:
    if around.policy is None:
        return
    for name, register in book.registers.items():
        for epoch in register.numbers.keys() | register.quarantined.keys():
            for first, last in _missing(name, register, epoch, book, around):
                subjects = _subjects(name, epoch, first, last)
                for subject in subjects:
                    yield from judge.finding(
                        "SEQ_GAP", around.store, around.business_date, subject=subject
                    )


def _missing(
    name: str, register: Register, epoch: int, book: DayBook, around: Surroundings
) -> Iterator[tuple[int, int]]:
    """Yield the runs of numbers that are missing between what is expected first and last."""
    policy = around.policy
    assert policy is not None, "the caller looked"
    seen = set(_numbers(register, epoch))
    first, last = min(seen), max(seen)
    before = around.before.get((name, epoch))
    if policy.kind == "daily":
        first = min(first, policy.first)
    elif policy.kind == "wrap" and before is not None:
        first = sequence.next_number(before, policy)
        last = max(seen, key=lambda number: (number - first) % policy.wrap_at)
    elif before is not None:
        first = min(first, before + 1)
    declared = book.closed.registers.get(name) if book.closed else None
    if declared is not None and policy.kind != "wrap" and len(register.numbers) == 1:
        first = min(first, declared[0] if declared[0] is not None else first)
        last = max(last, declared[1] if declared[1] is not None else last)
    seen |= around.elsewhere.get((name, epoch), frozenset())
    for gap in sequence.gaps(first, last, seen, policy):
        yield gap.first, gap.last


def _numbers(register: Register, epoch: int) -> Iterator[int]:
    for kept in (register.numbers, register.quarantined):
        if epoch in kept:
            yield from kept[epoch]


def _subjects(workstation: str, epoch: int, first: int, last: int) -> list[str]:
    run = f":e{epoch}" if epoch else ""
    if last - first + 1 > NUMBERS_ONE_BY_ONE:
        return [f"{workstation}:{first}-{last}{run}"]
    return [f"{workstation}:{number}{run}" for number in range(first, last + 1)]


def _duplicates(book: DayBook, around: Surroundings, judge: Judge) -> Iterator[Finding]:
    if around.policy is None or around.policy.kind == "daily":
        return
    for (name, epoch), numbers in around.elsewhere.items():
        register = book.registers.get(name)
        if register is None or epoch not in register.numbers:
            continue
        for number in sorted(numbers):
            if number in register.numbers[epoch]:
                [subject] = _subjects(name, epoch, number, number)
                yield from judge.finding(
                    "SEQ_DUPLICATE", around.store, around.business_date, subject=subject
                )


def _counts(
    book: DayBook, declared: Declared, around: Surroundings, judge: Judge
) -> Iterator[Finding]:
    """Compare how many numbers each register used with what the close record says."""
    for name, (_, _, count) in declared.registers.items():
        register = book.registers.get(name, Register())
        epochs = register.numbers.keys() | register.quarantined.keys()
        received = sum(len(set(_numbers(register, epoch))) for epoch in epochs)
        received += around.decided.get(name, 0)
        if count is not None and count != received:
            yield from judge.finding(
                "COUNT_MISMATCH",
                around.store,
                around.business_date,
                subject=name,
                expected=str(count),
                found=str(received),
                difference=str(received - count),
            )


def _day_totals(
    book: DayBook, declared: Declared, around: Surroundings, judge: Judge
) -> list[Finding]:
    """Compare the totals of the close record with the receipts, in its currency."""
    sums = book.sums.get(book.closed_currency, Sums())
    pairs: list[tuple[str, Decimal | None, Decimal]] = [
        ("gross", declared.gross, sums.gross),
        ("discount", declared.discount, sums.discount),
        ("net", declared.net, sums.net),
        ("tax", declared.tax, sums.tax),
        ("grand", declared.grand, sums.grand),
        ("returns", declared.returns, sums.returns),
    ]
    if declared.taxes:
        rates = declared.taxes.keys() | {rate for rate, tax in sums.taxes.items() if tax.tax}
        pairs += [
            (
                f"tax {rate}",
                declared.taxes.get(rate, ZERO),
                sums.taxes[rate].tax if rate in sums.taxes else ZERO,
            )
            for rate in sorted(rates)
        ]
    if declared.tenders:
        pairs += _pairs("tender", declared.tenders, _amounts(sums.tenders))
    return _mismatch("day", pairs, book.closed_currency, around, judge)


def _tills(book: DayBook, around: Surroundings, judge: Judge) -> Iterator[Finding]:
    """Compare each settlement with the receipts of its drawer, and look for those not counted."""
    counted: set[str] = set()
    for count in book.counts.values():
        drawer = _drawer(book, count)
        counted.add(drawer)
        totals = book.drawers.get(drawer, {}).get(count.currency, {})
        pairs = _pairs("sold", count.declared.sold, {k: t.taken for k, t in totals.items()})
        pairs += _pairs(
            "given back", count.declared.given_back, {k: t.given_back for k, t in totals.items()}
        )
        yield from _mismatch(f"till {count.till}", pairs, count.currency, around, judge)
        yield from _over_short(count, around, judge)
    if not around.counts_tills or (book.closed is None and not around.past_cut_off):
        return
    for drawer, by_currency in book.drawers.items():
        if drawer and drawer not in counted and any(by_currency.values()):
            yield from judge.finding(
                "MISSING_DECLARATION",
                around.store,
                around.business_date,
                subject=f"till {drawer}",
            )


def _drawer(book: DayBook, count: Count) -> str:
    for name in (count.till, count.workstation, count.operator):
        if name in book.drawers:
            return name
    return count.till


def _over_short(count: Count, around: Surroundings, judge: Judge) -> Iterator[Finding]:
    allowed = judge.tolerance("OVER_SHORT")
    over = {k: amount for k, amount in count.declared.over_short.items() if abs(amount) > allowed}
    if over:
        total = sum(over.values(), ZERO)
        yield from judge.finding(
            "OVER_SHORT",
            around.store,
            around.business_date,
            subject=f"till {count.till}",
            currency=count.currency,
            expected="0",
            found=str(total),
            difference=str(total),
            detail=", ".join(f"{kind} {amount:+}" for kind, amount in sorted(over.items())),
        )


def _mismatch(
    subject: str,
    pairs: Iterable[tuple[str, Decimal | None, Decimal]],
    currency: str,
    around: Surroundings,
    judge: Judge,
) -> list[Finding]:
    """Return one finding for all figures that do not agree; the largest stands in front."""
    allowed = judge.tolerance("TOTALS_MISMATCH")
    apart = [
        (name, declared, summed)
        for name, declared, summed in pairs
        if declared is not None and abs(summed - declared) > allowed
    ]
    if not apart:
        return []
    _, declared, summed = max(apart, key=lambda one: abs(one[2] - (one[1] or ZERO)))
    return judge.finding(
        "TOTALS_MISMATCH",
        around.store,
        around.business_date,
        subject=subject,
        currency=currency,
        expected=str(declared),
        found=str(summed),
        difference=str(summed - (declared or ZERO)),
        detail="; ".join(f"{name}: declared {was}, received {now}" for name, was, now in apart),
    )


def _pairs(
    word: str, declared: Mapping[str, Decimal], summed: Mapping[str, Decimal]
) -> list[tuple[str, Decimal | None, Decimal]]:
    """Pair what was declared with what was summed; without any declaration there is nothing."""
    if not declared:
        return []
    kinds = declared.keys() | {kind for kind, amount in summed.items() if amount}
    return [
        (f"{word} {kind}", declared.get(kind, ZERO), summed.get(kind, ZERO))
        for kind in sorted(kinds)
    ]


def _amounts(totals: Mapping[str, TenderTotal]) -> dict[str, Decimal]:
    return {kind: total.amount for kind, total in totals.items()}
