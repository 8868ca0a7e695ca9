"""`python -m browser.pictures --out docs/pictures`: the pictures of the README, from a real hub.

A week of two shops is traded against a turned clock, a shop's number goes missing, and the ERP
begins to refuse one tender; then the pages are opened and photographed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright, expect

from browser.chromium import QUIET, found_or_installed
from browser.clicks import Person
from browser.png import small
from browser.stories import Stage, erp_has_codes, ledger_is_asked
from browser.walk import say
from flows.tills import DAY, quayside
from flows.trading_day import closed, counted, trade
from flows.turned_clock import TurnedClock
from flows.world import World, new_world
from tillway.project.template import KEYS_FILE

MOST_BYTES = 150_000
DESK = {"width": 1200, "height": 800}
PHONE = {"width": 360, "height": 740}
STORES = {
    "0001": "Alder Street",
    "0002": "Birch Street",
    "0003": "Cedar Street",
    "0004": "Dune Street",
    "0005": "Elm Street",
}
"""All of one brand here, whose tills send over HTTP with a key of their own."""
WEEK = tuple(f"2026-11-{day}" for day in range(13, 20))
AMOUNTS = ("4.00", "119.00", "11.90", "23.80", "59.50", "8.33")
MISSING = {("0005", "2026-11-18"): 5 * len(AMOUNTS) + 3}
"""The shop and the day -> the number that never came."""
MINUTES = 8


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: its file, the page, and the part of it that comes to the top."""

    name: str
    path: str
    top: str = ""
    phone: bool = False


async def taken(browser: Browser, folder: Path, out: Path) -> list[Path]:
    """Trade, break something, and take every picture; returns the files."""
    async with new_world(folder) as world:
        _prepared(world)
        clock = TurnedClock(f"{WEEK[0]}T20:00:00+01:00")
        async with world.running(clock) as running:
            context = await browser.new_context(viewport=DESK, color_scheme="light")  # type: ignore[arg-type]
            person = Person(await context.new_page(), running.address)
            stage = Stage(world, running, clock, person)
            await _a_week(stage)
            await _a_morning(stage)
            return [await _photograph(person, one, out) for one in await _pictures(person)]


def _prepared(world: World) -> None:
    erp_has_codes(world)
    ledger_is_asked(world)
    world.replace("tillway.toml", 'name = "flows"', 'name = "demo"')
    keys = {store: f"key-of-{store}-for-pictures" for store in STORES}
    (world.folder / KEYS_FILE).write_text(json.dumps({"stores": keys}))
    stores = world.folder / "stores.csv"
    head = stores.read_text().splitlines()[0]
    rows = [
        f"{store},{name},Europe/Berlin,DE,EUR,quayside,1,{sha256(keys[store].encode()).hexdigest()}"
        for store, name in STORES.items()
    ]
    stores.write_text("\n".join([head, *rows, ""]))


async def _a_week(stage: Stage) -> None:
    """Trade a week: every day closes and is posted, but for one with a number missing."""
    for day, date in enumerate(WEEK):
        stage.clock.turn_to(f"{date}T22:00:00+01:00")
        for store in STORES:
            lost = MISSING.get((store, date), 0)
            kept = [one for one in _day(store, day) if one.get("docNo") != lost]
            await trade(stage.running, *(_on(date, one) for one in kept))
        await _caught_up(stage)
        await stage.running.settled()


async def _a_morning(stage: Stage) -> None:
    """Sell minute by minute, then let the ERP refuse gift cards and a till send nonsense."""
    running = stage.running
    numbers = Counter(dict.fromkeys(STORES, len(WEEK) * len(AMOUNTS)))
    turn = cycle(STORES)

    def next_of(store: str) -> int:
        numbers[store] += 1
        return numbers[store]

    for minute in range(MINUTES):
        stage.clock.turn_to(f"{DAY}T10:0{minute + 1}:00+01:00")
        for store in islice(turn, 6 + minute * 5 % 7):
            number = next_of(store)
            await trade(running, quayside(number, store, AMOUNTS[number % len(AMOUNTS)]))
        await running.settled()
        await stage.person.open("/")
        await stage.person.page.wait_for_timeout(1_200)
    await stage.world.erp_mode("up", reject_tender_types=["other"])
    for store in islice(turn, 14):
        cards = [{"method": "GIFTCARD", "amt": "25.00"}]
        await trade(running, quayside(next_of(store), store, "25.00", payments=cards))
    await running.sell(
        quayside(next_of("0003"), "0003", payments=[{"method": "SHELLS", "amt": "4.00"}])
    )
    await _caught_up(stage)
    await running.settled()
    await stage.look("10:10:00")


async def _pictures(person: Person) -> list[Picture]:
    """Return what is photographed; the addresses of some are read off the pages."""
    page = person.page
    await person.open("/problems")
    problem = await _first(page, "tbody tr:has-text('could not be delivered') th a")
    await person.open(problem)
    message = await _first(page, "tbody th a[href^='/trace/']")
    return [
        Picture("health", "/"),
        Picture("store-days", f"/recon?to={DAY}"),
        Picture("problem", problem),
        Picture("trace", message),
        Picture("alerts", "/alerts"),
        Picture("phone", "/", phone=True),
    ]


async def _photograph(person: Person, one: Picture, out: Path) -> Path:
    page = person.page
    await page.set_viewport_size(PHONE if one.phone else DESK)  # type: ignore[arg-type]
    await person.open(one.path)
    await expect(page.get_by_role("heading", level=1)).not_to_be_empty()
    if one.name == "problem":
        await page.locator("details.fix").evaluate("one => { one.open = true; }")
    # What the clock of this machine says is left out, so that pictures can be compared.
    await page.evaluate("() => { const it = document.getElementById('freshness'); it?.remove(); }")
    file = out / f"{one.name}.png"
    picture = small(await page.screenshot())
    if len(picture) > MOST_BYTES:
        raise SystemExit(f"{file.name} has {len(picture)} bytes, more than {MOST_BYTES}")
    file.write_bytes(picture)
    say(f"{file.name}: {len(picture):,} bytes")
    return file


async def _first(page: Page, selector: str) -> str:
    address = await page.locator(selector).first.get_attribute("href")
    assert address is not None
    return address


async def _caught_up(stage: Stage) -> None:
    books = stage.running.hub.bookkeeper
    assert books is not None
    await books.catch_up()


def _day(store: str, day: int) -> list[dict[str, Any]]:
    """Return what a shop sends of a day; its numbers run on from day to day."""
    first, count = day * len(AMOUNTS) + 1, len(AMOUNTS)
    ends = {"firstDoc": first, "lastDoc": first + count - 1}
    receipts = [quayside(number, store, amount) for number, amount in enumerate(AMOUNTS, first)]
    told = {**counted(AMOUNTS, store, Decimal(0)), **ends}
    close = {**closed(AMOUNTS, store), "tills": [{"tillNo": "01", **ends, "docs": count}]}
    return [*receipts, told, close]


def _on(date: str, message: dict[str, Any]) -> dict[str, Any]:
    """Return a message of the usual day as one of another day."""
    moved: dict[str, Any] = json.loads(json.dumps(message).replace(DAY, date))
    return {**moved, "shift": f"evening {date}"} if "shift" in moved else moved


def main() -> int:
    """Read the option and take the pictures."""
    options = argparse.ArgumentParser(prog="browser.pictures")
    options.add_argument("--out", type=Path, required=True)
    out: Path = options.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    asyncio.run(_all(out))
    return 0


async def _all(out: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=found_or_installed(), args=list(QUIET)
            )
            await taken(browser, Path(name), out)
            await browser.close()


if __name__ == "__main__":
    raise SystemExit(main())
