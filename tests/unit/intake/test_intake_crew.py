"""Batches prepared by workers: the same outcomes, whoever prepared them, and whoever dies."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tillway.connect import Submission
from tillway.errors import Refused
from tillway.intake import Crew, Gathering, SourceIntake
from tillway.intake.crew import WORTH_BYTES, WORTH_SUBMISSIONS, Stumbled
from tillway.intake.preparation import GROUP_RECORDS
from tillway.intake.worker import work
from tillway.journal.base import RefusedItem
from tillway.journal.memory import MemoryJournal
from unit.intake.conftest import raw, sale

NO_PROCESS = 1 << 30


class Workers:
    """Workers as threads: the same loop over the same sockets, without a fork."""

    def __init__(self, preparation: Any) -> None:
        self.preparation = preparation
        self.ends: list[socket.socket] = []
        self.threads: list[threading.Thread] = []

    def hire(self, count: int) -> Crew:
        """Return a crew of so many workers."""
        hired = []
        for number in range(count):
            ours, theirs = socket.socketpair()
            thread = threading.Thread(target=self._live, args=(theirs,))
            thread.start()
            self.threads.append(thread)
            self.ends.append(theirs)
            hired.append((NO_PROCESS + number, ours))
        return Crew(hired)

    def kill(self, number: int) -> None:
        """End a worker at once, whatever it has in hand."""
        self.ends[number].shutdown(socket.SHUT_RDWR)

    def _live(self, end: socket.socket) -> None:
        with end:
            try:
                work(end, {"till": self.preparation})
            except (EOFError, OSError):
                return


@pytest.fixture
def workers(till: SimpleNamespace) -> Iterator[Workers]:
    """Give workers for the door of the tests."""
    made = Workers(till.preparation)
    yield made
    for thread in made.threads:
        thread.join(timeout=10)
        assert not thread.is_alive()


@pytest.fixture
async def crew(workers: Workers) -> AsyncIterator[Crew]:
    """Give two workers at work."""
    crew = workers.hire(2)
    await crew.start()
    yield crew
    await crew.close()


def padded(number: int) -> dict[str, Any]:
    """Return a sale of a few hundred bytes."""
    return sale(number, note="x" * 100)


def batch(count: int) -> Submission:
    """Return an NDJSON batch that is worth handing over."""
    body = raw(*map(padded, range(1, count + 1)))
    assert len(body) >= WORTH_BYTES
    return Submission(body, format="ndjson")


async def test_workers_and_the_hub_give_the_same_outcomes(
    till: SimpleNamespace, crew: Crew
) -> None:
    """A batch with a bad line and a repeated sale is answered alike, line by line."""
    lines = [raw(padded(number)) for number in range(1, 3 * GROUP_RECORDS)]
    lines[5] = b'{"doc": "SALE",'
    lines[7] = lines[6]
    body = Submission(b"\n".join(lines), format="ndjson")
    by_crew = SourceIntake("till", till.preparation, MemoryJournal(), till.gate, crew)
    found = await by_crew.submit(body)
    expected = await till.intake.submit(body)
    assert crew.takes(body)
    assert found.counts == expected.counts
    assert found.counts["refused"] == found.counts["duplicate"] == 1
    assert [(i.line, i.offset, i.outcome, i.error, i.natural_key) for i in found.items] == [
        (i.line, i.offset, i.outcome, i.error, i.natural_key) for i in expected.items
    ]


@pytest.mark.parametrize("records", [GROUP_RECORDS, 2 * GROUP_RECORDS, 2 * GROUP_RECORDS + 1])
async def test_every_record_comes_back_once(
    till: SimpleNamespace, crew: Crew, records: int
) -> None:
    """Also where the last group is just full, so that an empty one ends the answer."""
    intake = SourceIntake("till", till.preparation, till.journal, till.gate, crew)
    for _ in range(3):
        found = await intake.submit(batch(records))
    assert found.counts == {"duplicate": records}


async def test_a_small_body_stays_with_the_hub(crew: Crew) -> None:
    """A single message is not handed over, and without workers nothing is."""
    assert not crew.takes(Submission(raw(sale(1))))
    assert not Crew().takes(batch(200))


async def until_refused(intake: SourceIntake) -> None:
    """Send a batch to each worker there is; one of them is dead."""
    for _ in range(2):
        await intake.submit(batch(100))


async def test_a_dead_worker_refuses_its_batch_and_the_rest_goes_on(
    till: SimpleNamespace, workers: Workers, crew: Crew
) -> None:
    """The sender hears 503 and repeats; the other worker takes it, and then the hub itself."""
    intake = SourceIntake("till", till.preparation, till.journal, till.gate, crew)
    for left in (0, 1):
        workers.kill(left)
        with pytest.raises(Refused) as caught:
            await until_refused(intake)
        assert (caught.value.code, caught.value.status) == ("TW-2021", 503)
    assert not crew.takes(batch(100))
    found = await intake.submit(batch(100))
    assert sum(found.counts.values()) == 100


async def test_those_who_wait_for_a_worker_hear_that_the_last_one_died(workers: Workers) -> None:
    """Nobody waits for ever for a worker that will not come back."""
    crew = workers.hire(1)
    await crew.start()
    gathering = Gathering(MemoryJournal())
    groups = [crew.groups("till", batch(300), gathering) for _ in range(3)]
    workers.kill(0)
    found = await asyncio.gather(*map(anext, groups), return_exceptions=True)
    assert {getattr(error, "code", error) for error in found} == {"TW-2021"}
    await crew.close()


async def test_a_batch_given_up_in_the_middle_leaves_its_worker_usable(
    till: SimpleNamespace, workers: Workers
) -> None:
    """What is left of its answer is read and thrown away."""
    crew = workers.hire(1)
    await crew.start()
    gathering = Gathering(till.journal)
    given_up = crew.groups("till", batch(400), gathering)
    await anext(given_up)
    await given_up.aclose()
    intake = SourceIntake("till", till.preparation, till.journal, till.gate, crew)
    assert (await intake.submit(batch(100))).counts == {"accepted": 100}
    await crew.close()


async def test_a_bug_in_one_batch_fails_that_batch_alone(
    till: SimpleNamespace, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker lives, says where it stumbled, and takes the next batch."""
    crew = workers.hire(1)
    await crew.start()
    intake = SourceIntake("till", till.preparation, till.journal, till.gate, crew)
    with monkeypatch.context() as patch:
        patch.setattr(till.preparation._pipeline, "take", stumbling)
        with pytest.raises(Stumbled):
            await intake.submit(batch(100))
    assert (await intake.submit(batch(100))).counts == {"accepted": 100}
    await crew.close()


def stumbling(_arrivals: Any, *, door: str) -> Any:
    """Meet a bug at every door."""
    raise ZeroDivisionError(door)


async def small(intake: SourceIntake, numbers: range) -> list[dict[str, int]]:
    """Send single sales in one turn; return what each was told."""
    bodies = [raw(sale(number)) for number in numbers]
    results = await asyncio.gather(*(intake.submit(Submission(body)) for body in bodies))
    return [result.counts for result in results]


async def test_small_ones_that_come_together_go_to_a_worker_with_time_to_spare(
    till: SimpleNamespace, crew: Crew
) -> None:
    """A few are the hub's own; more of one turn are prepared beside it, or by it when all work."""
    submissions = [Submission(raw(sale(number))) for number in range(WORTH_SUBMISSIONS)]
    worker = crew.spare(submissions)
    assert worker is not None
    assert crew.spare(submissions[1:]) is None
    for one in crew._workers:
        one.send("till", batch(200))
        one.send("till", batch(200))
    assert crew.spare(submissions) is None
    assert Crew().spare(submissions) is None


async def test_small_ones_get_their_own_outcomes_whoever_prepared_them(
    till: SimpleNamespace, workers: Workers
) -> None:
    """With a worker, after its death in their midst, and without any."""
    crew = workers.hire(1)
    await crew.start()
    intake = SourceIntake("till", till.preparation, till.journal, till.gate, crew)
    assert await small(intake, range(1, 9)) == [{"accepted": 1}] * 8
    workers.kill(0)
    assert await small(intake, range(9, 17)) == [{"accepted": 1}] * 8
    assert crew.spare([Submission(b"x")] * WORTH_SUBMISSIONS) is None
    assert await small(intake, range(1, 17)) == [{"duplicate": 1}] * 16
    await crew.close()


async def test_a_worker_that_stumbles_over_one_small_one_fails_that_one_alone(
    till: SimpleNamespace, crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub prepares the others of its turn again, one by one."""
    pipeline = till.preparation._pipeline
    take = pipeline.take

    def wary(arrivals: Any, *, door: str) -> Any:
        if any(b'"number": 5' in one.record.raw for one in arrivals):
            stumbling(arrivals, door=door)
        return take(arrivals, door=door)

    monkeypatch.setattr(pipeline, "take", wary)
    intake = SourceIntake("till", till.preparation, till.journal, till.gate, crew)
    bodies = [raw(sale(number)) for number in range(1, 9)]
    results = await asyncio.gather(
        *(intake.submit(Submission(body)) for body in bodies), return_exceptions=True
    )
    assert isinstance(results.pop(4), ZeroDivisionError)
    assert [result.counts for result in results] == [{"accepted": 1}] * 7  # type: ignore[union-attr]


class CountingJournal(MemoryJournal):
    """Notes how many items each append brought; fails when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.appends: list[int] = []
        self.fault: Exception | None = None

    async def append(self, items: Any) -> Any:
        """Append, and note it."""
        self.appends.append(len(items))
        if self.fault is not None:
            raise self.fault
        return await super().append(items)


async def test_batches_that_come_together_are_stored_together() -> None:
    """While one is about to bring something the others wait for it; then all are stored at once."""
    journal = CountingJournal()
    gathering = Gathering(journal)
    brings: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    expected = asyncio.create_task(gathering.expect(brings))
    await asyncio.sleep(0)
    first = gathering.append([RefusedItem("till", "TW-3020")] * 2)
    second = gathering.append([RefusedItem("till", "TW-3021")] * 3)
    await asyncio.sleep(0)
    assert journal.appends == []
    brings.set_result("a group")
    assert await expected == "a group"
    assert [receipt.code for receipt in await first + await second] == [
        *["TW-3020"] * 2,
        *["TW-3021"] * 3,
    ]
    assert journal.appends == [5]


async def test_a_lone_batch_is_stored_at_once() -> None:
    """Nothing else is on its way, so nothing is waited for."""
    journal = CountingJournal()
    await Gathering(journal).append([RefusedItem("till", "TW-3020")])
    assert journal.appends == [1]


async def test_everyone_hears_why_nothing_was_stored() -> None:
    """A journal that fails fails every batch that was gathered."""
    journal = CountingJournal()
    journal.fault = Refused("TW-5003", "the disk is full", status=507)
    gathering = Gathering(journal)
    owners = [gathering.append([RefusedItem("till", "TW-3020")]) for _ in range(2)]
    found = await asyncio.gather(*owners, return_exceptions=True)
    assert [getattr(error, "code", None) for error in found] == ["TW-5003"] * 2
