"""Finance at the reconciliation page, in a real browser: keyboard, phone, and without scripts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
expect.set_options(timeout=20_000)
CELL = "table.matrix a.cell"


def opened(page: Page) -> None:
    """Open the page and wait until the hub keeps store-days."""
    page.goto("/recon")
    for _ in range(20):
        if page.locator(CELL).count():
            return
        page.wait_for_timeout(500)
        page.reload()
    pytest.fail("no store-day appeared")


def test_a_sign_leads_to_its_day_by_keyboard(page: Page) -> None:
    """Focus shows the word of a sign, Enter opens the day, its sides are side by side."""
    opened(page)
    cell = page.locator(CELL).first
    expect(cell.locator(".word")).to_be_hidden()
    cell.focus()
    expect(cell.locator(".word")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile(r"\d{4}-\d\d-\d\d: "))
    expect(page.get_by_role("heading", name="Figures side by side")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(page: Page, scheme: str) -> None:
    """At 360 px neither the matrix nor a day makes the page wider than the screen."""
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": 360, "height": 740})
    opened(page)
    address = page.locator(CELL).first.get_attribute("href")
    assert address
    for path in ("/recon", address):
        page.goto(path)
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, path


def test_without_scripts_it_works(plain_page: Page) -> None:
    """The navigation, the choice of a shop and the way to its day are plain HTML."""
    plain_page.get_by_role("link", name="Reconciliation").click()
    opened(plain_page)
    plain_page.get_by_label("Store", exact=True).fill("0002")
    plain_page.get_by_role("button", name="Show").click()
    expect(plain_page.locator("table.matrix tbody tr")).to_have_count(1)
    plain_page.locator(CELL).first.click()
    expect(plain_page.get_by_role("heading", level=1)).to_contain_text("0002 ")
