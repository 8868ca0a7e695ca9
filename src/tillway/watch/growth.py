"""How fast the journal grows, and when the disk will be full.

Growth is what the watch itself noted once an hour, so that a file of another program does not make
the forecast; the date is when the present growth has used up what is free.
"""

from __future__ import annotations

from tillway.clock import MICROSECONDS
from tillway.journal.projection import Asking, Change
from tillway.watch.flows import HOUR, start_of
from tillway.watch.scene import HubFacts
from tillway.watch.tables import read, write

DAY = 86400 * MICROSECONDS
LONGEST_DAYS = 7
FEWEST_HOURS = 6
KEPT_HOURS = 24 * 8
PREFIX = "bytes/"


async def note_size(tables: Asking, now: int, facts: HubFacts) -> Change:
    """Return the change that notes the size of this hour; nothing where it is noted."""
    change = Change()
    hour = start_of(now, HOUR)
    sizes = await sizes_of(tables)
    if hour not in sizes and facts.journal_bytes:
        change.run(write("mark"), (f"{PREFIX}{hour}", facts.journal_bytes))
        old = [one for one in sizes if one < hour - KEPT_HOURS * HOUR * MICROSECONDS]
        change.run(write("forget"), *((f"{PREFIX}{one}",) for one in old))
    return change


async def sizes_of(tables: Asking) -> dict[int, int]:
    """Return hour (microseconds UTC) -> bytes of the journal then."""
    rows = await tables.ask(read("sizes"))
    return {int(name.removeprefix(PREFIX)): value for name, value in rows}


async def growth_per_day(tables: Asking, now: int, facts: HubFacts) -> float | None:
    """Return by how many bytes the journal grew a day lately; None before there is an answer."""
    sizes = await sizes_of(tables)
    first = min((one for one in sizes if now - LONGEST_DAYS * DAY <= one <= now), default=None)
    if first is None or now - first < FEWEST_HOURS * HOUR * MICROSECONDS:
        return None
    return (facts.journal_bytes - sizes[first]) * DAY / (now - first)


async def days_left(tables: Asking, now: int, facts: HubFacts) -> float | None:
    """Return in how many days the disk is full; None when it does not grow or nobody knows."""
    growth = await growth_per_day(tables, now, facts)
    return facts.disk_free / growth if growth and growth > 0 and facts.disk_total else None
