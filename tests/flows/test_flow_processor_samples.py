"""Payouts as Stripe and Square publish them, fetched from their APIs and followed to the bank.

The tills are made to have sold what each sample settles; then a fee or the bank is a cent off.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from flows.money_trail import CLOUD, Line, camt, found, prepare, waiting
from flows.money_world import money_world
from flows.test_flow_bank_samples import SAMPLES, sample
from flows.test_flow_matching import poslog, sale
from flows.test_flow_square_money import prepare as prepare_square
from flows.test_flow_stripe import served
from flows.tills import DAY
from flows.turned_clock import TurnedClock
from flows.world import Running, World, until_async
from tillway.gateway.server import serve
from tillway.simulator.square_account import LOCATIONS, SquareAccount
from tillway.simulator.square_api import SquareApiFake
from vendors.square_seller import TOKEN, Ticks
from vendors.stripe_account import Account

Json = dict[str, Any]
POS = SAMPLES / "pos"
STRIPE_DAY, SQUARE_DAY = "2009-02-13", "2021-12-14"


def of(folder: str, name: str) -> Any:
    """Return a sample as it is decoded."""
    return json.loads(sample(POS / folder, name))


def stripe_account(fee: int = 0) -> tuple[Account, list[tuple[str, int]]]:
    """Return an account with the payout of the sample, and the tenders it settles.

    Its transaction is taken as often as the payout needs. fee: cents stated too much for one.
    """
    payout, one = of("stripe", "payout.json"), of("stripe", "balance_transaction.json")
    account = Account(now=payout["created"])
    entries = [
        {**one, "id": f"{one['id']}{number}", "source": f"{one['source']}{number}"}
        for number in range(payout["amount"] // one["net"])
    ]
    entries[0]["fee"] += fee
    account.payouts[payout["id"]] = payout
    account.entries[payout["id"]] = entries
    account.tell(payout, "payout.reconciliation_completed")
    return account, [(entry["source"], entry["amount"]) for entry in entries]


def square_account(fee: int = 0) -> tuple[SquareAccount, list[tuple[str, int]]]:
    """Return an account with a payout of the entries in the sample, and the tenders they settle."""
    entries = of("square", "ListPayoutEntriesResponse.json")["payout_entries"]
    account = SquareAccount(Random(1), Ticks())
    net = sum(entry["net_amount_money"]["amount"] for entry in entries)
    entries[0]["fee_amount_money"]["amount"] += fee
    [payout_id] = {entry["payout_id"] for entry in entries}
    account.entries[payout_id] = entries
    paid = of("square", "PayoutPaidEvent.json")["data"]["object"]["payout"]
    own = {
        "id": payout_id,
        "location_id": LOCATIONS[0].id,
        "amount_money": {"amount": net, "currency_code": "USD"},
        "arrival_date": "2021-12-15",
        "created_at": f"{SQUARE_DAY}T23:40:00Z",
    }
    account.put("payout", {**paid, **own})
    tenders = []
    for entry in entries:
        about = entry.get("type_refund_details") or entry["type_charge_details"]
        reference = about.get("refund_id") or about["payment_id"]
        tenders.append((reference, entry["gross_amount_money"]["amount"]))
    return account, tenders


@asynccontextmanager
async def with_stripe(folder: Path, account: Account) -> AsyncIterator[World]:
    """Give a project whose tills take cards through Stripe."""
    async with money_world(folder) as world, served(account) as port:
        prepare(world, "bank", port)
        yield world


@asynccontextmanager
async def with_square(folder: Path, account: SquareAccount) -> AsyncIterator[World]:
    """Give a project whose tills take cards through terminals of Square."""
    server = await serve(SquareApiFake(account, TOKEN, Random(2)), "127.0.0.1", 0)
    await server.started()
    try:
        async with money_world(folder) as world:
            prepare_square(world, server.port)
            tills = (CLOUD / "systems" / "northgate.toml").read_text()
            (world.folder / "systems" / "harbour.toml").write_text(
                tills.replace("inbox/northgate", "inbox/harbour")
            )
            world.replace(
                "stores.csv", "America/Chicago,US,USD,square", "America/Chicago,US,USD,harbour"
            )
            world.replace("recon/store-day.toml", 'systems = ["square"]', 'systems = ["harbour"]')
            yield world
    finally:
        await server.close()


async def followed(
    world: World, day: str, tenders: list[tuple[str, int]], credit: str
) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
    """Run a hub until it has tills, payout and bank; return what is found and what still waits."""
    sold = [
        sale("0102", number, f"{Decimal(amount) / 100:.2f}", reference)
        for number, (reference, amount) in enumerate(tenders, 1)
    ]
    papers = poslog(*sold).replace(DAY.encode(), day.encode()).replace(b">EUR<", b">USD<")
    line = camt([Line(Decimal(credit), text="CARD MONEY")], currency="USD")
    arrived = f"{day[:-2]}{int(day[-2:]) + 3}".encode()
    clock = TurnedClock(f"{day}T23:59:00+00:00")
    async with world.running(clock) as running:
        clock.turn_to(f"{day[:-2]}{int(day[-2:]) + 1}T20:00:00+00:00")
        assert (await running.take("harbour", "day.xml", papers)).parent.name == "done"
        await until_async(lambda: has_payout(running), "the payout did not come")
        taken = await running.take("bank", "a.xml", line.replace(b"2026-11-23", arrived))
        assert taken.parent.name == "done"
        assert await running.quarantine() == []
        return await found(running, clock, f"{day[:-2]}28T08:00:00+00:00"), await waiting(running)


async def has_payout(running: Running) -> bool:
    """Say whether the payout is in the journal."""
    stored = await running.hub.journal.read(0, 10_000)
    return any(one.envelope.message_type == "settlement.posted" for one in stored)


@pytest.mark.parametrize(
    ("fee", "credit", "wanted"),
    [
        (0, "11.00", {}),
        (1, "11.00", {"PAYOUT_DIFF": ("0.99", "1.00")}),
        (0, "10.99", {"PAYOUT_DIFF": ("11.00", "nothing")}),
    ],
    ids=["all explained", "a cent of fee", "a cent at the bank"],
)
async def test_the_payout_that_stripe_publishes_is_explained(
    tmp_path: Path, fee: int, credit: str, wanted: dict[str, tuple[str, str]]
) -> None:
    """Eleven payments of a dollar without a fee are a payout of eleven dollars."""
    account, tenders = stripe_account(fee)
    async with with_stripe(tmp_path, account) as world:
        differences, lone = await followed(world, STRIPE_DAY, tenders, credit)
    assert {rule: said for (rule, _), said in differences.items()} == wanted
    assert len(differences) == len(wanted)
    assert bool(lone) == (credit != "11.00")


@pytest.mark.parametrize(
    ("fee", "credit", "wanted"),
    [
        (0, "0.33", {}),
        (1, "0.33", {"PAYOUT_DIFF": ("-0.49", "-0.48")}),
        (0, "0.32", {"PAYOUT_DIFF": ("0.33", "nothing")}),
    ],
    ids=["all explained", "a cent of fee", "a cent at the bank"],
)
async def test_the_payout_that_square_publishes_is_explained(
    tmp_path: Path, fee: int, credit: str, wanted: dict[str, tuple[str, str]]
) -> None:
    """A payment and a refund, of which Square gives a part of its fee back."""
    account, tenders = square_account(fee)
    async with with_square(tmp_path, account) as world:
        differences, lone = await followed(world, SQUARE_DAY, tenders, credit)
    assert {rule: said for (rule, _), said in differences.items()} == wanted
    assert len(differences) == len(wanted)
    assert bool(lone) == (credit != "0.33")
