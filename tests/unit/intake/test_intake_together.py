"""What passes the pipeline together comes out as it would alone, each in its own place."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from tillway.connect import Submission
from tillway.errors import Refused
from tillway.intake.preparation import TOGETHER_BYTES, TOGETHER_RECORDS
from tillway.intake.small import GROUP_SUBMISSIONS
from tillway.journal.base import Candidate, Invalid, RefusedItem
from unit.intake.conftest import raw, sale


def mixed(count: int) -> list[bytes]:
    """Return records of every fate, of sizes that fill groups unevenly."""
    kinds = (
        lambda n: raw(sale(n)),
        lambda n: raw(sale(n, total="4OO.00")),
        lambda n: b"{" + b"x" * n,
        lambda n: raw(sale(n, doc="STRANGE")),
        lambda n: raw(sale(n, note="n" * (n * 400 % 5000))),
        lambda n: raw(sale(n, store="9999")),
    )
    return [kinds[number % len(kinds)](number) for number in range(1, count + 1)]


def seen(taken: Any) -> Any:
    """Return what a record became, without what each preparing makes anew."""
    item = taken.item
    if isinstance(item, Candidate):
        envelope = msgspec.structs.replace(item.envelope, message_id="", trace_id="")
        item = msgspec.structs.replace(item, envelope=envelope)
    # A place is counted from the start of the submission, and so is the only difference.
    return msgspec.to_builtins((item, (taken.error or {}).get("code"), taken.fatal))


def test_a_batch_becomes_what_its_records_become_one_by_one(till: SimpleNamespace) -> None:
    """Good, quarantined and unreadable records beside one another, over several groups."""
    records = mixed(4 * TOGETHER_RECORDS + 3)
    assert sum(map(len, records)) > 2 * TOGETHER_BYTES
    together = list(till.preparation.taken(Submission(b"\n".join(records))))
    alone = [next(till.preparation.taken(Submission(record))) for record in records]
    assert [seen(one) for one in together] == [seen(one) for one in alone]
    assert [one.line for one in together] == list(range(1, len(records) + 1))
    assert {type(one.item) for one in together} == {Candidate, Invalid, RefusedItem}


def test_small_submissions_keep_their_senders_apart(till: SimpleNamespace) -> None:
    """Each has its own shop and trace, and gets what its own records became."""
    submissions = [
        Submission(raw(sale(1), sale(2)), store="0145", trace_id="a"),
        Submission(b""),
        Submission(raw(sale(3)), store="0200", trace_id="b"),
        Submission(raw(sale(4)), trace_id="c"),
    ]
    taken = list(till.preparation.taken(*submissions))
    assert [one.part for one in taken] == [0, 0, 1, 2, 3]
    assert [taken[place].item.envelope.trace_id for place in (0, 1, 4)] == ["a", "a", "c"]
    assert b"foreign_store" in taken[3].item.violations


async def test_what_one_turn_brings_shares_an_append(till: SimpleNamespace) -> None:
    """Three senders in one turn, one append, each with its own receipt."""
    sizes = appends(till)
    results = await asyncio.gather(
        *(till.intake.submit(Submission(raw(sale(number)))) for number in (1, 2, 3))
    )
    assert [one.items[0].natural_key[-1] for one in results] == ["1", "2", "3"]
    assert sizes == [3]


async def test_a_group_goes_when_turns_bring_nothing_more(till: SimpleNamespace) -> None:
    """One in each turn: they share an append. With many empty turns between them they do not."""
    sizes = appends(till)

    async def in_turn(number: int, turn: int) -> None:
        for _ in range(turn):
            await asyncio.sleep(0)
        await till.intake.submit(Submission(raw(sale(number))))

    await asyncio.gather(*(in_turn(number, number) for number in range(1, 5)))
    assert sizes == [4]
    await asyncio.gather(*(in_turn(number, 50 * number) for number in range(5, 8)))
    assert sizes == [4, 1, 1, 1]


async def test_enough_of_them_go_at_once(till: SimpleNamespace) -> None:
    """A turn that brings very many is cut, so that nobody waits for all of them."""
    sizes = appends(till)
    bodies = [raw(sale(number)) for number in range(1, GROUP_SUBMISSIONS + 3)]
    await asyncio.gather(*(till.intake.submit(Submission(body)) for body in bodies))
    assert sorted(sizes) == [2, GROUP_SUBMISSIONS]


async def test_a_group_leaves_others_their_turn(
    till: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hub that prepares many by itself does something else in between."""
    prepared: list[int] = []
    pipeline = till.preparation._pipeline
    take = pipeline.take

    def counted(arrivals: Any, *, door: str) -> Any:
        prepared.append(len(arrivals))
        return take(arrivals, door=door)

    seen_by_others: set[int] = set()

    async def others() -> None:
        while True:
            seen_by_others.add(sum(prepared))
            await asyncio.sleep(0)

    monkeypatch.setattr(pipeline, "take", counted)
    task = asyncio.create_task(others())
    bodies = [raw(sale(number)) for number in range(1, 2 * TOGETHER_RECORDS + 1)]
    await asyncio.gather(*(till.intake.submit(Submission(body)) for body in bodies))
    task.cancel()
    assert seen_by_others == {0, TOGETHER_RECORDS, 2 * TOGETHER_RECORDS}


async def test_large_ones_leave_others_their_turn_sooner(
    till: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four of ten kilobytes are cut as often as many small ones of that size."""
    turns: list[float] = []

    async def turn(seconds: float) -> None:
        turns.append(seconds)

    monkeypatch.setattr("tillway.intake.small.asyncio.sleep", turn)
    bodies = [raw(sale(number, note="n" * 10_000)) for number in range(1, 5)]
    await asyncio.gather(*(till.intake.submit(Submission(body)) for body in bodies))
    assert turns == [0, 0]


async def test_a_bug_that_one_brings_to_light_fails_nobody_else(
    till: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others of its turn are stored as if it had never come."""
    pipeline = till.preparation._pipeline
    take = pipeline.take

    def stumbling(arrivals: Any, *, door: str) -> Any:
        if any(b'"number": 2' in arrival.record.raw for arrival in arrivals):
            raise ZeroDivisionError
        return take(arrivals, door=door)

    monkeypatch.setattr(pipeline, "take", stumbling)
    results = await asyncio.gather(
        *(till.intake.submit(Submission(raw(sale(number)))) for number in (1, 2, 3)),
        return_exceptions=True,
    )
    assert isinstance(results[1], ZeroDivisionError)
    assert [results[0].counts, results[2].counts] == [{"accepted": 1}, {"accepted": 1}]


async def test_everyone_of_a_turn_hears_why_nothing_was_stored(
    till: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One full disk, three refusals; afterwards it works again."""

    async def full(_items: Any) -> Any:
        raise Refused("TW-5003", "the disk is full", status=507)

    with monkeypatch.context() as patch:
        patch.setattr(till.journal, "append", full)
        results = await asyncio.gather(
            *(till.intake.submit(Submission(raw(sale(number)))) for number in (1, 2, 3)),
            return_exceptions=True,
        )
    assert [getattr(one, "code", None) for one in results] == ["TW-5003"] * 3
    assert (await till.intake.submit(Submission(raw(sale(1))))).counts == {"accepted": 1}


def appends(till: SimpleNamespace) -> list[int]:
    """Note how many items each append to the journal brings."""
    sizes: list[int] = []
    append = till.journal.append

    async def noting(items: Any) -> Any:
        sizes.append(len(items))
        return await append(items)

    till.journal.append = noting
    return sizes
