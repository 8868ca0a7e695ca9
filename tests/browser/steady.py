"""The page of 600 stores while sales arrive: nothing a person looks at moves, jumps or closes."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Browser, Error, Page, expect

from browser.clicks import PATIENCE_MILLISECONDS
from browser.stories import Told
from browser.walk import say
from browser.worlds import MANY
from flows.tills import quayside
from flows.turned_clock import TurnedClock
from flows.world import Running, World, new_world

NAME = "600 stores live, nothing jumps, a restart is survived"
MORNING = "2026-11-20T10:00:00+01:00"
SHIFTS = """() => {
  window.untouched = true;
  window.shifts = [];
  new PerformanceObserver(list => {
    for (const one of list.getEntries()) window.shifts.push({
      value: one.value,
      nodes: (one.sources || []).map(it => it.node && it.node.parentElement
        ? it.node.parentElement.outerHTML.slice(0, 80) : ""),
    });
  }).observe({ type: "layout-shift", buffered: false });
}"""
LOST = "no answer from the hub since"


async def steady(browser: Browser, folder: Path, stores: int = MANY) -> Told:
    """Scroll, open a table and rest on a link; sell; restart the hub; sell again."""
    result = Told(NAME)
    async with new_world(folder) as world:
        for number in range(1000, 1000 + stores - 5):
            world.add_store(str(number), "northgate")
        context = await browser.new_context(viewport={"width": 1200, "height": 900})
        page = await context.new_page()
        try:
            await _watched(page, world)
            result.ok = True
        except (AssertionError, Error) as error:
            result.said = str(error)[:600]
        await context.close()
    say(f"{NAME}: {'ok' if result.ok else result.said}")
    return result


async def _watched(page: Page, world: World) -> None:
    async with world.running(TurnedClock(MORNING)) as running:
        port = int(running.address.rpartition(":")[2])
        await _sell(running, 1, 15)
        await page.goto(running.address)
        await _accepted(page, 15)
        await page.evaluate(SHIFTS)
        await look_closely(page)
        before = await where(page)
        for number in range(16, 46, 3):
            await _sell(running, number, 3)
            await _accepted(page, number + 2)
        await held(page, before)
    await expect(page.locator("#freshness")).to_contain_text(LOST, timeout=PATIENCE_MILLISECONDS)
    await held(page, before)
    _listen_on(world, port)
    async with world.running(TurnedClock(MORNING)) as running:
        await expect(page.locator("#freshness")).to_contain_text(
            "live", timeout=PATIENCE_MILLISECONDS
        )
        await _sell(running, 46, 3)
        await _accepted(page, 48)
        await held(page, before)


async def look_closely(page: Page) -> None:
    """Open the table of the chart, go far down the page, and rest on a shop."""
    await page.locator("details.as-table summary").click()
    shop = page.locator("#stores li a", has_text="1300").or_(page.locator("#stores li a").last)
    await shop.first.focus()
    await shop.first.scroll_into_view_if_needed()
    # What opening and scrolling moved is no jump.
    await page.wait_for_timeout(600)
    await page.evaluate("window.shifts.length = 0")


async def where(page: Page) -> dict[str, object]:
    """Return where a person is on the page."""
    found: dict[str, object] = await page.evaluate(
        """() => ({
          scrolled: Math.round(scrollY),
          focused: document.activeElement.getAttribute("href"),
          top: Math.round(document.activeElement.getBoundingClientRect().top),
          open: document.querySelector("details.as-table").open,
          untouched: window.untouched === true,
        })"""
    )
    return found


async def held(page: Page, before: dict[str, object]) -> None:
    """Check that a person is where they were, and that nothing in sight was moved."""
    assert before["untouched"], "the page was loaded anew"
    assert await where(page) == before, f"{await where(page)} is not {before}"
    shifts = await page.evaluate("window.shifts")
    assert shifts == [], f"moved: {shifts}"


async def _sell(running: Running, first: int, count: int) -> None:
    for number in range(first, first + count):
        answer = await running.sell(quayside(number))
        assert answer.status == 202, answer.text
    await running.settled()


async def _accepted(page: Page, count: int) -> None:
    tile = page.locator(".tiles > div", has=page.get_by_text("Accepted", exact=True))
    await expect(tile.locator(".figure")).to_have_text(str(count), timeout=PATIENCE_MILLISECONDS)


def _listen_on(world: World, port: int) -> None:
    """Let the next hub of this project listen where the last one did, as a service does."""
    world.replace("tillway.toml", "port = 0", f"port = {port}")
