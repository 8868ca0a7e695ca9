"""Every screen and three forms in a browser that runs no scripts at all."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Browser, expect

from browser.clicks import Person
from browser.stories import Told
from browser.walk import OK, addresses, say
from browser.worlds import trading
from flows.trading_day import STORE

NAME = "every page and three forms without JavaScript"


async def without_scripts(browser: Browser, folder: Path) -> Told:
    """Open every screen, retry a problem, account for a finding, and choose a language."""
    result = Told(NAME)
    async with trading(browser, folder) as stage:
        context = await browser.new_context(java_script_enabled=False)
        person = Person(await context.new_page(), stage.person.base)
        try:
            for visit in await addresses(stage.person.page, person.base):
                answer = await person.page.goto(person.base + visit.path)
                assert answer is not None
                assert answer.status == OK, f"{visit.path} answered {answer.status}"
                heading = person.page.get_by_role("heading", level=1)
                await expect(heading, visit.path).not_to_be_empty()
                await expect(person.page.locator("nav a").first, visit.path).to_be_visible()
            await retry(person)
            await account_for(person)
            await choose_turkish(person)
            result.ok = True
        except AssertionError as error:
            result.said = str(error)[:600]
        result.clicks = person.clicks
        await context.close()
    say(f"{NAME}: {'ok' if result.ok else result.said}")
    return result


async def retry(person: Person) -> None:
    """Send the oldest message of a problem again."""
    page = person.page
    await person.open("/problems")
    row = page.locator("tbody tr", has_text="could not be delivered")
    await person.click(row.locator("th a"))
    await person.write("reason", "tried without scripts", "form[action$=retry]")
    await person.click(page.get_by_role("button", name="the oldest"))
    await expect(page.get_by_role("status")).to_contain_text("Sent again")


async def account_for(person: Person) -> None:
    """Account for what is missing on a store-day."""
    page = person.page
    await person.open(f"/recon?store={STORE}&to=2026-11-20")
    await person.click(page.locator("table.matrix a.cell").last)
    await person.write("reason", "told by telephone", "form[action$=override]")
    await person.click(page.get_by_role("button", name="Account for it"))
    await expect(page.get_by_role("status")).to_contain_text("Accounted for")
    await expect(page.locator("main")).to_contain_text("told by telephone")


async def choose_turkish(person: Person) -> None:
    """Read on in the other language, on the same page."""
    page = person.page
    await person.open("/alerts")
    await person.click(page.get_by_role("button", name="Türkçe"))
    await expect(page.locator("html")).to_have_attribute("lang", "tr")
    await expect(page).to_have_url(f"{person.base}/alerts")
