"""What a chain hands over, cut into files and posts: for a hub that is fed as fast as it reads.

Nothing waits here and nothing is sent. Whoever feeds a hub puts each batch into the folder or the
door of its system, in this order; a run of a week and 45 shops takes seconds to make.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Literal

import msgspec

from tillway.simulator.brands import CARRIERS, MONEY_BRANDS, Brand
from tillway.simulator.delivery import Delivery
from tillway.simulator.fault_plan import NO_FAULTS, FaultPlan
from tillway.simulator.faults import deliveries
from tillway.simulator.plan import ChainPlan

DOCUMENTS = 500


class Batch(msgspec.Struct, frozen=True):
    """One file, or the body of one POST. sender: a shop, or acquirer or bank by name.

    moment: when the last thing in it went out, in the simulated time. documents: how many it holds.
    """

    system: str
    sender: str
    carrier: Literal["files", "http"]
    name: str
    content: bytes
    content_type: str
    moment: datetime
    documents: int


def batches(
    plan: ChainPlan,
    faults: FaultPlan = NO_FAULTS,
    *,
    documents: int = DOCUMENTS,
    told: Callable[[Delivery], None] | None = None,
) -> Iterator[Batch]:
    """Yield the whole run in order of time, no batch across midnight, each at most so long.

    told: called with every delivery before its batch is yielded, the missing ones too; with
    `TruthWriter.write` the truth is written on the way.
    """
    cutter = _Cutter(documents)
    for delivery in deliveries(plan, faults):
        yield from cutter.before(delivery)
        if told is not None:
            told(delivery)
        if delivery.kind != "missing":
            yield from cutter.take(delivery)
    yield from cutter.rest()


def take_batch(waiting: deque[Delivery], most: int) -> list[Delivery]:
    """Take a batch off what waits: a malformed copy goes alone, and no key stands twice in one."""
    batch: list[Delivery] = []
    keys: set[tuple[str, ...]] = set()
    while waiting and len(batch) < most:
        first = waiting[0]
        key = (first.fact.message_type, *first.fact.key_parts)
        if key in keys or (batch and first.kind == "malformed"):
            break
        keys.add(key)
        batch.append(waiting.popleft())
        if first.kind == "malformed":
            break
    return batch


def file_of(batch: list[Delivery], brand: Brand) -> bytes:
    """Return the file of a batch; a malformed copy makes one that ends inside its only document."""
    packed = brand.pack([delivery.body() for delivery in batch])
    if batch[0].kind != "malformed":
        return packed
    body = batch[0].body()
    return packed[: packed.index(body) + len(body)]


class _Cutter:
    """Collects what each sender hands over until a batch is full or a day is over."""

    def __init__(self, documents: int) -> None:
        self._documents = documents
        self._waiting: dict[str, deque[Delivery]] = {}
        self._counts: dict[str, int] = {}
        self._stretch: tuple[object, ...] = ()

    def before(self, delivery: Delivery) -> Iterator[Batch]:
        """Yield what must go out before: everything of the day before, or of the other side."""
        stretch = (delivery.moment.date(), delivery.fact.system in MONEY_BRANDS)
        if stretch != self._stretch:
            yield from self.rest()
        self._stretch = stretch

    def take(self, delivery: Delivery) -> Iterator[Batch]:
        """Keep a delivery; yield its sender's batch when that is long enough."""
        waiting = self._waiting.setdefault(delivery.fact.sender, deque())
        waiting.append(delivery)
        if len(waiting) >= self._documents:
            yield self._batch(waiting)

    def rest(self) -> Iterator[Batch]:
        """Yield everything that waits, sender by sender."""
        for waiting in self._waiting.values():
            while waiting:
                yield self._batch(waiting)
        self._waiting = {}

    def _batch(self, waiting: deque[Delivery]) -> Batch:
        taken = take_batch(waiting, self._documents)
        fact = taken[0].fact
        brand = CARRIERS[fact.system]
        count = self._counts[fact.sender] = self._counts.get(fact.sender, 0) + 1
        alone = brand.carrier == "http" and len(taken) == 1
        return Batch(
            system=fact.system,
            sender=fact.sender,
            carrier=brand.carrier,
            name=f"{fact.sender}-{count:06d}{brand.suffix}",
            content=taken[0].body() if alone else file_of(taken, brand),
            content_type="application/json" if alone else "application/x-ndjson",
            moment=taken[-1].moment,
            documents=len(taken),
        )
