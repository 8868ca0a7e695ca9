"""Fetches what the notifications spoke of, in their order, and hands it to the intake.

A notification may run ahead of the API: an object not shown yet, or in an older version, is asked
for again while the others pass. What Square never shows ends in quarantine, visible, and is left.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec

from tillway.connect.kit import Hint, Intake, SourceContext
from tillway.connectors.square.api import Json, SquareApi
from tillway.connectors.square.handing import Stored, hand_over, version_of
from tillway.connectors.square.locations import Locations
from tillway.connectors.square.notices import FETCHED, ORDER, PAYMENT, PAYOUT
from tillway.connectors.square.orders import REFUND_TENDER
from tillway.connectors.square.records import (
    Record,
    missing_record,
    order_record,
    payment_record,
    payout_record,
    refund_record,
)
from tillway.connectors.square.settings import SquareSourceSettings
from tillway.errors import Permanent

WINDOW_HINTS = 500
NOT_THERE = "Square does not have it"
_log = logging.getLogger(__name__)
_Subject = tuple[str, str]
_PAID_BY = {"EXTERNAL": "OTHER"}
"""Destinations of refunds whose name differs from the tender's."""


class _Late(msgspec.Struct):
    """An object that was asked for in vain. due: when it may be asked for again (monotonic)."""

    attempts: int = 0
    due: float = 0.0
    seen: bool = False


class Fetcher:
    """Works through the hints of one source; `turn` does one round."""

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
        self._settled: set[int] = set()
        self._late: dict[_Subject, _Late] = {}

    async def turn(self, intake: Intake) -> bool:
        """Fetch what waits and is due; return whether anything was settled.

        Raises Transient and NotConnected of the API and Refused of the intake; nothing is lost by
        that, the hints stay.
        """
        window = await self._context.hints.waiting(WINDOW_HINTS)
        waiting: dict[_Subject, list[tuple[int, Hint]]] = {}
        before = len(self._settled)
        for position, hint in window:
            if position in self._settled:
                continue
            if hint.object_type in FETCHED:
                subject = (hint.object_type, hint.object_id)
                waiting.setdefault(subject, []).append((position, hint))
            else:
                self._settled.add(position)
        try:
            await self._fetch(intake, waiting)
        finally:
            settled = len(self._settled) > before
            await self._forget_settled(window)
        return settled

    async def _fetch(self, intake: Intake, waiting: dict[_Subject, list[tuple[int, Hint]]]) -> None:
        now = self._context.clock.monotonic()
        due: dict[_Subject, list[tuple[int, Hint]]] = {}
        for subject, hints in waiting.items():
            wanted = _highest(hints)
            if wanted is not None and self._stored.has(*subject, wanted):
                self._settle(subject, hints)
            elif subject not in self._late or self._late[subject].due <= now:
                due[subject] = hints
        orders = [subject for subject in due if subject[0] == ORDER]
        for start in range(0, len(orders), self._settings.orders_per_call):
            batch = orders[start : start + self._settings.orders_per_call]
            await self._fetch_orders(intake, {subject: due[subject] for subject in batch})
        for subject, hints in due.items():
            if subject[0] != ORDER:
                await self._fetch_one(intake, subject, hints)

    async def _fetch_orders(
        self, intake: Intake, due: dict[_Subject, list[tuple[int, Hint]]]
    ) -> None:
        try:
            orders = await self._api.orders([object_id for _, object_id in due])
        except Permanent as refusal:
            await self._after_refusal(intake, due, refusal)
            return
        records = [await self._order(order) for order in orders]
        await hand_over(intake, records, self._stored)
        shown = {
            str(order.get("id")): record for order, record in zip(orders, records, strict=True)
        }
        for subject, hints in due.items():
            await self._after(intake, subject, hints, shown.get(subject[1]))

    async def _after_refusal(
        self, intake: Intake, due: dict[_Subject, list[tuple[int, Hint]]], refusal: Permanent
    ) -> None:
        """Ask for each alone, so that one wrong id does not cost the others of its call."""
        if len(due) == 1:
            [(subject, hints)] = due.items()
            await self._give_up(intake, subject, hints, refusal.detail)
            return
        for subject, hints in due.items():
            await self._fetch_orders(intake, {subject: hints})

    async def _fetch_one(
        self, intake: Intake, subject: _Subject, hints: list[tuple[int, Hint]]
    ) -> None:
        try:
            record = await self._record(*subject)
        except Permanent as refusal:
            await self._give_up(intake, subject, hints, refusal.detail)
            return
        await hand_over(intake, [] if record is None else [record], self._stored)
        await self._after(intake, subject, hints, record)

    async def _record(self, kind: str, object_id: str) -> Record | None:
        if kind == PAYOUT:
            payout = await self._api.payout(object_id)
            if payout is None:
                return None
            return payout_record(payout, await self._api.entries(object_id))
        if kind == PAYMENT:
            payment = await self._api.payment(object_id)
            return None if payment is None else payment_record(payment)
        refund = await self._api.refund(object_id)
        return None if refund is None else refund_record(refund)

    async def _order(self, order: Json) -> Record:
        zone = await self._locations.zone(order.get("location_id"))
        record = order_record(order, zone, self._settings.day_begins_hour)
        for tender in record["tenders"]:
            if tender["type"] == REFUND_TENDER:
                await self._name_refund(tender)
        return record

    async def _name_refund(self, tender: Record) -> None:
        """Say how a refund was paid back; the order itself only names the refund."""
        try:
            refund = await self._api.refund(str(tender["id"]))
        except Permanent:
            return
        paid_by = (refund or {}).get("destination_type")
        if isinstance(paid_by, str):
            tender["type"] = _PAID_BY.get(paid_by, paid_by)

    async def _after(
        self,
        intake: Intake,
        subject: _Subject,
        hints: list[tuple[int, Hint]],
        record: Record | None,
    ) -> None:
        """Settle what is stored in the version reported; ask for the rest again, a few times."""
        wanted = _highest(hints)
        shown = None if record is None else version_of(record)
        if record is not None and (wanted is None or shown is None or shown >= wanted):
            self._settle(subject, hints)
            return
        late = self._late.setdefault(subject, _Late())
        late.attempts += 1
        late.seen = late.seen or record is not None
        wait = self._settings.fetch_wait_seconds * 2 ** (late.attempts - 1)
        late.due = self._context.clock.monotonic() + wait
        if late.attempts < self._settings.fetch_attempts:
            return
        if late.seen:
            _log.warning("TW-2357 %s %s: version %s was not shown", *subject, wanted)
            self._settle(subject, hints)
        else:
            await self._give_up(intake, subject, hints, NOT_THERE)

    async def _give_up(
        self, intake: Intake, subject: _Subject, hints: list[tuple[int, Hint]], reason: str
    ) -> None:
        await hand_over(intake, [missing_record(hints[-1][1], reason)], self._stored)
        self._settle(subject, hints)

    def _settle(self, subject: _Subject, hints: list[tuple[int, Hint]]) -> None:
        self._settled.update(position for position, _ in hints)
        self._late.pop(subject, None)

    async def _forget_settled(self, window: Sequence[tuple[int, Hint]]) -> None:
        """Forget the hints before the first that still waits."""
        last = 0
        for position, _ in window:
            if position not in self._settled:
                break
            last = position
        if last:
            await self._context.hints.done(last)
            self._settled = {position for position in self._settled if position > last}


def _highest(hints: Sequence[tuple[int, Hint]]) -> int | None:
    revisions = [hint.revision for _, hint in hints if hint.revision is not None]
    return max(revisions) if revisions else None
