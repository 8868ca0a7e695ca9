"""A small tier of the browser walk: every screen with axe, and the first incident story."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, async_playwright

from browser.chromium import NAMES, QUIET, found
from browser.stories import told
from browser.walk import Seen, Visit, look
from browser.worlds import DESK_AND_PHONE, trading_world
from e2e.conftest import no_browser

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """Give a browser that is driven from the event loop of the hub."""
    path = found()
    if path is None:
        no_browser(NAMES)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield browser
        await browser.close()


async def test_every_screen_has_no_finding(chromium: Browser, tmp_path: Path) -> None:
    """On a desk and on a phone: no finding of axe, no breach of the content policy."""
    screens = await trading_world(chromium, tmp_path, None, DESK_AND_PHONE)
    assert len(screens) > 20
    assert {one.name: [*one.axe, *one.csp] for one in screens if one.axe or one.csp} == {}


async def test_axe_finds_what_is_wrong(chromium: Browser) -> None:
    """Positive control: a picture without words and an unlabelled field are found."""
    page = await chromium.new_page()
    await page.set_content("<html><body><img src='x.png'><input></body></html>")
    found_here = {one["id"] for one in (await Axe().run(page)).response["violations"]}
    assert {"image-alt", "label", "html-has-lang"} <= found_here
    seen = Seen("blank")
    await look(page, "", Visit("blank", "data:text/html,<p>"), seen, "360 px")
    assert seen.axe


async def test_a_refused_tender_is_mended_without_a_shell(
    chromium: Browser, tmp_path: Path
) -> None:
    """Alert, group, code-table row, retry 1, 10, all, and the books balance: under 12 clicks."""
    story = await told(chromium, "A the ERP refuses one tender code", tmp_path, None)
    assert story.ok, story.said
    assert story.clicks < 12
