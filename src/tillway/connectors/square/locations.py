"""The locations of the account and their time zones, asked for once and again when a new one comes.

Surprising: a location that Square does not list has the zone UTC, so that one sale of a closed shop
never stops the others; its business day may then be off by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tillway.connectors.square.api import SquareApi

UNKNOWN_ZONE = "UTC"


class Locations:
    """Location id -> IANA time zone. chosen: the ids to fetch by cursor, empty for all."""

    def __init__(self, api: SquareApi, chosen: Sequence[str] = ()) -> None:
        self._api = api
        self._chosen = chosen
        self._zones: dict[str, str] = {}
        self._strangers: set[str] = set()

    async def ids(self) -> list[str]:
        """Return the locations to search, as Square lists them now."""
        await self._ask()
        return list(self._chosen) or sorted(self._zones)

    async def zone(self, location: object) -> str:
        """Return the zone of a location."""
        name = str(location)
        if name not in self._zones and name not in self._strangers:
            await self._ask()
            if name not in self._zones:
                self._strangers.add(name)
        return self._zones.get(name, UNKNOWN_ZONE)

    async def _ask(self) -> None:
        for location in await self._api.locations():
            self._zones[str(location.get("id"))] = _usable(location.get("timezone"))


def _usable(zone: object) -> str:
    try:
        return ZoneInfo(str(zone)).key
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return UNKNOWN_ZONE
