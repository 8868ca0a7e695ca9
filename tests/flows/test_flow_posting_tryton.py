"""Store-days posted into a real Tryton in each of the three ways, read back, and corrected.

A real Tryton is needed; `TILLWAY_REQUIRE=tryton` makes it a must.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from flows.books_world import books_world
from flows.posting_requests import (
    STORE,
    STORE_DAY,
    Held,
    all_posted,
    candidate,
    cash_lines,
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
from flows.test_flow_tryton_kills import killed_again_and_again
from flows.world import Running, World, until_async
from peers.tryton.fixtures import tryton  # noqa: F401 - pytest finds it by its name here
from peers.tryton.peer import TrytonPeer
from tillway.cli.demo.hub_process import HubProcess
from tillway.model.postings import PostingRequested

# The first test that needs the peer builds it.
pytestmark = pytest.mark.timeout(300)

ROUTE = "posting-to-books"
MODES = {
    "store-day": [store_day("tryton")],
    "receipts": receipts("tryton", ["10.80", "21.60", "-5.40", "0.00"]),
    "hybrid": hybrid("tryton"),
}


async def ask_for(running: Running, *asked: PostingRequested) -> None:
    """Put postings into the journal of a running hub and wait until nothing is left to do."""
    release = running.hub.release.digest
    await running.hub.journal.append([candidate(one, release) for one in asked])
    await running.settled()


def booked(peer: TrytonPeer) -> dict[str, dict[str, Decimal]]:
    """Return description -> account code -> what is booked there; debit positive.

    Fails for a key that is booked twice or a move whose sides differ.
    """
    names = {one["id"]: one["code"] for one in _rows(peer, "account.account", [], ["code"])}
    moves = _rows(
        peer,
        "account.move",
        [["state", "=", "posted"]],
        ["description", "lines.account", "lines.debit", "lines.credit"],
    )
    found: dict[str, dict[str, Decimal]] = {}
    for move in moves:
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for one in move["lines."]:
            sums[names[one["account"]]] += _amount(one["debit"]) - _amount(one["credit"])
        assert sum(sums.values()) == 0, move["description"]
        assert move["description"] not in found, f"{move['description']} is booked twice"
        found[move["description"]] = dict(sums)
    return found


def net(books: dict[str, dict[str, Decimal]]) -> dict[str, Decimal]:
    """Return account code -> what all moves together leave there, zeros left out."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for move in books.values():
        for account, amount in move.items():
            sums[account] += amount
    return {account: amount for account, amount in sums.items() if amount}


def _rows(peer: TrytonPeer, model: str, domain: list[Any], names: list[str]) -> list[Any]:
    found: list[Any] = peer.call(f"model.{model}.search_read", domain, 0, None, None, names)
    return found


def _amount(value: Any) -> Decimal:
    return Decimal(value["decimal"]) if isinstance(value, dict) else Decimal(value)


async def read_back(running: Running, asked: Sequence[PostingRequested]) -> None:
    """Wait until Tryton reported exactly these postings, each with the amount asked for."""
    wanted = sorted((one.posting_key, one.amount, one.reverses_posting_key) for one in asked)

    async def is_there() -> bool:
        found = (await reported(running.hub.journal)).values()
        return sorted((one.posting_key, one.amount, one.reverses) for one in found) == wanted

    await until_async(is_there, f"Tryton did not report {wanted}")


async def test_a_store_day_is_booked_where_the_code_tables_say(
    tmp_path: Path,
    tryton: TrytonPeer,  # noqa: F811 - the fixture
) -> None:
    """Sales and tax, each tender, and what is owed stand on their own accounts, to the cent."""
    async with books_world(tmp_path, tryton, ()) as world:
        world.add_line("codes/tryton_group_account.csv", "FOOD,4.1.1,Food")
        async with world.running() as running:
            await ask_for(running, *MODES["store-day"])
    assert booked(tryton) == {
        f"{STORE}:2026-11-20:store_day:USD:0": {
            "1.1.1": Decimal("584.48"),
            "1.1.5": Decimal("770.00"),
            "2.2.3": Decimal("-80.00"),
            "2.2.5": Decimal("-20.00"),
            "2.2.6": Decimal("-3.50"),
            "2.2.7": Decimal("-12.00"),
            "2.2.8": Decimal("-40.00"),
            "4.1.1": Decimal("-1200.00"),
            "6.2.8": Decimal("1.02"),
        }
    }


@pytest.mark.parametrize("mode", MODES)
async def test_each_mode_of_posting_is_booked_once_and_read_back(
    tmp_path: Path,
    tryton: TrytonPeer,  # noqa: F811 - the fixture
    mode: str,
) -> None:
    """One balanced move for each posting key; asked for again, nothing new; amounts agree."""
    asked = MODES[mode]
    async with books_world(tmp_path, tryton, ()) as world, world.running() as running:
        await ask_for(running, *asked)
        first = booked(tryton)
        assert sorted(first) == sorted(one.posting_key for one in asked)
        await read_back(running, asked)
        await ask_for(running, *asked)
        assert booked(tryton) == first
        totals = await running.hub.journal.route_totals(ROUTE)
        delivered = [one for one in totals.rows if one.group == "delivered"]
        assert sum(one.amount_minor for one in delivered) == sum(one.amount for one in asked) * 100


async def test_a_reversal_and_a_revision_leave_the_revision(
    tmp_path: Path,
    tryton: TrytonPeer,  # noqa: F811 - the fixture
) -> None:
    """The first posting stays, is taken back in full, and the new one is what counts.

    A code table that was changed in between does not matter: what is taken back is what the books
    hold, so nothing is left on the old account.
    """
    first = store_day("tryton")
    lines = [*STORE_DAY, line("sales", "-10.00"), line("tender", "10.00", tender_type="cash")]
    second = posting("tryton", "store_day", lines, revision=1)
    async with books_world(tmp_path, tryton, ()) as world:
        async with world.running() as running:
            await ask_for(running, first)
        world.replace("codes/tryton_tender_account.csv", "cash,1.1.1,", "cash,1.1.6,")
        async with world.running() as running:
            await ask_for(running, taken_back(first, 1), second)
            await read_back(running, [first, taken_back(first, 1), second])
            held = await reported(running.hub.journal)
    books = booked(tryton)
    reversal = f"{STORE}:2026-11-20:reversal:USD:1"
    assert books[reversal] == {
        account: -amount for account, amount in books[first.posting_key].items()
    }
    assert net(books) == {
        account: amount for account, amount in books[second.posting_key].items() if amount
    }
    assert books[second.posting_key]["1.1.6"] == Decimal("594.48")
    assert Held(reversal, Decimal("-1385.48"), first.posting_key) in held.values()


async def test_a_posting_that_cannot_be_booked_says_what_to_edit(
    tmp_path: Path,
    tryton: TrytonPeer,  # noqa: F811 - the fixture
) -> None:
    """No account for a line, none in the ledger, another currency, nothing to take back."""
    asked = [
        posting("tryton", "store_day", [*cash_lines("1.00"), line("other", "0.00")], store="0004"),
        posting("tryton", "store_day", _voucher("2.00"), store="0002"),
        store_day("tryton", "EUR"),
        posting("tryton", "reversal", cash_lines("-3.00"), reverses="0003:never", store="0003"),
    ]
    async with books_world(tmp_path, tryton, ()) as world:
        _drop_row(world, "codes/tryton_other_account.csv", "other,")
        world.replace("codes/tryton_tender_account.csv", "voucher,1.1.6,", "voucher,9.9.9,")
        async with world.running() as running:
            await ask_for(running, *asked)
            found = await running.hub.journal.deliveries(["dead"])
            letters = {row.lane.rpartition("/")[2]: (row.code, row.detail) for row, _ in found}
    assert tryton.count() == 0
    code, detail = letters["0004"]
    assert code == "TW-4001"
    assert "lines[2]" in detail
    assert "codes/tryton_other_account.csv" in detail
    code, detail = letters["0002"]
    assert code == "TW-4152"
    assert all(
        word in detail
        for word in ('"9.9.9"', '"tender voucher"', "codes/tryton_tender_account.csv")
    )
    assert letters[STORE][0] == "TW-4155"
    assert letters["0003"][0] == "TW-4162"


async def test_a_hub_that_dies_while_it_posts_posts_each_key_once(
    tmp_path: Path,
    tryton: TrytonPeer,  # noqa: F811 - the fixture
) -> None:
    """Killed four times in the middle of twelve postings, corrections among them: one per key."""
    asked = corrected_days("tryton", 4)
    async with books_world(tmp_path, tryton, ()) as world:
        world.replace("systems/tryton.toml", "rate_per_second = 0 ", "rate_per_second = 4 ")
        world.replace("systems/tryton.toml", "bulk_size = 50", "bulk_size = 2")
        await waiting(world, asked)
        hub = HubProcess(world.folder)
        try:
            await hub.start()
            last = await killed_again_and_again(hub, tryton, 4)
            await all_posted(world, ROUTE, len(asked))
        finally:
            await hub.stop()
        assert last < len(asked)
    books = booked(tryton)
    assert sorted(books) == sorted(one.posting_key for one in asked)
    assert net(books) == {"1.1.1": Decimal("20.00"), "4.1.1": Decimal("-20.00")}
    assert tryton.drafts() == 0


async def test_the_check_finds_a_posting_that_is_booked_twice(
    tmp_path: Path,
    tryton: TrytonPeer,  # noqa: F811 - the fixture
) -> None:
    """Positive control: a second move under one key does not go unseen."""
    async with books_world(tmp_path, tryton, ()) as world, world.running() as running:
        await ask_for(running, *MODES["store-day"])
    [move] = tryton.call("model.account.move.search", [], 0, None, None)
    [copy] = tryton.call("model.account.move.copy", [move])
    tryton.call("model.account.move.post", [copy])
    with pytest.raises(AssertionError, match="is booked twice"):
        booked(tryton)


def _voucher(amount: str) -> list[Any]:
    return [
        line("sales", str(-Decimal(amount))),
        line("tender", amount, tender_type="voucher"),
    ]


def _drop_row(world: World, file: str, beginning: str) -> None:
    path = world.folder / file
    rows = path.read_text().splitlines()
    kept = [row for row in rows if not row.startswith(beginning)]
    assert len(kept) == len(rows) - 1
    path.write_text("\n".join([*kept, ""]))
