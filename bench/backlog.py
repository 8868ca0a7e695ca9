"""A backlog as large as a bad week: a million accepted sales that no target takes."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from bench.hub import environment
from tillway.assembly.preparing import message_ids, preparations
from tillway.clock import SystemClock
from tillway.connect import Submission
from tillway.journal.base import Candidate, Settlement
from tillway.journal.sqlite import open_sqlite
from tillway.message import key_digest
from tillway.project import load_release

CHUNK = 4096
DAY_BEFORE = "2026-11-19"
"""No sale of the simulator's day has its keys."""
_next_id = message_ids()


async def fill(
    folder: Path, bodies: list[bytes], count: int, *, first: int = 0, passed_by: str = ""
) -> None:
    """Store sales in the journal of a project until there are count, as intake would have.

    They are these sales, prepared once, under keys of their own; first of them are stored already.
    passed_by names a route that counts them as passed over, so that they are no work for it.
    """
    release = load_release(folder, environ=environment())
    door = preparations(release, SystemClock(), _next_id)["quayside"]
    taken = [one.item for one in door.taken(Submission(b"\n".join(bodies), format="ndjson"))]
    sales = [item for item in taken if isinstance(item, Candidate)]
    path = folder / release.hub.journal
    path.parent.mkdir(exist_ok=True)
    journal = await open_sqlite(path)
    for start in range(first, count, CHUNK):
        numbers = range(start, min(start + CHUNK, count))
        await journal.append([_again(sales[n % len(sales)], n) for n in numbers])
    if passed_by:
        await journal.register_route(passed_by, 0)
        last = await journal.last_position()
        filtered = {("", ""): (count - first, 0)}
        await journal.settle(Settlement(passed_by, cursor=last, filtered=filtered))
    await journal.close()


def _again(sale: Candidate, number: int) -> Candidate:
    """Return the sale under a key of its own, spread over 400 lanes."""
    store, till = f"{number % 100:04d}", f"{number // 100 % 4:02d}"
    return placed(sale, store, till, DAY_BEFORE, number)


def placed(sale: Candidate, store: str, till: str, day: str, number: int) -> Candidate:
    """Return the sale as the receipt of that number of one till on one day."""
    parts = (store, till, day, str(number))
    envelope = replace(
        sale.envelope,
        message_id=_next_id(),
        natural_key=":".join(parts),
        lane_key=f"{store}:{till}",
        store=store,
        workstation=till,
        business_date=day,
        sequence_number=number,
        receipt_number=str(number),
    )
    return replace(sale, envelope=envelope, key_digest=key_digest("quayside", "pos", parts))
