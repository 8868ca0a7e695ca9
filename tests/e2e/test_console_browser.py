"""A person at the status page, in a real browser: looks, breaks things, mends them, finds sales."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

expect.set_options(timeout=20_000)

pytestmark = pytest.mark.browser
KEY = re.compile(r"(\d{4}):(\w+):\d{4}-\d\d-\d\d:(\d+)")
MONEY = re.compile(r"\d\.\d\d (EUR|USD)")
BUTTONS = [
    "Find",
    "Break the ERP",
    "Heal the ERP",
    "Take it offline",
    "Bring it back",
    "Send an unknown tender",
]
FOCUSED = """() => {
  const focused = document.activeElement, style = getComputedStyle(focused);
  return {
    name: focused.innerText || focused.name || focused.tagName,
    tag: focused.tagName,
    seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0,
  };
}"""


def figure(page: Page, name: str) -> Locator:
    """Return the large number of a tile."""
    tile = page.locator(".tiles > div", has=page.get_by_text(name, exact=True))
    return tile.locator(".figure")


def renewed(number: Locator, times: int = 1) -> str:
    """Return the number after it changed so often on the page."""
    for _ in range(times):
        expect(number).not_to_have_text(number.inner_text())
    return number.inner_text()


def answered(page: Page) -> str:
    """Return what the hub answers when the page asks the next time what is new."""
    with page.expect_response(page.url) as answer:
        pass
    return answer.value.text()


def press(page: Page, button: str, said: str) -> None:
    """Press a button of the demo and read what the page says of it."""
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.get_by_role("status")).to_contain_text(said)


def tab_to(page: Page, name: str) -> None:
    """Move the focus by the Tab key alone until it is on a control."""
    for _ in range(160):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED)["name"] == name:
            return
    pytest.fail(f"the Tab key does not reach {name!r}")


def test_the_printed_link_opens_the_console(page: Page, demo: str) -> None:
    """The link of `tillway dev` logs in once and leads straight to the health page."""
    assert "/login/link?code=" in demo
    page.goto(demo)
    expect(page).to_have_url(re.compile(r"^http://127\.0\.0\.1:\d+/$"))
    expect(page.get_by_role("link", name="Health")).to_have_attribute("aria-current", "page")
    assert any("tillway" in one["name"] for one in page.context.cookies())


def test_sales_flow_without_a_reload(page: Page) -> None:
    """Numbers rise by themselves; stores and money are on the page."""
    page.evaluate("window.untouched = true")
    accepted = figure(page, "Accepted")
    before = int(accepted.inner_text().replace(",", ""))
    assert int(renewed(accepted).replace(",", "")) > before
    expect(page.locator("#freshness")).to_contain_text("live")
    expect(page.locator("#stores li")).to_have_count(5)
    expect(page.locator("#routes tbody").last).to_have_text(MONEY)
    assert page.evaluate("window.untouched")


def test_a_broken_erp_is_seen_and_heals(page: Page) -> None:
    """What waits is counted with its money, the breaker is said to be open, and all arrives."""
    press(page, "Break the ERP", "The ERP is broken now")
    expect(page.locator("#targets")).to_contain_text("not answering (breaker open)")
    expect(page.locator("#headline")).to_contain_text("erp is not answering")
    expect(figure(page, "Not delivered yet")).not_to_have_text("0")
    expect(figure(page, "Money not in the ERP")).to_have_text(MONEY)
    press(page, "Heal the ERP", "The ERP works again")
    expect(page.locator("#targets")).not_to_contain_text("not answering")
    expect(figure(page, "Not delivered yet")).to_have_text("0")


def test_a_store_goes_offline_and_comes_back(page: Page) -> None:
    """An offline store hands nothing over while others do, and stays chosen to be brought back."""
    store = page.locator("#stores li", has_text="0002")
    accepted = figure(page, "Accepted")
    chosen = page.locator("select[name=store]")
    chosen.select_option("0002")
    press(page, "Take it offline", "The store is offline")
    renewed(accepted, times=2)
    count = store.inner_text()
    renewed(accepted, times=2)
    assert store.inner_text() == count
    expect(chosen).to_have_value("0002")
    press(page, "Bring it back", "online again")
    expect(store).not_to_have_text(count)


def test_an_unknown_tender_is_explained(page: Page) -> None:
    """The quarantined sale is listed as a problem that names field, value and what to do."""
    press(page, "Send an unknown tender", "on its way into quarantine")
    row = page.locator("#stuck tbody tr", has_text="in quarantine").first
    expect(row).to_contain_text("tender")
    row.get_by_role("link").click()
    wrong = page.get_by_role("region", name="What is wrong")
    expect(wrong).to_contain_text("tenders.tender_type")
    expect(wrong.get_by_role("cell").first).to_have_text(re.compile(r"\w+"))
    expect(wrong).to_contain_text("a code of codes/")
    expect(page.locator("#facts")).to_contain_text("Add a row for each code")
    expect(page.get_by_role("button", name="Take in again: the oldest")).to_be_visible()


def test_a_sale_is_traced_and_found_by_its_receipt(page: Page) -> None:
    """A click opens the life of a message; its store, till and number find it again."""
    page.locator("#latest tbody th a", has_text=KEY).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(KEY)
    key = page.get_by_role("heading", level=1).inner_text()
    expect(page.locator("ol.line")).to_contain_text("accepted")
    store, till, number = KEY.fullmatch(key).groups()
    search = page.get_by_role("searchbox")
    page.keyboard.press("/")
    expect(search).to_be_focused()
    page.keyboard.type(f"{store}-{till}-{number:0>6}")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("for “")
    expect(page.get_by_role("link", name=key, exact=True)).to_be_visible()


def test_a_sale_does_not_move_away_under_the_hand(page: Page) -> None:
    """While a person aims at a link the page stands still; once the hand is gone it goes on."""
    page.clock.set_fixed_time("2026-11-20T12:00:00Z")
    aimed_at = page.locator("#latest tbody th a", has_text=KEY).first
    aimed_at.hover()
    key, accepted = aimed_at.inner_text(), figure(page, "Accepted").inner_text()
    while f'<dd class="figure">{accepted}</dd>' in answered(page):
        pass
    answered(page)
    assert (aimed_at.inner_text(), figure(page, "Accepted").inner_text()) == (key, accepted)
    page.mouse.move(1, 1)
    renewed(figure(page, "Accepted"))
    expect(aimed_at).not_to_have_text(key)


def test_the_keyboard_alone_is_enough(page: Page) -> None:
    """Tab reaches every control with a visible focus, Enter presses, Home to end and round."""
    expect(page.locator("#latest tbody th a").first).to_be_visible()
    reached, unseen = [], []
    for _ in range(160):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused["tag"] == "BODY":
            break
        reached.append(focused["name"])
        if not focused["seen"]:
            unseen.append(focused["name"])
    assert unseen == []
    assert set(BUTTONS) | {"Skip to the content", "Health", "Problems", "Books", "q"} <= {*reached}
    assert any(KEY.fullmatch(name) for name in reached)
    page.goto("/")
    for button, said in (("Break the ERP", "is broken now"), ("Heal the ERP", "works again")):
        tab_to(page, button)
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text(said)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_phone(page: Page, scheme) -> None:
    """At 360 px nothing makes a page wider than the screen."""
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 360, "height": 740})
    first = page.locator("#latest tbody th a").first.get_attribute("href")
    problem = page.locator("#stuck tbody tr", has_text="in quarantine").locator("th a")
    more = [problem.first.get_attribute("href")] if problem.count() else []
    for path in ["/", "/problems", "/books", "/find", "/find?q=0002-01-000002", first, *more]:
        page.goto(path)
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, path


def test_without_scripts_everything_still_works(plain_page: Page) -> None:
    """Pages renew themselves by a plain reload; buttons, links and the search are plain HTML."""
    page = plain_page
    renewed(figure(page, "Accepted"))
    press(page, "Send an unknown tender", "on its way into quarantine")
    page.get_by_role("link", name="Books").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("The books")
    page.get_by_role("searchbox").fill("0002-01-000002")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("for “0002-01-000002”")


def test_the_content_policy_is_at_work(page: Page, complaints: list[str]) -> None:
    """Positive control: a foreign script is refused, and the watch of the other tests sees it."""
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), "
        "{textContent: 'window.planted = true'}))"
    )
    assert page.evaluate("window.planted") is None
    assert any("Content Security Policy" in said for said in complaints)
    complaints.clear()
