"""Tryton as a target: each message is one posted `account.move` with our key in its description.

Surprising: every call looks first for what Tryton already holds under its keys. So whatever
happened before (an answer lost, a hub killed between creating and posting), the work is taken up
where Tryton has it, and a second document is never made.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from tillway.clock import MICROSECONDS
from tillway.connect.http_client import HttpClient
from tillway.connect.kit import Delivered, DeliveryClass, Outbound, SendResult, TargetContext
from tillway.connectors.tryton.chart import Chart
from tillway.connectors.tryton.codes import Codes
from tillway.connectors.tryton.decisions import Work, decided, original
from tillway.connectors.tryton.ledger import Booked, Ledger, Sums
from tillway.connectors.tryton.moves import Move, key_in_books, move_of
from tillway.connectors.tryton.session import TrytonSession
from tillway.connectors.tryton.settings import TrytonTargetSettings
from tillway.errors import InDoubt, NotConnected, Permanent, TillwayError, Transient

Works = dict[int, Work]
Results = dict[int, SendResult]
_CALL_FAILED = (Transient, NotConnected, InDoubt)


class TrytonTarget:
    """One company's books. Class B: a key can be looked up, and is, before anything is created."""

    stops_per_lane = False
    delivery_class: DeliveryClass = "B"

    def __init__(
        self,
        settings: TrytonTargetSettings,
        context: TargetContext,
        client: HttpClient | None = None,
    ) -> None:
        self._settings = settings
        self._context = context
        self._session = TrytonSession(settings, context.name, settings.connections, client)
        self._chart = Chart(self._session, context.clock)
        self._ledger = Ledger(self._session)
        self.max_bulk = settings.bulk_size

    async def send(self, batch: Sequence[Outbound]) -> list[SendResult]:
        """Book a batch and answer for each message in order."""
        results: Results = {}
        for part in _without_repeated_keys(batch):
            results.update(await self._send({index: batch[index] for index in part}))
        return [results[index] for index in range(len(batch))]

    async def look_up(self, key: str) -> str | None:
        """Return the number of the posted move of a key, None when there is none.

        A draft counts as none, and so does a move of some revision: `send` looks closer, and takes
        both up where they stand. Raises the error that stood in the way.
        """
        found = await self._ledger.named(key_in_books(key))
        posted = [one.number for one in found if one.is_posted and not one.reverses]
        return posted[0] if posted else None

    async def ping(self) -> None:
        """Raise a TillwayError when Tryton could not book a receipt of today.

        Tests the log-in, the rights, the company, the journal, the accounts of the settings, and
        that the fiscal period of today is open.
        """
        today = datetime.fromtimestamp(self._context.clock.now() / MICROSECONDS, UTC).date()
        try:
            await self._ledger.check_rights()
            await self._chart.check(self._settings.journal, self._settings.accounts, today)
        except Transient as fault:
            raise NotConnected(fault.code, fault.detail, target=self._context.name) from None

    async def close(self) -> None:
        """Let go of connections."""
        await self._session.close()

    async def _send(self, batch: dict[int, Outbound]) -> Results:
        results: Results = {}
        moves: dict[int, Move] = {}
        for index, message in batch.items():
            try:
                moves[index] = self._move(message)
            except Permanent as refusal:
                results[index] = refusal
        if not moves:
            return results
        try:
            works = await self._planned(moves, results)
        except TillwayError as fault:
            return {**results, **dict.fromkeys(moves, fault)}
        await self._create(works, results)
        await self._post(works, results)
        await self._number(works, results)
        return results

    def _move(self, message: Outbound) -> Move:
        key = key_in_books(message.key)
        return move_of(key, message.body, self._settings.journal, message.revision)

    async def _planned(self, moves: dict[int, Move], results: Results) -> Works:
        """Decide what each document needs; what is done or cannot be done goes to results."""
        codes = await self._chart.codes_for(list(moves.values()))
        booked = await self._ledger.find(moves.values())
        taken_back = await self._ledger.reversed_by(moves.values())
        works: Works = {}
        for index, move in moves.items():
            try:
                values, sums = _planned_move(move, codes, taken_back)
                decision = decided(move, values, sums, booked[move.key])
            except Permanent as refusal:
                results[index] = refusal
            else:
                if isinstance(decision, Work):
                    works[index] = decision
                else:
                    results[index] = decision
        return works

    async def _create(self, works: Works, results: Results) -> None:
        async def create(part: Works) -> None:
            ids = await self._ledger.create([one for w in part.values() for one in w.create])
            for work in part.values():
                work.made, ids = ids[: len(work.create)], ids[len(work.create) :]
                work.ids.extend(work.made)

        wanted = {index: work for index, work in works.items() if work.create}
        refused = await self._halving(wanted, create)
        for index, error in refused.items():
            results[index] = error
            del works[index]

    async def _post(self, works: Works, results: Results) -> None:
        async def post(part: Works) -> None:
            await self._ledger.post([one for work in part.values() for one in work.ids])

        refused = await self._halving(works, post)
        for index, error in refused.items():
            results[index] = error
            work = works.pop(index)
            if isinstance(error, Permanent):
                results[index] = await self._after_refused_post(work, error)

    async def _after_refused_post(self, work: Work, refusal: Permanent) -> SendResult:
        """Return Delivered when it was posted meanwhile; else take our own drafts out again."""
        try:
            found = await self._ledger.read(work.ids)
            document = found.get(work.ids[-1])
            if document is not None and document.is_posted:
                return Delivered(document.number, repeated=True)
        except TillwayError as fault:
            return InDoubt(fault.code, fault.detail, target=self._context.name)
        if work.made:
            # A draft that stays is no harm: the next attempt finds it and takes it up.
            with suppress(TillwayError):
                await self._ledger.delete(work.made)
        return refusal

    async def _number(self, works: Works, results: Results) -> None:
        """Answer for what was posted, with the number Tryton gave it."""
        if not works:
            return
        try:
            found = await self._ledger.read([work.ids[-1] for work in works.values()])
        except TillwayError:
            # It is posted, which Tryton said; only its number is not known.
            results.update({index: Delivered() for index in works})
            return
        for index, work in works.items():
            document = found.get(work.ids[-1])
            if document is not None and document.is_posted:
                results[index] = Delivered(document.number)
            else:
                results[index] = InDoubt(
                    "TW-4148",
                    f"{self._context.name} said that it posted a move, and does not show it posted",
                    target=self._context.name,
                )

    async def _halving(
        self, works: Works, call: Callable[[Works], Awaitable[None]]
    ) -> dict[int, TillwayError]:
        """Call for all; when the call is refused, in halves, until the guilty one stands alone."""
        if not works:
            return {}
        try:
            await call(works)
        except _CALL_FAILED as fault:
            return dict.fromkeys(works, fault)
        except Permanent as refusal:
            if len(works) == 1:
                self._chart.forget()
                return dict.fromkeys(works, refusal)
            places = list(works)
            middle = len(places) // 2
            halves = places[:middle], places[middle:]
            refused: dict[int, TillwayError] = {}
            for half in halves:
                part = {index: works[index] for index in half}
                refused.update(await self._halving(part, call))
            return refused
        return {}


def _planned_move(
    move: Move, codes: Codes, booked: Mapping[str, list[Booked]]
) -> tuple[dict[str, Any], Sums]:
    """Return a move as `create` takes it, and what it books on each account.

    What takes a posting back is made of what the books hold of it, not of the message's own lines:
    a code table that was changed since then would leave something on both accounts.
    """
    if not move.reverses:
        return codes.values(move), codes.sums(move)
    taken_back = original(move, booked[move.reverses])
    sums = {place: -amount for place, amount in taken_back.sums().items()}
    return taken_back.taken_back(codes.header(move)), sums


def _without_repeated_keys(batch: Sequence[Outbound]) -> list[list[int]]:
    """Return the places of a batch in parts in which no key stands twice, order kept per key."""
    parts: list[list[int]] = []
    seen: dict[str, int] = {}
    for index, message in enumerate(batch):
        turn = seen[message.key] = seen.get(message.key, -1) + 1
        if turn == len(parts):
            parts.append([])
        parts[turn].append(index)
    return parts
