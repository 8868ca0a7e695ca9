"""Gathers what several batches bring at the same time into one append.

A commit of five hundred messages costs half as much for each as one of fifty. Nothing waits for a
clock: what is gathered is stored as soon as no batch is about to bring more, so a lone batch is
stored at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TypeVar

from tillway.journal.base import AppendItem, Journal, Receipt

ENOUGH_ITEMS = 256
Brought = TypeVar("Brought")


class Gathering:
    """Appends to one journal for all batches of a hub; enough items are stored without a wait."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._expected = 0
        self._looking = False
        self._items: list[AppendItem] = []
        self._owners: list[tuple[asyncio.Future[list[Receipt]], int]] = []
        self._storing: set[asyncio.Task[None]] = set()

    async def expect(self, bringing: Awaitable[Brought]) -> Brought:
        """Wait for something that brings items by itself, without waiting for a receipt."""
        self._expected += 1
        try:
            return await bringing
        finally:
            self._expected -= 1
            self._look_soon()

    def append(self, items: Sequence[AppendItem]) -> asyncio.Future[list[Receipt]]:
        """Store items together with others; the future gives their receipts, in order."""
        receipts: asyncio.Future[list[Receipt]] = asyncio.get_running_loop().create_future()
        self._items += items
        self._owners.append((receipts, len(items)))
        if len(self._items) >= ENOUGH_ITEMS:
            self._store_now()
        else:
            self._look_soon()
        return receipts

    def _look_soon(self) -> None:
        # Not at once: who waits for the worker that has just become free expects something then.
        if not self._looking:
            self._looking = True
            asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        self._looking = False
        if self._owners and not self._expected:
            self._store_now()

    def _store_now(self) -> None:
        task = asyncio.create_task(self._store(self._items, self._owners))
        self._storing.add(task)
        task.add_done_callback(self._storing.discard)
        self._items, self._owners = [], []

    async def _store(
        self,
        items: list[AppendItem],
        owners: list[tuple[asyncio.Future[list[Receipt]], int]],
    ) -> None:
        try:
            receipts = await self._journal.append(items)
        except BaseException as error:  # noqa: BLE001 - every batch must hear why it was not stored
            for owner, _ in owners:
                if not owner.done():
                    owner.set_exception(error)
            return
        start = 0
        for owner, count in owners:
            if not owner.done():
                owner.set_result(receipts[start : start + count])
            start += count
