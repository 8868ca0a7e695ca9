"""A day of charges through the fake of Stripe into a real hub that is killed: all of it, once."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import aiohttp
import pytest
from aiohttp import web

from flows.world import outcomes_of, until_async
from tillway.assembly import open_queries
from tillway.cli.demo.hub_process import LOG_FILE, HubProcess
from tillway.journal.sqlite_queries import SqliteQueries
from tillway.observe import books_as_json, carried_by_route, verify
from tillway.project import load_release
from tillway.project.template import Variables, new_project
from vendors.stripe_account import KEY, PERSON, SECRET, Account, Json, signed_headers

CHARGES = 80
OTHERS = ("northgate", "square", "shopify", "tryton", "bank", "adyen", "adyen_report")
STORES = """\
business_unit_id,name,time_zone,country,currency,system,registers,api_key_sha256
0101,Maple Street,America/New_York,US,USD,stripe,1,
0102,Harbour Row,America/New_York,US,USD,stripe,1,
web,Web Shop,America/New_York,US,USD,stripe,1,
"""
Step = tuple[str, int]


def write_project(folder: Path, api_port: int) -> None:
    """Write the template with Stripe as its only system, quick where a real one is patient."""
    new_project(folder, "cloud-ledger", Variables("stripe", 0), Random(1).randbytes)
    shutil.rmtree(folder / "routes")
    shutil.rmtree(folder / "recon")
    for name in OTHERS:
        (folder / "systems" / f"{name}.toml").unlink()
    (folder / "stores.csv").write_text(STORES)
    system = folder / "systems" / "stripe.toml"
    address = f'api_url = "http://127.0.0.1:{api_port}"'
    quick = f"[source.settings]\n{address}\npoll_seconds = 0.1\nsearch_seconds = 0.5"
    system.write_text(system.read_text().replace("[source.settings]", quick))
    given = {"stripe_signing_secret": SECRET, "stripe_api_key": KEY, "pseudonym_key": "k" * 32}
    secrets = "".join(f'{name} = "{value}"\n' for name, value in given.items())
    (folder / "secrets.toml").write_text(secrets)


@asynccontextmanager
async def served(account: Account) -> AsyncIterator[int]:
    """Serve the account's API on a port of its own."""

    async def reply(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        made = await account.request("GET", str(request.rel_url), headers)
        return web.Response(status=made.status, body=made.body)

    app = web.Application()
    app.router.add_get("/{path:.*}", reply)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def notify(hub: HubProcess, events: list[Json]) -> None:
    """Send events to the door, each again until it is answered 200."""
    async with aiohttp.ClientSession() as session:
        for event in events:
            body = json.dumps(event).encode()

            async def taken(body: bytes = body) -> bool:
                headers = signed_headers(body, int(time.time()))
                try:
                    url = await hub.ready() + "/in/stripe"
                    async with session.post(url, data=body, headers=headers) as answer:
                        return answer.status == 200
                except aiohttp.ClientError:
                    return False

            await until_async(taken, "the door does not take an event")


def truth_of(account: Account) -> Counter[Step]:
    """Return how often each object changed at a second, as the journal should have it."""
    about = [(event["data"]["object"], event["created"]) for event in account.events]
    return Counter((one["id"], at) for one, at in about if one["object"] != "payout")


async def stored_in(queries: SqliteQueries) -> tuple[Counter[Step], list[Json]]:
    """Return every step of a payment and every settlement in the journal."""
    found = await queries.read(0, 10_000)
    messages = [(one.envelope.message_type, json.loads(one.canonical)) for one in found]
    steps = [one for kind, one in messages if kind == "payment.updated"]
    settlements = [one for kind, one in messages if kind == "settlement.posted"]
    return Counter((one["psp_reference"], one["revision"]) for one in steps), settlements


@pytest.mark.timeout(90)
async def test_a_day_of_charges_arrives_once_and_whole(tmp_path: Path) -> None:
    """0 lost, 0 doubled after a kill, the payout adds up, and no buyer stands in the journal."""
    account, folder = Account(9, int(time.time())), tmp_path / "project"
    account.trade(CHARGES)
    told = account.told_badly()
    assert PERSON in json.dumps(told)
    async with served(account) as port:
        write_project(folder, port)
        hub = HubProcess(folder)
        try:
            await hub.start()
            await notify(hub, told[: len(told) // 2])
            hub.kill()
            await notify(hub, told[len(told) // 2 :])
            queries, truth = open_queries(folder), truth_of(account)

            async def complete() -> bool:
                steps, settlements = await stored_in(queries)
                return steps == truth and any(one.get("entries") for one in settlements)

            await until_async(complete, "the journal is not what Stripe has")
        finally:
            code = await hub.stop()
    assert (code, hub.restarts) == (0, 1), (folder / LOG_FILE).read_text()
    kept = await verify(queries, carried_by_route(load_release(folder, environ={})))
    assert kept.balanced, books_as_json(kept)
    assert set(await outcomes_of(queries)) <= {"accepted", "duplicate"}
    _, [*_, settlement] = await stored_in(queries)
    assert settlement["net"] == f"{account.payouts['po_1']['amount'] / 100:.2f}"
    await queries.close()
    state = await asyncio.to_thread(lambda: [file.read_bytes() for file in _files(folder)])
    assert not [data for data in state if PERSON.encode() in data]


def _files(folder: Path) -> list[Path]:
    return [file for file in (folder / ".state").iterdir() if file.is_file()]
