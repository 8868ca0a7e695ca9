"""Fetches what Shopify Payments paid out, and, if asked for, tender transactions.

There is no webhook for a payout, so it is only searched for. A payout is taken when its fate is
known (paid, failed, canceled); one still under way keeps the cursor at its day.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial

from tillway.clock import MICROSECONDS
from tillway.connect.kit import Intake, SourceContext, Submission
from tillway.connectors.shopify.admin_api import AdminApi, Page
from tillway.connectors.shopify.parts import Part, text
from tillway.connectors.shopify.records import (
    UNREADABLE,
    WHY_UNREADABLE,
    lost_record,
    payout_record,
    seconds_of,
    tender_record,
)
from tillway.connectors.shopify.settings import LARGEST_PAGE, ShopifySourceSettings

PAYOUT_CURSOR = "payouts_cursor"
TENDER_CURSOR = "tenders_cursor"
KNOWN_FATES = frozenset({"paid", "failed", "canceled"})


class Money:
    """Takes the payouts and tender transactions of one shop."""

    def __init__(
        self, settings: ShopifySourceSettings, context: SourceContext, api: AdminApi
    ) -> None:
        self._settings = settings
        self._context = context
        self._api = api

    async def search(self, intake: Intake, stop: asyncio.Event) -> None:
        """Search for whatever the settings ask for."""
        if self._settings.payouts:
            await self._search_payouts(intake, stop)
        if self._settings.tender_transactions:
            await self._search_tenders(intake, stop)

    async def _search_payouts(self, intake: Intake, stop: asyncio.Event) -> None:
        remembered = await self._context.state.get(PAYOUT_CURSOR)
        cursor = date.fromisoformat(remembered) if remembered else self._first_day()
        since = cursor - timedelta(days=self._settings.payout_overlap_days)
        page = await self._api.page(
            "shopify_payments/payouts.json",
            "payouts",
            stop,
            date_min=since.isoformat(),
            limit=LARGEST_PAGE,
        )
        days: dict[bool, list[date]] = {True: [], False: []}
        while page is not None:
            for payout in page.items:
                settled = text(payout, "status") in KNOWN_FATES
                if (day := _day(payout)) is not None:
                    days[settled].append(day)
                if settled:
                    await self._take_payout(payout, intake, stop)
            page = await self._api.next_page(page, "payouts", stop)
        # A payout under way must be met again, so the cursor waits for the first of them.
        newest = min([max([cursor, *days[True]]), *days[False]])
        if newest != cursor or not remembered:
            await self._context.state.put(PAYOUT_CURSOR, newest.isoformat())

    async def _take_payout(self, payout: Part, intake: Intake, stop: asyncio.Event) -> None:
        entries = None
        if text(payout, "status") == "paid":
            entries = await self._api.whole(
                "shopify_payments/balance/transactions.json",
                "transactions",
                stop,
                payout_id=text(payout, "id"),
                limit=LARGEST_PAGE,
            )
        name = f"Payout/{text(payout, 'id')}"
        await self._submit([_made(name, lambda: payout_record(payout, entries or []))], intake)

    async def _search_tenders(self, intake: Intake, stop: asyncio.Event) -> None:
        remembered = await self._context.state.get(TENDER_CURSOR)
        cursor = int(remembered) if remembered else self._start_seconds()
        since = datetime.fromtimestamp(max(0, cursor - self._settings.overlap_seconds), UTC)
        page: Page | None = await self._api.page(
            "tender_transactions.json",
            "tender_transactions",
            stop,
            processed_at_min=since.isoformat(),
            order="processed_at ASC",
            limit=LARGEST_PAGE,
        )
        while page is not None:
            named = [
                _made(f"TenderTransaction/{text(one, 'id')}", partial(tender_record, one))
                for one in page.items
            ]
            await self._submit(named, intake)
            cursor = max([cursor, *(_processed_at(one) for one in page.items)])
            await self._context.state.put(TENDER_CURSOR, str(cursor))
            page = await self._api.next_page(page, "tender_transactions", stop)

    async def _submit(self, named: Sequence[tuple[str, bytes]], intake: Intake) -> None:
        """Store records; one the hub refuses is stored by its name, so that it can be seen."""
        if named and not await self._stored([record for _, record in named], intake):
            for name, record in named:
                if not await self._stored([record], intake):
                    await self._stored([lost_record(name, WHY_UNREADABLE)], intake)

    async def _stored(self, records: Sequence[bytes], intake: Intake) -> bool:
        result = await intake.submit(
            Submission(b"\n".join(records) + b"\n", name="shopify money", format="ndjson"),
            keep_items=False,
        )
        return result.complete and not result.counts.get("refused")

    def _first_day(self) -> date:
        return datetime.fromtimestamp(self._start_seconds(), UTC).date()

    def _start_seconds(self) -> int:
        return seconds_of(self._settings.start) or self._context.clock.now() // MICROSECONDS


def _made(name: str, make: Callable[[], bytes]) -> tuple[str, bytes]:
    """Return a record with its name; one that cannot be made says so in its place."""
    try:
        return name, make()
    except UNREADABLE:
        return name, lost_record(name, WHY_UNREADABLE)


def _day(payout: Part) -> date | None:
    """Return the day of a payout; one it does not say moves no cursor, the record is checked."""
    try:
        return date.fromisoformat(text(payout, "date"))
    except ValueError:
        return None


def _processed_at(transaction: Part) -> int:
    try:
        return seconds_of(text(transaction, "processed_at"))
    except ValueError:
        return 0
