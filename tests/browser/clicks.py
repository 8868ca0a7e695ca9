"""A person at the pages who counts the clicks: links, buttons and choices, not what is typed."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.async_api import Locator, Page, expect

from browser.people import PASSWORD

PATIENCE_MILLISECONDS = 60_000


@dataclass(slots=True)
class Person:
    """Somebody at one page."""

    page: Page
    base: str
    clicks: int = 0

    async def open(self, path: str) -> None:
        """Go to an address, as from a bookmark or from the link in a mail."""
        await self.page.goto(self.base + path)

    async def click(self, what: Locator) -> None:
        """Click something that is there and may be clicked."""
        await expect(what).to_be_enabled(timeout=PATIENCE_MILLISECONDS)
        await what.click()
        self.clicks += 1

    async def log_in(self, name: str) -> None:
        """Fill in the login form that is shown and press its button."""
        await self.page.locator("input[name=name]").fill(name)
        await self.page.locator("input[name=password]").fill(PASSWORD)
        await self.click(self.page.locator("main form button"))

    async def choose(self, field: str, option: str, within: str = "main") -> None:
        """Choose from a list by its value."""
        await self.page.locator(f"{within} select[name={field}]").select_option(value=option)
        self.clicks += 1

    async def write(self, field: str, text: str, within: str = "main") -> None:
        """Type into a field."""
        await self.page.locator(f"{within} input[name={field}]").fill(text)

    async def sees(self, place: str, text: str) -> None:
        """Wait until a part of the page says something, loading it again where it stands still."""
        await expect(self.page.locator(place).first).to_contain_text(
            text, timeout=PATIENCE_MILLISECONDS
        )
