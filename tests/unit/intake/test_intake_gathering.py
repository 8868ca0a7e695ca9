"""Gathering: what comes at the same time shares an append, and nothing waits for a clock."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tillway.errors import Refused
from tillway.intake import Gathering
from tillway.intake.gathering import ENOUGH_ITEMS
from tillway.journal.base import Receipt, RefusedItem


class Recorder:
    """A journal that notes the sizes of its appends and answers each item by its code."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.full = False

    async def append(self, items: Any) -> list[Receipt]:
        """Answer, or say that the disk is full."""
        if self.full:
            raise Refused("TW-5003", "the disk is full", status=507)
        self.sizes.append(len(items))
        return [Receipt("refused", code=item.code) for item in items]


def items(*codes: str) -> list[RefusedItem]:
    """Return an item per code."""
    return [RefusedItem("door", code) for code in codes]


async def codes(receipts: asyncio.Future[list[Receipt]]) -> list[str]:
    """Return the codes of the receipts."""
    return [receipt.code for receipt in await receipts]


async def test_what_one_turn_brings_shares_an_append_and_each_gets_its_own_receipts() -> None:
    """Three senders in one turn of the event loop, one append, receipts in order."""
    journal: Any = Recorder()
    gathering = Gathering(journal)
    waiting = [gathering.append(items(*names)) for names in ("a", "bc", "d")]
    assert [await codes(one) for one in waiting] == [["a"], ["b", "c"], ["d"]]
    assert journal.sizes == [4]


async def test_a_lone_one_is_stored_in_the_next_turn() -> None:
    """Nobody else comes, and nobody is waited for."""
    journal: Any = Recorder()
    receipts = Gathering(journal).append(items("a"))
    for _ in range(4):
        await asyncio.sleep(0)
    assert receipts.done()


async def test_enough_items_are_stored_without_another_look() -> None:
    """While the rest of the turn is prepared, the journal is at work already."""
    journal: Any = Recorder()
    gathering = Gathering(journal)
    half = "a" * (ENOUGH_ITEMS // 2)
    waiting = [gathering.append(items(*names)) for names in (half, half, half, half, "b")]
    await asyncio.gather(*waiting)
    assert journal.sizes == [ENOUGH_ITEMS, ENOUGH_ITEMS, 1]


async def test_everyone_hears_why_nothing_was_stored() -> None:
    """One full disk, three refusals; afterwards it works again."""
    journal: Any = Recorder()
    gathering = Gathering(journal)
    journal.full = True
    for receipts in [gathering.append(items(name)) for name in "abc"]:
        with pytest.raises(Refused):
            await receipts
    journal.full = False
    assert await codes(gathering.append(items("d"))) == ["d"]


async def test_who_brings_soon_is_waited_for() -> None:
    """What another batch is about to bring comes into the same append."""
    journal: Any = Recorder()
    gathering = Gathering(journal)
    brought: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def bring() -> list[str]:
        return await codes(gathering.append(items(await gathering.expect(brought))))

    bringing = asyncio.create_task(bring())
    await asyncio.sleep(0)
    first = gathering.append(items("a"))
    for _ in range(4):
        await asyncio.sleep(0)
    assert not first.done()
    brought.set_result("b")
    assert [await codes(first), await bringing] == [["a"], ["b"]]
    assert journal.sizes == [2]
