"""Rules about shops: silent while they should be trading, and tills whose clock is wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tillway.clock import MICROSECONDS
from tillway.observe.moments import age_text
from tillway.reconcile import TillClock, furthest_off, is_kept, till_clocks
from tillway.watch.scene import Scene, Sighting
from tillway.watch.shops import HOURS_OF_WEEK, NIGHT, Shop, slot_of, usual_hours

MARGIN = 1.5
FEWEST_MESSAGES = 10
TRADING_SECONDS = 3600
"""A shop nobody knows the hours of counts as trading after so long a stretch."""
FEWEST_WEEKS = 2
TOGETHER = 3
"""So many shops that have the same trouble are one trouble, not many."""
CLOCK_HEARD_SECONDS = 24 * 3600
"""A till that was not heard of for so long tells no time any more."""


async def store_silent(scene: Scene) -> list[Sighting]:
    """Find shops that should be trading and are not heard of, one by one or all together."""
    least = scene.book.threshold("StoreSilent") * 60 * MICROSECONDS
    hours = _Hours(scene)
    silent: dict[str, Shop] = {}
    trading: set[str] = set()
    for store, shop in scene.recorder.shops.known.items():
        if store not in scene.release.stores or shop.last_at > scene.now:
            continue
        since = await hours.expected_since(shop)
        if since is None:
            continue
        trading.add(store)
        usual = max(shop.longest, await hours.longest(store))
        if scene.now - since > max(least, MARGIN * usual):
            silent[store] = shop
    return _told(scene, silent, trading)


class _Hours:
    """Knows when shops trade: by hours that are written down, else by what they usually do."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._usual: dict[tuple[int, int], dict[str, tuple[int, int]]] = {}
        self._learned = scene.now - scene.recorder.since >= 14 * 86400 * MICROSECONDS

    async def expected_since(self, shop: Shop) -> int | None:
        """Return from when on the shop's silence counts, None while it is not expected."""
        scene, store = self._scene, shop.store
        zone = scene.recorder.shops.zone_of(store)
        local = datetime.fromtimestamp(scene.now / MICROSECONDS, ZoneInfo(zone))
        if _closed_by_calendar(scene, store, local):
            return None
        hours = scene.release.watch.opening.get(store) or scene.release.watch.opening.get("")
        if hours is not None:
            if not hours.opens <= local.time() <= hours.closes:
                return None
            opened = datetime.combine(local.date(), hours.opens, local.tzinfo).timestamp()
            return max(shop.last_at, round(opened * MICROSECONDS))
        if shop.closed:
            return None
        if self._learned:
            slot, week = slot_of(scene.now, zone)
            now, before = (
                await self._of(slot, week),
                await self._of((slot - 1) % HOURS_OF_WEEK, week),
            )
            both = store in now and store in before
            usual = both and min(now[store][0], before[store][0]) >= FEWEST_WEEKS
            return shop.last_at if usual else None
        busy = shop.last_at - shop.opened >= TRADING_SECONDS * MICROSECONDS
        recent = scene.now - shop.last_at <= NIGHT
        return shop.last_at if busy and recent and shop.messages >= FEWEST_MESSAGES else None

    async def longest(self, store: str) -> int:
        """Return the longest silence of this hour of the week, in the last weeks."""
        slot, week = slot_of(self._scene.now, self._scene.recorder.shops.zone_of(store))
        return (await self._of(slot, week)).get(store, (0, 0))[1]

    async def _of(self, slot: int, week: int) -> dict[str, tuple[int, int]]:
        if (slot, week) not in self._usual:
            self._usual[slot, week] = await usual_hours(self._scene.journal, slot, week)
        return self._usual[slot, week]


def _closed_by_calendar(scene: Scene, store: str, local: datetime) -> bool:
    settings = scene.release.reconciliation
    if settings is None:
        return False
    for key in ("", store):
        if local.date() in settings.closed.get(key, frozenset()):
            return True
        if local.weekday() in settings.weekdays_closed.get(key, frozenset()):
            return True
    return False


def _told(scene: Scene, silent: Mapping[str, Shop], trading: set[str]) -> list[Sighting]:
    found: list[Sighting] = []
    told: set[str] = set()
    for kind in ("system", "country"):
        groups: defaultdict[str, set[str]] = defaultdict(set)
        for store in trading:
            groups[getattr(scene.release.stores[store], kind)].add(store)
        for name, stores in sorted(groups.items()):
            if len(stores) >= TOGETHER and stores <= silent.keys() and not stores <= told:
                told |= stores
                found.append(_together(scene, kind, name, [silent[one] for one in sorted(stores)]))
    found += [_alone(scene, shop) for store, shop in sorted(silent.items()) if store not in told]
    return found


def _together(scene: Scene, kind: str, name: str, shops: list[Shop]) -> Sighting:
    newest = max(shop.last_at for shop in shops)
    return Sighting(
        "StoreSilent",
        f"{kind} {name}",
        f"all {len(shops)} shops of {kind} {name} are silent, the last of them for"
        f" {age_text(scene.seconds_since(newest))}",
        priority="P1",
        count=len(shops),
        stores=tuple(shop.store for shop in shops),
        since=newest,
        detail="what they share is down: a line, a till service, a data centre",
    )


def _alone(scene: Scene, shop: Shop) -> Sighting:
    store = scene.release.stores[shop.store]
    age = age_text(scene.seconds_since(shop.last_at))
    return Sighting(
        "StoreSilent",
        shop.store,
        f"store {shop.store} {store.name} has been silent for {age}",
        count=1,
        stores=(shop.store,),
        since=shop.last_at,
        detail=f"its longest silence today was {age_text(shop.longest / MICROSECONDS)}",
    )


async def clock_skew(scene: Scene) -> list[Sighting]:
    """Find shops with a till whose clock is off; most of them at once are one trouble."""
    if not await is_kept(scene.journal):
        return []
    limit = scene.book.threshold("ClockSkew") * 60
    heard = {
        store: clock
        for store, clock in furthest_off(await till_clocks(scene.journal)).items()
        if scene.seconds_since(clock.last_at) < CLOCK_HEARD_SECONDS
    }
    off = [clock for clock in heard.values() if abs(clock.offset_seconds) > limit]
    if len(off) < TOGETHER or 2 * len(off) <= len(heard):
        return [_clock_off(scene, clock) for clock in off]
    return [
        Sighting(
            "ClockSkew",
            "most stores",
            f"the tills of {len(off)} of {len(heard)} stores tell another time than the hub",
            count=len(off),
            stores=tuple(clock.store for clock in off),
            since=min(clock.since for clock in off),
            detail="so many at once: look at the clock of the hub's machine first",
        )
    ]


def _clock_off(scene: Scene, clock: TillClock) -> Sighting:
    name = f"store {clock.store} {_name(scene, clock.store)}".rstrip()
    is_ahead = clock.offset_seconds > 0
    told = f"{'ahead' if is_ahead else 'behind'} by {age_text(abs(clock.offset_seconds))}"
    return Sighting(
        "ClockSkew",
        clock.store,
        f"{name}: the clock of till {clock.workstation} is {told}",
        count=1,
        stores=(clock.store,),
        since=clock.since,
        detail="" if is_ahead else "or it sends its sales so late",
    )


def _name(scene: Scene, store: str) -> str:
    known = scene.release.stores.get(store)
    return known.name if known else ""


JUDGES: Mapping[str, Any] = {"StoreSilent": store_silent, "ClockSkew": clock_skew}
