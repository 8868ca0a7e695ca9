"""What goes wrong after a sale was accepted, and how it reaches the ERP all the same, once."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import pytest

from flows.tills import DAY, millrace, northgate, poslog, quayside
from flows.world import ROUTE, Running, World, until_async
from tillway.api import Selection
from tillway.errors import ConfigurationError
from tillway.observe import problems

TILLS = ("0002:01", "0003:01", "0001:11")


async def sell_everywhere(running: Running, numbers: range) -> None:
    """Sell with these numbers at one till of each brand."""
    await running.take("northgate", f"{numbers}.xml", poslog(*map(northgate, numbers)))
    await running.take("millrace", f"{numbers}.csv", "".join(map(millrace, numbers)).encode())
    for number in numbers:
        assert (await running.sell(quayside(number))).status == 202


def numbers_by_till(world: World) -> dict[str, list[int]]:
    """Return the receipt numbers of each till in the order the ERP booked them."""
    found: dict[str, list[int]] = defaultdict(list)
    for key in world.documents():
        store, till, _, number = key.split(":")
        found[f"{store}:{till}"].append(int(number))
    return dict(found)


async def breaker_open(running: Running) -> bool:
    """Say whether the hub leaves the ERP in peace."""
    states = await running.hub.journal.target_states()
    return [one.state for one in states if one.target == "erp"] == ["open"]


async def delivered(running: Running, count: int) -> bool:
    """Say whether so many messages are in the ERP, as the hub's ledger has it."""
    return (await running.fates()).get("delivered") == count


async def test_an_outage_delays_sales_and_neither_loses_nor_doubles_them(world: World) -> None:
    """While the ERP is down sales are accepted; afterwards each arrives once, in till order."""
    async with world.running() as running:
        await sell_everywhere(running, range(1, 6))
        await running.settled()
        await world.erp_mode("down")
        await sell_everywhere(running, range(6, 31))
        await until_async(lambda: breaker_open(running), "the breaker stayed closed")
        assert await running.outcomes() == {"accepted": 90}
        assert len(world.documents()) == 15
        await running.settled()
        await world.erp_mode("up")
        await until_async(lambda: delivered(running, 90), "the backlog did not drain")
        await running.settled()
    assert numbers_by_till(world) == {till: list(range(1, 31)) for till in TILLS}


async def test_answers_that_get_lost_double_nothing(world: World) -> None:
    """The ERP books and drops the line; the same call again is a repeat, not a second booking."""
    async with world.running() as running:
        await world.erp_mode("reset")
        await sell_everywhere(running, range(1, 11))
        await until_async(lambda: breaker_open(running), "the breaker stayed closed")
        await world.erp_mode("up")
        await until_async(lambda: delivered(running, 30), "not everything was delivered")
        await running.settled()
    assert numbers_by_till(world) == {till: list(range(1, 11)) for till in TILLS}
    assert world.booked() == {"EUR": Decimal("80.00"), "USD": Decimal("40.00")}


async def test_a_backlog_survives_the_end_of_the_hub(world: World) -> None:
    """What waited when the hub ended is sent, in order, by the next one."""
    async with world.running() as running:
        await world.erp_mode("gone")
        await sell_everywhere(running, range(1, 11))
        await until_async(lambda: breaker_open(running), "the breaker stayed closed")
    assert world.documents() == []
    await world.erp_mode("up")
    async with world.running() as running:
        await until_async(lambda: delivered(running, 30), "not everything was delivered")
        await running.settled()
    assert numbers_by_till(world) == {till: list(range(1, 11)) for till in TILLS}


async def test_a_refused_sale_is_a_dead_letter_until_the_erp_is_mended(world: World) -> None:
    """The ERP's refusal is kept as the cause; the lane goes on; a retry delivers what was dead."""
    async with world.running() as running:
        await world.erp_mode("up", reject_tender_types=["voucher"])
        voucher = [{"method": "VOUCHER", "amt": "4.00"}]
        assert (await running.sell(quayside(1))).status == 202
        assert (await running.sell(quayside(2, payments=voucher))).status == 202
        assert (await running.sell(quayside(3))).status == 202
        await running.settled()
        assert await running.fates() == {"delivered": 2, "dead": 1}
        assert numbers_by_till(world) == {"0002:01": [1, 3]}

        [position] = await running.positions("dead")
        [letter] = await problems(running.hub.journal, {ROUTE: "erp"})
        assert (letter.kind, letter.count, letter.positions) == ("dead", 1, [position])
        assert 'tender "voucher" is closed for booking' in letter.text
        assert letter.money == {"EUR": Decimal("4.00")}

        assert await running.operations.retry(ROUTE, [position], "ann", "too early") == 1
        await running.settled()
        assert await running.fates() == {"delivered": 2, "dead": 1}

        await world.erp_mode("up", reject_tender_types=[])
        assert await running.operations.retry(ROUTE, [position], "ann", "the ERP is mended") == 1
        await running.settled()
        assert await running.fates() == {"delivered": 3}
        assert numbers_by_till(world) == {"0002:01": [1, 3, 2]}
        attempts = await running.hub.journal.attempts_of(position)
        outcomes = [(one.kind, one.outcome) for one in attempts]
        assert outcomes[:2] == [("first", "permanent"), ("operator", "permanent")]
        audited = [one for one in await running.hub.journal.actions(10) if one.verb == "retry"]
        assert {one.who for one in audited} == {"ann"}


async def test_a_tender_the_erp_has_no_account_for_is_mended_in_the_tables(world: World) -> None:
    """A tender without an account makes a dead letter; a mended mapping and a retry deliver it."""
    world.replace(
        "mappings/erp-document.toml",
        "type   = 'tender_type'",
        'type   = \'choose(tender_type == "other", "seashell", tender_type)\'',
    )
    world.add_line("codes/tender.csv", "SEASHELL,other,Quayside: shells")
    shells = [{"method": "SEASHELL", "amt": "4.00"}]
    async with world.running() as running:
        assert (await running.sell(quayside(1, payments=shells))).status == 202
        await running.settled()
        assert await running.fates() == {"dead": 1}
        [position] = await running.positions("dead")
        [letter] = await problems(running.hub.journal, {ROUTE: "erp"})
        assert 'no account for tender "seashell"' in letter.text
    world.replace(
        "mappings/erp-document.toml",
        '"other", "seashell", tender_type)',
        '"other", "voucher", tender_type)',
    )
    async with world.running() as running:
        assert await running.operations.retry(ROUTE, [position], "ann", "mapping mended") == 1
        await running.settled()
        assert await running.fates() == {"delivered": 1}
    assert world.booked() == {"EUR": Decimal("4.00")}


async def test_a_quarantined_sale_is_taken_in_once_its_tender_is_known(world: World) -> None:
    """An unknown tender is kept; with its row in the code table it is accepted and delivered."""
    async with world.running() as running:
        strange = quayside(2, payments=[{"method": "MOONCOIN", "amt": "4.00"}])
        assert (await running.sell(quayside(1))).status == 202
        assert (await running.sell(strange)).status == 422
        await running.take("millrace", "day.csv", (millrace(1) + millrace(2, tender="77")).encode())
        await running.settled()
        kept = [row.invalid_id for row in await running.quarantine()]
        assert len(kept) == 2
        assert await running.operations.reprocess(kept, "ann", "still") == {"quarantined": 2}
    world.add_line("codes/tender.csv", "MOONCOIN,voucher,Quayside: moon coin")
    world.add_line("codes/tender.csv", "77,gift_card,Millrace: paper card")
    async with world.running() as running:
        assert await running.operations.reprocess(kept, "ann", "rows added") == {"accepted": 2}
        await running.settled()
        assert await running.quarantine() == []
        assert await running.fates() == {"delivered": 4}
        assert numbers_by_till(world) == {"0002:01": [1, 2], "0003:01": [1, 2]}
        assert (await running.sell(strange)).status == 200
        await running.settled()
    assert world.booked() == {"EUR": Decimal("16.00")}


def brought_back(number: int, sale: str) -> str:
    """Return what a CSV till writes when an article of a sale is brought back at another till."""
    key = f"0003;02;{DAY};{number}"
    times = f"{DAY}T11:00:00;{DAY}T11:00:30"
    rows = [
        f"H;{key};RETURN;{times};8;EUR;-4,00;0,00;-4,00;0,00;0,00;-4,00;-1;",
        f"L;{key};1;RET;4711;P;Schrift;30;-1,000;st;4,00;-4,00;0,00;-4,00;0,00;0,00;1;;{sale};1;;",
        f"V;{key};0,00;-4,00;0,00",
        f"T;{key};10;-4,00;-4,00;0,00;0,00;;;",
    ]
    return "".join(f"{row}\r\n" for row in rows)


async def test_a_return_that_comes_first_waits_for_its_sale(world: World) -> None:
    """It waits alone, survives a restart, and is booked right after the sale it takes back."""
    world.add_line("policies/retry.toml", "sale_wait_seconds = 3600")
    sale = f"0003:01:{DAY}:2"
    async with world.running() as running:
        await running.take("millrace", "early.csv", brought_back(7, sale).encode())
        await running.take("millrace", "other.csv", millrace(1).encode())
        await running.settled()
        assert await running.fates() == {"delivered": 1, "held": 1}
        [problem] = await problems(running.hub.journal, {ROUTE: "erp"})
        assert (problem.kind, problem.code, problem.behind) == ("held", "TW-4014", 0)
    async with world.running() as running:
        await running.take("millrace", "sale.csv", millrace(2).encode())
        await running.settled()
        assert await running.fates() == {"delivered": 3}
    assert world.documents().index(sale) < world.documents().index(f"0003:02:{DAY}:7")


async def test_a_large_replay_needs_a_second_person(world: World) -> None:
    """One asks, nothing is sent; another gives the same order, and the ERP sees only repeats."""
    world.add_line("policies/retry.toml", "replay_alone = 2")
    async with world.running() as running:
        for number in range(1, 6):
            assert (await running.sell(quayside(number))).status == 202
        await running.settled()
        everything = Selection(ROUTE)
        with pytest.raises(ConfigurationError) as caught:
            await running.operations.replay(everything, "ann", "the ERP lost its morning")
        assert caught.value.code == "TW-4016"
        done = await running.operations.replay(everything, "bob", "she is right")
        assert (done.delivered, done.failed) == (5, 0)
        verbs = [(one.who, one.verb) for one in await running.hub.journal.actions(3)]
        assert verbs == [("bob", "replay"), ("bob", "replay_approved"), ("ann", "replay_asked")]
        await running.settled()
    assert numbers_by_till(world) == {"0002:01": [1, 2, 3, 4, 5]}
