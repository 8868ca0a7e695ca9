"""Finds messages by any number a person has; no hit is an answer that says why.

Payloads are never scanned: natural keys and numbers are indexed when a message is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tillway.clock import utc_text
from tillway.journal.queries import InvalidRow, JournalQueries, SequenceRange
from tillway.journal.search import parse_search
from tillway.observe.fingerprint import violations_text
from tillway.observe.latest import Hit, hit_of
from tillway.observe.moments import age_text, seconds_since
from tillway.project.records import Store
from tillway.spelling import nearest

MOST_HITS = 50
DAYS_LOOKED_AT = 31


@dataclass(frozen=True, slots=True)
class Copy:
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


@dataclass(frozen=True, slots=True)
class Found:
    """What a search gave. absent: sentences that say why there may be no hit, likeliest first."""

    text: str
    hits: list[Hit] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One receipt somebody named in full. date is "" when it was not given."""

    store: str
    till: str
    number: int
    date: str = ""


async def find(
    queries: JournalQueries,
    text: str,
    *,
    now: int,
    stores: Mapping[str, Store] | None = None,
    limit: int = MOST_HITS,
) -> Found:
    """Search by natural key, receipt number, store-till-number, message id or `#copy`.

    now is microseconds UTC; stores (from the project) help to say why nothing was found.
    """
    typed = text.strip()
    hits = [await hit_of(queries, message) for message in await queries.find(typed, limit)]
    wanted = _wanted(typed)
    days = await _days(queries, wanted) if wanted and not hits else []
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
    parts = typed.split(":")
    if len(parts) >= 4 and parts[3].isdigit():
        return _Wanted(parts[0], parts[1], int(parts[3]), parts[2])
    return None


async def _days(queries: JournalQueries, wanted: _Wanted) -> list[SequenceRange]:
    return [day for day in await queries.sequences() if day.store == wanted.store]


async def _copies(
    queries: JournalQueries,
    typed: str,
    wanted: _Wanted | None,
    days: list[SequenceRange],
    hits: list[Hit],
) -> list[InvalidRow]:
    """Return copies kept under what was typed, and under the keys of what was found."""
    keys = {typed, *(hit.natural_key for hit in hits)}
    if wanted is not None:
        dates = sorted({day.business_date for day in days})[-DAYS_LOOKED_AT:]
        for date in [wanted.date] if wanted.date else dates:
            keys.add(f"{wanted.store}:{wanted.till}:{date}:{wanted.number}")
    rows: dict[int, InvalidRow] = {}
    for key in sorted(keys):
        for row in await queries.find_invalid(key, MOST_HITS):
            rows[row.invalid_id] = row
    return [rows[number] for number in sorted(rows)]


def _why_absent(
    wanted: _Wanted,
    days: list[SequenceRange],
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
        dates = ", ".join(day.business_date for day in of_till[-DAYS_LOOKED_AT:])
        where = f"Till {wanted.till} of store {wanted.store}"
        return [f"{where} sent nothing for {wanted.date}; it sent for {dates}.", heard]
    return [*(_place(wanted, day) for day in of_date[-3:]), heard]


def _place(wanted: _Wanted, day: SequenceRange) -> str:
    """Say where the number stands among those of one day."""
    where = f"store {day.store} till {day.workstation} on {day.business_date}"
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
        f"(0145-03-1043), receipt number, message id or kept copy (#7)."
    )
