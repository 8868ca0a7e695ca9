"""Store-days from the till into the general ledger of the stand-in ERP, and back again.

The whole way: receipts and close come in at the door, the day balances and is approved, postings
become messages, the route delivers them, the ERP's answer closes the loop.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from flows.test_flow_posting_erp import alter, held
from flows.tills import DAY, quayside
from flows.trading_day import (
    AMOUNTS,
    STORE,
    day_in,
    desk_of,
    evening,
    lenient,
    messages,
    trade,
)
from flows.world import Running, World, new_world, until_async
from tillway.assembly import open_queries
from tillway.cli.demo.hub_process import HubProcess
from tillway.reconcile import day_in_full
from tillway.reconcile.findings import Finding

RECON = "recon/store-day.toml"
SINGLE = 'mode = "hybrid"\nsingle = "decimal(totals.grand) >= 100"'
MODES = {
    "store_day": ('mode = "store_day"', [f"{STORE}:{DAY}:store_day:EUR:0"]),
    "receipt": ('mode = "receipt"', [f"{STORE}:01:{DAY}:{number}" for number in (1, 2, 3)]),
    "hybrid": (SINGLE, [f"{STORE}:01:{DAY}:2", f"{STORE}:{DAY}:store_day:EUR:0"]),
}
TOTAL = sum(map(Decimal, AMOUNTS))
ROUTE = "posting-to-erp"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Give a project whose ledger is asked all the time; a till may be a euro short."""
    async with new_world(tmp_path) as made:
        made.replace("systems/ledger.toml", "poll_seconds = 30.0", "poll_seconds = 0.05")
        lenient(made)
        yield made


def net(world: World) -> Decimal:
    """Return what all postings in the ledger come to."""
    return Decimal(sum(one.minor for one in held(world))) / 100


def keys(world: World) -> list[str]:
    """Return the keys in the ledger, sorted."""
    return sorted(one.posting_key for one in held(world))


async def found_of(running: Running, store: str = STORE) -> dict[tuple[str, str], Finding]:
    """Return the open findings of the day."""
    books = running.hub.bookkeeper
    assert books is not None
    await books.catch_up()
    known = await books.log.known(store, DAY)
    return {key: one for key, one in known.items() if one.state == "open"}


async def until_found(running: Running, wanted: set[tuple[str, str]]) -> None:
    """Wait until exactly these findings about the ERP are open."""

    async def is_so() -> bool:
        return set(await found_of(running)) == wanted

    await until_async(is_so, f"not found: {wanted}")


@pytest.mark.parametrize("mode", MODES)
async def test_a_day_is_posted_to_the_cent_in_each_mode(world: World, mode: str) -> None:
    """Receipts and close come in; the day ends posted, and the ledger holds what the hub does."""
    setting, wanted = MODES[mode]
    world.replace(RECON, 'mode = "store_day"', setting)
    async with world.running(evening()) as running:
        await trade(running, *messages(AMOUNTS))
        entry = await day_in(running, "posted")
        assert entry.book.sums["EUR"].grand == TOTAL
        assert (entry.day.asked, entry.day.confirmed) == (len(wanted), len(wanted))
        await running.settled()
    assert keys(world) == sorted(wanted)
    assert net(world) == TOTAL


@pytest.mark.parametrize("mode", MODES)
async def test_a_late_receipt_reverses_and_posts_a_revision(world: World, mode: str) -> None:
    """What was summed is taken back and posted anew; single receipts that stand are left alone."""
    setting, wanted = MODES[mode]
    world.replace(RECON, 'mode = "store_day"', setting)
    again = {
        "store_day": [f"{STORE}:{DAY}:reversal:EUR:1", f"{STORE}:{DAY}:store_day:EUR:1"],
        "receipt": [f"{STORE}:01:{DAY}:4"],
        "hybrid": [f"{STORE}:{DAY}:reversal:EUR:1", f"{STORE}:{DAY}:store_day:EUR:1"],
    }[mode]
    async with world.running(evening()) as running:
        await trade(running, *messages(AMOUNTS))
        await day_in(running, "posted")
        await trade(running, quayside(4, STORE, "10.00"))
        # The close record of the shop knows nothing of it: a person lets the difference pass.
        await day_in(running, "receiving", revision=1)
        desk, decision = desk_of(running)
        open_ones = [
            (one.rule, one.subject) for one in (await found_of(running)).values() if one.blocks
        ]
        await desk.override(STORE, DAY, open_ones, decision)
        await day_in(running, "posted", revision=1)
        await running.settled()
    assert keys(world) == sorted([*wanted, *again])
    assert net(world) == TOTAL + 10


async def test_a_day_reopened_by_a_person_nets_to_the_same(world: World) -> None:
    """Nothing changed: reversal and revision leave what was there, and it is posted again."""
    async with world.running(evening()) as running:
        await trade(running, *messages(AMOUNTS))
        await day_in(running, "posted")
        desk, decision = desk_of(running)
        await desk.reopen(STORE, DAY, decision)
        await day_in(running, "posted", revision=1)
        books = running.hub.bookkeeper
        assert books is not None
        found = await day_in_full(running.hub.journal, STORE, DAY)
        assert found is not None
        assert [one.amount for one in found.postings] == ["134.90", "134.90", "-134.90"]
        assert "reopened" in [move.state for move in found.moves]
    assert len(keys(world)) == 3
    assert net(world) == TOTAL


async def test_a_person_approves_from_the_command_line(world: World) -> None:
    """With approve = "person" the day waits, balanced; `tillway storeday approve` posts it."""
    world.replace(RECON, 'approve = "policy"', 'approve = "person"')
    hub = HubProcess(world.folder)
    try:
        address = await hub.start()
        for one in messages(AMOUNTS):
            answer = await world.post(f"{address}/in/quayside", one, world.keys[STORE])
            assert answer.status == 202, answer.text
        queries = open_queries(world.folder)
        await in_state(queries, "balanced")
        assert keys(world) == []
        why = ("--reason", "checked against the till roll", "--project", str(world.folder))
        command = (sys.executable, "-m", "tillway", "storeday", "approve", STORE, DAY, *why)
        done = await asyncio.create_subprocess_exec(*command, env=dict(os.environ))
        assert await done.wait() == 0
        await in_state(queries, "posted")
        await queries.close()
    finally:
        await hub.stop()
    assert net(world) == TOTAL


async def in_state(queries: object, *states: str) -> None:
    """Wait until the day of the shop is in one of these states, beside a running hub."""

    async def is_so() -> bool:
        try:
            found = await day_in_full(queries, STORE, DAY)  # type: ignore[arg-type]
        except Exception:  # noqa: BLE001 - the tables are made when the hub first reads
            return False
        return found is not None and found.day.state in states

    await until_async(is_so, f"the day did not get to {states}")


async def test_a_posting_the_erp_refuses_leaves_the_day_approved_with_the_reason(
    world: World,
) -> None:
    """The dead letter is named in the life of the day; sent again after the fix, it is posted."""
    await world.erp_mode("reject")
    async with world.running(evening()) as running:
        await trade(running, *messages(AMOUNTS))
        await day_in(running, "approved")

        async def is_dead() -> bool:
            dead = await running.hub.journal.deliveries(["dead"])
            return any(row.route == ROUTE for row, _ in dead)

        await until_async(is_dead, "no posting is dead")
        letters = [row for row, _ in await running.hub.journal.deliveries(["dead"])]
        [letter] = [row for row in letters if row.route == ROUTE]
        await day_in(running, "approved")
        found = await day_in_full(running.hub.journal, STORE, DAY)
        assert found is not None
        assert letter.code in found.postings[0].trouble
        assert "on purpose" in found.moves[-1].why
        await world.erp_mode("up")
        for name in {row.route for row in letters}:
            dead = [row.position for row in letters if row.route == name]
            await running.operations.retry(name, dead, "ann", "the ERP takes it now")
        await day_in(running, "posted")
        found = await day_in_full(running.hub.journal, STORE, DAY)
        assert found is not None
        assert found.postings[0].trouble == ""
    assert net(world) == TOTAL


async def test_what_arrives_while_a_posting_is_in_flight_reopens_after_the_confirmation(
    world: World,
) -> None:
    """The day stays approved while its key is open, and is corrected once it is confirmed."""
    world.replace(RECON, "[rules.OVER_SHORT]", quiet("TOTALS_MISMATCH", "COUNT_MISMATCH"))
    await world.erp_mode("down")
    async with world.running(evening()) as running:
        await trade(running, *messages(AMOUNTS))
        await day_in(running, "approved")
        await trade(running, quayside(4, STORE, "10.00"))
        entry = await day_in(running, "approved")
        assert (entry.day.asked, entry.book.sums["EUR"].grand) == (1, TOTAL + 10)
        await world.erp_mode("up")
        await day_in(running, "posted", revision=1)
        await running.settled()
    assert len(keys(world)) == 3
    assert net(world) == TOTAL + 10


def quiet(*rules: str) -> str:
    """Return settings that only count what these rules find."""
    return (
        "".join(f'[rules.{rule}]\nseverity = "warn"\n\n' for rule in rules) + "[rules.OVER_SHORT]"
    )


async def test_what_the_erp_holds_is_compared_and_differences_go_when_explained(
    world: World,
) -> None:
    """An amount changed, a document twice, and one nobody asked for: each by its name."""
    key = f"{STORE}:{DAY}:store_day:EUR:0"
    async with world.running(evening()) as running:
        await trade(running, *messages(AMOUNTS))
        await day_in(running, "posted")
        await until_found(running, {("OVER_SHORT", "01:cash")} & set(await found_of(running)))
        kept = set(await found_of(running))
        await alter(world, {"posting_key": key, "do": "change", "amount": "134.89"})
        await until_found(running, kept | {("AMOUNT_DIFF", key)})
        apart = (await found_of(running))["AMOUNT_DIFF", key]
        assert (apart.expected, apart.found, apart.difference) == ("134.90", "134.89", "-0.01")
        await alter(world, {"posting_key": key, "do": "change", "amount": "134.90"})
        await until_found(running, kept)
        await alter(world, {"posting_key": key, "do": "double"})
        await until_found(running, kept | {("DUPLICATE_POSTING", key)})
        await post_by_hand(world, f"{STORE}:{DAY}:store_day:EUR:9")
        wanted = {("DUPLICATE_POSTING", key), ("MISSING_IN_HUB", f"{STORE}:{DAY}:store_day:EUR:9")}
        await until_found(running, kept | wanted)
        assert (await day_in(running, "posted")).day.revision == 0


async def post_by_hand(world: World, key: str) -> None:
    """Book something in the ledger that the hub did not ask for."""
    lines = [
        {"type": "tender", "amount": "5.00", "tender": "cash"},
        {"type": "sales", "amount": "-5.00"},
    ]
    body = {
        "posting_key": key,
        "posting_type": "store_day",
        "store": STORE,
        "business_date": DAY,
        "currency": "EUR",
        "amount": "5.00",
        "lines": lines,
    }
    answer = await world.post(f"{world.erp}/postings", body, idempotency_key=key)
    assert answer.status == 201, answer.text


@pytest.mark.parametrize("mode", ["store_day", "receipt"])
async def test_what_the_erp_does_not_report_in_time_is_missing_there(
    world: World, mode: str
) -> None:
    """A posting that was booked and is gone is missing after a day; its report explains it."""
    world.replace(RECON, 'mode = "store_day"', f'mode = "{mode}"')
    system = world.folder / "systems" / "ledger.toml"
    system.write_text(system.read_text().partition("[source]")[0])
    world.replace("systems/ledger-report.toml", "poll_seconds = 5.0", "poll_seconds = 0.05")
    _, wanted = MODES[mode]
    clock = evening()
    async with world.running(clock) as running:
        await trade(running, *messages(AMOUNTS))
        await day_in(running, "posted")
        kept = set(await found_of(running))
        async with world.session.get(f"{world.erp}/postings/report.csv") as answer:
            report = (await answer.read()).splitlines(keepends=True)
        # The last row of the report is left out.
        await running.take("ledger-report", "monday.csv", b"".join(report[:-1]))
        clock.turn_to("2026-11-21T23:00:00+01:00")
        missing = [key for key in wanted if key.encode() in report[-1]]
        assert len(missing) == 1
        await until_found(running, kept | {("MISSING_IN_ERP", missing[0])})
        await running.take("ledger-report", "tuesday.csv", b"".join([report[0], report[-1]]))
        await until_found(running, kept)


@pytest.mark.timeout(180)
async def test_a_hub_that_is_killed_while_it_posts_ends_posted_once(world: World) -> None:
    """Killed in the middle of a day of receipts: each key once, and the day ends posted."""
    amounts = tuple(f"{number}.00" for number in range(1, 41))
    world.replace(RECON, 'mode = "store_day"', 'mode = "receipt"')
    world.replace("systems/ledger.toml", "rate_per_second = 0 ", "rate_per_second = 10 ")
    hub = HubProcess(world.folder)
    try:
        address = await hub.start()
        for one in messages(amounts):
            answer = await world.post(f"{address}/in/quayside", one, world.keys[STORE])
            assert answer.status == 202, answer.text
        for kills in range(1, 4):
            before = len(held(world))

            async def moved_on(before: int = before) -> bool:
                return len(held(world)) > before

            await until_async(moved_on, "the hub posts nothing more")
            hub.kill()

            async def restarted(kills: int = kills) -> bool:
                return hub.restarts >= kills

            await until_async(restarted, "the hub was not started again")
            await hub.ready()
        booked = len(held(world))
        queries = open_queries(world.folder)
        await in_state(queries, "posted")
        await queries.close()
    finally:
        await hub.stop()
    assert booked < len(amounts)
    assert keys(world) == sorted(f"{STORE}:01:{DAY}:{number}" for number in range(1, 41))
    assert net(world) == sum(map(Decimal, amounts))
