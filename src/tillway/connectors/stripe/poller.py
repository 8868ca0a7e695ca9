"""Fetches the payouts that hints speak of, and searches the list of events for what none told.

Surprising: a search reads the same events that the webhooks send, so both make the same records and
the second is a duplicate. Stripe keeps events for 30 days; what is older cannot be found so.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec

from tillway.clock import MICROSECONDS
from tillway.connect.kit import Hint, Intake, SourceContext, Submission
from tillway.connectors.stripe.api import Json, StripeApi
from tillway.connectors.stripe.events import SEARCHED, read_event
from tillway.connectors.stripe.records import PAYOUT, Record, missing_record, payout_record
from tillway.connectors.stripe.settings import KEPT_DAYS, StripeSourceSettings
from tillway.errors import NotConnected

WINDOW_HINTS = 500
DAY_SECONDS = 86_400
MARK = "searched_until"
NOT_THERE = "Stripe does not have it"
SEEN_EVENTS = 20_000
NO_ENTRIES_YET = "in_progress"
_log = logging.getLogger(__name__)
encode_record = msgspec.json.Encoder(decimal_format="number").encode
_encode_lines = msgspec.json.Encoder(decimal_format="number").encode_lines


class Poller:
    """Does the fetching of one source: `fetch` for hints, `search` for events."""

    def __init__(
        self, settings: StripeSourceSettings, context: SourceContext, api: StripeApi
    ) -> None:
        self._settings = settings
        self._context = context
        self._api = api
        self._attempts: dict[str, int] = {}
        self._stored: dict[str, int] = {}
        self._seen: dict[str, None] = {}

    async def fetch(self, intake: Intake) -> None:
        """Fetch what waits. A payout that Stripe does not show yet is asked for at the next turns.

        Raises what the API raises and Refused of the intake; the hints stay.
        """
        window = await self._context.hints.waiting(WINDOW_HINTS)
        wanted: dict[str, int] = {}
        for _, hint in window:
            if hint.object_type == PAYOUT:
                wanted[hint.object_id] = max(hint.revision or 0, wanted.get(hint.object_id, 0))
        late = {
            payout_id
            for payout_id, revision in wanted.items()
            if self._stored.get(payout_id) != revision
            and not await self._fetch_payout(intake, payout_id, revision)
        }
        self._stored = {name: wanted[name] for name in wanted if name not in late}
        await self._forget(window, late)

    async def search(self, intake: Intake) -> None:
        """Take every event since the last search, day by day; the mark follows what is durable."""
        now = self._context.clock.now() // MICROSECONDS
        oldest = now - KEPT_DAYS * DAY_SECONDS
        mark = await self._context.state.get(MARK)
        if mark:
            begin = int(mark) - int(self._settings.overlap_seconds)
        else:
            begin = now - int(self._settings.first_days * DAY_SECONDS)
        if begin < oldest:
            _log.warning("TW-2374 source %s: events before %s are gone", self._context.name, oldest)
            begin = oldest
        while begin <= now:
            end = min(begin + DAY_SECONDS, now + 1)
            async for page in self._api.events(SEARCHED, begin, end):
                await self._take(intake, page)
            await self._context.state.put(MARK, str(end - 1))
            begin = end

    async def check(self) -> None:
        """Raise NotConnected TW-2375 when no enabled endpoint at Stripe leads to the door."""
        url = self._settings.webhook_url
        if not url:
            return
        ours = [one for one in await self._api.endpoints() if one.get("url") == url]
        if not any(one.get("status") == "enabled" for one in ours):
            what = "is disabled" if ours else "does not exist"
            raise NotConnected("TW-2375", f"the webhook endpoint to {url} {what}")

    async def _forget(self, window: Sequence[tuple[int, Hint]], late: set[str]) -> None:
        """Forget the hints before the first that speaks of a late payout."""
        last = 0
        for position, hint in window:
            if hint.object_type == PAYOUT and hint.object_id in late:
                break
            last = position
        if last:
            await self._context.hints.done(last)

    async def _take(self, intake: Intake, events: Sequence[Json]) -> None:
        new = [event for event in events if str(event.get("id")) not in self._seen]
        found = [read_event(event, self._settings.metadata) for event in new]
        for hint in found:
            if isinstance(hint, Hint):
                await self._context.hints.put(hint)
        await self._hand_over(intake, [one for one in found if isinstance(one, dict)])
        self._seen.update(dict.fromkeys(str(event.get("id")) for event in new))
        while len(self._seen) > SEEN_EVENTS:
            del self._seen[next(iter(self._seen))]

    async def _fetch_payout(self, intake: Intake, payout_id: str, revision: int) -> bool:
        """Store a payout and say so; False while it is worth asking again.

        A refused call says that our settings are wrong and nothing of the payout: it is raised.
        """
        payout = await self._api.payout(payout_id)
        if payout is not None:
            entries = await self._entries(payout)
            await self._hand_over(intake, [payout_record(payout, entries, revision or None)])
            self._attempts.pop(payout_id, None)
            return True
        self._attempts[payout_id] = self._attempts.get(payout_id, 0) + 1
        if self._attempts[payout_id] < self._settings.fetch_attempts:
            return False
        del self._attempts[payout_id]
        await self._hand_over(intake, [missing_record(PAYOUT, payout_id, NOT_THERE)])
        return True

    async def _entries(self, payout: Json) -> list[Json]:
        """Return what a payout consists of; Stripe only knows it of automatic ones, and late."""
        if not payout.get("automatic") or payout.get("reconciliation_status") == NO_ENTRIES_YET:
            return []
        return await self._api.entries(str(payout.get("id")))

    async def _hand_over(self, intake: Intake, records: Sequence[Record]) -> None:
        """Store records; one that the hub cannot read is replaced by one that says so."""
        if not records:
            return
        body = Submission(_encode_lines(records), format="ndjson")
        result = await intake.submit(body, keep_items=False)
        for item in result.items:
            if item.outcome == "refused":
                record = records[min(max(item.line, 1), len(records)) - 1]
                kind = record["kind"]
                told = missing_record(kind, record.get(kind, {}).get("id"), "it cannot be read")
                await intake.submit(Submission(encode_record(told)))
