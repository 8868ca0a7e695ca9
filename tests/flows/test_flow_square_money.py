"""Square from the sale to the bank: orders and payouts fetched from its API, and a statement.

The API is the fake of the simulator behind a real socket; payouts hold charges and refunds in the
shape that Square documents, with what it keeps as a fee, or gives back of one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from flows.money_trail import BEFORE, CLOUD, Found, Line, camt, found, waiting
from flows.money_world import money_world
from flows.turned_clock import TurnedClock
from flows.world import Running, World, until_async
from tillway.gateway.server import serve
from tillway.simulator.square_account import LOCATIONS, Json, Location, SquareAccount
from tillway.simulator.square_api import SquareApiFake
from tillway.simulator.square_till import Shares, SquareTill
from vendors.square_project import FILES
from vendors.square_seller import KEY, TOKEN, Ticks

SALES = 14
PAGE = 5
STORES = FILES["stores.csv"]
RECON = """\
[processors.square]
tender_types = ["credit", "debit", "mobile_wallet"]
systems = ["square"]
within_days = 5
bank = "bank"
"""
FIRST, SECOND = LOCATIONS
E2E = "L2100002345678"


@dataclass(slots=True)
class Seller:
    """What Square has after a day, and what the bank shows of it. payouts: location -> id."""

    account: SquareAccount = field(default_factory=lambda: SquareAccount(Random(1), Ticks()))
    payouts: dict[str, str] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)

    def __post_init__(self) -> None:
        shares = Shares(returned=0.4, cancelled=0.0, corrected=0.1)
        till = SquareTill(self.account, Random(3), shares)
        for turn in range(SALES):
            till.sell(LOCATIONS[turn % 2])
        for location in LOCATIONS:
            self.payouts[location.id] = self.account.new_id("po_")
            self.account.entries[self.payouts[location.id]] = self._entries(location)

    def entries(self, location: Location) -> list[Json]:
        """Return what the payout of a shop consists of."""
        return self.account.entries[self.payouts[location.id]]

    def pay(self) -> None:
        """Send both payouts to the bank; the second names itself by no number."""
        for location, number in ((FIRST, E2E), (SECOND, "")):
            net = sum(one["net_amount_money"]["amount"] for one in self.entries(location))
            made = {
                "id": self.payouts[location.id],
                "location_id": location.id,
                "status": "PAID",
                "amount_money": {"amount": net, "currency_code": "USD"},
                "arrival_date": "2026-11-23",
                "type": "BATCH",
                **({"end_to_end_id": number} if number else {}),
            }
            self.account.put("payout", made)
            self.lines.append(Line(Decimal(net) / 100, number, "Square Inc"))

    def _entries(self, location: Location) -> list[Json]:
        """Return every card payment and card refund of a shop as Square lists them."""
        payments = [one for one in self.account.all("payment") if one["source_type"] == "CARD"]
        refunds = [one for one in self.account.all("refund") if one["destination_type"] == "CARD"]
        found = []
        for one in (*payments, *refunds):
            if one["location_id"] != location.id:
                continue
            back = "destination_type" in one
            gross = -one["amount_money"]["amount"] if back else one["total_money"]["amount"]
            about = {"payment_id": one["payment_id"] if back else one["id"]}
            if back:
                about["refund_id"] = one["id"]
            name = "refund" if back else "charge"
            found.append(entry(name, gross, gross * 26 // 1000, about))
        return found


def entry(name: str, gross: int, fee: int, about: Json) -> Json:
    """Return an entry of a payout."""

    def money(amount: int) -> Json:
        return {"amount": amount, "currency_code": "USD"}

    return {
        "id": f"poe_{name}_{'_'.join(about.values())}",
        "effective_at": "2026-11-20T20:00:00Z",
        "type": name.upper(),
        "gross_amount_money": money(gross),
        "fee_amount_money": money(fee),
        "net_amount_money": money(gross - fee),
        f"type_{name}_details": about,
    }


def prepare(world: World, port: int) -> None:
    """Write Square, its shops and what is reconciled."""
    text = (CLOUD / "systems" / "square.toml").read_text()
    told = (
        f'api_url = "http://127.0.0.1:{port}"',
        "poll_seconds = 0.05",
        "backfill_seconds = 0.5",
        "fetch_wait_seconds = 0.05",
        "watch_subscription = false",
        f"list_page = {PAGE}",
    )
    given = "\n".join(("[source.settings]", *told))
    (world.folder / "systems" / "square.toml").write_text(text.replace("[source.settings]", given))
    (world.folder / "codes" / "square_store.csv").write_text(FILES["codes/square_store.csv"])
    world.add_line("secrets.toml", f'square_signature_key = "{KEY}"')
    world.add_line("secrets.toml", f'square_access_token = "{TOKEN}"')
    (world.folder / "stores.csv").write_text(STORES)
    recon = world.folder / "recon"
    recon.mkdir()
    (recon / "store-day.toml").write_text(RECON)


@asynccontextmanager
async def running(
    folder: Path, seller: Seller
) -> AsyncIterator[tuple[Running, TurnedClock, SquareApiFake]]:
    """Run a hub that fetches everything Square has, and give it the statement."""
    api, clock = SquareApiFake(seller.account, TOKEN, Random(2)), TurnedClock(BEFORE)
    server = await serve(api, "127.0.0.1", 0)
    await server.started()
    try:
        async with money_world(folder) as world:
            prepare(world, server.port)
            async with world.running(clock) as hub:
                await until_async(lambda: has_everything(hub, seller), "Square is not all there")
                taken = await hub.take("bank", "a.xml", camt(seller.lines, currency="USD"))
                assert taken.parent.name == "done"
                assert await hub.quarantine() == []
                yield hub, clock, api
    finally:
        await server.close()


async def has_everything(hub: Running, seller: Seller) -> bool:
    """Say whether orders, payments, refunds and payouts are in the journal as they are now."""
    stored = await hub.hub.journal.read(0, 10_000)
    kinds = [one.envelope.message_type for one in stored]
    account = seller.account
    return (
        kinds.count("retail_transaction.completed") >= len(account.all("order"))
        and kinds.count("payment.updated")
        >= len(account.all("payment")) + len(account.all("refund"))
        and kinds.count("settlement.posted") >= len(LOCATIONS)
    )


def nothing(seller: Seller) -> Found:
    """Plant nothing."""
    seller.pay()
    return {}


def a_cent_short(seller: Seller) -> Found:
    """Let the bank credit a cent less than the payout that names itself."""
    seller.pay()
    due = seller.lines[0].amount
    seller.lines[0].amount -= Decimal("0.01")
    return {("PAYOUT_DIFF", seller.payouts[FIRST.id]): (f"{due:.2f}", f"{seller.lines[0].amount}")}


def without_line(seller: Seller) -> Found:
    """Leave the other payout out of the statement."""
    seller.pay()
    due = seller.lines.pop().amount
    return {("PAYOUT_DIFF", seller.payouts[SECOND.id]): (f"{due:.2f}", "nothing")}


def short_by_one(seller: Seller) -> Found:
    """Leave a charge out of a payout and out of what the bank credits."""
    gone = seller.entries(FIRST).pop(0)
    seller.pay()
    gross = Decimal(gone["gross_amount_money"]["amount"]) / 100
    reference = gone["type_charge_details"]["payment_id"]
    return {("TENDER_NO_PAYMENT", reference): (f"{gross:.2f}", "nothing")}


def another_fee(seller: Seller) -> Found:
    """State a fee that is a cent above what is kept."""
    one = seller.entries(SECOND)[0]
    one["fee_amount_money"]["amount"] += 1
    seller.pay()
    net = Decimal(one["net_amount_money"]["amount"]) / 100
    wanted = (f"{net - Decimal('0.01'):.2f}", f"{net:.2f}")
    return {("PAYOUT_DIFF", seller.payouts[SECOND.id]): wanted}


def refund_without_order(seller: Seller) -> Found:
    """Give money back that no order of the shop knows of."""
    about = {"payment_id": "payUnknown", "refund_id": "payUnknown_r1"}
    seller.entries(FIRST).append(entry("refund", -700, -18, about))
    seller.pay()
    return {("PAYMENT_NO_TENDER", "payUnknown_r1"): ("-7.00", "nothing")}


PLANTED: tuple[Callable[[Seller], Found], ...] = (
    nothing,
    a_cent_short,
    without_line,
    short_by_one,
    another_fee,
    refund_without_order,
)


@pytest.mark.parametrize("plant", PLANTED, ids=lambda one: one.__name__)
async def test_what_was_planted_is_found_and_nothing_else(
    tmp_path: Path, plant: Callable[[Seller], Found]
) -> None:
    """Fourteen sales in two shops, some in cash, some brought back, and a payout for each shop."""
    seller = Seller()
    wanted = plant(seller)
    refunds = [one for at in LOCATIONS for one in seller.entries(at) if one["type"] == "REFUND"]
    assert refunds, "the day has no refund to a card"
    async with running(tmp_path, seller) as (hub, clock, api):
        assert await found(hub, clock) == wanted
        lone = {name for rule, name in wanted if wanted[rule, name][1] == "nothing"}
        assert {name for _, name in await waiting(hub)} == lone
    path = f"/v2/payouts/{seller.payouts[FIRST.id]}/payout-entries"
    assert api.calls[path] >= len(seller.entries(FIRST)) // PAGE
