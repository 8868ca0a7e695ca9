"""A thousand orders of a fake Shopify shop, with everything that goes wrong there, reach the books.

The hub is a process of its own, killed once on the way. The books are a folder with one file for
each key, so that what stands there in the end is the newest version that was delivered.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from time import time
from typing import Any

import aiohttp
import uvicorn

from flows.world import outcomes_of, until_async
from tillway.cli.demo.hub_process import HubProcess
from tillway.cli.reading import opened
from tillway.observe import books_as_json, carried_by_route, verify
from tillway.simulator.shopify_api import ApiLimits, ShopifyApi
from tillway.simulator.shopify_hooks import HookFaults, ShopifyHooks
from tillway.simulator.shopify_shop import ShopifyShop
from vendors.shopify_project import ENVIRON, SECRET, SHOP, TOKEN, write_shopify_project

ORDERS = 1000
FEW_ORDERS = 60
STEPS_AT_ONCE = 5
STEPS_A_ROUND = 600
QUICK_RETRIES = (0.2, 0.4, 0.8, 1.6, 1.6, 1.6, 1.6, 1.6)
FAULTS = HookFaults(lost=0.05, doubled=0.05, delayed=0.2, delay_seconds=1.0)
LIMITS = ApiLimits(bucket=80, leak_per_second=400, broken=0.001)
WEBHOOK_URL = "https://hub.example.com/in/shopify"
CALL_SECONDS = 5.0


@dataclass
class Booked:
    """What stands in the books under one name."""

    revision: int | None
    amount: str


@dataclass
class Street:
    """A shop, its API on a socket, and the hub in front of it."""

    folder: Path
    shop: ShopifyShop
    hooks: ShopifyHooks
    api: ShopifyApi
    hub: HubProcess
    door: str = ""
    read: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)

    def files(self) -> list[Path]:
        """Return the documents in the books."""
        return list((self.folder / "books").glob("*.json"))

    def booked(self) -> dict[str, Booked]:
        """Return what the books hold, by the name of the object."""
        found: dict[str, Booked] = {}
        for file in self.files():
            written_at = file.stat().st_mtime_ns
            if self.read.get(file.name, (0, {}))[0] != written_at:
                self.read[file.name] = written_at, json.loads(file.read_text("utf-8"))
            document = self.read[file.name][1]
            assert document["key"] not in found, f"{document['key']} is booked twice"
            found[document["key"]] = Booked(document.get("revision"), document["amount"])
        return found

    def wrong(self) -> list[str]:
        """Return how the books differ from what the shop did: lost, too many, not the newest."""
        booked, truth = self.booked(), self.shop.truth
        wrong = [f"{name} is lost" for name in truth.keys() - booked.keys()]
        wrong += [f"{name} is too many" for name in booked.keys() - truth.keys()]
        for name in truth.keys() & booked.keys():
            if Decimal(booked[name].amount) != Decimal(truth[name]):
                wrong.append(f"{name} is {booked[name].amount}, not {truth[name]}")
            elif booked[name].revision != self.newest(name):
                wrong.append(f"{name} is at revision {booked[name].revision}")
        return wrong

    def newest(self, name: str) -> int | None:
        """Return the newest revision of an object; a refund has none."""
        kind, _, number = name.partition("/")
        if kind != "Order":
            return None
        return int(datetime.fromisoformat(self.shop.orders[int(number)]["updated_at"]).timestamp())

    async def live(self, orders: int, steps: int, *, killed: bool = False) -> bool:
        """Let so many things happen in the shop; False when all orders had their lives.

        killed: the hub is killed at the beginning and comes back while the shop goes on.
        """
        back = None
        if killed:
            self.hub.kill()
            back = asyncio.create_task(self._find_door())
        more = True
        for number in range(steps):
            more = self.shop.step(orders)
            if number % STEPS_AT_ONCE == 0 or not more:
                await self.hooks.deliver()
            if not more:
                break
        if back is not None:
            await back
        return more

    async def come_right(self) -> None:
        """Wait until every webhook was sent and the books are what the shop says."""
        await self.everything_sent()
        expected = len(self.shop.truth)

        async def right() -> bool:
            files = await asyncio.to_thread(self.files)
            return len(files) >= expected and not await asyncio.to_thread(self.wrong)

        await until_async(right, "the books never came right")

    async def _find_door(self) -> None:
        self.door = await self.hub.ready()

    async def everything_sent(self) -> None:
        """Go on delivering until no webhook waits any more."""

        async def sent() -> bool:
            await self.hooks.deliver()
            return not self.hooks.waiting

        await until_async(sent, "webhooks are still waiting")


@asynccontextmanager
async def street(folder: Path, **settings: str) -> AsyncIterator[Street]:
    """Start shop, API and hub; settings replace those of the source, as TOML values."""
    async with aiohttp.ClientSession() as session:
        hooks = ShopifyHooks(
            SHOP, SECRET, time, lambda *call: _post(session, made, *call), Random(11), FAULTS
        )
        hooks.retry_seconds = QUICK_RETRIES
        shop = ShopifyShop(20261120, time, hooks.tell)
        api = ShopifyApi(shop, hooks, TOKEN, time, LIMITS)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            # Head and body go out apart; without this the second waits for the first to be seen.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            port = listener.getsockname()[1]
            server = uvicorn.Server(
                uvicorn.Config(api, lifespan="off", log_level="warning", date_header=False)
            )
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            project = write_project(folder, f"http://127.0.0.1:{port}", settings)
            made = Street(project, shop, hooks, api, HubProcess(project))
            try:
                made.door = await made.hub.start()
                yield made
            finally:
                await made.hub.stop()
                server.should_exit = True
                await serving


def write_project(folder: Path, api: str, settings: Mapping[str, str]) -> Path:
    """Write the project of the shop with its secrets beside it."""
    project = write_shopify_project(
        folder / "project",
        **{
            "api_url": f'"{api}"',
            "webhook_url": f'"{WEBHOOK_URL}"',
            "hint_seconds": "0.1",
            "poll_seconds": "2.0",
            "payout_seconds": "2.0",
            "health_seconds": "1.0",
            "overlap_seconds": "60",
            **settings,
        },
    )
    secrets = project / "secrets.toml"
    lines = [
        f'{name.removeprefix("TILLWAY_SECRET_").lower()} = "{value}"'
        for name, value in ENVIRON.items()
    ]
    secrets.write_text("\n".join(lines) + "\n", "utf-8")
    secrets.chmod(0o600)
    return project


async def _post(
    session: aiohttp.ClientSession,
    made: Street,
    _address: str,
    headers: Mapping[str, str],
    body: bytes,
) -> int:
    """Send a webhook as Shopify does: five seconds, and no answer is a failure."""
    try:
        async with session.post(
            f"{made.door}/in/shopify",
            data=body,
            headers=dict(headers),
            timeout=aiohttp.ClientTimeout(total=CALL_SECONDS),
        ) as answer:
            await answer.read()
            return answer.status
    except (aiohttp.ClientError, TimeoutError, OSError):
        return 0


async def books_and_outcomes(folder: Path) -> tuple[dict[str, Any], Counter[str], int]:
    """Return the checked books of a stopped hub, its outcomes, and the versions of orders."""
    async with opened(folder) as journal:
        books = await verify(journal.reader, carried_by_route(journal.release))
        position, versions = 0, 0
        while found := await journal.reader.read(position, 1000):
            position = found[-1].position
            versions += sum(one.envelope.natural_key.startswith("Order/") for one in found)
        return books_as_json(books), Counter(await outcomes_of(journal.reader)), versions


async def test_a_thousand_orders_are_in_the_books_once_and_at_their_newest(tmp_path: Path) -> None:
    """0 lost, 0 doubled, the highest revision of each object, balanced books; over every fault."""
    async with street(tmp_path) as shop_street:
        await until_async(_subscribed(shop_street), "the hub subscribed to nothing")
        rounds = 0
        while await shop_street.live(ORDERS, STEPS_A_ROUND, killed=rounds == 1):
            await shop_street.come_right()
            rounds += 1
        await shop_street.come_right()
    truth, booked = shop_street.shop.truth, shop_street.booked()
    assert shop_street.wrong() == []
    assert sum(Decimal(one.amount) for one in booked.values()) == sum(map(Decimal, truth.values()))
    assert len(shop_street.shop.orders) == ORDERS
    counts = shop_street.hooks.counts
    assert min(counts["lost"], counts["doubled"], counts["delayed"], counts["failed"]) > 0
    assert shop_street.hub.restarts == 1
    books, outcomes, versions = await books_and_outcomes(shop_street.folder)
    assert books["balanced"], books
    assert (outcomes["quarantined"], outcomes["conflict"]) == (0, 0)
    assert outcomes["duplicate"] > 0
    assert versions > ORDERS * 5 // 4


async def test_without_the_search_what_a_webhook_missed_stays_missing(tmp_path: Path) -> None:
    """Positive control: hints alone lose orders, and the check above sees it."""
    async with street(tmp_path, poll_seconds="9999.0") as shop_street:
        shop_street.hooks.faults = HookFaults(lost=0.5)
        await until_async(_subscribed(shop_street), "the hub subscribed to nothing")
        while await shop_street.live(FEW_ORDERS, STEPS_A_ROUND):
            pass
        await shop_street.everything_sent()

        async def most() -> bool:
            return len(shop_street.booked()) > FEW_ORDERS // 2

        await until_async(most, "hardly anything arrived")
    assert shop_street.wrong() != []


def _subscribed(shop_street: Street) -> Any:
    async def subscribed() -> bool:
        return len(shop_street.hooks.subscriptions) > 0

    return subscribed
