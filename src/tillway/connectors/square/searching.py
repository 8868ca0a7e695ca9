"""Searches Square by cursor for what the webhooks left out.

Orders and payouts that were found are left as hints, so there is one way of fetching them; the rest
is handed over at once. A mark moves only after everything before it is durable.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime

from tillway.clock import MICROSECONDS, utc_text
from tillway.connect.kit import Hint, Intake, SourceContext
from tillway.connectors.square.api import Json, SquareApi
from tillway.connectors.square.handing import Stored, hand_over
from tillway.connectors.square.locations import Locations
from tillway.connectors.square.notices import (
    ORDER,
    PAYMENT,
    PAYOUT,
    REFUND,
    count_of,
    name_of,
)
from tillway.connectors.square.records import payment_record, refund_record, shift_record
from tillway.connectors.square.settings import SquareSourceSettings
from tillway.errors import Permanent

DAY_SECONDS = 86_400.0
PIECE_SECONDS = 7 * DAY_SECONDS
"""A search over a long time goes in pieces, and each piece moves the mark."""
FOUND_AT = "found_by_search_at"
CLOSED = "CLOSED"
_log = logging.getLogger(__name__)
_Search = Callable[[Intake, str, str], Awaitable[int]]


class Searcher:
    """Looks for changes; `turn` searches everything once, up to now."""

    def __init__(
        self,
        settings: SquareSourceSettings,
        context: SourceContext,
        api: SquareApi,
        locations: Locations,
        stored: Stored,
    ) -> None:
        self._settings = settings
        self._context = context
        self._api = api
        self._locations = locations
        self._stored = stored

    async def turn(self, intake: Intake) -> None:
        """Search all locations; one that Square refuses is told in the log and left to its turn.

        Raises Transient and NotConnected of the API and Refused of the intake.
        """
        overlap, slow = self._settings.overlap_seconds, self._settings.slow_days * DAY_SECONDS
        for location in await self._locations.ids():
            await self._search(f"orders {location}", overlap, intake, self._orders(location))
            await self._search(f"payments {location}", overlap, intake, self._payments(location))
            await self._search(f"payouts {location}", slow, intake, self._payouts(location))
            await self._search(f"shifts {location}", slow, intake, self._shifts(location))
        await self._search("refunds", overlap, intake, self._refunds)

    async def _search(
        self, name: str, reach_seconds: float, intake: Intake, search: _Search
    ) -> None:
        """Run one search piece by piece from its mark, less what it reaches back, up to now."""
        mark = await self._context.state.get(name)
        now = self._context.clock.now() / MICROSECONDS
        begin = (
            _seconds(mark) - reach_seconds
            if mark
            else now - self._settings.first_days * DAY_SECONDS
        )
        found = 0
        try:
            while begin < now:
                end = min(begin + max(PIECE_SECONDS, reach_seconds), now)
                found += await search(intake, _text(begin), _text(end))
                begin = end
                await self._context.state.put(name, _text(max(end, _seconds(mark))))
        except Permanent as refusal:
            _log.warning("%s searching %s: %s", refusal.code, name, refusal.detail)
        if found and mark:
            await self._context.state.put(FOUND_AT, _text(now))

    def _orders(self, location: str) -> _Search:
        async def search(_intake: Intake, begin: str, end: str) -> int:
            pages = self._api.changed_orders(location, begin, end)
            return await self._leave_hints(ORDER, "order_id", location, end, pages)

        return search

    def _payouts(self, location: str) -> _Search:
        async def search(_intake: Intake, begin: str, end: str) -> int:
            pages = self._api.payouts(location, begin, end)
            return await self._leave_hints(PAYOUT, "id", location, end, pages)

        return search

    def _payments(self, location: str) -> _Search:
        async def search(intake: Intake, begin: str, end: str) -> int:
            found = 0
            async for page in self._api.changed_payments(location, begin, end):
                made = [(payment["id"], payment_record(payment)) for payment in _named(page)]
                new = [r for i, r in made if not self._stored.has(PAYMENT, i, r["revision"])]
                await hand_over(intake, new, self._stored)
                found += len(new)
            return found

        return search

    async def _refunds(self, intake: Intake, begin: str, end: str) -> int:
        found = 0
        async for page in self._api.changed_refunds(begin, end):
            made = [(refund["id"], refund_record(refund)) for refund in _named(page)]
            new = [r for i, r in made if not self._stored.has(REFUND, i, r["revision"])]
            await hand_over(intake, new, self._stored)
            found += len(new)
        return found

    def _shifts(self, location: str) -> _Search:
        """Search closed shifts; no webhook tells of them, so finding one says nothing of health."""

        async def search(intake: Intake, begin: str, end: str) -> int:
            zone = await self._locations.zone(location)
            async for page in self._api.shifts(location, begin, end):
                for listed in _named(page):
                    if listed.get("state") != CLOSED or self._stored.has("shift", listed["id"], 0):
                        continue
                    shift = await self._api.shift(listed["id"], location) or listed
                    hour = self._settings.day_begins_hour
                    await hand_over(
                        intake, [shift_record(shift, location, zone, hour)], self._stored
                    )
            return 0

        return search

    async def _leave_hints(
        self, kind: str, id_name: str, location: str, end: str, pages: AsyncIterator[list[Json]]
    ) -> int:
        found = 0
        async for page in pages:
            hints = [
                _hint(kind, entry[id_name], entry, location, end)
                for entry in page
                if name_of(entry.get(id_name))
            ]
            news = [
                hint for hint in hints if not self._stored.has(kind, hint.object_id, hint.revision)
            ]
            # All at once, so that the journal flushes once for many.
            found += sum(await asyncio.gather(*map(self._context.hints.put, news)))
        return found


def _hint(kind: str, object_id: str, entry: Json, location: str, end: str) -> Hint:
    """Return the hint of a found object; the same version found again is the same hint.

    Without a version nobody knows whether it changed: then each search has a hint of its own.
    """
    known = count_of(entry.get("version"))
    return Hint(
        event_id=f"search {kind} {object_id} {end if known is None else known}",
        object_type=kind,
        object_id=object_id,
        revision=known,
        occurred_at=str(entry.get("updated_at") or end),
        store=str(entry.get("location_id") or location),
    )


def _named(page: list[Json]) -> list[Json]:
    return [member for member in page if isinstance(member.get("id"), str)]


def _text(seconds: float) -> str:
    return utc_text(round(seconds * MICROSECONDS))


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() if text else 0.0
