"""The rules about a register's numbers: missing, used twice, counted otherwise, against the clock.

Everything works on runs of numbers, so a day costs what its holes cost, not what its receipts do.
A number counts wherever it stands on record: one that came under the neighbouring date is no gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Literal

import msgspec

from tillway.clock import MICROSECONDS
from tillway.model import sequence
from tillway.model.sequence import ResetPolicy
from tillway.reconcile.day_book import DayBook, Register
from tillway.reconcile.facts import Declared
from tillway.reconcile.findings import Finding
from tillway.reconcile.number_runs import NumberRun, run_of
from tillway.reconcile.numbers import Span, common, count_of, holes, joined
from tillway.reconcile.rules import Judge

NUMBERS_ONE_BY_ONE = 100
"""A longer run of missing numbers is one finding: a mistyped number must not make a million."""
Place = tuple[str, int]
"""Workstation and run of its counter."""


class Surroundings(msgspec.Struct, frozen=True):
    """What a day's audit needs beside its book. Times are microseconds UTC.

    before: place -> last number of the day before. elsewhere: numbers of these registers that are
    on record under another date. policy: how counters start again, None where numbers promise
    nothing. closes, counts_tills: whether the systems of the shop send close records and till
    settlements at all. decided: workstation -> how many missing numbers a person accounted for.
    now, grace_seconds: a gap is shown once the number after it is here for that long. workstations:
    those the shop has, None where nobody said. currency: the shop's own, "" for an unknown shop.
    """

    store: str
    business_date: str
    known: bool = True
    expected: bool = True
    past_cut_off: bool = False
    closes: bool = True
    counts_tills: bool = True
    policy: ResetPolicy | None = sequence.NEVER
    before: Mapping[Place, int] = msgspec.field(default_factory=dict)
    elsewhere: Mapping[Place, Sequence[Span]] = msgspec.field(default_factory=dict)
    decided: Mapping[str, int] = msgspec.field(default_factory=dict)
    now: int = 0
    grace_seconds: float = 0.0
    workstations: frozenset[str] | None = None
    currency: str = ""
    level: Literal["store", "workstation", "operator"] = "workstation"
    method: Literal["declared", "expected", "computed"] = "declared"


class Waiting(msgspec.Struct):
    """Gaps that are not shown yet. until: when the first of them is; 0 without any."""

    until: int = 0

    def note(self, moment: int) -> None:
        """Take a gap that is shown at this moment."""
        self.until = min(self.until, moment) if self.until else moment


def audit_numbers(
    book: DayBook, around: Surroundings, judge: Judge, waiting: Waiting
) -> Iterator[Finding]:
    """Yield what the numbers of a day's registers say; gaps too young to show go to waiting."""
    if around.policy is not None:
        for name, register in book.registers.items():
            for epoch in sorted(register.numbers.keys() | register.quarantined.keys()):
                place = (name, epoch)
                gaps = _gaps(place, register, book, around)
                yield from _shown(gaps, place, register, book, around, judge, waiting)
        yield from _duplicates(book, around, judge)
        yield from _backwards(book, around, judge)
    if book.closed is not None:
        yield from _counts(book, book.closed, around, judge)
    yield from _strangers(book, around, judge)


def missing_in(subject: str) -> int:
    """Return how many numbers the subject of a SEQ_GAP stands for."""
    run = run_of(subject)
    assert run is not None, "`_subjects` wrote it"
    return run.last - run.first + 1


def _gaps(place: Place, register: Register, book: DayBook, around: Surroundings) -> Iterator[Span]:
    """Yield the runs of numbers that are missing between what is expected first and last."""
    policy = around.policy
    assert policy is not None, "the caller looked"
    own = _own(register, place[1])
    declared = book.closed.registers.get(place[0]) if book.closed else None
    if declared is None or len(register.numbers.keys() | register.quarantined.keys()) > 1:
        declared = (None, None, None)
    seen = joined(own, around.elsewhere.get(place, ()))
    if policy.kind == "wrap":
        first, last = _wrapped_ends(own, around.before.get(place), declared, policy)
        if last < first:
            yield from holes(seen, first, policy.wrap_at)
            yield from holes(seen, policy.first, last)
            return
    else:
        first, last = own[0][0], own[-1][1]
        before = around.before.get(place)
        if policy.kind == "daily":
            first = min(first, policy.first)
        elif before is not None:
            first = min(first, before + 1)
        first = min(first, declared[0] if declared[0] is not None else first)
        last = max(last, declared[1] if declared[1] is not None else last)
    yield from holes(seen, first, last)


def _wrapped_ends(
    own: list[Span],
    before: int | None,
    declared: tuple[int | None, int | None, int | None],
    policy: ResetPolicy,
) -> Span:
    """Return the first and last number of a day on a counter that wraps.

    Without a day before or a close record the widest hole, seen round the circle, is the night.
    """
    size = policy.wrap_at - policy.first + 1
    if before is not None:
        first = sequence.next_number(before, policy)
    elif declared[0] is not None:
        first = declared[0]
    else:
        ends = [(low, high) for (_, high), (low, _) in pairwise(own)]
        widest = max(ends, key=lambda one: one[0] - one[1], default=None)
        round_it = own[0][0] + size - own[-1][1]
        first = widest[0] if widest and widest[0] - widest[1] > round_it else own[0][0]
    candidates = [high for _, high in own] + ([declared[1]] if declared[1] is not None else [])
    return first, max(candidates, key=lambda number: (number - first) % size)


def _shown(
    gaps: Iterable[Span],
    place: Place,
    register: Register,
    book: DayBook,
    around: Surroundings,
    judge: Judge,
    waiting: Waiting,
) -> Iterator[Finding]:
    """Yield the findings of gaps that are old enough, by when the number after them came."""
    grace = 0 if around.past_cut_off else round(around.grace_seconds * MICROSECONDS)
    numbers = register.numbers.get(place[1])
    for first, last in gaps:
        heard_at = numbers.heard_at(last + 1) if numbers else 0
        if not heard_at and numbers and last > numbers.last:
            heard_at = book.closed_at
        if 0 < heard_at <= around.now < heard_at + grace:
            waiting.note(heard_at + grace)
            continue
        for subject in _subjects(place, first, last):
            yield from judge.finding("SEQ_GAP", around.store, around.business_date, subject=subject)


def _subjects(place: Place, first: int, last: int) -> list[str]:
    if last - first + 1 > NUMBERS_ONE_BY_ONE:
        return [NumberRun(*place, first, last).subject]
    return [NumberRun(*place, number, number).subject for number in range(first, last + 1)]


def _duplicates(book: DayBook, around: Surroundings, judge: Judge) -> Iterator[Finding]:
    for place, elsewhere in around.elsewhere.items():
        register = book.registers.get(place[0])
        if register is None or place[1] not in register.numbers:
            continue
        if around.policy is not None and around.policy.kind == "daily":
            continue
        for first, last in common(register.numbers[place[1]].spans, elsewhere):
            for subject in _subjects(place, first, last):
                yield from judge.finding(
                    "SEQ_DUPLICATE", around.store, around.business_date, subject=subject
                )


def _backwards(book: DayBook, around: Surroundings, judge: Judge) -> Iterator[Finding]:
    """Tell registers whose numbers rise while their clock goes back."""
    for name, register in book.registers.items():
        for epoch, numbers in register.numbers.items():
            if numbers.backwards:
                named = ", ".join(map(str, numbers.lowest))
                rest = numbers.backwards - len(numbers.lowest)
                yield from judge.finding(
                    "SEQ_OUT_OF_ORDER",
                    around.store,
                    around.business_date,
                    subject=f"{name}:e{epoch}" if epoch else name,
                    found=str(numbers.backwards),
                    detail=f"earlier than the number before: {named}"
                    + (f" and {rest} more" if rest else ""),
                )


def _counts(
    book: DayBook, declared: Declared, around: Surroundings, judge: Judge
) -> Iterator[Finding]:
    """Compare how many numbers each register used with what the close record says."""
    for name, (_, _, count) in declared.registers.items():
        register = book.registers.get(name, Register())
        epochs = register.numbers.keys() | register.quarantined.keys()
        received = sum(count_of(_own(register, epoch)) for epoch in epochs)
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


def _strangers(book: DayBook, around: Surroundings, judge: Judge) -> Iterator[Finding]:
    """Tell a shop and registers that are not in the master data."""
    if not around.known and book.messages:
        yield from judge.finding(
            "UNKNOWN_STORE", around.store, around.business_date, found=str(book.messages)
        )
    if around.workstations is None:
        return
    for name, register in book.registers.items():
        if name not in around.workstations:
            yield from judge.finding(
                "UNKNOWN_WORKSTATION",
                around.store,
                around.business_date,
                subject=name,
                found=str(register.count),
            )


def _own(register: Register, epoch: int) -> list[Span]:
    """Return the numbers of a register on this day, those in quarantine too."""
    kept = (register.numbers.get(epoch), register.quarantined.get(epoch))
    return joined(*(numbers.spans for numbers in kept if numbers is not None))
