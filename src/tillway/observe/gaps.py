"""Receipt numbers that are not accounted for, per workstation.

Control transactions and quarantined messages consume their number, so neither is a gap. A counter
that never starts again is followed over all its dates, because a late receipt may bear either date.
One that started again is followed run by run: nothing lies between two runs, and a number lost in
one is missing although the other has it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from itertools import groupby

import msgspec

from tillway.journal.queries import JournalQueries, SequenceRange
from tillway.model import sequence
from tillway.model.sequence import ResetPolicy, next_number, reset_policy

Day = tuple[SequenceRange, Sequence[int]]


class Gap(msgspec.Struct, frozen=True):
    """Numbers first to last of one workstation, all missing, and the date they belong to.

    register_epoch: the run of its counter that misses them.
    """

    system: str
    store: str
    workstation: str
    business_date: str
    first: int
    last: int
    count: int
    register_epoch: int = 0


async def gaps(
    queries: JournalQueries, resets: Mapping[str, str] | None = None, *, store: str = ""
) -> list[Gap]:
    """Return the missing numbers as runs, in order of store, workstation, date and epoch.

    resets: system -> `never` (default), `daily`, `wrap_at_9999`, or `none` for a system whose
    numbers promise nothing; store limits to one shop.
    """
    found: list[Gap] = []
    ranges = [one for one in await queries.sequences() if store in ("", one.store)]
    for (system, *_), group in groupby(ranges, key=_counter):
        reset = (resets or {}).get(system, "never")
        if reset == "none":
            continue
        days = [(day, await _numbers(queries, day)) for day in group]
        # Between two counters others get their turn: a month of a chain is a million numbers.
        await asyncio.sleep(0)
        missing = _gaps_of(days, reset_policy(reset))
        if missing and await _asked_again(queries, days, missing):
            missing = _gaps_of(days, reset_policy(reset))
        found += missing
    return sorted(found, key=_place)


def _gaps_of(days: Sequence[Day], policy: ResetPolicy) -> list[Gap]:
    if policy.kind == "never":
        return _gaps_over_dates(days)
    found = []
    before: int | None = None
    for day, numbers in days:
        first, last = day.first, day.last
        if policy.kind == "wrap" and before is not None:
            first = next_number(before, policy)
            last = max(numbers, key=lambda number, start=first: (number - start) % policy.wrap_at)  # type: ignore[misc]
        runs = sequence.gaps(first, last, numbers, policy)
        found += [_gap(day, day.business_date, run) for run in runs]
        before = last
    return found


def _gaps_over_dates(days: Sequence[Day]) -> list[Gap]:
    """Return the gaps of a counter that only rises; a gap belongs to the date that follows it."""
    dates = {number: day.business_date for day, numbers in reversed(days) for number in numbers}
    runs = sequence.gaps(min(dates), max(dates), dates)
    return [_gap(days[0][0], dates[run.last + 1], run) for run in runs]


async def _asked_again(queries: JournalQueries, days: list[Day], missing: Sequence[Gap]) -> bool:
    """Ask for the quarantined numbers of complete days beside a gap; say whether there were any.

    Such a day needs no second question for itself, but its last number may be in quarantine.
    """
    edges = {gap.first - 1 for gap in missing} | {gap.last + 1 for gap in missing}
    before = sum(len(numbers) for _, numbers in days)
    for at, (day, numbers) in enumerate(days):
        if isinstance(numbers, range) and edges & {day.first, day.last}:
            days[at] = (day, await _all_numbers(queries, day))
    return sum(len(numbers) for _, numbers in days) > before


async def _numbers(queries: JournalQueries, day: SequenceRange) -> Sequence[int]:
    """Return the numbers of a day; a complete one needs no second question."""
    if day.last - day.first + 1 == day.count:
        return range(day.first, day.last + 1)
    return await _all_numbers(queries, day)


async def _all_numbers(queries: JournalQueries, day: SequenceRange) -> Sequence[int]:
    place = (day.system, day.store, day.workstation, day.business_date)
    return await queries.numbers(*place, day.register_epoch)


def _counter(day: SequenceRange) -> tuple[str, str, str, int]:
    return day.system, day.store, day.workstation, day.register_epoch


def _place(gap: Gap) -> tuple[str, str, str, int, int]:
    return gap.store, gap.workstation, gap.business_date, gap.register_epoch, gap.first


def _gap(day: SequenceRange, business_date: str, run: sequence.Gap) -> Gap:
    return Gap(
        system=day.system,
        store=day.store,
        workstation=day.workstation,
        business_date=business_date,
        first=run.first,
        last=run.last,
        count=len(run),
        register_epoch=day.register_epoch,
    )
