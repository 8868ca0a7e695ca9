"""Fetches orders: those the webhooks spoke of, and those no webhook spoke of.

Surprising: an order is taken only when its last change is some seconds old by Shopify's own clock.
`updated_at` counts whole seconds, so only then does a version stand for one content. Until then the
order waits in `later`, which is durable.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from tillway.clock import MICROSECONDS
from tillway.connect.kit import Intake, SourceContext, Submission
from tillway.connectors.shopify.admin_api import AdminApi, Page
from tillway.connectors.shopify.door import ORDER
from tillway.connectors.shopify.parts import Part, text
from tillway.connectors.shopify.records import (
    ORDER_FIELDS,
    TRANSACTION_FIELDS,
    UNREADABLE,
    WHY_UNREADABLE,
    lost_record,
    order_records,
    seconds_of,
    updated_at,
)
from tillway.connectors.shopify.settings import ShopifySourceSettings
from tillway.errors import Permanent

CURSOR = "orders_cursor"
LATER = "orders_later"
ORDERS_AT_ONCE = 25
REMEMBERED_ORDERS = 20_000
MAX_HINTS_AT_ONCE = 1000
_decode_later = msgspec.json.Decoder(dict[str, int]).decode


class Orders:
    """Takes the orders of one shop; everything it waits for survives a restart."""

    def __init__(
        self, settings: ShopifySourceSettings, context: SourceContext, api: AdminApi
    ) -> None:
        self._settings = settings
        self._context = context
        self._api = api
        self._taken: OrderedDict[str, int] = OrderedDict()
        self._later: dict[str, int] | None = None
        # Hints and search run side by side; an order must not be judged by both at once.
        self._one_at_a_time = asyncio.Lock()

    async def take_hints(self, intake: Intake, stop: asyncio.Event) -> bool:
        """Fetch what is waiting, oldest first; True when there is more to do at once."""
        hints = await self._context.hints.waiting(MAX_HINTS_AT_ONCE)
        named = [hint.object_id for _, hint in hints if hint.object_type == ORDER]
        wanted = list(dict.fromkeys([*await self._waiting_later(), *named]))
        for at in range(0, len(wanted), self._settings.page_size):
            numbers = wanted[at : at + self._settings.page_size]
            async with self._one_at_a_time:
                still = await self._take_named(numbers, intake, stop)
                await self._remember_later(numbers, still)
        if hints:
            await self._context.hints.done(hints[-1][0])
        return len(hints) == MAX_HINTS_AT_ONCE

    async def search(self, intake: Intake, stop: asyncio.Event) -> None:
        """Fetch every order changed since the last search, page by page; the cursor follows."""
        cursor = await self._cursor()
        since = datetime.fromtimestamp(max(0, cursor - self._settings.overlap_seconds), UTC)
        page: Page | None = await self._page(
            stop, updated_at_min=since.isoformat(), order="updated_at asc"
        )
        while page is not None:
            async with self._one_at_a_time:
                young = await self._take(page.items, page.now, intake, stop)
                await self._remember_later((), dict.fromkeys(young, self._now()))
            newest = max((updated_at(order) for order in page.items), default=cursor)
            if newest > cursor:
                cursor = newest
                await self._context.state.put(CURSOR, str(cursor))
            page = await self._api.next_page(page, "orders", stop)

    async def _take_named(
        self, numbers: Sequence[str], intake: Intake, stop: asyncio.Event
    ) -> dict[str, int]:
        """Take orders by number; return those to look for again, and since when they wait."""
        page = await self._page(stop, ids=",".join(numbers))
        found = {text(order, "id"): order for order in page.items}
        present = [found[number] for number in numbers if number in found]
        young = await self._take(present, page.now, intake, stop)
        later, now = await self._waiting_later(), self._now()
        still = {number: later.get(number, now) for number in young}
        gone = []
        for number in numbers:
            since = later.get(number, now)
            if number in found:
                continue
            if now - since < self._settings.gone_seconds:
                still[number] = since
            else:
                gone.append(lost_record(f"{ORDER}/{number}", "Shopify no longer knows it"))
        await self._submit(gone, intake)
        return still

    async def _page(self, stop: asyncio.Event, **query: object) -> Page:
        """Return a page of orders; a shop without any such list is no shop without orders."""
        page = await self._api.page(
            "orders.json",
            "orders",
            stop,
            status="any",
            limit=self._settings.page_size,
            fields=ORDER_FIELDS,
            **query,
        )
        if page is None:
            raise Permanent(
                "TW-2362", "Shopify knows no orders.json here", source=self._context.name
            )
        return page

    async def _take(
        self, orders: Iterable[Part], now: int, intake: Intake, stop: asyncio.Event
    ) -> list[str]:
        """Hand over the orders that have settled; return the numbers of those that have not."""
        young: list[str] = []
        batch: dict[str, tuple[int, list[bytes]]] = {}
        for order in orders:
            number, seconds = text(order, "id"), updated_at(order)
            if now - seconds < self._settings.settle_seconds:
                young.append(number)
            elif self._taken.get(number, -1) < seconds:
                batch[number] = seconds, await self._records_of(number, order, stop)
            if len(batch) >= ORDERS_AT_ONCE:
                await self._hand_over(batch, intake)
        await self._hand_over(batch, intake)
        return young

    async def _records_of(self, number: str, order: Part, stop: asyncio.Event) -> list[bytes]:
        transactions = await self._api.whole(
            f"orders/{number}/transactions.json", "transactions", stop, fields=TRANSACTION_FIELDS
        )
        try:
            return order_records(order, transactions or [])
        except UNREADABLE:
            return [lost_record(f"{ORDER}/{number}", WHY_UNREADABLE)]

    async def _hand_over(self, batch: dict[str, tuple[int, list[bytes]]], intake: Intake) -> None:
        """Store a batch; one that the hub cannot read is stored order by order, the rest named."""
        if not await self._submit(
            [one for _, records in batch.values() for one in records], intake
        ):
            for number, (_, records) in batch.items():
                if not await self._submit(records, intake):
                    lost = lost_record(f"{ORDER}/{number}", WHY_UNREADABLE)
                    await self._submit([lost], intake)
        for number, (seconds, _) in batch.items():
            self._taken[number] = seconds
            self._taken.move_to_end(number)
        while len(self._taken) > REMEMBERED_ORDERS:
            self._taken.popitem(last=False)
        batch.clear()

    async def _submit(self, records: Sequence[bytes], intake: Intake) -> bool:
        """Store records; False when one of them was refused, and so is not stored."""
        if not records:
            return True
        result = await intake.submit(
            Submission(b"\n".join(records) + b"\n", name="shopify orders", format="ndjson"),
            keep_items=False,
        )
        return result.complete and not result.counts.get("refused")

    async def _cursor(self) -> int:
        remembered = await self._context.state.get(CURSOR)
        if remembered:
            return int(remembered)
        cursor = seconds_of(self._settings.start) or self._now()
        await self._context.state.put(CURSOR, str(cursor))
        return cursor

    async def _waiting_later(self) -> dict[str, int]:
        if self._later is None:
            remembered = await self._context.state.get(LATER)
            self._later = _decode_later(remembered) if remembered else {}
        return self._later

    async def _remember_later(self, looked_at: Iterable[str], still: Mapping[str, int]) -> None:
        before = await self._waiting_later()
        done = set(looked_at)
        later = {number: since for number, since in before.items() if number not in done} | {
            number: before.get(number, since) for number, since in still.items()
        }
        if later != before:
            written = msgspec.json.encode(later).decode() if later else ""
            await self._context.state.put(LATER, written)
            self._later = later

    def _now(self) -> int:
        return self._context.clock.now() // MICROSECONDS
