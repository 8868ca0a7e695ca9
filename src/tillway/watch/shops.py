"""How each shop usually trades, learned from what it sends: its longest silences, hour by hour.

A night, or an end of day, ends a stretch of trade; silences are only those inside one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from tillway.clock import MICROSECONDS
from tillway.journal.projection import Asking, Change, Row
from tillway.project.records import Store
from tillway.watch.tables import read, write

NIGHT = 4 * 3600 * MICROSECONDS
"""A silence this long ends a stretch of trade."""
HOURS_OF_WEEK = 168
HISTORY_WEEKS = 4


class Shop(msgspec.Struct):
    """A shop's present stretch of trade. Times are microseconds UTC."""

    store: str
    system: str
    last_at: int = 0
    opened: int = 0
    longest: int = 0
    messages: int = 0
    closed: bool = False

    def row(self) -> Row:
        """Return it as its table has it."""
        return (
            *(self.store, self.system, self.last_at, self.opened, self.longest, self.messages),
            int(self.closed),
        )


class Arrived(msgspec.Struct, frozen=True):
    """What one shop sent in one minute; longest: the longest silence between two of them."""

    system: str
    store: str
    minute: int
    count: int
    last_at: int
    first_at: int
    longest: int
    closed: bool


class Shops(msgspec.Struct):
    """Every shop that ever sent something."""

    stores: Mapping[str, Store]
    zone: str
    known: dict[str, Shop] = msgspec.field(default_factory=dict)

    async def open(self, tables: Asking) -> None:
        """Read what is known."""
        rows = await tables.ask(read("shops"))
        self.known = {row[0]: _shop(*row) for row in rows}

    def take(self, arrived: list[Arrived], change: Change) -> None:
        """Add what came in, oldest first."""
        changed: dict[str, Shop] = {}
        hours: dict[tuple[str, int, int], int] = {}
        for one in sorted(arrived, key=lambda found: found.first_at):
            if not one.store:
                continue
            shop = self.known.setdefault(one.store, Shop(one.store, one.system))
            longest = self._arrived(shop, one)
            place = (one.store, *slot_of(one.first_at, self.zone_of(one.store)))
            hours[place] = max(hours.get(place, 0), longest)
            changed[one.store] = shop
        change.run(write("shop"), *(shop.row() for shop in changed.values()))
        change.run(
            write("shop_hour"),
            *((store, slot, week, longest) for (store, slot, week), longest in hours.items()),
        )

    def zone_of(self, store: str) -> str:
        """Return the time zone of a shop, that of the hub for one that is not listed."""
        return self.stores[store].time_zone if store in self.stores else self.zone

    def _arrived(self, shop: Shop, one: Arrived) -> int:
        silence = max(0, one.first_at - shop.last_at)
        if shop.closed or not shop.last_at or silence > NIGHT:
            shop.opened, shop.longest, shop.messages, silence = one.first_at, 0, 0, 0
        longest = max(silence, one.longest if one.longest <= NIGHT else 0)
        shop.longest = max(shop.longest, longest)
        shop.messages += one.count
        shop.last_at = max(shop.last_at, one.last_at)
        shop.system = one.system
        shop.closed = one.closed
        return longest


async def usual_hours(tables: Asking, slot: int, week: int) -> dict[str, tuple[int, int]]:
    """Return shop -> (weeks it traded in this hour, longest silence then) of the last weeks."""
    rows = await tables.ask(read("shop_hours"), (slot, week - HISTORY_WEEKS))
    return {store: (weeks, longest) for store, weeks, longest in rows}


def _shop(
    store: str, system: str, last_at: int, opened: int, longest: int, messages: int, closed: int
) -> Shop:
    return Shop(store, system, last_at, opened, longest, messages, bool(closed))


def slot_of(at: int, zone: str) -> tuple[int, int]:
    """Return the hour of the week in a zone (0 is Monday midnight), and the week since 1970."""
    moment = datetime.fromtimestamp(at / MICROSECONDS, _zone(zone))
    week = (moment.date().toordinal() - 1) // 7
    return moment.weekday() * 24 + moment.hour, week


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
