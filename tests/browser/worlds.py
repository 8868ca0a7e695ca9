"""The hubs that are walked: one with a little of everything, and one with 600 stores."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Browser

from browser.clicks import Person
from browser.stories import MORNING, Stage, erp_has_codes
from browser.walk import Seen, listen, look, walked
from flows.turned_clock import TurnedClock
from flows.world import new_world

MANY = 600


async def trading_world(browser: Browser, folder: Path, shots: Path | None) -> list[Seen]:
    """Trade a little, break a little, and walk every screen."""
    async with new_world(folder) as world:
        erp_has_codes(world)
        clock = TurnedClock(MORNING)
        async with world.running(clock) as running:
            context = await browser.new_context()
            stage = Stage(world, running, clock, Person(await context.new_page(), running.address))
            await stage.sell(6)
            await stage.sell(4, store="0005")
            await world.erp_mode("up", reject_tender_types=["other"])
            await stage.sell(3, method="GIFTCARD")
            await running.sell({**_strange(), "docNo": 99})
            bookkeeper = running.hub.bookkeeper
            assert bookkeeper is not None
            await bookkeeper.catch_up()
            await stage.look("10:05:00")
            return await walked(browser, running.address, shots)


async def many_stores(browser: Browser, folder: Path, shots: Path | None) -> Seen:
    """Load the first page of a chain of 600 stores."""
    seen = Seen("health of 600 stores")
    async with new_world(folder) as world:
        for number in range(1000, 1000 + MANY - 5):
            world.add_store(str(number), "northgate")
        async with world.running() as running:
            context = await browser.new_context(viewport={"width": 1200, "height": 900})
            page = await context.new_page()
            listen(page, seen)
            await page.goto(running.address)
            seen.load_ms = 0
            await look(page, running.address, seen, 1200)
            if shots is not None:
                await page.screenshot(path=shots / "health-600.png", full_page=True)
            await context.close()
    return seen


def _strange() -> dict[str, object]:
    """Return a sale with a tender that nobody knows."""
    from flows.tills import quayside

    return quayside(99, payments=[{"method": "SHELLS", "amt": "4.00"}])
