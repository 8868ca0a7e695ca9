"""Reconciliation in the console: the matrix, the day, and its forms; nobody else may decide."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import msgspec
import pytest

from operating_world import Answered, call
from unit.reconcile.books import Books, receipt, statement_line
from unit.reconcile.days import DAY, STORE
from unit.reconcile.told_days import CLOSED, GAP_DAY, Told, told_days

FORM = {"content-type": "application/x-www-form-urlencoded"}
DAY_PAGE, GAP_PAGE = f"/recon/{STORE}/{DAY}", f"/recon/{STORE}/{GAP_DAY}"


class World:
    """The console over told days."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.app = Told(books).console

    async def get(self, path: str) -> Answered:
        """Get a page."""
        return await call(self.app, path)

    async def post(self, path: str, **fields: str) -> Answered:
        """Send a form of our own page."""
        page = await self.get("/recon/" + path.split("/", 2)[2].rpartition("/")[0])
        token = re.search(r'name="form_token" value="([^"]+)"', page.text)
        assert token
        return await self.send(path, form_token=token[1], **fields)

    async def send(self, path: str, **fields: str) -> Answered:
        """Send any form."""
        body = "&".join(f"{name}={text.replace(' ', '+')}" for name, text in fields.items())
        return await call(self.app, path, method="POST", body=body.encode(), headers=FORM)


@pytest.fixture
async def world() -> World:
    """Give a console over one balanced day and one with a number missing."""
    return World(await told_days())


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        """Note a tag."""
        self.found.append((tag, dict(attrs)))


PAGES = ("/recon", f"/recon?to={DAY}&store={STORE}", DAY_PAGE, GAP_PAGE, "/recon/findings")


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_is_whole(world: World, path: str) -> None:
    """One main heading, scoped headers, labelled fields, no inline script or style."""
    page = await world.get(path)
    assert page.status == 200, page.text
    parser = _Tags()
    parser.feed(page.text)
    names = [tag for tag, _ in parser.found]
    assert (names.count("h1"), names.count("main"), "style" in names) == (1, 1, False)
    assert all("src" in found for tag, found in parser.found if tag == "script")
    assert all("scope" in found for tag, found in parser.found if tag == "th")
    for _, found in parser.found:
        assert not any(name == "style" or name.startswith("on") for name in found)


async def test_each_sign_of_the_matrix_says_its_word(world: World) -> None:
    """A cell is a link to its day with sign, word and amount; the twins stand below."""
    page = await world.get(f"/recon?to={DAY}")
    assert f'href="{GAP_PAGE}" aria-label="{STORE} {GAP_DAY}: numbers missing' in page.text
    assert f'href="{DAY_PAGE}" aria-label="{STORE} {DAY}: balanced' in page.text
    assert "tillway storeday list --matrix" in page.text
    assert "/api/v1/recon/matrix" in page.text


async def test_the_day_shows_its_sides_and_links_its_messages(world: World) -> None:
    """Figures in columns, the number that is missing, card money, the posting, its life."""
    page = await world.get(GAP_PAGE)
    for text in ("Till declared", "SEQ_GAP", "03:2", "In the ERP", "Its life", "Account for it"):
        assert text in page.text
    other = await world.get(DAY_PAGE)
    assert "12.50 EUR" in other.text
    assert "Processor and bank" in other.text
    assert ">Approve</button>" in other.text


async def test_a_day_is_approved_with_a_form(world: World) -> None:
    """Back to the day by GET, and the page says what became of it."""
    answer = await world.post(f"{DAY_PAGE}/approve", reason="till roll")
    assert (answer.status, answer.headers["location"]) == (303, f"{DAY_PAGE}?done=approve")
    page = await world.get(answer.headers["location"])
    assert "Released for the ERP" in page.text
    assert "till roll" in page.text


async def test_a_missing_number_is_accounted_for(world: World) -> None:
    """The finding leaves the open ones and keeps its reason."""
    answer = await world.post(
        f"{GAP_PAGE}/override", finding="SEQ_GAP 03:2", reason="cancelled sale"
    )
    assert answer.status == 303, answer.text
    page = await world.get(GAP_PAGE)
    assert "SEQ_GAP 03:2: “cancelled sale”, console" in page.text


async def test_the_findings_of_a_rule_are_listed_one_by_one(world: World) -> None:
    """Each leads to its day; the rule in the list of rules leads here, and an alert does."""
    assert '<a href="/recon/findings?rule=SEQ_GAP">' in (await world.get(f"/recon?to={DAY}")).text
    page = await world.get("/recon/findings?rule=SEQ_GAP")
    assert f'<a href="{GAP_PAGE}">' in page.text
    assert "Account for it" not in page.text, "that is done on the page of its day"
    assert "03:2" in (await world.get("/recon/findings")).text
    wrong = await world.get("/recon/findings?rule=SEQ_GPA")
    assert wrong.status == 400
    assert "SEQ_GAP" in wrong.text


async def test_what_belongs_to_no_store_is_accounted_for_too(world: World) -> None:
    """A statement that never came: a person says why, and it is open no longer."""
    missing = (statement_line(1, "100.00", "5.00"), statement_line(3, "90.00", "1.00"))
    await world.books.take(*missing)
    await world.books.keeper.catch_up()
    address = "/recon/findings?rule=STATEMENT_GAP"
    page = await world.get(address)
    assert "no store" in page.text
    assert '<option value="2026-11-05 STATEMENT_GAP acc-1 S3">' in page.text
    token = re.search(r'name="form_token" value="([^"]+)"', page.text)
    assert token
    form = {"form_token": token[1], "finding": "2026-11-05 STATEMENT_GAP acc-1 S3"}
    given = await world.send("/recon/findings/assign", **form, owner="mia")
    assert given.headers["location"] == "/recon/findings?done=assigned&rule=STATEMENT_GAP"
    assert ">mia</" in (await world.get(address)).text
    done = await world.send("/recon/findings/override", **form, reason="closed by the bank")
    assert done.headers["location"] == "/recon/findings?done=override&rule=STATEMENT_GAP"
    assert "Nothing is open." in (await world.get(address)).text
    again = await world.send("/recon/findings/override", **form, reason="once more")
    assert "TW-6912" in again.text
    nothing = await world.send("/recon/findings/override", form_token=token[1], reason="why")
    assert (nothing.status, "TW-7010" in nothing.text) == (400, True)
    await world.books.take(statement_line(4, "91.00", "1.00"))
    await world.books.keeper.catch_up()
    assert "Nothing is open." in (await world.get(address)).text, "and it is not found again"
    [action, *_] = await world.books.journal.actions(1)
    assert (action.verb, action.subject) == (
        "finding.override",
        "2026-11-05 STATEMENT_GAP acc-1 S3",
    )
    assert action.reason == "closed by the bank"


async def test_numbers_missing_in_a_row_are_one_line_and_one_decision(world: World) -> None:
    """Shown with how many they are, accounted for together, and told together afterwards."""
    await world.books.take(receipt(9, day=GAP_DAY))
    await world.books.keeper.catch_up()
    page = await world.get(GAP_PAGE)
    assert "03:6-8" in page.text
    assert "3 numbers" in page.text
    assert "03:7<" not in page.text
    answer = await world.post(f"{GAP_PAGE}/override", finding="SEQ_GAP 03:6-8", reason="new till")
    assert answer.status == 303, answer.text
    page = await world.get(GAP_PAGE)
    assert "SEQ_GAP 03:6-8: “new till”, console" in page.text
    assert 'value="SEQ_GAP 03:2"' in page.text


@pytest.mark.parametrize(
    ("path", "fields", "code"),
    [
        (f"{DAY_PAGE}/approve", {}, "TW-7007"),
        (f"{GAP_PAGE}/approve", {"reason": "x"}, "TW-6911"),
        (f"{DAY_PAGE}/reopen", {"reason": "x"}, "TW-6911"),
        (f"{GAP_PAGE}/override", {"reason": "x", "finding": "SEQ_GAP 03:9"}, "TW-6912"),
        (f"{GAP_PAGE}/override", {"reason": "x"}, "TW-7010"),
    ],
)
async def test_a_decision_is_refused_as_a_page(
    world: World, path: str, fields: dict[str, str], code: str
) -> None:
    """Without a reason, in the wrong state, about nothing: a page that says so."""
    answer = await world.post(path, **fields)
    assert answer.status >= 400
    assert code in answer.text


@pytest.mark.parametrize("verb", ["approve", "reopen", "override"])
async def test_only_forms_of_our_pages_decide(world: World, verb: str) -> None:
    """Without the token of a page nothing is decided, and nothing changes on GET."""
    answer = await world.send(f"{DAY_PAGE}/{verb}", reason="x", form_token="guess")
    assert (answer.status, "TW-7012" in answer.text) == (403, True)
    assert (await world.get(f"{DAY_PAGE}/{verb}")).status == 404


async def test_there_is_a_page_when_nothing_is_kept() -> None:
    """It says why and what to do, for a hub that has not begun and a project without."""
    books = Books(CLOSED)
    page = await World(books).get("/recon")
    assert (page.status, "TW-6902" in page.text) == (200, True)
    books.release = msgspec.structs.replace(books.release, reconciliation=None)
    page = await World(books).get("/recon")
    assert "recon/store-day.toml" in page.text
    assert (await World(books).get(DAY_PAGE)).status == 409


@pytest.mark.parametrize("path", ["/recon?to=tomorrow", f"/recon/9999/{DAY}"])
async def test_a_wrong_address_is_told(world: World, path: str) -> None:
    """A bad date or an unknown day is a page with its code."""
    page = await world.get(path)
    assert page.status in (400, 404)
    assert "TW-69" in page.text
