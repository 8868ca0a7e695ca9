"""Returns that come before the sale they take back: they wait alone, and not for ever."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from tillway.delivery import outbound as outbound_module
from tillway.delivery.outbound import Opened
from tillway.delivery.returns import sales_taken_back
from tillway.errors import Permanent, Transient
from tillway.journal.base import StoredMessage
from tillway.testing.delivery import Bench
from tillway.testing.targets import ScriptedTarget

WAIT_SECONDS = 600.0
SALE = "2:1:3"
"""Key of the sale that comes third, after the returns of these tests."""


class Shop(Bench):
    """A bench whose route lets returns wait."""

    def __post_init__(self) -> None:
        """Let returns wait for ten minutes."""
        super().__post_init__()
        self.retry = replace(self.retry, sale_wait_seconds=WAIT_SECONDS)

    async def take_back(self, lane: str, *keys: str, by: str = "original") -> int:
        """Accept a return of these sales at a till; return its position."""
        item = self._candidate(lane, b"", {"amount_minor": -500})
        body = {**msgspec.json.decode(item.canonical), **named(by, keys)}
        item = msgspec.structs.replace(item, canonical=msgspec.json.encode(body))
        return (await self.journal.append([item]))[0].position

    def keys(self) -> list[str]:
        """Return the natural keys of what the target booked, in order."""
        return [key.partition("/")[2] for key in self.target.booked]


def named(by: str, keys: tuple[str, ...]) -> dict[str, Any]:
    """Return the fields by which a receipt names the ones it takes back."""
    if by == "voided":
        return {"voided_natural_key": keys[0]}
    if by == "links":
        return {"links": [{"reason": "return", "natural_key": key} for key in keys]}
    return {"lines": [{"line_number": 1, "original": {"natural_key": key}} for key in keys]}


@pytest.mark.parametrize("by", ["original", "links", "voided"])
async def test_a_return_waits_alone_for_its_sale_and_then_goes(by: str) -> None:
    """Its lane goes on without it; when the sale is delivered it follows at once."""
    shop = Shop()
    await shop.start()
    early = await shop.take_back("1:1", SALE, by=by)
    [later] = await shop.accept("1:1")
    await shop.turn()
    assert shop.keys() == [f"1:1:{later}"]
    row = shop.row(early)
    assert (row.state, row.reason, row.code) == ("held", "awaits_sale", "TW-4014")
    assert row.detail == f"waits for {SALE}"
    await shop.books()
    await shop.accept("2:1")
    await shop.turn()
    assert shop.keys() == [f"1:1:{later}", SALE, f"1:1:{early}"]
    assert (shop.row(early).state, shop.row(early).code) == ("delivered", "")
    await shop.books()


async def test_a_return_whose_sale_is_there_keeps_its_place() -> None:
    """The same lane, the sale before it: order as sold, without a row that ever said held."""
    shop = Shop()
    await shop.accept("2:1", "2:1")
    back = await shop.take_back("2:1", "2:1:1")
    await shop.accept("2:1")
    await shop.start()
    await shop.turn()
    assert shop.keys() == ["2:1:1", "2:1:2", f"2:1:{back}", "2:1:4"]
    assert shop.row(back).attempts == 1
    assert not shop.journal.attempts


async def test_a_sale_that_is_about_to_be_settled_is_noticed() -> None:
    """The target has it, its row is not committed yet, and the cursor stands before another one."""
    target = ScriptedTarget()
    shop = Shop(target)
    shop.journal.longest_pause = 100
    opened, target.door = target.door, asyncio.Event()
    [first] = await shop.accept("9:9")
    await shop.start()
    slow, target.door = target.door, opened
    [sale] = await shop.accept("2:1")
    back = await shop.take_back("2:1", f"2:1:{sale}")
    await shop.turn()
    assert shop.keys() == [f"2:1:{sale}", f"2:1:{back}"]
    assert first not in shop.states(), "the cursor has passed the sale"
    slow.set()
    await shop.turn()
    assert shop.states() == dict.fromkeys([first, sale, back], "delivered")
    await shop.books()


async def test_after_the_limit_a_return_goes_without_its_sale_and_is_flagged() -> None:
    """Nobody waits for ever: it goes, and its row says that the sale was not there."""
    shop = Shop()
    await shop.start()
    back = await shop.take_back("1:1", SALE)
    await shop.turn()
    await shop.turn(WAIT_SECONDS - 1)
    assert shop.keys() == []
    await shop.turn(1)
    assert shop.keys() == [f"1:1:{back}"]
    row = shop.row(back)
    assert (row.state, row.code) == ("delivered", "TW-4015")
    assert "without the sale" in row.detail
    await shop.books()


async def test_the_time_left_survives_a_crash_and_so_does_the_wait() -> None:
    """After a restart it still waits, goes with its sale, and its limit is no later than before."""
    shop = Shop()
    await shop.start()
    first = await shop.take_back("1:1", SALE)
    second = await shop.take_back("1:2", "9:9:9")
    await shop.turn()
    await shop.turn(WAIT_SECONDS / 2)
    await shop.restart()
    assert shop.keys() == []
    assert shop.row(first).reason == "awaits_sale"
    await shop.accept("2:1")
    await shop.turn()
    assert shop.keys() == [SALE, f"1:1:{first}"]
    await shop.turn(WAIT_SECONDS / 2)
    assert shop.keys()[2:] == [f"1:2:{second}"]
    assert shop.row(second).code == "TW-4015"
    await shop.books()


async def test_a_sale_that_is_held_keeps_its_return_until_it_is_delivered() -> None:
    """Stored is not enough: the target must have it."""
    shop = Shop()
    busy = Transient("TW-9001", "busy")
    shop.target.script = lambda message: busy
    await shop.accept("2:1")
    await shop.start()
    back = await shop.take_back("1:1", "2:1:1")
    await shop.turn()
    assert shop.row(back).reason == "awaits_sale"
    shop.target.script = shop.target.book
    await shop.turn(10)
    assert shop.keys() == ["2:1:1", f"1:1:{back}"]


async def test_a_return_of_a_dead_sale_follows_when_a_person_sends_the_sale() -> None:
    """The retry of the dead letter is what it waited for."""
    shop = Shop()
    shop.target.script = lambda m: (
        Permanent("TW-9001", "no") if m.key.endswith("2:1:1") else shop.target.book(m)
    )
    await shop.accept("2:1")
    await shop.start()
    back = await shop.take_back("1:1", "2:1:1")
    await shop.turn()
    assert shop.states() == {1: "dead", back: "held"}
    shop.target.script = shop.target.book
    assert shop.delivery is not None
    await shop.delivery.retry(shop.route.name, [1], "ann", "mended")
    await shop.turn()
    assert shop.keys() == ["2:1:1", f"1:1:{back}"]


async def test_a_sale_that_the_route_passes_over_holds_nobody_up() -> None:
    """What never goes to this target cannot be waited for."""
    shop = Shop()
    shop.route = replace(shop.route, filter=lambda body: body["lane"] != "2:1")
    await shop.start()
    await shop.accept("2:1")
    back = await shop.take_back("1:1", "2:1:1")
    late = await shop.take_back("1:2", "2:1:4")
    await shop.turn()
    assert shop.keys() == [f"1:1:{back}"]
    await shop.accept("2:1")
    await shop.turn()
    assert shop.keys()[1:] == [f"1:2:{late}"]
    await shop.books()


async def test_a_return_of_two_sales_waits_for_both() -> None:
    """One of them is not enough."""
    shop = Shop()
    await shop.start()
    back = await shop.take_back("1:1", "2:1:2", "3:1:3")
    await shop.accept("2:1")
    await shop.turn()
    assert shop.row(back).detail == "waits for 3:1:3"
    await shop.accept("3:1")
    await shop.turn()
    assert shop.keys()[-1] == f"1:1:{back}"


async def test_a_person_may_let_a_return_go_or_give_it_up() -> None:
    """Retry sends it without its sale; abandon takes it out; the sale then wakes nobody."""
    shop = Shop()
    delivery = await shop.start()
    first = await shop.take_back("1:1", SALE)
    second = await shop.take_back("1:2", SALE)
    await shop.turn()
    await delivery.retry(shop.route.name, [first], "ann", "the sale is in the other ERP")
    await delivery.abandon(shop.route.name, [second], "ann", "booked by hand")
    await shop.turn()
    assert shop.keys() == [f"1:1:{first}"]
    await shop.accept("2:1")
    await shop.turn(2 * WAIT_SECONDS)
    assert shop.states() == {first: "delivered", second: "abandoned", 3: "delivered"}
    assert len(shop.target.calls) == 2


async def test_a_thousand_returns_before_their_sales_all_follow() -> None:
    """A store comes back and its returns were sent first; bulk calls carry the rest meanwhile."""
    shop = Shop(ScriptedTarget(max_bulk=20))
    await shop.start()
    for number in range(300):
        await shop.take_back(f"1:{number % 7}", f"2:1:{301 + number}")
    await shop.turn()
    assert shop.keys() == []
    for _ in range(300):
        await shop.accept("2:1")
    for _ in range(20):
        await shop.turn()
    assert await shop.books() == {"delivered": 600}
    assert not shop.delivery.dispatchers[shop.route.name]._returns
    order = {key: at for at, key in enumerate(shop.keys())}
    assert all(order[f"2:1:{301 + n}"] < order[f"1:{n % 7}:{n + 1}"] for n in range(300))


async def test_without_the_option_nothing_waits_and_nothing_is_decoded() -> None:
    """A route that does not ask for it sends returns as they come."""
    shop = Shop()
    shop.retry = replace(shop.retry, sale_wait_seconds=0.0)
    await shop.start()
    back = await shop.take_back("1:1", SALE)
    await shop.turn()
    assert shop.keys() == [f"1:1:{back}"]


def test_a_plain_sale_is_not_decoded_to_see_that_it_takes_nothing_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The cost for messages that are no returns is a search in their bytes."""

    def never(_: bytes) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(outbound_module, "_decode", never)
    envelope = Shop()._candidate("1:1", b"", {}).envelope
    message = StoredMessage(1, envelope, b'{"lines":[{"line_number":1}]}')
    assert sales_taken_back(Opened(message)) == frozenset()
