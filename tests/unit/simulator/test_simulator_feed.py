"""The feed: every shop hands over everything, once stored, whatever the hub answers."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import web

from tillway.clock import ManualClock, SystemClock
from tillway.errors import ConfigurationError
from tillway.simulator.brands import BRANDS
from tillway.simulator.delivery import Delivery
from tillway.simulator.fault_plan import FaultPlan, Window
from tillway.simulator.faults import deliveries
from tillway.simulator.feed import Feed
from tillway.simulator.hub_senders import hub_senders
from tillway.simulator.pacing import Pace, due_second, live_pace
from tillway.simulator.plan import ChainPlan
from tillway.simulator.senders import FolderSender, HttpSender
from tillway.simulator.truth import TruthFault, TruthMessage, TruthWriter, read_truth

PLAN = ChainPlan(seed=3, stores=5, sales=120)


@dataclass
class Keeper:
    """A sender that remembers what it was given."""

    batches: list[list[Delivery]] = field(default_factory=list)

    async def send(self, batch: Sequence[Delivery]) -> None:
        """Remember."""
        await asyncio.sleep(0)
        self.batches.append(list(batch))

    @property
    def taken(self) -> list[Delivery]:
        """Everything, in order."""
        return [delivery for batch in self.batches for delivery in batch]


def _keepers() -> dict[str, Keeper]:
    return {store.business_unit_id: Keeper() for store in PLAN.store_plans()}


async def test_each_shop_hands_over_its_own_story_in_order(tmp_path: Path) -> None:
    """Everything planned arrives, per shop in order, and the truth was written."""
    keepers, truth = _keepers(), TruthWriter(tmp_path / "truth.jsonl", PLAN)
    feed = Feed(PLAN, keepers, ManualClock(), truth=truth)
    progress = await feed.run()
    truth.close()
    planned = list(deliveries(PLAN))
    assert progress.handed_over == progress.made == len(planned)
    assert progress.sales_made == PLAN.sales
    for store, keeper in keepers.items():
        mine = [one for one in planned if one.fact.store.business_unit_id == store]
        assert [one.body() for one in keeper.taken] == [one.body() for one in mine]
    lines = list(read_truth(tmp_path / "truth.jsonl"))
    assert sum(isinstance(line, TruthMessage) for line in lines) == len(planned)


async def test_a_batch_never_holds_one_key_twice_nor_a_malformed_copy() -> None:
    """Copies go in another batch than their original; a malformed one goes alone."""
    faults = FaultPlan(rates={"duplicate": 0.3, "malformed": 0.2})
    keepers = _keepers()
    await Feed(PLAN, keepers, ManualClock(), faults=faults).run()
    for keeper in keepers.values():
        for batch in keeper.batches:
            keys = [(one.fact.message_type, one.fact.natural_key) for one in batch]
            assert len(set(keys)) == len(keys)
            assert len(batch) == 1 or all(one.kind != "malformed" for one in batch)


async def test_a_shop_that_is_offline_hands_over_later() -> None:
    """Nothing leaves the shop while it is offline, everything afterwards, and it can be stopped."""
    keepers, clock = _keepers(), ManualClock()
    feed = Feed(PLAN, keepers, clock)
    feed.set_offline("0002", offline=True)
    running = asyncio.ensure_future(feed.run())
    await clock.advance(60)
    assert not keepers["0002"].taken
    assert keepers["0001"].taken
    assert feed.progress.offline == {"0002"}
    assert not running.done()
    feed.set_offline("0002", offline=False)
    await running
    assert len(keepers["0002"].taken) > 20


async def test_planned_windows_switch_shops_and_the_erp() -> None:
    """Begin and end are called in the order of the simulated time, and nothing stays broken."""
    switched: list[bool] = []

    async def erp_switch(down: bool) -> None:
        switched.append(down)

    faults = FaultPlan(
        offline=(Window(36_000, 7200, "0002"), Window(70_000, 90_000, "0003")),
        erp_down=(Window(40_000, 600), Window(75_000, 90_000)),
    )
    keepers = _keepers()
    feed = Feed(PLAN, keepers, ManualClock(), faults=faults, erp_switch=erp_switch)
    await feed.run()
    assert switched == [True, False, True, False]
    assert not feed.progress.offline
    assert sum(len(keeper.taken) for keeper in keepers.values()) == feed.progress.made


async def test_a_lost_number_is_told_in_the_truth_and_never_sent(tmp_path: Path) -> None:
    """No sender gets it; the truth has a fault line for it and no message."""
    faults = FaultPlan(rates={"number_gap": 0.1})
    keepers, truth = _keepers(), TruthWriter(tmp_path / "truth.jsonl", PLAN, faults)
    progress = await Feed(PLAN, keepers, ManualClock(), faults=faults, truth=truth).run()
    truth.close()
    lines = list(read_truth(tmp_path / "truth.jsonl"))
    lost = {line.natural_key for line in lines if isinstance(line, TruthFault)}
    sent = {one.fact.natural_key for keeper in keepers.values() for one in keeper.taken}
    assert lost
    assert not lost & sent
    assert sent == {line.natural_key for line in lines if isinstance(line, TruthMessage)}
    handed_over = sum(len(keeper.taken) for keeper in keepers.values())
    assert progress.handed_over == progress.made == handed_over


async def test_the_erp_is_told_of_a_lost_answer_before_the_sale_is_sent() -> None:
    """Each key is told once with how it is lost, when the shop does not have the sale yet."""
    faults, keepers = FaultPlan(rates={"answer_lost": 0.1}), _keepers()
    told: dict[str, str] = {}

    async def lose(key: str, loss: str) -> None:
        sent = {one.fact.natural_key for keeper in keepers.values() for one in keeper.taken}
        assert key not in sent
        told[key] = loss

    await Feed(PLAN, keepers, ManualClock(), faults=faults, lose_answer=lose).run()
    planned = [one for one in deliveries(PLAN, faults) if one.fault == "answer_lost"]
    assert told == {one.fact.natural_key: one.detail for one in planned}


async def test_people_may_send_an_unknown_tender_and_a_duplicate() -> None:
    """The next plain sale of the shop gets the tender; the latest document goes out again."""
    keepers, clock = _keepers(), ManualClock()
    feed = Feed(PLAN, keepers, clock, pace=live_pace(10))
    assert not feed.send_duplicate()
    feed.send_unknown_tender("0003")
    running = asyncio.ensure_future(feed.run())
    await clock.advance(0)
    await clock.advance(5)
    assert feed.send_duplicate("0001")
    while not running.done():
        await clock.advance(1)
    strange = [one for one in keepers["0003"].taken if one.fault == "unknown_tender"]
    assert [one.outcome for one in strange] == ["quarantined"]
    assert [one.kind for one in keepers["0001"].taken].count("duplicate") == 1


async def test_a_sale_made_strange_is_not_sent_again_as_it_was() -> None:
    """The plan would send it twice; its copy, with a tender all know, would be taken."""
    keepers = _keepers()
    feed = Feed(PLAN, keepers, ManualClock(), faults=FaultPlan(rates={"duplicate": 1.0}))
    feed.send_unknown_tender()
    await feed.run()
    sent = [one for keeper in keepers.values() for one in keeper.taken]
    [strange] = [one for one in sent if one.fault == "unknown_tender"]
    key = strange.fact.natural_key
    assert [one.outcome for one in sent if one.fact.natural_key == key] == ["quarantined"]
    assert sum(one.kind == "duplicate" for one in sent) > PLAN.sales / 2


async def test_a_paused_feed_makes_nothing_and_a_stopped_one_hands_over_the_rest() -> None:
    """Pausing shifts the day; stopping ends it, with everything made handed over."""
    keepers, clock = _keepers(), ManualClock()
    feed = Feed(PLAN, keepers, clock, pace=live_pace(10))
    running = asyncio.ensure_future(feed.run())
    await clock.advance(0)
    await clock.advance(4)
    feed.pause()
    made = feed.progress.made
    await clock.advance(60)
    assert feed.progress.made == made
    feed.resume()
    await clock.advance(1)
    assert made < feed.progress.made < made + 60
    feed.set_offline("0001", offline=True)
    feed.stop()
    while not running.done():
        await clock.advance(1)
    assert feed.progress.handed_over == feed.progress.made < PLAN.sales


def test_a_pace_presses_the_day_into_the_seconds_it_takes() -> None:
    """The last sale is due by sales / rate, opening records at once, nights take no time."""
    plan = ChainPlan(seed=1, stores=3, days=2, sales=200)
    pace = Pace(sales_per_second=20)
    dues = [due_second(one.moment, plan, pace) for one in deliveries(plan)]
    assert dues == sorted(dues)
    assert dues[0] == 0
    assert dues[-1] == 10
    assert due_second(next(deliveries(plan)).moment, plan, Pace()) == 0


Handler = Callable[[web.Request], Awaitable[web.Response]]


@pytest.fixture
async def door() -> AsyncIterator[tuple[str, list[Handler], list[tuple[str, str, bytes]]]]:
    """A hub's door that answers as the test says; keeps what came in."""
    handlers: list[Handler] = []
    seen: list[tuple[str, str, bytes]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.headers["authorization"], request.content_type, await request.read()))
        return await (handlers.pop(0) if len(handlers) > 1 else handlers[0])(request)

    application = web.Application()
    application.router.add_post("/in/quayside", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield f"http://127.0.0.1:{port}/in/quayside", handlers, seen
    await runner.cleanup()


def _says(status: int, body: bytes = b"{}", **headers: str) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=status, body=body, headers=headers)

    return handler


def _quayside(count: int, faults: FaultPlan | None = None) -> list[Delivery]:
    found = (one for one in deliveries(PLAN, faults or FaultPlan()))
    return [one for one in found if one.fact.store.system == "quayside"][:count]


async def _sending(url: str, batch: list[Delivery], clock: ManualClock) -> HttpSender:
    async with aiohttp.ClientSession() as session:
        sender = HttpSender(session, url, "key-1", BRANDS["quayside"], clock)
        running = asyncio.ensure_future(sender.send(batch))
        while not running.done():
            await clock.advance(10)
            await asyncio.wait([running], timeout=0.01)
        await running
        return sender


@pytest.mark.parametrize("status", [202, 200, 409, 422])
async def test_a_stored_document_is_sent_once(door, status: int) -> None:
    """Accepted, duplicate, conflict and quarantined all mean stored."""
    url, handlers, seen = door
    handlers.append(_says(status))
    (one,) = _quayside(1)
    await _sending(url, [one], ManualClock())
    assert seen == [("Bearer key-1", "application/json", one.body())]


async def test_anything_else_is_sent_again(door) -> None:
    """503, 429 and even 401 leave the document with the shop; the same bytes come again."""
    url, handlers, seen = door
    handlers += [_says(503), _says(429, **{"Retry-After": "7"}), _says(401), _says(202)]
    clock = ManualClock()
    sender = await _sending(url, _quayside(1), clock)
    assert len(seen) == 4
    assert len({body for _, _, body in seen}) == 1
    assert clock.monotonic() >= 7
    assert sender.problem == ""


async def test_a_malformed_copy_is_forgotten_when_it_is_refused(door) -> None:
    """400 is the outcome it must have."""
    url, handlers, seen = door
    handlers.append(_says(400))
    cut = next(
        one for one in _quayside(500, FaultPlan(rates={"malformed": 0.3})) if one.kind != "message"
    )
    await _sending(url, [cut], ManualClock())
    assert len(seen) == 1


async def test_only_what_is_not_stored_of_a_batch_is_sent_again(door) -> None:
    """One line of the answer per document; a missing or refused one is repeated alone."""
    url, handlers, seen = door
    lines = [{"line": 1, "status": 202}, {"line": 2, "status": 503}]
    handlers += [_says(200, msgspec.json.encode(lines[0]) + b"\n" + msgspec.json.encode(lines[1])),
                 _says(200, b"no json"),
                 _says(200, b'{"line":1,"status":202}\n{"line":2,"status":200}\n')]  # fmt: skip
    batch = _quayside(3)
    await _sending(url, batch, ManualClock())
    bodies = [Counter(body.splitlines()) for _, _, body in seen]
    rest = Counter(one.body() for one in batch[1:])
    assert bodies == [Counter(one.body() for one in batch), rest, rest]


async def test_a_hub_that_is_gone_is_tried_again() -> None:
    """A refused connection is no reason to forget, nor to give up."""
    clock = ManualClock()
    async with aiohttp.ClientSession() as session:
        sender = HttpSender(
            session, "http://127.0.0.1:9/in/quayside", "k", BRANDS["quayside"], clock
        )
        running = asyncio.ensure_future(sender.send(_quayside(1)))
        for _ in range(5):
            await clock.advance(10)
            await asyncio.wait([running], timeout=0.02)
        assert not running.done()
        assert "Connect" in sender.problem
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_files_appear_whole_and_under_names_in_order(tmp_path: Path) -> None:
    """No part file stays; the content is the packed batch; a malformed copy ends inside."""
    brand = BRANDS["northgate"]
    every = [
        one
        for one in deliveries(PLAN, FaultPlan(rates={"malformed": 0.2}))
        if one.fact.store.system == "northgate"
    ]
    good = [one for one in every if one.kind == "message"][:3]
    cut = next(one for one in every if one.kind == "malformed")
    sender = FolderSender(tmp_path / "inbox", "0001", brand, "run1")
    await sender.send(good)
    await sender.send([cut])
    first, second = sorted((tmp_path / "inbox").iterdir())
    assert (first.name, second.name) == ("0001-run1-000001.xml", "0001-run1-000002.xml")
    assert first.read_bytes() == brand.pack([one.body() for one in good])
    assert second.read_bytes().endswith(cut.body())


async def test_a_store_without_a_way_to_the_hub_is_named(tmp_path: Path) -> None:
    """No key for a shop that posts: nothing starts, and the error names the shop."""
    folders = {"northgate": tmp_path, "millrace": tmp_path}
    async with aiohttp.ClientSession() as session:
        with pytest.raises(ConfigurationError) as caught:
            hub_senders(PLAN, session, SystemClock(), doors={"quayside": "http://x"},
                        folders=folders, keys={"0002": "k"})  # fmt: skip
        keys = {"0002": "k", "0005": "k"}
        senders = hub_senders(PLAN, session, SystemClock(), doors={"quayside": "http://x"},
                              folders=folders, keys=keys)  # fmt: skip
    assert caught.value.code == "TW-7502"
    assert caught.value.where["store"] == "0005"
    assert sorted(senders) == ["0001", "0002", "0003", "0004", "0005"]
