"""The hubs that are walked: one with a little of everything, an empty one, one with accounts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser

from browser.clicks import Person
from browser.people import add_people
from browser.stories import MORNING, Stage, erp_has_codes
from browser.walk import (
    EVERY_WIDTH,
    LANGUAGES,
    Seen,
    Tour,
    Visit,
    addresses,
    look,
    say,
    walked,
)
from flows.tills import quayside
from flows.turned_clock import TurnedClock
from flows.world import new_world

MANY = 600
DESK_AND_PHONE = {"en": (1200,), "tr": (360,)}
"""One language on a desk and the other on a phone: half the work, and little is missed."""
NOT_FOUND, FORBIDDEN = 404, 403
ADMIN, VIEWER = "ada", "vic"


async def trading_world(
    browser: Browser,
    folder: Path,
    shots: Path | None,
    widths: Mapping[str, tuple[int, ...]] = EVERY_WIDTH,
) -> list[Seen]:
    """Trade a little, break a little, walk every screen; then the doors of a hub with accounts."""
    async with trading(browser, folder) as stage:
        page, base = stage.person.page, stage.person.base
        visits = await addresses(page, base)
        visits += [Visit("no such page", "/nowhere", NOT_FOUND)]
        visits += [Visit("no such sale", "/find?q=0002-01-000777")]
        seen = await walked(browser, base, visits, shots, widths)
        await add_people(stage.world.folder, {ADMIN: "admin", VIEWER: "viewer"})
        seen += await walked(browser, base, [Visit("login", "/login")], shots, widths)
        return [*seen, *await forbidden(browser, base, shots, widths)]


async def empty_world(browser: Browser, folder: Path, shots: Path | None) -> list[Seen]:
    """Walk a hub to which nothing was ever sent: every page teaches the next step."""
    async with new_world(folder) as world, world.running(TurnedClock(MORNING)) as running:
        context = await browser.new_context()
        page = await context.new_page()
        known = await addresses(page, running.address, whole=False)
        await context.close()
        visits = [Visit(f"{one.name} of an empty hub", one.path) for one in known]
        return await walked(browser, running.address, visits, shots, DESK_AND_PHONE)


async def many_stores(browser: Browser, folder: Path, shots: Path | None) -> Seen:
    """Load the first page of a chain of 600 stores."""
    seen = Seen("health of 600 stores")
    async with new_world(folder) as world:
        for number in range(1000, 1000 + MANY - 5):
            world.add_store(str(number), "northgate")
        async with world.running() as running:
            context = await browser.new_context(viewport={"width": 1200, "height": 900})
            page = await context.new_page()
            took = await look(page, running.address, Visit(seen.name, "/"), seen, "1200 px en")
            if shots is not None:
                await page.screenshot(path=shots / "health-600.png", full_page=True)
            say(f"{seen.name}: {took} ms")
            await context.close()
    return seen


@asynccontextmanager
async def trading(browser: Browser, folder: Path) -> AsyncIterator[Stage]:
    """Run a hub that has sold, where the ERP refused something and a till sent nonsense."""
    async with new_world(folder) as world:
        erp_has_codes(world)
        clock = TurnedClock(MORNING)
        async with world.running(clock) as running:
            context = await browser.new_context(viewport={"width": 1200, "height": 900})
            stage = Stage(world, running, clock, Person(await context.new_page(), running.address))
            await stage.sell(6)
            await stage.sell(4, store="0005")
            await world.erp_mode("up", reject_tender_types=["other"])
            await stage.sell(3, method="GIFTCARD")
            await running.sell(quayside(99, payments=[{"method": "SHELLS", "amt": "4.00"}]))
            bookkeeper = running.hub.bookkeeper
            assert bookkeeper is not None
            await bookkeeper.catch_up()
            await stage.look("10:05:00")
            yield stage
            await context.close()


async def forbidden(
    browser: Browser, base: str, shots: Path | None, widths: Mapping[str, tuple[int, ...]]
) -> list[Seen]:
    """Look as a viewer at a page of the administrator, and at one's own account."""
    visits = [Visit("forbidden", "/people", FORBIDDEN), Visit("account of a person", "/account")]
    screens = {one.name: Seen(one.name) for one in visits}
    for language, locale in LANGUAGES.items():
        context = await browser.new_context(locale=locale)
        person = Person(await context.new_page(), base)
        await person.open("/login")
        await person.log_in(VIEWER)
        await Tour(context, base, language, widths[language], shots).look_at(visits, screens)
        await context.close()
    return list(screens.values())
