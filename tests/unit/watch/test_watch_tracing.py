"""The tracer: what it reads, which traces it keeps, and what a collector that is away costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from tillway.journal.base import Candidate
from tillway.message.tracing import span_id
from tillway.project.records import HubSettings
from tillway.testing.journal import ROUTE, candidate
from tillway.watch.spans import Span
from tillway.watch.tracing import BATCH_SPANS, MOST_WAITING, TRIES, Tracer
from unit.watch.watched import Kit, watched

KEPT, LEFT = f"{1:032x}", "0" * 16 + "f" * 16
SPANS_OF_ARRIVAL = 3


@dataclass
class Taker:
    """A collector in memory; broken, it takes nothing."""

    spans: list[Span] = field(default_factory=list)
    broken: bool = False
    calls: int = 0
    closed: bool = False

    def export(self, spans: Sequence[Span]) -> bool:
        """Take a batch."""
        self.calls += 1
        assert len(spans) <= BATCH_SPANS
        if not self.broken:
            self.spans += spans
        return not self.broken

    def close(self) -> None:
        """Note the end."""
        self.closed = True


@dataclass
class Traced:
    """A watched journal with a tracer on it."""

    kit: Kit
    tracer: Tracer
    taker: Taker
    counts: Counter[str]

    async def accept(self, count: int, trace: str = KEPT) -> list[int]:
        """Accept sales of one trace."""
        made: list[Candidate] = []
        for _ in range(count):
            self.kit.position += 1
            one = candidate(self.kit.position)
            envelope = msgspec.structs.replace(
                one.envelope, received_at=self.kit.clock.now(), trace_id=trace
            )
            made.append(msgspec.structs.replace(one, envelope=envelope))
        await self.kit.journal.append(made)
        return list(range(self.kit.position - count + 1, self.kit.position + 1))

    def names(self) -> Counter[str]:
        """Return how many spans of each name were taken."""
        return Counter(one.name for one in self.taker.spans)


@asynccontextmanager
async def traced(folder: Path, percent: float = 100) -> AsyncIterator[Traced]:
    """Open a journal and trace it."""
    async with watched(folder) as kit:
        hub = HubSettings("test", otlp_endpoint="http://127.0.0.1:9", trace_percent=percent)
        release = replace(kit.watch.release, hub=hub)
        taker, counts = Taker(), Counter[str]()
        tracer = Tracer(release, kit.journal, kit.clock, taker, counts)
        await tracer.open()
        yield Traced(kit, tracer, taker, counts)
        await tracer.close()
        assert taker.closed


async def test_each_call_is_told_once_whether_the_first_or_a_later_one(tmp_path: Path) -> None:
    """First calls come from the ledger's rows, later ones from its attempts."""
    async with traced(tmp_path) as one:
        [first, second, third] = await one.accept(3)
        await one.kit.deliver([first])
        await one.kit.fail([second, third])
        for _ in range(3):
            await one.tracer.look()
        await one.kit.mend([second])
        await one.kit.fail([third], "dead", number=2)
        for _ in range(3):
            await one.tracer.look()
        sent = [span for span in one.taker.spans if span.name == f"send {ROUTE}"]
        told = sorted((span.attributes["tillway.position"], bool(span.error)) for span in sent)
        assert told == [(1, False), (2, False), (2, True), (3, True), (3, True)]
        assert len({span.id for span in one.taker.spans}) == len(one.taker.spans)
        assert one.counts == {"exported": 3 * SPANS_OF_ARRIVAL + 5}
        arrival = span_id(str(sent[0].attributes["tillway.message_id"]))
        assert sent[0].parent == arrival


async def test_an_arrival_lasts_until_its_commit(tmp_path: Path) -> None:
    """From the door to the disk; contract and mapping are moments within it, and say so."""
    async with traced(tmp_path) as one:
        await one.accept(1)
        await one.tracer.look()
        [arrival] = [span for span in one.taker.spans if span.name.startswith("receive")]
        inner = [span for span in one.taker.spans if span is not arrival]
        assert arrival.began <= arrival.ended <= one.kit.clock.now()
        assert {span.name for span in inner} == {"contract", "mapping"}
        assert [span.attributes["tillway.timed"] for span in inner] == [False, False]


@pytest.mark.parametrize(("percent", "kept"), [(100, 2), (50, 1), (0, 0)])
async def test_a_trace_is_kept_or_left_whole(tmp_path: Path, percent: float, kept: int) -> None:
    """The trace's id decides, for the arrival and for every call."""
    async with traced(tmp_path, percent) as one:
        await one.kit.deliver([*await one.accept(1, KEPT), *await one.accept(1, LEFT)])
        await one.tracer.look()
        assert one.names()[f"send {ROUTE}"] == one.names()["contract"] == kept


async def test_a_sender_that_samples_not_is_obeyed(tmp_path: Path) -> None:
    """Nothing of its trace is exported, and nothing counts as dropped."""
    async with traced(tmp_path) as one:
        await one.kit.deliver(await one.accept(1, f"{KEPT}-{'a' * 16}-00"))
        await one.kit.deliver(await one.accept(1, f"{KEPT}-{'a' * 16}"))
        await one.tracer.look()
        assert one.names()["contract"] == 1
        [arrival] = [span for span in one.taker.spans if span.name.startswith("receive")]
        assert (arrival.parent, arrival.trace) == ("a" * 16, KEPT)


async def test_what_was_there_before_is_not_traced(tmp_path: Path) -> None:
    """A journal that is traced for the first time is read from now on."""
    async with traced(tmp_path) as one:
        await one.accept(2)
        later = Tracer(one.tracer._release, one.kit.journal, one.kit.clock, one.taker, one.counts)
        await later.open()
        await one.accept(1)
        await later.look()
        await later.close()
        assert one.names()["contract"] == 1


async def test_a_collector_that_is_away_costs_spans_and_a_bounded_room(tmp_path: Path) -> None:
    """What waits never exceeds its room; what is dropped is counted; nobody is asked too often."""
    async with traced(tmp_path) as one:
        one.taker.broken = True
        count = MOST_WAITING // SPANS_OF_ARRIVAL + 200
        await one.accept(count)
        await one.tracer.look()
        assert one.taker.calls == 1, "one try, then a pause"
        assert len(one.tracer._waiting) == MOST_WAITING
        assert one.counts["dropped"] == count * SPANS_OF_ARRIVAL - MOST_WAITING
        for _ in range(TRIES):
            await one.kit.clock.advance(61)
            await one.tracer.look()
        assert one.counts["dropped"] > count * SPANS_OF_ARRIVAL - MOST_WAITING, "no batch for ever"
        one.taker.broken = False
        await one.kit.clock.advance(61)
        await one.tracer.look()
        assert sum(one.counts.values()) == count * SPANS_OF_ARRIVAL
        assert len(one.taker.spans) == one.counts["exported"] > 0
