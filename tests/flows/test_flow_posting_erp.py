"""Store-days posted into the general ledger of the stand-in ERP, reported back, and corrected."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from flows.posting_requests import (
    STORE_DAY,
    Held,
    all_posted,
    candidate,
    corrected_days,
    hybrid,
    line,
    posting,
    receipts,
    reported,
    store_day,
    taken_back,
    waiting,
)
from flows.world import Running, World, new_world, until_async
from tillway.cli.demo.hub_process import HubProcess
from tillway.model.postings import PostingRequested
from tillway.simulator.erp_posting_books import BookedPosting, PostingBooks

ERP = "ledger"
ROUTE = "posting-to-erp"
MODES = {
    "store-day": [store_day(ERP, "EUR")],
    "receipts": receipts(ERP, ["10.80", "21.60", "-5.40", "0.00"]),
    "hybrid": hybrid(ERP),
}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Give a project whose ledger is asked all the time."""
    async with new_world(tmp_path) as made:
        made.replace("systems/ledger.toml", "poll_seconds = 30.0", "poll_seconds = 0.05")
        made.replace("systems/ledger-report.toml", "poll_seconds = 5.0", "poll_seconds = 0.05")
        yield made


async def ask_for(running: Running, *asked: PostingRequested) -> None:
    """Put postings into the journal of a running hub."""
    release = running.hub.release.digest
    await running.hub.journal.append([candidate(one, release) for one in asked])


def held(world: World) -> list[BookedPosting]:
    """Return what stands in the ledger's own file."""
    books = PostingBooks(world.erp_data / "postings.db")
    try:
        return books.report()
    finally:
        books.close()


async def read_back(running: Running, wanted: Sequence[tuple[str, Decimal | None]]) -> None:
    """Wait until the ERP reported exactly these keys and amounts."""

    async def is_there() -> bool:
        found = (await reported(running.hub.journal)).values()
        return sorted((one.posting_key, one.amount) for one in found) == sorted(wanted)

    await until_async(is_there, f"the ERP did not report {wanted}")


def keys_and_amounts(asked: Sequence[PostingRequested]) -> list[tuple[str, Decimal | None]]:
    """Return what a report must tell of these postings."""
    return [(one.posting_key, one.amount) for one in asked]


@pytest.mark.parametrize("mode", MODES)
async def test_each_mode_is_posted_once_whatever_the_erp_does(world: World, mode: str) -> None:
    """Down first, then an answer lost, then asked for twice: one posting for each key."""
    asked = MODES[mode]
    await world.erp_mode("down", lose_answers={asked[0].posting_key: "cut"})
    async with world.running() as running:
        await ask_for(running, *asked)
        await world.erp_mode("up")
        await running.settled()
        await ask_for(running, *asked)
        await running.settled()
        await read_back(running, keys_and_amounts(asked))
        totals = await running.hub.journal.route_totals(ROUTE)
        delivered = [one for one in totals.rows if one.group == "delivered"]
        assert sum(one.amount_minor for one in delivered) == sum(one.amount for one in asked) * 100
    assert sorted(one.posting_key for one in held(world)) == sorted(
        one.posting_key for one in asked
    )


async def test_a_correction_is_a_reversal_and_a_new_revision(world: World) -> None:
    """Three documents, and together they come to the revision."""
    first = store_day(ERP, "EUR")
    lines = [*STORE_DAY, line("sales", "-10.00"), line("tender", "10.00", tender_type="cash")]
    second = posting(ERP, "store_day", lines, revision=1, currency="EUR")
    asked = [first, taken_back(first, 1), second]
    async with world.running() as running:
        await ask_for(running, *asked)
        await running.settled()
        await read_back(running, keys_and_amounts(asked))
        found = await reported(running.hub.journal)
    assert Held(asked[1].posting_key, -first.amount, first.posting_key) in found.values()
    assert sum(one.minor for one in held(world)) == second.amount * 100


async def test_a_posting_that_does_not_add_up_is_refused_and_holds_its_correction(
    world: World,
) -> None:
    """The ERP says what is wrong, and nothing that follows for the shop goes before it."""
    wrong = posting(ERP, "store_day", [line("tender", "5.00", tender_type="cash")])
    after = posting(ERP, "store_day", [], revision=1, key="0001:2026-11-20:store_day:USD:1")
    other = posting(ERP, "store_day", STORE_DAY, store="0002")
    async with world.running() as running:
        await ask_for(running, wrong)
        await running.settled()
        await ask_for(running, after, other)
        [dead] = await running.positions("dead")
        await read_back(running, keys_and_amounts([other]))
        [(letter, _)] = await running.hub.journal.deliveries(["dead"])
        assert (letter.position, letter.code) == (dead, "TW-4107")
        assert "add up to 500" in letter.detail
    assert [one.posting_key for one in held(world)] == [other.posting_key]


async def test_what_somebody_alters_in_the_erp_is_reported_again(world: World) -> None:
    """Another amount is a new revision of the report; a copy is one more document of that key."""
    [day] = MODES["store-day"]
    async with world.running() as running:
        await ask_for(running, day)
        await running.settled()
        await read_back(running, keys_and_amounts([day]))
        await alter(world, {"posting_key": day.posting_key, "do": "change", "amount": "1385.47"})
        await read_back(running, [(day.posting_key, Decimal("1385.47"))])
        await alter(world, {"posting_key": day.posting_key, "do": "double"})
        await read_back(running, [(day.posting_key, Decimal("1385.47"))] * 2)


async def test_a_report_file_says_the_same(world: World) -> None:
    """The ERP's CSV report, dropped into a folder, becomes the same reports; again, nothing new."""
    asked = MODES["hybrid"]
    # The ledger itself is not asked here.
    system = world.folder / "systems" / "ledger.toml"
    system.write_text(system.read_text().partition("[source]")[0])
    async with world.running() as running:
        await ask_for(running, *asked)
        await running.settled()
        async with world.session.get(f"{world.erp}/postings/report.csv") as answer:
            content = await answer.read()
        assert (await running.take("ledger-report", "monday.csv", content)).parent.name == "done"
        await read_back(running, keys_and_amounts(asked))
        assert (await running.take("ledger-report", "tuesday.csv", content)).parent.name == "done"
        outcomes = await running.outcomes()
    assert outcomes == {"accepted": 2 * len(asked), "duplicate": len(asked)}


async def test_a_hub_that_dies_while_it_posts_posts_each_key_once(world: World) -> None:
    """Killed five times in the middle of sixty postings: each key once, net effect right."""
    asked = corrected_days(ERP, 20)
    world.replace("systems/ledger.toml", "rate_per_second = 0 ", "rate_per_second = 15 ")
    await waiting(world, asked)
    hub = HubProcess(world.folder)
    try:
        await hub.start()
        last = await killed(hub, world, 5)
        await all_posted(world, ROUTE, len(asked))
    finally:
        await hub.stop()
    assert last < len(asked)
    found = held(world)
    assert sorted(one.posting_key for one in found) == sorted(one.posting_key for one in asked)
    assert sum(one.minor for one in found) == 20 * 500


async def killed(hub: HubProcess, world: World, kills: int) -> int:
    """Kill the hub so often, each time a moment after it posted; return how much was posted."""
    rng, booked = Random(20261121), 0
    for times in range(1, kills + 1):
        before = booked

        async def moved_on(before: int = before) -> bool:
            return len(held(world)) > before

        await until_async(moved_on, "the hub posts nothing more")
        await asyncio.sleep(rng.uniform(0.0, 0.15))
        hub.kill()

        async def restarted(times: int = times) -> bool:
            return hub.restarts >= times

        await until_async(restarted, "the hub was not started again")
        await hub.ready()
        booked = len(held(world))
    return booked


async def alter(world: World, change: dict[str, Any]) -> None:
    """Spoil the books of the ERP."""
    answer = await world.post(f"{world.erp}/postings/alter", change)
    assert (answer.status, answer.body) == (200, {"altered": True})
