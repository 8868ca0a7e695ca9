"""Plays a chain into a hub: each shop hands over what it made, in order, and never forgets one.

A shop that is offline keeps selling and hands over later. With a truth file, a line is written just
before its message is handed over the first time. People may interfere while it runs: take a shop
offline, send an unknown tender, send something twice, pause.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from tillway.clock import Clock
from tillway.simulator.batches import take_batch
from tillway.simulator.brands import BRANDS, CARRIERS
from tillway.simulator.delivery import Delivery
from tillway.simulator.facts import Receipt
from tillway.simulator.fault_plan import NO_FAULTS, FaultPlan
from tillway.simulator.faults import deliveries
from tillway.simulator.mishaps import again, may_carry, unknown_tender
from tillway.simulator.pacing import Pace, WindowSwitch, due_second
from tillway.simulator.plan import ChainPlan
from tillway.simulator.senders import Sender
from tillway.simulator.truth import TruthWriter

MAX_WAITING = 5000
IDLE_SECONDS = 0.02
LONGEST_NAP_SECONDS = 0.1

ErpSwitch = Callable[[bool], Awaitable[None]]
AnswerLoser = Callable[[str, str], Awaitable[None]]


class FeedProgress(msgspec.Struct):
    """Where the feed stands. made and handed_over count documents, copies included."""

    made: int = 0
    handed_over: int = 0
    sales_made: int = 0
    finished: bool = False
    offline: set[str] = msgspec.field(default_factory=set)
    waiting: dict[str, int] = msgspec.field(default_factory=dict)


class Feed:
    """A running chain. senders: one for each shop, by business unit; acquirer and bank by name.

    erp_switch is called with True when a planned ERP outage begins and with False when it ends.
    lose_answer is called with a receipt's natural key, and `cut` or `silent`, before that receipt
    is handed over whose answer the ERP shall not give.
    """

    def __init__(
        self,
        plan: ChainPlan,
        senders: Mapping[str, Sender],
        clock: Clock,
        *,
        pace: Pace | None = None,
        faults: FaultPlan = NO_FAULTS,
        truth: TruthWriter | None = None,
        erp_switch: ErpSwitch | None = None,
        lose_answer: AnswerLoser | None = None,
    ) -> None:
        self._plan = plan
        self._faults = faults
        self._clock = clock
        self._pace = pace or Pace()
        self._truth = truth
        self._erp_switch = erp_switch
        self._lose_answer = lose_answer
        self._shops = {store: _Shop(store, sender) for store, sender in senders.items()}
        self._strange: set[str] = set()
        self._made_strange_keys: set[str] = set()
        self._latest: dict[str, Delivery] = {}
        self._stopping = False
        self._running = asyncio.Event()
        self._running.set()
        self.progress = FeedProgress()

    async def run(self) -> FeedProgress:
        """Play until the plan is through or `stop` was called, and everything is handed over."""
        async with asyncio.TaskGroup() as tasks:
            for shop in self._shops.values():
                tasks.create_task(self._hand_over(shop))
            try:
                await self._make()
            finally:
                for shop in self._shops.values():
                    shop.closed = True
                    shop.wake.set()
        self.progress.finished = True
        return self.progress

    def stop(self) -> None:
        """Make nothing more; what was made is still handed over, so shops are taken online.

        What a fault still delays is not handed over any more, and is not in a live truth either.
        """
        self._stopping = True
        self._running.set()
        for store in list(self.progress.offline):
            self.set_offline(store, offline=False)

    def pause(self) -> None:
        """Make nothing until `resume`; what was made is still handed over."""
        self._running.clear()

    def resume(self) -> None:
        """Go on making."""
        self._running.set()

    def set_offline(self, store: str, *, offline: bool) -> None:
        """Take a shop off the line or put it back; it sells on either way."""
        shop = self._shops.get(store)
        if shop is None:
            return
        if offline and not self._stopping:
            shop.online.clear()
            self.progress.offline.add(store)
        else:
            shop.online.set()
            self.progress.offline.discard(store)

    def send_unknown_tender(self, store: str = "") -> None:
        """Let the next plain sale (of that shop, or of any) be paid with an unknown tender."""
        self._strange.add(store)

    def send_duplicate(self, store: str = "") -> bool:
        """Hand over the latest good document (of that shop, or of any) once more.

        Returns False when there is none yet.
        """
        latest = self._latest.get(store)
        if latest is None:
            return False
        self._enqueue(again(latest.fact))
        return True

    async def _make(self) -> None:
        started = self._clock.monotonic()
        switches = WindowSwitch(self._plan, self._faults)
        for delivery in deliveries(self._plan, self._faults):
            for window, begins in switches.passed(delivery.moment):
                await self._switch(window.store, begins=begins)
            started += await self._wait_until(
                started + due_second(delivery.moment, self._plan, self._pace)
            )
            if self._stopping:
                break
            if self._is_copy_of_strange(delivery):
                continue
            if delivery.fault == "answer_lost" and self._lose_answer is not None:
                await self._lose_answer(delivery.fact.natural_key, delivery.detail)
            self._enqueue(self._made_strange(delivery))
        for window, begins in switches.passed(None):
            await self._switch(window.store, begins=begins)

    async def _wait_until(self, moment: float) -> float:
        """Wait for a moment, for room and for `resume`; returns the seconds spent paused."""
        paused = 0.0
        while not self._stopping:
            if not self._running.is_set():
                since = self._clock.monotonic()
                await self._running.wait()
                paused += self._clock.monotonic() - since
            left = moment + paused - self._clock.monotonic()
            crowded = self._waiting_online() >= MAX_WAITING
            if left <= 0 and not crowded:
                break
            await self._clock.sleep(IDLE_SECONDS if crowded else min(left, LONGEST_NAP_SECONDS))
        return paused

    async def _switch(self, store: str, *, begins: bool) -> None:
        if store:
            self.set_offline(store, offline=begins)
        elif self._erp_switch is not None:
            await self._erp_switch(begins)

    def _made_strange(self, delivery: Delivery) -> Delivery:
        fact = delivery.fact
        plain = delivery.kind == "message" and delivery.fault is None
        wanted = {"", fact.store.business_unit_id} & self._strange
        if not (wanted and plain and isinstance(fact, Receipt)):
            return delivery
        if not may_carry("unknown_tender", fact):
            return delivery
        self._strange -= wanted
        self._made_strange_keys.add(fact.natural_key)
        return unknown_tender(fact)

    def _is_copy_of_strange(self, delivery: Delivery) -> bool:
        """Tell whether the plan sends a sale again that was made strange meanwhile.

        The copy shows the sale as it was planned, so the hub would take it, and rightly.
        """
        copy = delivery.kind in {"duplicate", "conflict"}
        return copy and delivery.fact.natural_key in self._made_strange_keys

    def _enqueue(self, delivery: Delivery) -> None:
        store = delivery.fact.sender
        shop = self._shops.get(store)
        if shop is None:
            return
        if delivery.kind == "missing":
            self._tell_truth(delivery)
            return
        if delivery.outcome == "accepted" and delivery.fact.system in BRANDS:
            self._latest[store] = self._latest[""] = delivery
        self.progress.made += 1
        self.progress.sales_made += delivery.kind == "message" and isinstance(
            delivery.fact, Receipt
        )
        shop.waiting.append(delivery)
        self.progress.waiting[store] = len(shop.waiting)
        shop.wake.set()

    async def _hand_over(self, shop: _Shop) -> None:
        while True:
            await shop.wake.wait()
            await shop.online.wait()
            if not shop.waiting:
                if shop.closed:
                    return
                shop.wake.clear()
                continue
            if self._pace.linger_seconds and not shop.closed and not self._stopping:
                await self._clock.sleep(self._pace.linger_seconds)
            batch = shop.take(self._batch_size(shop))
            for delivery in batch:
                self._tell_truth(delivery)
            await shop.sender.send(batch)
            shop.sending = 0
            self.progress.handed_over += len(batch)
            self.progress.waiting[shop.store] = len(shop.waiting)

    def _tell_truth(self, delivery: Delivery) -> None:
        if self._truth is not None:
            self._truth.write(delivery)

    def _batch_size(self, shop: _Shop) -> int:
        files = CARRIERS[shop.waiting[0].fact.system].carrier == "files"
        return self._pace.file_batch if files else self._pace.post_batch

    def _waiting_online(self) -> int:
        return sum(
            len(shop.waiting) + shop.sending
            for shop in self._shops.values()
            if shop.online.is_set()
        )


class _Shop:
    """What one shop has made and not handed over yet."""

    def __init__(self, store: str, sender: Sender) -> None:
        self.store = store
        self.sender = sender
        self.waiting: deque[Delivery] = deque()
        self.sending = 0
        self.wake = asyncio.Event()
        self.online = asyncio.Event()
        self.online.set()
        self.closed = False

    def take(self, most: int) -> list[Delivery]:
        """Take a batch off what waits."""
        batch = take_batch(self.waiting, most)
        self.sending = len(batch)
        return batch
