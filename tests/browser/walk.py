"""Walks every screen of the table: axe at two widths, breaches of the content policy, load time."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from pathlib import Path

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, ConsoleMessage, Page

from tillway.console.screens import SCREENS

WIDTHS = (360, 1200)
PATIENCE_MILLISECONDS = 30_000
FILES = frozenset({"stuck_csv", "service_levels_csv"})
"""Rows of the table that answer a file."""


@dataclass(slots=True)
class Seen:
    """What was seen of one screen. axe and csp: findings as text; load_ms: the slowest load."""

    name: str
    axe: list[str] = field(default_factory=list)
    csp: list[str] = field(default_factory=list)
    load_ms: int = 0

    def as_json(self) -> dict[str, object]:
        """Return it as the report holds it: counts, and what they count."""
        counts = {"axe": len(self.axe), "csp": len(self.csp), "load_ms": self.load_ms}
        return {"name": self.name, **counts, "found": [*self.axe, *self.csp]}


def listen(page: Page, seen: Seen) -> None:
    """Keep every error of the browser's console and every error of a script."""

    def said(message: ConsoleMessage) -> None:
        if message.type == "error" and "404" not in message.text:
            seen.csp.append(message.text)

    page.on("console", said)
    page.on("pageerror", lambda error: seen.csp.append(str(error)))


async def addresses(page: Page, base: str) -> dict[str, str]:
    """Return screen -> an address of it that shows something, read off the pages themselves."""
    found = {one.name: one.path for one in SCREENS if "{" not in one.path}
    for start, name, pattern in (
        ("/stores", "store", r"/stores/[^/?]+"),
        ("/problems", "problem", r"/problems/[0-9a-f]+"),
        ("/", "trace", r"/trace/\d+"),
        ("/contracts", "contract", r"/contracts/[^/?]+"),
        ("/mappings", "mapping", r"/mappings/erp-document"),
        ("/recon", "recon_day", r"/recon/[^/]+/\d{4}-\d{2}-\d{2}"),
    ):
        await page.goto(base + start)
        links = await page.eval_on_selector_all("main a[href]", "all => all.map(a => a.pathname)")
        hit = next((link for link in links if re.fullmatch(pattern, link)), None)
        assert hit, f"no {name} on {start}"
        found[name] = hit
    return {name: path for name, path in found.items() if name not in FILES}


async def walked(browser: Browser, base: str, shots: Path | None) -> list[Seen]:
    """Open every screen at both widths in both languages and look at it."""
    context = await browser.new_context()
    known = await addresses(await context.new_page(), base)
    await context.close()
    screens = {name: Seen(name) for name in known}
    for width in WIDTHS:
        context = await browser.new_context(viewport={"width": width, "height": 900})
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        for name, path in known.items():
            page = await context.new_page()
            seen = screens[name]
            listen(page, seen)
            await look(page, base + path, seen, width)
            if shots is not None:
                await page.screenshot(path=shots / f"{name}-{width}.png", full_page=True)
            await page.close()
        await context.close()
    return list(screens.values())


async def look(page: Page, address: str, seen: Seen, width: int) -> None:
    """Load one page, time it, and note what is wrong with it."""
    began = time.monotonic()
    answer = await page.goto(address, wait_until="load")
    seen.load_ms = max(seen.load_ms, round((time.monotonic() - began) * 1000))
    if answer is not None and answer.status != 200:
        seen.csp.append(f"{address} answered {answer.status}")
    wide = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    if wide > 0:
        seen.axe.append(f"{width} px: {wide} px wider than the screen")
    result = await Axe().run(page)
    for one in result.response["violations"]:
        node = one["nodes"][0]["html"][:120]
        seen.axe.append(f"{width} px: {one['id']} ({one['impact']}): {node}")
