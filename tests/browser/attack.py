"""Plants a thousand payloads in every field that is free text, and looks whether any comes alive.

Surprising: the pages are opened with the content policy switched off in the browser, so that a
payload which became markup would run and not merely be stopped. What stands in the page is looked
at too: a handler that waits for a mouse is found without one.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from urllib.parse import quote, urlsplit

import aiohttp
from jinja2 import Environment
from playwright.async_api import Browser, Error, Page, Route

from browser.payloads import ANSWER_TO_BRACES, HOST, payloads
from browser.stories import MORNING, Told
from browser.walk import say
from flows.tills import quayside
from flows.turned_clock import TurnedClock
from flows.world import Running, World, new_world

ALIVE = """host => {
  const found = [];
  const foreign = value => {
    try {
      const led = new URL(value, location.href);
      return /^(javascript|vbscript|data):$/.test(led.protocol) || led.hostname === host;
    } catch { return false; }
  };
  for (const one of document.querySelectorAll("*")) {
    const src = one.getAttribute("src") || "";
    if (one.tagName === "SCRIPT" && !src.startsWith("/static/")) found.push(one.outerHTML);
    if (/^(IFRAME|OBJECT|EMBED|BASE|STYLE|FRAMESET|MARQUEE|TEMPLATE|IMG|VIDEO|AUDIO)$/i
        .test(one.tagName)) found.push(one.outerHTML);
    for (const { name, value } of one.attributes) {
      if (/^(on|hx-|data-hx-|srcdoc|style$)/i.test(name)) found.push(`${name}=${value}`);
      if (/^(href|src|action|formaction|data|xlink:href|content)$/i.test(name) && foreign(value))
        found.push(`${name}=${value}`);
    }
  }
  return found.map(text => text.slice(0, 120));
}"""
NUMBER = re.compile(r"planted(?:\(|%28)(\d+)")
TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
ITEMS = 25
MOST_TRACES = 25
PLACES = ("label", "plu", "group", "codeType")
BY_ADDRESS = (
    "/find?q={}",
    "/problems?kind={0}&store={0}&target={0}",
    "/recon?store={0}&to={0}",
    "/stores?q={0}&state={0}",
    "/trace/1?left={0}&right={0}&explain={0}",
    "/alerts?done={0}",
    "/login?next={0}",
    "/nowhere/{0}",
    "/contracts/{0}",
    "/mappings/{0}",
    "/stores/{0}",
)
UNESCAPED = (
    "<!doctype html><title>x</title><ul>{% for one in texts %}<li>{{ one }}</li>{% endfor %}"
)


async def attack(browser: Browser, folder: Path, count: int = 1000) -> Told:
    """Play the attack and its positive control as a story of the report."""
    result = Told(f"stored XSS, {count} payloads")
    ran = await unescaped(browser, count)
    found = await attacked(browser, folder, count)
    result.ok = bool(ran) and not found.alive and found.shown >= count // 2
    if not result.ok:
        result.said = f"control {len(ran)}, shown {found.shown}, alive {found.alive[:5]}"
    return result


@dataclass(slots=True)
class Planted:
    """How it ended: pages looked at, payloads planted and seen there, and what came alive where."""

    pages: int = 0
    texts: int = 0
    shown: int = 0
    alive: list[str] = field(default_factory=list)


async def attacked(browser: Browser, folder: Path, count: int = 1000) -> Planted:
    """Plant so many payloads everywhere, open every page that shows them, and say what ran."""
    texts = payloads(count)
    result = Planted(texts=len(texts))
    async with new_world(folder) as world:
        _name_stores(world, texts)
        async with world.running(TurnedClock(MORNING)) as running:
            await _send_all(running, texts)
            await _fill_forms(running, texts)
            await running.hub.watch.look()
            async with watching(browser) as watched:
                for address in await _pages(watched.page, running, texts):
                    result.pages += 1
                    found = await watched.look(running.address + address)
                    result.alive += [f"{address}: {one}" for one in found]
                result.shown = len(watched.shown)
    say(
        f"{result.texts} payloads, {result.shown} seen on {result.pages} pages,"
        f" alive: {len(result.alive)}"
    )
    return result


@dataclass(slots=True)
class Watched:
    """A page without a content policy, and what came alive on it since somebody asked."""

    page: Page
    found: list[str] = field(default_factory=list)
    shown: set[str] = field(default_factory=set)

    async def look(self, address: str) -> list[str]:
        """Open an address and return what came alive there."""
        self.found.clear()
        try:
            await self.page.goto(address)
            standing = await self.page.evaluate(ALIVE, HOST)
            self.found += [f"stands in the page: {one}" for one in standing]
            content = await self.page.content()
            self.shown.update(NUMBER.findall(content))
            if ANSWER_TO_BRACES in content:
                self.found.append("braces were worked out")
        except Error as error:
            self.found.append(f"the page went elsewhere: {error.message[:100]}")
        return list(self.found)


@asynccontextmanager
async def watching(browser: Browser) -> AsyncIterator[Watched]:
    """Open a page in a browser that knows no content policy, and keep what payloads do."""
    context = await browser.new_context(bypass_csp=True)
    watched = Watched(await context.new_page())
    page, found = watched.page, watched.found
    await page.expose_function("planted", lambda *number: found.append(f"ran: {number}"))
    page.on("request", lambda one: found.append(one.url) if _is_foreign(one.url) else None)
    page.on("dialog", lambda one: found.append(f"a dialog: {one.message}"))
    yield watched
    await context.close()


def _is_foreign(address: str) -> bool:
    return urlsplit(address).hostname == HOST


async def unescaped(browser: Browser, count: int = 1000) -> list[str]:
    """Positive control: the same payloads in a template that escapes nothing."""
    texts = payloads(count)
    page = Environment(autoescape=False).from_string(UNESCAPED)
    found: list[str] = []
    async with watching(browser) as watched:
        for start in range(0, len(texts), 20):
            body = page.render(texts=texts[start : start + 20])
            await watched.page.route("**/unescaped", _answer(body))
            found += await watched.look("http://127.0.0.1:9/unescaped")
            await watched.page.unroute("**/unescaped")
    return found


def _answer(body: str) -> Callable[[Route], Awaitable[None]]:
    async def fulfil(route: Route) -> None:
        await route.fulfill(status=200, content_type="text/html; charset=utf-8", body=body)

    return fulfil


def _name_stores(world: World, texts: Sequence[str]) -> None:
    """Give shops, a code table and its rows names that are payloads."""
    plain = [one for one in texts if one.isprintable()]
    with (world.folder / "stores.csv").open("a", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        for number, name in enumerate(plain[:: max(1, len(plain) // 120)], 1000):
            rows.writerow((number, name, "Europe/Berlin", "DE", "EUR", "northgate", 1, ""))


async def _send_all(running: Running, texts: Sequence[str]) -> None:
    """Send sales with payloads in every field: many in free ones, one at a time in the others."""
    key = running.world.keys["0002"]
    turn = cycle(texts)
    number = 0
    for start in range(0, len(texts), ITEMS * len(PLACES)):
        number += 1
        some = iter(texts[start : start + ITEMS * len(PLACES)])
        sale = quayside(number, amount=f"{4 * ITEMS}.00", cashierNo=next(turn))
        sale["items"] = [
            {**quayside(1)["items"][0], "seq": seq, **dict(zip(PLACES, some, strict=False))}
            for seq in range(1, ITEMS + 1)
        ]
        sale["totals"]["pieces"] = ITEMS
        await running.post(sale, key)
    for path in _leaves(quayside(1)):
        for text in islice(turn, max(2, len(texts) // 100)):
            number += 1
            await running.post(_with(quayside(number), path, text), key)
    for text in islice(turn, 20):
        await running.post(text.encode("utf-16") + b"\xff\xfe\xc0\xbc" + text.encode(), key)
        await running.post(json.dumps({text: text, "storeNo": text}).encode(), key)
    await running.settled()


async def _fill_forms(running: Running, texts: Sequence[str]) -> None:
    """Write payloads as reasons, names, owners and code rows, through the pages' own forms."""
    turn = cycle(texts)
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{running.address}/account") as answer:
            found = TOKEN.search(await answer.text())
        async with session.get(f"{running.address}/people") as answer:
            found = found or TOKEN.search(await answer.text())
        assert found
        problems = await _links(session, running, "/problems", r"/problems/[0-9a-f]+")
        days = await _links(session, running, "/recon?store=0002", r"/recon/0002/[\d-]+")
        await running.hub.watch.look()
        alerts = [f"/alerts/{quote(one.name, safe='')}" for one in running.hub.watch.open_alerts()]
        forms: list[tuple[str, tuple[str, ...]]] = [
            *((f"{one}/retry", ("reason",)) for one in problems[:20]),
            *((f"{one}/code", ("source", "other", "label", "reason")) for one in problems[:20]),
            *((f"{one}/{verb}", ("reason",)) for one in alerts for verb in ("acknowledge", "mute")),
            *((f"{one}/{verb}", ("finding", "owner", "reason"))
              for one in days for verb in ("override", "assign", "reopen")),
            *(("/keys/add", ("name", "roles", "scope", "reason")) for _ in range(3)),
            *(("/dev/unknown-tender", ("store",)) for _ in range(2)),
            *(("/language", ("language", "page")) for _ in range(3)),
        ]  # fmt: skip
        fixed = {"form_token": found[1], "step": "1", "shown": "1", "hours": "1", "table": "tender"}
        for address, names in forms:
            fields = {**fixed, **{name: next(turn)[:190] for name in names}}
            headers = {"origin": running.address}
            async with session.post(
                running.address + address, data=fields, headers=headers, allow_redirects=False
            ) as answer:
                await answer.read()
    await running.settled()


async def _pages(page: Page, running: Running, texts: Sequence[str]) -> list[str]:
    """Return every page that shows a payload, and pages that take one in their address."""
    found = [
        "/", "/stores", "/stuck", "/problems", "/traffic", "/mappings", "/contracts", "/recon",
        "/books", "/alerts", "/audit", "/people", "/approvals", "/settings", "/service-levels",
    ]  # fmt: skip
    await page.goto(f"{running.address}/problems")
    found += await _hrefs(page, r"/problems/[0-9a-f]+", 30)
    newest = await running.hub.journal.last_position()
    for position in range(1, min(newest, MOST_TRACES) + 1):
        found.append(f"/trace/{position}?left=raw&right=canonical&explain=pos-to-erp")
    await page.goto(f"{running.address}/stores")
    found += await _hrefs(page, r"/stores/1\d{3}", 10)
    await page.goto(f"{running.address}/recon?store=0002")
    found += await _hrefs(page, r"/recon/[^?]*", 3)
    asked = zip(cycle(BY_ADDRESS), texts[:: max(1, len(texts) // 44)], strict=False)
    found += [address.format(quote(text, safe="")) for address, text in asked]
    return list(dict.fromkeys(found))


async def _hrefs(page: Page, pattern: str, most: int) -> list[str]:
    links = await page.eval_on_selector_all("main a[href]", "all => all.map(a => a.pathname)")
    return [one for one in dict.fromkeys(links) if re.fullmatch(pattern, one)][:most]


async def _links(
    session: aiohttp.ClientSession, running: Running, path: str, pattern: str
) -> list[str]:
    async with session.get(running.address + path) as answer:
        return list(dict.fromkeys(re.findall(f'href="({pattern})"', await answer.text())))


def _leaves(document: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every value of a document."""
    if isinstance(document, dict):
        pairs: Iterable[tuple[str | int, object]] = document.items()
    elif isinstance(document, list):
        pairs = enumerate(document)
    else:
        yield path
        return
    for name, value in pairs:
        yield from _leaves(value, (*path, name))


def _with(document: dict[str, object], path: tuple[str | int, ...], text: str) -> object:
    """Return the document with a text at a path."""
    place: object = document
    for step in path[:-1]:
        place = place[step]  # type: ignore[index]
    place[path[-1]] = text  # type: ignore[index]
    return document
