"""Finds messages by any number a person has; no hit is an answer that says why.

Payloads are never scanned: natural keys and numbers are indexed when a message is stored.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tillway.clock import utc_text
from tillway.journal.queries import InvalidRow, JournalQueries, RegisterDay
from tillway.journal.search import parse_search, register_key
from tillway.observe.fingerprint import violations_text
from tillway.observe.latest import Hit, hits_of
from tillway.observe.moments import age_text, seconds_since
from tillway.project.records import Store
from tillway.spelling import nearest

MOST_HITS, MOST_COPIES = 50, 500
DAYS_LOOKED_AT = 31


class Copy(msgspec.Struct, frozen=True):
    """A quarantined or conflicting copy in a list; name (`#7`) finds it again."""

    name: str
    outcome: str
    natural_key: str
    system: str
    store: str
    code: str
    why: str
    received_at: str
    closed_by: int
    first_position: int


class Found(msgspec.Struct, frozen=True):
    """What a search gave. absent: sentences that say why there may be no hit, likeliest first."""

    text: str
    hits: list[Hit] = msgspec.field(default_factory=list)
    copies: list[Copy] = msgspec.field(default_factory=list)
    absent: list[str] = msgspec.field(default_factory=list)


class _Wanted(msgspec.Struct, frozen=True):
    """One receipt somebody named. date is "" and epoch None when it was not given."""

    store: str
    till: str
    number: int
    date: str = ""
    epoch: int | None = None

    def key(self, date: str, epoch: int) -> str:
        """Return its natural key on a date, in a run of the counter."""
        key = f"{self.store}:{self.till}:{date}:{self.number}"
        return f"{key}:e{epoch}" if epoch else key


async def find(
    queries: JournalQueries,
    text: str,
    *,
    now: int,
    stores: Mapping[str, Store] | None = None,
    limit: int = MOST_HITS,
) -> Found:
    """Search by natural key, receipt number, store-till-number, object or message id, or `#copy`.

    now is microseconds UTC; stores (from the project) help to say why nothing was found.
    """
    typed = text.strip()
    hits = await hits_of(queries, await queries.find(typed, limit))
    wanted = _wanted(typed)
    days = await queries.register_days(wanted.store) if wanted and not hits else []
    copies = await _copies(queries, typed, wanted, days, hits)
    if hits or copies:
        return Found(typed, hits, [copy_of(row) for row in copies])
    if wanted is None:
        return Found(typed, absent=[_unread(typed)])
    seen: dict[str, int] = {}
    for one in await queries.stores_seen():
        seen[one.store] = max(one.last_at, seen.get(one.store, 0))
    absent = _why_absent(wanted, days, seen, stores or {}, now)
    return Found(typed, absent=absent)


def copy_of(row: InvalidRow) -> Copy:
    """Return a stored copy as a list shows it."""
    return Copy(
        name=f"#{row.invalid_id}",
        outcome=row.outcome,
        natural_key=row.natural_key,
        system=row.system,
        store=row.store,
        code=row.code,
        why=violations_text(row.violations),
        received_at=utc_text(row.received_at),
        closed_by=row.closed_by,
        first_position=row.first_position,
    )


def _wanted(typed: str) -> _Wanted | None:
    search = parse_search(typed)
    if search.store and search.number is not None:
        return _Wanted(search.store, search.workstation, search.number)
    key = register_key(typed)
    if key is None:
        return None
    return _Wanted(key.store, key.workstation, key.number, key.business_date, key.register_epoch)


async def _copies(
    queries: JournalQueries,
    typed: str,
    wanted: _Wanted | None,
    days: list[RegisterDay],
    hits: list[Hit],
) -> list[InvalidRow]:
    """Return copies kept under what was typed, and under the keys of what was found."""
    keys = {typed, *(hit.natural_key for hit in hits)}
    if wanted is not None:
        runs = sorted({(day.business_date, day.register_epoch) for day in days})[-DAYS_LOOKED_AT:]
        if wanted.date:
            runs = [(wanted.date, wanted.epoch or 0)]
        keys |= {wanted.key(date, epoch) for date, epoch in runs}
    return await queries.find_invalid(sorted(keys), MOST_COPIES)


def _why_absent(
    wanted: _Wanted,
    days: list[RegisterDay],
    seen: Mapping[str, int],
    stores: Mapping[str, Store],
    now: int,
) -> list[str]:
    if wanted.store not in seen and not days:
        return [_store_unheard(wanted.store, seen, stores)]
    heard = _last_heard(wanted.store, seen, now)
    tills = sorted({day.workstation for day in days})
    of_till = [day for day in days if day.workstation == wanted.till]
    if not of_till:
        known = f"Known tills: {', '.join(tills)}." if tills else "It sent no receipts yet."
        return [f"Till {wanted.till} of store {wanted.store} never sent anything. {known}", heard]
    of_date = [day for day in of_till if wanted.date in ("", day.business_date)]
    if not of_date:
        dates = sorted({day.business_date for day in of_till})[-DAYS_LOOKED_AT:]
        where = f"Till {wanted.till} of store {wanted.store}"
        return [f"{where} sent nothing for {wanted.date}; it sent for {', '.join(dates)}.", heard]
    of_run = [day for day in of_date if wanted.epoch in (None, day.register_epoch)]
    if not of_run:
        return [_run_unheard(wanted, of_date), heard]
    of_run.sort(key=lambda day: (day.business_date, day.register_epoch))
    return [*(_place(wanted, day) for day in of_run[-3:]), heard]


def _run_unheard(wanted: _Wanted, days: list[RegisterDay]) -> str:
    """Say that the till sent for the date, but in other runs of its counter."""
    sent = ", ".join(_run_text(day.register_epoch) for day in days)
    return (
        f"Till {wanted.till} of store {wanted.store} sent nothing of {_run_text(wanted.epoch or 0)}"
        f" of its counter for {wanted.date}; it sent of {sent}."
    )


def _run_text(epoch: int) -> str:
    return f"run e{epoch}" if epoch else "the first run"


def _place(wanted: _Wanted, day: RegisterDay) -> str:
    """Say where the number stands among those of one day."""
    where = f"store {wanted.store} till {day.workstation} on {day.business_date}"
    if day.register_epoch:
        where += f" ({_run_text(day.register_epoch)} of its counter)"
    if wanted.number > day.last:
        return f"Number {wanted.number} has not arrived: the last of {where} is {day.last}."
    if wanted.number < day.first:
        return f"Number {wanted.number} is earlier: the first of {where} is {day.first}."
    return (
        f"Number {wanted.number} is a gap: {where} sent {day.first} to {day.last}, "
        f"and this one never came."
    )


def _store_unheard(store: str, seen: Mapping[str, int], stores: Mapping[str, Store]) -> str:
    if store in stores:
        return f"Store {store} ({stores[store].name}) has sent nothing at all so far."
    known = sorted({*seen, *stores})
    return f"Store {store} is not known here. {nearest(store, known)}".strip()


def _last_heard(store: str, seen: Mapping[str, int], now: int) -> str:
    if store not in seen:
        return f"Nothing of store {store} was accepted yet."
    age = age_text(seconds_since(seen[store], now))
    return f"Store {store} was last heard {age} ago."


def _unread(typed: str) -> str:
    if typed.isdigit():
        return (
            f"No message has receipt number {typed}. Numbers repeat between tills: "
            f"0003-01-{typed} names store, till and number, and says why it is absent."
        )
    return (
        f'"{typed}" matches no natural key (0145:03:2026-11-20:1043), store-till-number '
        f"(0145-03-1043), receipt number, object id, message id or kept copy (#7)."
    )
