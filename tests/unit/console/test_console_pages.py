"""The console shows what the journal knows, works without scripts, and lets nobody else in."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from operating_world import Answered, RecordedOperations, call, release, seeded_journal
from tillway.api import Snapshot
from tillway.clock import ManualClock
from tillway.console import console_app
from tillway.errors import Transient
from tillway.journal.memory import MemoryJournal

PAGES = ["/", "/problems", "/find", "/find?q=42", "/find?q=0145-03-1", "/trace/2", "/books"]
FORM = {"content-type": "application/x-www-form-urlencoded"}


class World:
    """A console over a seeded journal."""

    def __init__(self, journal: MemoryJournal) -> None:
        self.journal = journal
        self.operations = RecordedOperations()
        self.clock = ManualClock(1_700_000_600_000_000)
        self.done: list[tuple[str, dict[str, str]]] = []
        self.app = console_app(
            reader=journal,
            release=release(),
            snapshot=Snapshot(journal, release(), self.clock),
            operations=self.operations,
            clock=self.clock,
            dev=self.dev,
        )

    async def dev(self, action, fields):
        """Note a button of the demo."""
        if action == "unknown-tender":
            raise Transient("TW-7015", "the stores are asleep")
        self.done.append((action, dict(fields)))

    async def get(self, path: str, **more) -> Answered:
        """Get a page."""
        return await call(self.app, path, **more)

    async def post(self, path: str, body: str, **more) -> Answered:
        """Send a form."""
        headers = {**FORM, **more.pop("headers", {})}
        return await call(
            self.app, path, method="POST", body=body.encode(), headers=headers, **more
        )

    async def token(self) -> str:
        """Return the form token of a page."""
        page = await self.get("/")
        found = re.search(r'name="form_token" value="([^"]+)"', page.text)
        assert found
        return found[1]

    async def group(self, kind: str) -> str:
        """Return the name of the problem of one kind."""
        from tillway.observe import problems

        found = await problems(self.journal, {"pos-to-erp": "erp"})
        return next(one.group for one in found if one.kind == kind)


@pytest.fixture
async def world() -> World:
    """Give a console with everything in it once."""
    return World(await seeded_journal())


class _Outline(HTMLParser):
    """Collects what the accessibility of a page hangs on."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        """Note a tag."""
        self.tags.append((tag, dict(attrs)))


def _outline(page: Answered) -> list[tuple[str, dict[str, str | None]]]:
    parser = _Outline()
    parser.feed(page.text)
    return parser.tags


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_is_whole(world: World, path: str) -> None:
    """One main heading, landmarks, scoped table headers, no inline script or style."""
    page = await world.get(path)
    assert page.status == 200
    tags = _outline(page)
    names = [tag for tag, _ in tags]
    assert names.count("h1") == 1
    assert names.count("main") == 1
    assert "nav" in names
    assert "style" not in names
    assert all("src" in found for tag, found in tags if tag == "script")
    assert all("scope" in found for tag, found in tags if tag == "th")
    assert not any(name == "style" or name.startswith("on") for _, found in tags for name in found)
    addresses = [
        found[name] or "" for _, found in tags for name in ("src", "href") if name in found
    ]
    assert all(address.startswith(("/", "#")) for address in addresses)


@pytest.mark.parametrize("path", [*PAGES, "/static/console.css", "/nothing", "/status.json"])
async def test_the_content_policy_goes_with_every_answer(world: World, path: str) -> None:
    """Nothing from outside may load or frame a page, whatever the answer."""
    page = await world.get(path)
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'se")
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"


async def test_the_status_page_tells_the_story(world: World) -> None:
    """Headline, stores, money and causes stand on the first page."""
    page = (await world.get("/")).text
    assert "2 of 3 stores need attention" in page
    assert "Harbour" in page
    assert "account 4711" in page
    assert "not answering" in page
    assert "25.00 EUR" in page
    assert 'href="/trace/6"' in page


async def test_an_empty_hub_has_a_page(world: World) -> None:
    """A hub that received nothing says so instead of showing blanks."""
    page = await World(MemoryJournal()).get("/")
    assert page.status == 200
    assert "Nothing was received yet." in page.text


async def test_payloads_are_text(world: World) -> None:
    """What a target said can hold markup; it is shown, never obeyed."""
    page = (await world.get("/trace/2")).text
    assert "&lt;b&gt;closed&lt;/b&gt;" in page
    assert "<b>" not in page


async def test_no_hit_says_why(world: World) -> None:
    """The search page explains an absence."""
    page = (await world.get("/find?q=0146-03-13")).text
    assert "Number 13 is a gap" in page


async def test_retry_takes_the_oldest_first(world: World) -> None:
    """One step of the ladder sends one message, with who and why, and returns by GET."""
    group = await world.group("dead")
    body = f"form_token={await world.token()}&step=1&reason=account+opened&shown=2"
    answer = await world.post(f"/problems/{group}/retry", body)
    assert (answer.status, answer.headers["location"]) == (303, f"/problems/{group}?done=retried")
    assert world.operations.asked == [("retry", "pos-to-erp", (2,), "console", "account opened")]
    shown = await world.get(answer.headers["location"])
    assert "Sent again." in shown.text


async def test_all_needs_the_count_that_was_shown(world: World) -> None:
    """A plan that changed since the page was loaded stops."""
    group = await world.group("dead")
    body = f"form_token={await world.token()}&step=all&reason=x&shown=7"
    answer = await world.post(f"/problems/{group}/retry", body)
    assert answer.status == 409
    assert "TW-7006" in answer.text
    assert not world.operations.asked


async def test_quarantine_is_taken_in_again(world: World) -> None:
    """After the mapping was corrected, kept copies go through the intake once more."""
    group = await world.group("quarantined")
    body = f"form_token={await world.token()}&step=1&reason=row+added&shown=1"
    answer = await world.post(f"/problems/{group}/retry", body)
    assert answer.headers["location"].endswith("done=reprocessed")
    assert world.operations.asked == [("reprocess", (2,), "console", "row added")]


async def test_a_retry_needs_a_reason(world: World) -> None:
    """The audit log asks why."""
    group = await world.group("dead")
    answer = await world.post(
        f"/problems/{group}/retry", f"form_token={await world.token()}&step=1"
    )
    assert answer.status == 400
    assert "TW-7007" in answer.text


async def test_a_conflict_offers_no_retry(world: World) -> None:
    """What cannot be retried has no button, and its form is refused."""
    group = await world.group("conflict")
    assert "/retry" not in (await world.get(f"/problems/{group}")).text
    body = f"form_token={await world.token()}&step=1&reason=x"
    assert (await world.post(f"/problems/{group}/retry", body)).status == 409


@pytest.mark.parametrize(
    ("token", "headers"),
    [
        ("", {}),
        ("guess", {}),
        (None, {"origin": "https://evil.example"}),
        (None, {"origin": "null"}),
    ],
)
async def test_forms_of_others_are_refused(world: World, token, headers) -> None:
    """A form without this hub's token, or from another site, changes nothing."""
    group = await world.group("dead")
    given = await world.token() if token is None else token
    body = f"form_token={given}&step=1&reason=x"
    answer = await world.post(f"/problems/{group}/retry", body, headers=headers)
    assert answer.status == 403
    assert "TW-7012" in answer.text
    assert not world.operations.asked


async def test_the_own_origin_is_let_in(world: World) -> None:
    """Positive control: browsers send the Origin of our own page, and it passes."""
    group = await world.group("dead")
    body = f"form_token={await world.token()}&step=1&reason=x"
    headers = {"origin": "http://127.0.0.1:8080"}
    assert (await world.post(f"/problems/{group}/retry", body, headers=headers)).status == 303


@pytest.mark.parametrize(
    ("client", "host"),
    [
        ("192.0.2.7", "127.0.0.1"),
        ("127.0.0.1", "evil.example"),
        ("127.0.0.1", ""),
        ("", "localhost"),
    ],
)
async def test_only_this_machine_is_served(world: World, client: str, host: str) -> None:
    """Another machine, or a foreign name pointed at this one, sees nothing."""
    page = await world.get("/", client=client, headers={"host": host})
    assert page.status == 403
    assert "Harbour" not in page.text


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1", "[::1]:8080", "LOCALHOST"])
async def test_local_names_are_served(world: World, host: str) -> None:
    """Positive control: the ways to call this machine work."""
    client = "::1" if host.startswith("[") else "127.0.0.1"
    assert (await world.get("/", headers={"host": host}, client=client)).status == 200


async def test_nothing_changes_on_get(world: World) -> None:
    """Addresses of forms answer GET with a refusal."""
    group = await world.group("dead")
    for path in (f"/problems/{group}/retry", "/dev/break-erp"):
        assert (await world.get(path)).status in (404, 405)
    assert not world.operations.asked
    assert not world.done


@pytest.mark.parametrize("path", ["/trace/999", "/trace/x", "/static/../app.py", "/nothing"])
async def test_unknown_addresses_explain_themselves(world: World, path: str) -> None:
    """A wrong address is a page with a code, not a stack."""
    page = await world.get(path)
    assert page.status == 404
    assert "TW-70" in page.text
    assert "Traceback" not in page.text


async def test_a_solved_problem_is_good_news(world: World) -> None:
    """A problem that was solved while somebody looked is told kindly."""
    page = await world.get("/problems/0123abcd")
    assert page.status == 404
    assert "no longer open" in page.text


async def test_the_buttons_of_the_demo(world: World) -> None:
    """Each button asks the simulated world and says what happened."""
    token = await world.token()
    answer = await world.post("/dev/store-offline", f"form_token={token}&store=0146")
    assert answer.headers["location"] == "/?done=store-offline&store=0146"
    assert world.done == [("store-offline", {"store": "0146"})]
    assert "keeps its sales" in (await world.get("/?done=store-offline")).text
    assert (await world.post("/dev/format-disk", f"form_token={token}")).status == 404
    failed = await world.post("/dev/unknown-tender", f"form_token={token}")
    assert failed.status == 502
    assert "the stores are asleep".capitalize() in failed.text


async def test_without_dev_there_are_no_buttons(world: World) -> None:
    """A production console has no demo buttons and refuses their forms."""
    app = console_app(
        reader=world.journal,
        release=release(),
        snapshot=Snapshot(world.journal, release(), world.clock),
        operations=world.operations,
        clock=world.clock,
    )
    assert "Break the ERP" not in (await call(app, "/")).text
    answer = await call(app, "/dev/break-erp", method="POST", body=b"form_token=x")
    assert answer.status == 404


async def test_the_books_name_the_run_that_misses_a_number(world: World) -> None:
    """A gap after a counter started again says its run; one of the first run does not."""
    from tillway.testing.journal import candidate

    assert "of its counter" not in (await world.get("/books")).text
    await world.journal.append([candidate(number, epoch=1) for number in (1, 3)])
    assert "2026-11-20 (run e1 of its counter)" in (await world.get("/books")).text


async def test_head_has_no_body(world: World) -> None:
    """HEAD answers like GET, without the body."""
    page = await world.get("/", method="HEAD")
    assert (page.status, page.body) == (200, b"")


async def test_the_status_is_read_once_for_many_viewers(world: World) -> None:
    """Pages asked for within a second share one reading; later ones see fresh figures."""
    snapshot = Snapshot(world.journal, release(), world.clock)
    first = await snapshot.status()
    assert await snapshot.status() is first
    await world.clock.advance(2)
    second = await snapshot.status()
    assert second is not first


async def test_the_pace_is_per_minute(world: World) -> None:
    """Two readings 30 seconds apart tell the messages a minute."""
    from tillway.testing.journal import candidate

    snapshot = Snapshot(world.journal, release(), world.clock)
    await snapshot.status()
    assert snapshot.pace().seconds == 0
    await world.clock.advance(30)
    await world.journal.append([candidate(number) for number in range(100, 110)])
    await snapshot.status()
    assert snapshot.pace().accepted == pytest.approx(20)
