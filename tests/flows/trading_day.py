"""One small day of one shop as its tills send it, from the first receipt to the close record.

Figures are easy to add up by hand: receipts of the article of `tills.quayside`, tax 19 % included,
all in cash, and a till that is a euro short.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from flows.tills import DAY, quayside
from flows.turned_clock import TurnedClock
from flows.world import Running, World, until_async
from tillway.reconcile import Desk
from tillway.reconcile.desk import Decision
from tillway.reconcile.shelf import Entry

STORE = "0002"
EVENING = f"{DAY}T22:00:00+01:00"
AMOUNTS = ("4.00", "119.00", "11.90")
SHORT = Decimal("1.00")
Message = dict[str, Any]


def evening() -> TurnedClock:
    """Return a clock that shows the evening of the day."""
    return TurnedClock(EVENING)


def tax_of(amount: str) -> Decimal:
    """Return the tax in an amount, as the till prints it."""
    return (Decimal(amount) * 19 / 119).quantize(Decimal("0.01"))


def counted(amounts: Sequence[str], store: str = STORE, short: Decimal = SHORT) -> Message:
    """Return the count of the till at its end."""
    due = sum(map(Decimal, amounts))
    cash = {"method": "CASH", "sales": f"{due:.2f}", "refunds": "0.00", "payouts": "0.00"}
    told = {"floats": "0.00", "skims": "0.00", "due": f"{due:.2f}"}
    found = {"counted": f"{due - short:.2f}", "diff": f"{-short:.2f}"}
    return {
        "storeNo": store,
        "tillNo": "01",
        "bizDate": DAY,
        "cashierNo": "7",
        "openedAt": f"{DAY}T21:00:00+01:00",
        "closedAt": f"{DAY}T21:00:00+01:00",
        "currency": "EUR",
        "docType": "TILLCOUNT",
        "shift": "evening",
        "firstDoc": 1,
        "lastDoc": len(amounts),
        "counts": [{**cash, **told, **found}],
        "cancelled": 0,
    }


def closed(amounts: Sequence[str], store: str = STORE) -> Message:
    """Return the close record of the day, which agrees with its receipts."""
    total, tax = sum(map(Decimal, amounts)), sum(map(tax_of, amounts))
    return {
        "storeNo": store,
        "tillNo": "01",
        "bizDate": DAY,
        "cashierNo": "7",
        "openedAt": f"{DAY}T21:10:00+01:00",
        "closedAt": f"{DAY}T21:10:00+01:00",
        "currency": "EUR",
        "docType": "DAYCLOSE",
        "tills": [
            {"tillNo": "01", "firstDoc": 1, "lastDoc": len(amounts), "docs": len(amounts)},
        ],
        "totals": {
            "gross": f"{total:.2f}",
            "rebate": "0.00",
            "net": f"{total:.2f}",
            "vat": f"{tax:.2f}",
            "toPay": f"{total:.2f}",
        },
        "vatSums": [{"vat": "19.00", "base": f"{total:.2f}", "amt": f"{tax:.2f}"}],
        "payments": [{"method": "CASH", "no": len(amounts), "amt": f"{total:.2f}"}],
    }


def messages(amounts: Sequence[str], store: str = STORE) -> list[Message]:
    """Return everything the shop sends of its day."""
    receipts = [quayside(number, store, amount) for number, amount in enumerate(amounts, 1)]
    return [*receipts, counted(amounts, store), closed(amounts, store)]


def lenient(world: World) -> None:
    """Let a till be short by some euros, as finance may set it."""
    world.replace("recon/store-day.toml", 'tolerance = "0.00"', 'tolerance = "5.00"')


async def trade(running: Running, *told: Message) -> None:
    """Send messages of the shop; each is accepted."""
    for one in told:
        answer = await running.post(one, running.world.keys[one["storeNo"]])
        assert answer.status == 202, answer.text


async def day_in(running: Running, state: str, store: str = STORE, revision: int = 0) -> Entry:
    """Wait until the day is in a state of a revision, and return it."""
    books = running.hub.bookkeeper
    assert books is not None
    entry = await books.shelf.entry(store, DAY)

    async def is_so() -> bool:
        nonlocal entry
        await books.catch_up()
        entry = await books.shelf.entry(store, DAY)
        return (entry.day.state, entry.day.revision) == (state, revision)

    try:
        await until_async(is_so, f"the day did not get to {state}, revision {revision}")
    except AssertionError as error:
        known = await books.log.known(store, DAY)
        wrong = [one for one in known.values() if one.state == "open"]
        raise AssertionError(f"{error}: {entry.day} {wrong}") from None
    return entry


def desk_of(running: Running) -> tuple[Desk, Decision]:
    """Return the desk of a hub, and a decision of a person."""
    books = running.hub.bookkeeper
    assert books is not None
    return Desk(books), Decision("ann", "the till was recounted", running.hub.clock.now())
