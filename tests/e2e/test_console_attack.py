"""A small tier of the attack: planted scripts stay text, and one that is not escaped is seen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from browser.attack import attacked, unescaped
from browser.chromium import NAMES, QUIET, found
from browser.payloads import payloads
from browser.plain import without_scripts
from browser.steady import SHIFTS, steady
from e2e.conftest import no_browser

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
FEW = 40


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


def test_payloads_are_many_and_different() -> None:
    """A thousand texts, no two alike, each from one of many shapes."""
    assert len(set(payloads())) == 1000


async def test_no_planted_script_runs(chromium: Browser, tmp_path: Path) -> None:
    """Payloads in every field stay text on every page that shows them."""
    result = await attacked(chromium, tmp_path, FEW)
    assert result.alive == []
    assert result.shown > FEW // 2, "the pages do not show what was planted"


async def test_a_script_that_is_not_escaped_is_seen(chromium: Browser) -> None:
    """Positive control: in a template that escapes nothing, payloads run."""
    assert len(await unescaped(chromium, FEW)) > FEW // 4


async def test_every_page_works_without_scripts(chromium: Browser, tmp_path: Path) -> None:
    """Every screen opens; a retry, an override and a choice of language are plain forms."""
    result = await without_scripts(chromium, tmp_path)
    assert result.ok, result.said


async def test_a_live_page_does_not_jump(chromium: Browser, tmp_path: Path) -> None:
    """Place, focus and open parts are kept while sales arrive and when the hub comes back."""
    result = await steady(chromium, tmp_path, stores=100)
    assert result.ok, result.said


async def test_a_page_that_jumps_is_noticed(chromium: Browser) -> None:
    """Positive control: what is put above the text in sight is a shift of the layout."""
    page = await chromium.new_page()
    await page.set_content("<p>first</p><h1>second</h1><p>third</p>")
    await page.evaluate(SHIFTS)
    await page.evaluate(
        "document.body.prepend(Object.assign(document.createElement('pre'),"
        " {style: 'height: 200px', textContent: 'above'}))"
    )
    await page.wait_for_function("window.shifts.length > 0")
    await page.close()
