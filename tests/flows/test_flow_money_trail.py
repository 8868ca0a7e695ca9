"""From the till to the bank statement: two processors and two bank formats, every paper a real one.

Adyen's report comes as its file, Stripe's payout from an API that turns pages, the statement as
camt.053 or MT940. What agrees leaves nothing open; one planted difference is found, and only that.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from flows.money_trail import (
    ADYEN_PAYOUT,
    BAG,
    BEFORE,
    STRIPE_PAYOUT,
    TX,
    Found,
    Line,
    Trail,
    camt,
    found,
    prepare,
    settled,
    stripe_account,
    tell,
    waiting,
)
from flows.money_world import money_world
from flows.test_flow_stripe import served
from flows.turned_clock import TurnedClock
from flows.world import Running
from vendors.stripe_account import Account, entry

CENT = Decimal("0.01")


@asynccontextmanager
async def told(
    folder: Path, bank: str, trail: Trail
) -> AsyncIterator[tuple[Running, TurnedClock, Account]]:
    """Run a hub that was told everything."""
    account, clock = stripe_account(trail), TurnedClock(BEFORE)
    async with money_world(folder) as world, served(account) as port:
        prepare(world, bank, port)
        async with world.running(clock) as running:
            await tell(running, trail, bank)
            yield running, clock, account


def nothing(trail: Trail) -> Found:
    """Plant nothing."""
    del trail
    return {}


def bag_a_cent_short(trail: Trail) -> Found:
    """Plant a cent in a deposit."""
    trail.line(BAG).amount -= CENT
    return {("DEPOSIT_MISMATCH", BAG): ("120.50", "120.49")}


def payout_a_cent_short(trail: Trail) -> Found:
    """Plant a cent in what the bank shows of Adyen's payout."""
    trail.line(TX).amount -= CENT
    return {("PAYOUT_DIFF", ADYEN_PAYOUT): ("90.00", "89.99")}


def payout_without_line(trail: Trail) -> Found:
    """Leave both payouts out of the statement."""
    trail.lines = [one for one in trail.lines if one not in (trail.line(TX), trail.line("STRIPE"))]
    return {
        ("PAYOUT_DIFF", ADYEN_PAYOUT): ("90.00", "nothing"),
        ("PAYOUT_DIFF", STRIPE_PAYOUT): ("138.58", "nothing"),
    }


def line_of_another(trail: Trail) -> Found:
    """Let the bank credit the same amount under the number of a payout that is not ours."""
    line = trail.line(TX)
    line.reference, line.text = "TX9999999XT", "TX9999999XT batch 7, OtherShop"
    return {("PAYOUT_DIFF", ADYEN_PAYOUT): ("90.00", "nothing")}


def another_fee(trail: Trail) -> Found:
    """Let Adyen state a cent more fee than it takes."""
    trail.settled[1] = settled("PSP18", "60.00", "59.10", "0.91")
    return {("PAYOUT_DIFF", ADYEN_PAYOUT): ("59.09", "59.10")}


def another_fee_at_stripe(trail: Trail) -> Found:
    """Let Stripe state a cent less fee than it takes."""
    trail.entries[3] = {**trail.entries[3], "fee": 169}
    return {("PAYOUT_DIFF", STRIPE_PAYOUT): ("98.30", "98.29")}


def settlement_short_by_one(trail: Trail) -> Found:
    """Leave a payment out of Adyen's report, its payout and what the bank shows."""
    del trail.settled[1]
    trail.settled[-1] |= {"Net Debit (NC)": "30.90"}
    trail.line(TX).amount -= Decimal("59.10")
    return {("TENDER_NO_PAYMENT", "PSP18"): ("60.00", "nothing")}


def settlement_short_by_one_at_stripe(trail: Trail) -> Found:
    """Leave a charge out of Stripe's payout and what the bank shows."""
    del trail.entries[1]
    trail.paid -= 2452
    trail.line("STRIPE").amount -= Decimal("24.52")
    return {("TENDER_NO_PAYMENT", "pi_2"): ("25.00", "nothing")}


def payment_without_receipt(trail: Trail) -> Found:
    """Let Stripe pay out a charge that no till knows of."""
    trail.entries.append(entry("charge", 500, 20, "ch_9"))
    trail.paid += 480
    trail.line("STRIPE").amount += Decimal("4.80")
    return {("PAYMENT_NO_TENDER", "ch_9"): ("5.00", "nothing")}


def another_amount_at_the_till(trail: Trail) -> Found:
    """Let a till say a cent more than the card was charged."""
    trail.northgate[1] = ("0101", 18, "60.01", "PSP18")
    return {("AMOUNT_DIFF", "PSP18"): ("60.01", "60.00")}


PLANTED: tuple[Callable[[Trail], Found], ...] = (
    nothing,
    bag_a_cent_short,
    payout_a_cent_short,
    payout_without_line,
    line_of_another,
    another_fee,
    another_fee_at_stripe,
    settlement_short_by_one,
    settlement_short_by_one_at_stripe,
    payment_without_receipt,
    another_amount_at_the_till,
)


@pytest.mark.parametrize("bank", ["bank", "mt940"])
@pytest.mark.parametrize("plant", PLANTED, ids=lambda one: one.__name__)
async def test_what_was_planted_is_found_and_nothing_else(
    tmp_path: Path, bank: str, plant: Callable[[Trail], Found]
) -> None:
    """Nine card payments, two refunds, two payouts, two bags, and a rent that is nobody's."""
    trail = Trail()
    wanted = plant(trail)
    async with told(tmp_path, bank, trail) as (running, clock, account):
        assert await found(running, clock) == wanted
        lone = {name for rule, name in wanted if wanted[rule, name][1] == "nothing"}
        assert {name for _, name in await waiting(running)} == lone
    pages = account.calls.count("/v1/balance_transactions")
    assert pages >= len(trail.entries) // 2, "the entries were not asked for page by page"


async def test_a_line_that_comes_at_last_explains_the_payout(tmp_path: Path) -> None:
    """The notification of the day does not count as money; the statement afterwards does."""
    trail = Trail()
    late = trail.line(TX)
    trail.lines.remove(late)
    async with told(tmp_path, "bank", trail) as (running, clock, _):
        await running.take("bank", "advice.xml", camt([late], "054"))
        assert await found(running, clock) == {("PAYOUT_DIFF", ADYEN_PAYOUT): ("90.00", "nothing")}
        after = camt([late]).replace(b"053-231", b"053-232")
        assert (await running.take("bank", "next.xml", after)).parent.name == "done"
        assert await found(running, clock) == {}


async def test_two_lines_of_one_payout_are_one(tmp_path: Path) -> None:
    """A bank that credits a payout in two parts leaves nothing open."""
    trail = Trail()
    trail.line(TX).amount -= Decimal("30.00")
    trail.lines.append(Line(Decimal("30.00"), TX, f"{TX} batch 42, part 2"))
    async with told(tmp_path, "mt940", trail) as (running, clock, _):
        assert await found(running, clock) == {}
