"""The ERP is down for two hours on virtual time: what reaches it meanwhile, and how it recovers.

Surprising: nothing here is real time. Two hours of outage with ten sales a second, and the half
hour in which they are delivered afterwards, take seconds.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tillway.connect import Delivered, Outbound, SendResult
from tillway.delivery import Delivery
from tillway.errors import InDoubt, NotConnected
from tillway.journal.memory import MemoryJournal
from tillway.project.records import (
    BreakerPolicy,
    HubSettings,
    Release,
    RetryPolicy,
    TargetRecord,
)
from tillway.routing import Route
from tillway.testing.journal import SALE, candidate
from tillway.testing.virtual_loop import VirtualClock, VirtualLoop, run_virtual

ERP, OTHER = "erp", "loyalty"
REGISTERS = 40
SALES_PER_SECOND = 10.0
CAPACITY_PER_SECOND = 50.0
BEFORE_SECONDS = 60.0
AFTER_SECONDS = 60.0
OUTAGE_SECONDS = 2 * 3600.0
LONGEST_DRAIN = 3.0
"""Times the ideal; a drain that takes longer is given up."""
LOST_ANSWER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Story:
    """What happens. rate_per_second: how fast the hub may call the ERP, 0 for no limit."""

    outage_seconds: float = OUTAGE_SECONDS
    rate_per_second: float = CAPACITY_PER_SECOND
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of it.

    calls: most calls in half a minute while the ERP was down. peak: most messages in a second after
    it was back. drain: seconds until nothing waited, in times of the ideal; infinite when it never
    came. slower: how much longer the other target's slowest hundredth waited than before.
    """

    sales: int
    calls: int
    peak: int
    drain: float
    missing: int
    repeated: int
    out_of_order: int
    slower: float

    @property
    def text(self) -> str:
        """Say it in one line."""
        return (
            f"{self.calls} calls per half minute while down, peak {self.peak}/s, drained in "
            f"{self.drain:.2f} x ideal, {self.missing} missing, {self.repeated} doubled, "
            f"{self.out_of_order} out of order, others' p99 {self.slower:+.0%}"
        )

    def broken(self) -> list[str]:
        """Return which goals of guarantees.md section 6 are missed."""
        goals = {
            "fewer than 30 calls per half minute": self.calls < 30,
            "a peak below 1.1 x capacity": self.peak < 1.1 * CAPACITY_PER_SECOND + 1e-9,
            "drained in under 1.5 x ideal": self.drain < 1.5,
            "nothing missing": not self.missing,
            "nothing doubled": not self.repeated,
            "order per lane": not self.out_of_order,
            "others within 20 %": self.slower <= 0.2,
        }
        return [goal for goal, kept in goals.items() if not kept]


@dataclass
class Booking:
    """A target of class A that notes every call; while it is down nobody is there."""

    random: Random
    delivery_class: str = "A"
    max_bulk: int = 5
    stops_per_lane: bool = False
    is_down: bool = False
    sent: list[tuple[float, int]] = field(default_factory=list)
    """Of each call: when, and how many messages."""
    booked: dict[str, float] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)

    async def send(self, batch: Sequence[Outbound]) -> list[SendResult]:
        """Book what is new."""
        loop = asyncio.get_running_loop()
        self.sent.append((loop.time(), len(batch)))
        was_down = self.is_down
        await asyncio.sleep(self.random.uniform(0.01, 0.05))
        if was_down or self.is_down:
            if self.random.random() < 0.3:
                await asyncio.sleep(LOST_ANSWER_SECONDS)
                return [InDoubt("TW-9001", "no answer") for _ in batch]
            return [NotConnected("TW-9001", "nobody is there") for _ in batch]
        for message in batch:
            if message.key not in self.booked:
                self.booked[message.key] = loop.time()
                self.order.append(message.key)
        return [Delivered(message.key) for message in batch]

    async def look_up(self, key: str) -> str | None:
        """Return a key that is booked."""
        return key if key in self.booked else None

    async def ping(self) -> None:
        """Be there."""

    async def close(self) -> None:
        """Nothing is held."""


@dataclass
class Chain:
    """Registers that sell into a journal; sold: when each sale was accepted, by position."""

    journal: MemoryJournal
    sold: list[float] = field(default_factory=list)
    is_closing: bool = False

    async def sell(self) -> None:
        """Sell without end at a steady pace, register after register."""
        loop = asyncio.get_running_loop()
        while not self.is_closing:
            number = len(self.sold)
            register = number % REGISTERS
            store, till = f"{register // 4:04}", f"{register % 4:02}"
            sale = candidate(1 + number // REGISTERS, store=store, till=till)
            await self.journal.append([sale])
            self.sold.append(loop.time())
            await asyncio.sleep(1.0 / SALES_PER_SECOND)


def run_outage(story: Story) -> Figures:
    """Play the story to its end; two hours take some seconds."""
    loop = VirtualLoop()
    return run_virtual(_play(story, loop), loop)


async def _play(story: Story, loop: VirtualLoop) -> Figures:
    clock, journal = VirtualClock(loop), MemoryJournal()
    erp, other = (Booking(Random(story.seed + n)) for n in (1, 2))
    targets = {ERP: erp, OTHER: other}
    delivery = Delivery(_release(story), targets, journal, clock, Random(story.seed))  # type: ignore[arg-type]
    await delivery.start()
    chain = Chain(journal)
    selling = asyncio.create_task(chain.sell())
    await asyncio.sleep(BEFORE_SECONDS)
    erp.is_down = True
    await asyncio.sleep(story.outage_seconds)
    erp.is_down = False
    back_at = loop.time()
    behind = len(chain.sold) - len(erp.booked)
    ideal = behind / (CAPACITY_PER_SECOND - SALES_PER_SECOND)
    drained = await _drained(chain, erp, LONGEST_DRAIN * ideal + AFTER_SECONDS)
    await asyncio.sleep(AFTER_SECONDS)
    chain.is_closing = True
    await selling
    await asyncio.sleep(AFTER_SECONDS)
    await delivery.stop(1.0)
    return Figures(
        sales=len(chain.sold),
        calls=_most([(at, 1) for at, _ in erp.sent if BEFORE_SECONDS < at < back_at], 30.0),
        peak=_most([one for one in erp.sent if one[0] >= back_at], 1.0),
        drain=drained / ideal,
        missing=len(chain.sold) - len(erp.booked) + len(chain.sold) - len(other.booked),
        repeated=len(erp.order) - len(set(erp.order)),
        out_of_order=_out_of_order(erp.order),
        slower=_slower(chain, other, back_at),
    )


async def _drained(chain: Chain, erp: Booking, longest_seconds: float) -> float:
    """Return after how many seconds the ERP had all but what was sold in the last half second."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while loop.time() - began < longest_seconds:
        await asyncio.sleep(0.5)
        if len(chain.sold) - len(erp.booked) <= SALES_PER_SECOND / 2:
            return loop.time() - began
    return float("inf")


def _most(events: list[tuple[float, int]], seconds: float) -> int:
    """Return the most that happened in any window of so many seconds."""
    most = running = first = 0
    for at, count in events:
        running += count
        while events[first][0] <= at - seconds:
            running -= events[first][1]
            first += 1
        most = max(most, running)
    return most


def _out_of_order(keys: list[str]) -> int:
    last: dict[str, int] = defaultdict(int)
    wrong = 0
    for key in keys:
        lane, _, number = key.rpartition(":")
        wrong += int(number) < last[lane]
        last[lane] = max(last[lane], int(number))
    return wrong


def _slower(chain: Chain, other: Booking, back_at: float) -> float:
    """Return how much the slowest hundredth at the other target grew during the outage."""
    waits = [booked - sold for sold, booked in zip(chain.sold, other.booked.values(), strict=False)]
    began, ended = (bisect_left(chain.sold, at) for at in (BEFORE_SECONDS, back_at))
    return _slowest_hundredth(waits[began:ended]) / _slowest_hundredth(waits[:began]) - 1.0


def _slowest_hundredth(waits: list[float]) -> float:
    return sorted(waits)[len(waits) * 99 // 100]


def _release(story: Story) -> Release:
    records = {
        ERP: TargetRecord(ERP, "virtual", "A", {}, rate_per_second=story.rate_per_second),
        OTHER: TargetRecord(OTHER, "virtual", "A", {}),
    }
    routes = {f"to-{name}": Route(f"to-{name}", frozenset({SALE}), name) for name in records}
    return Release(
        digest="r1",
        folder=Path(),
        hub=HubSettings("outage"),
        sources={},
        targets=records,
        routes=routes,
        mappings={},
        contracts={},
        retries={"standard": RetryPolicy("standard")},
        breakers={"standard": BreakerPolicy("standard")},
        stores={},
    )
