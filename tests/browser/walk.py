"""Walks screens: axe at two widths in two languages, breaches of the content policy, load time.

Surprising: the load time is the browser's own, from asking to the end of the load event, and is
read before axe is let onto the page.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Error, Page

from tillway.console.screens import SCREENS

WIDTHS = (360, 1200)
LANGUAGES: Mapping[str, str] = {"en": "en-GB", "tr": "tr-TR"}
"""language of the console -> what the browser asks for."""
EVERY_WIDTH = dict.fromkeys(LANGUAGES, WIDTHS)
PATIENCE_MILLISECONDS = 30_000
OK = 200
FILES = frozenset({"stuck_csv", "service_levels_csv"})
"""Rows of the table that answer a file."""
LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd > 0"
LOAD_MILLISECONDS = "performance.getEntriesByType('navigation')[0].loadEventEnd"
LINKS: tuple[tuple[str, str, str], ...] = (
    ("/stores", "store", r"/stores/0002"),
    ("/problems", "problem", r"/problems/[0-9a-f]+"),
    ("/", "trace", r"/trace/\d+"),
    ("/contracts", "contract", r"/contracts/[^/?]+"),
    ("/mappings", "mapping", r"/mappings/erp-document"),
    ("/recon", "recon_day", r"/recon/0002/\d{4}-\d{2}-\d{2}"),
)
"""(page, screen it leads to, what its address looks like)."""


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


@dataclass(frozen=True, slots=True)
class Visit:
    """One address to look at; status is what it must answer."""

    name: str
    path: str
    status: int = OK


@contextmanager
def listening(page: Page, seen: Seen, status: int) -> Iterator[None]:
    """Note every error of the browser's console and every error of a script while it lasts."""

    def said(message: ConsoleMessage) -> None:
        expected = status != OK and f"status of {status}" in message.text
        if message.type == "error" and not expected:
            seen.csp.append(message.text)

    def failed(error: Error) -> None:
        seen.csp.append(str(error))

    page.on("console", said)
    page.on("pageerror", failed)
    yield
    page.remove_listener("console", said)
    page.remove_listener("pageerror", failed)


async def addresses(page: Page, base: str, *, whole: bool = True) -> list[Visit]:
    """Return an address of each screen that shows something, read off the pages themselves.

    whole: every screen must have one; without it a screen no page leads to is left out.
    """
    found = {one.name: one.path for one in SCREENS if "{" not in one.path}
    for start, name, pattern in LINKS:
        await page.goto(base + start)
        links = await page.eval_on_selector_all("main a[href]", "all => all.map(a => a.pathname)")
        hit = next((link for link in links if re.fullmatch(pattern, link)), None)
        assert hit or not whole, f"no {name} on {start}"
        if hit:
            found[name] = hit
    return [Visit(name, path) for name, path in found.items() if name not in FILES]


async def walked(
    browser: Browser,
    base: str,
    visits: Iterable[Visit],
    shots: Path | None,
    widths: Mapping[str, tuple[int, ...]] = EVERY_WIDTH,
) -> list[Seen]:
    """Open every address in both languages, each at its widths, as somebody not logged in."""
    listed = list(visits)
    screens = {one.name: Seen(one.name) for one in listed}
    for language, locale in LANGUAGES.items():
        context = await browser.new_context(locale=locale)
        tour = Tour(context, base, language, widths[language], shots)
        await tour.look_at(listed, screens)
        await context.close()
    return list(screens.values())


@dataclass(frozen=True, slots=True)
class Tour:
    """One browser that asks for one language, and the widths it is opened at."""

    context: BrowserContext
    base: str
    language: str
    widths: tuple[int, ...]
    shots: Path | None

    async def look_at(self, visits: Iterable[Visit], screens: Mapping[str, Seen]) -> None:
        """Open every address at every width and note what is found under its name."""
        self.context.set_default_timeout(PATIENCE_MILLISECONDS)
        listed = list(visits)
        for width in self.widths:
            # One page for all of them: for each page of its own the browser starts a process.
            page = await self.context.new_page()
            await page.set_viewport_size({"width": width, "height": 900})
            for visit in listed:
                await self._look(page, visit, screens[visit.name], width)
            await page.close()

    async def _look(self, page: Page, visit: Visit, seen: Seen, width: int) -> None:
        before = len(seen.axe) + len(seen.csp)
        took = await look(page, self.base, visit, seen, f"{width} px {self.language}")
        await _speaks(page, self.language, seen)
        if self.shots is not None:
            name = f"{visit.name.replace(' ', '-')}-{width}-{self.language}.png"
            await page.screenshot(path=self.shots / name, full_page=True)
        found = len(seen.axe) + len(seen.csp) - before
        say(f"{visit.name} {width} {self.language}: {took} ms, {found} findings")


async def look(page: Page, base: str, visit: Visit, seen: Seen, where: str) -> int:
    """Load one page, time it, note what is wrong with it; returns the milliseconds it took."""
    with listening(page, seen, visit.status):
        answer = await page.goto(base + visit.path, wait_until="load")
        await page.wait_for_function(LOADED)
        took = round(await page.evaluate(LOAD_MILLISECONDS))
        seen.load_ms = max(seen.load_ms, took)
        if answer is not None and answer.status != visit.status:
            seen.csp.append(f"{where}: {visit.path} answered {answer.status}")
        wide = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if wide > 0:
            seen.axe.append(f"{where}: {wide} px wider than the screen")
        result = await Axe().run(page)
    for one in result.response["violations"]:
        node = one["nodes"][0]["html"][:120]
        seen.axe.append(f"{where}: {one['id']} ({one['impact']}): {node}")
    return took


def say(line: str) -> None:
    """Print a line of progress at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _speaks(page: Page, language: str, seen: Seen) -> None:
    spoken = await page.evaluate("document.documentElement.lang")
    if spoken != language:
        seen.axe.append(f"asked for {language}, the page is in {spoken}")
