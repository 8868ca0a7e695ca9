"""Store-days over the API: questions are answered or refused by field, decisions leave a trail."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import msgspec
import pytest

from operating_world import Answered, call, release, seeded_journal
from tillway.api import Snapshot
from tillway.api.stores import store_standings
from tillway.clock import ManualClock
from unit.reconcile.books import Books
from unit.reconcile.days import DAY, STORE
from unit.reconcile.told_days import CLOSED, GAP_DAY, TOKEN, Told, told_days

REASON = "checked against the till roll"


class World:
    """The API over told days."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.app = Told(books).api

    async def get(self, path: str, **more: Any) -> Answered:
        """Ask with the token."""
        return await call(self.app, path, headers={"authorization": f"Bearer {TOKEN}"}, **more)

    async def document(self, path: str) -> dict[str, Any]:
        """Return the JSON of an answer that is right."""
        answer = await self.get(path)
        assert answer.status == 200, answer.text
        return json.loads(answer.body)

    async def post(self, path: str, **body: Any) -> Answered:
        """Send JSON as a person."""
        sent = json.dumps({"who": "mia", **body}).encode()
        return await self.get(path, method="POST", body=sent)


@pytest.fixture
async def world() -> World:
    """Give an API over one balanced day and one with a number missing."""
    return World(await told_days())


@pytest.mark.parametrize(
    ("path", "schema", "field"),
    [
        ("/api/v1/storedays", "storeday.list", "days"),
        (f"/api/v1/storedays?store={STORE}&date={DAY}", "storeday.show", "measures"),
        ("/api/v1/recon/matrix", "recon.matrix", "rows"),
        ("/api/v1/recon/findings", "recon.show", "groups"),
        ("/api/v1/recon/items", "recon.items", "items"),
        ("/api/v1/stores", "stores", "stores"),
    ],
)
async def test_every_question_is_answered(world: World, path: str, schema: str, field: str) -> None:
    """Each answers JSON with its schema."""
    document = await world.document(path)
    assert document["schema"] == f"tillway.{schema}/1"
    assert document[field]


async def test_lists_come_in_pages(world: World) -> None:
    """Next is the offset of the page after this one, null at the end."""
    first = await world.document("/api/v1/storedays?limit=1")
    assert (len(first["days"]), first["next"]) == (1, 1)
    rest = await world.document("/api/v1/storedays?offset=1")
    assert rest["next"] is None
    found = await world.document("/api/v1/recon/findings?limit=1&state=all")
    assert (len(found["findings"]), found["next"]) == (1, 1)
    assert found["count"] == sum(group["count"] for group in found["groups"])


async def test_the_matrix_says_sign_state_and_money_at_risk(world: World) -> None:
    """The day with a number missing is drawn as such, whatever its state."""
    document = await world.document(f"/api/v1/recon/matrix?from={GAP_DAY}&to={DAY}")
    assert document["dates"] == [GAP_DAY, DAY]
    [row] = document["rows"]
    assert (row["cells"][GAP_DAY]["sign"], row["cells"][DAY]["sign"]) == ("#", "=")
    assert row["at_risk"].keys() == {"EUR"}
    assert document["legend"]["#"] == "numbers missing"


@pytest.mark.parametrize(
    ("path", "code", "field"),
    [
        ("/api/v1/storedays?from=yesterday", "TW-6904", "from"),
        ("/api/v1/storedays?state=lost", "TW-7010", "state"),
        ("/api/v1/storedays?limit=0", "TW-7010", "limit"),
        ("/api/v1/storedays?shop=1", "TW-7010", "shop"),
        (f"/api/v1/storedays?store={STORE}&date=20.11.", "TW-6904", "date"),
        ("/api/v1/recon/matrix?to=2026-13-01", "TW-6904", "to"),
        ("/api/v1/recon/findings?rule=SEQ_GAPP", "TW-7010", "rule"),
        ("/api/v1/recon/findings?state=closed", "TW-7010", "state"),
        ("/api/v1/recon/items?kind=cash", "TW-7010", "kind"),
        ("/api/v1/recon/export?kind=all", "TW-7010", "kind"),
        ("/api/v1/recon/export?format=pdf", "TW-7010", "format"),
        ("/api/v1/stores?store=9999", "TW-6905", "store"),
    ],
)
async def test_a_wrong_field_is_named(world: World, path: str, code: str, field: str) -> None:
    """A problem document with code, field and what to do; nothing crashes."""
    answer = await world.get(path)
    document = json.loads(answer.body)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (document["code"], document["path"]) == (code, field)
    assert answer.status in (400, 404)
    assert document["advice"]


async def test_exports_are_files(world: World) -> None:
    """CSV of one table, a workbook of one or of all."""
    days = await world.get("/api/v1/recon/export?kind=days&format=csv")
    assert days.headers["content-type"].startswith("text/csv")
    assert 'filename="days.csv"' in days.headers["content-disposition"]
    assert days.text.startswith("store,business_date,state")
    items = await world.get("/api/v1/recon/export?kind=items")
    assert ",'=PSP1,EUR,12.50," in items.text
    book = await world.get("/api/v1/recon/export?format=xlsx")
    with zipfile.ZipFile(io.BytesIO(book.body)) as opened:
        sheets = [name for name in opened.namelist() if name.startswith("xl/worksheets/sheet")]
    assert len(sheets) == len(("days", "figures", "findings", "postings", "items"))


async def test_too_large_an_export_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says how many days and how to ask for fewer."""
    monkeypatch.setattr("tillway.api.store_days.MOST_EXPORTED_DAYS", 1)
    answer = await world.get("/api/v1/recon/export")
    assert (answer.status, json.loads(answer.body)["code"]) == (413, "TW-6906")
    assert (await world.get(f"/api/v1/recon/export?from={DAY}&to={DAY}")).status == 200


async def test_a_balanced_day_is_approved_by_name(world: World) -> None:
    """The day says who and why, and so does its life."""
    place = {"store": STORE, "business_date": DAY}
    answer = await world.post("/api/v1/storedays/approve", **place, reason=REASON)
    day = json.loads(answer.body)["day"]
    assert (day["state"], day["approved_by"], day["approved_reason"]) == ("approved", "mia", REASON)
    shown = await world.document(f"/api/v1/storedays?store={STORE}&date={DAY}")
    assert ("mia", f"storeday.approve: {REASON}") in [
        (move["who"], move["why"]) for move in shown["moves"]
    ]
    again = await world.post("/api/v1/storedays/approve", **place, reason=REASON)
    assert (again.status, json.loads(again.body)["code"]) == (409, "TW-6911")


async def test_a_missing_number_is_accounted_for_and_assigned(world: World) -> None:
    """Assigned first; accounted for as one of a run, it blocks no longer and keeps its reason."""
    gap = {"store": STORE, "business_date": GAP_DAY}
    given = await world.post(
        "/api/v1/recon/assign", **gap, rule="SEQ_GAP", subject="03:2", owner="jo"
    )
    assert json.loads(given.body)["owner"] == "jo"
    [group] = (await world.document("/api/v1/recon/findings?rule=SEQ_GAP"))["groups"]
    assert group["owners"] == ["jo"]
    done = await world.post(
        "/api/v1/storedays/override",
        **gap,
        findings=[["SEQ_GAP", "03:1-9"]],
        reason="cancelled sale",
    )
    assert json.loads(done.body)["day"]["gaps"] == 0
    [finding] = (await world.document("/api/v1/recon/findings?state=overridden"))["findings"]
    assert (finding["decided_by"], finding["reason"]) == ("mia", "cancelled sale")


async def test_days_are_audited_anew(world: World) -> None:
    """It counts the days by their state."""
    answer = await world.post("/api/v1/recon/run", first=GAP_DAY, last=DAY, reason="new rate")
    document = json.loads(answer.body)
    assert document["days"] == sum(document["states"].values()) == len((GAP_DAY, DAY))


@pytest.mark.parametrize(
    ("verb", "body", "code"),
    [
        ("storedays/approve", {"reason": ""}, "TW-7007"),
        ("storedays/approve", {"reason": "x", "business_date": "2020-01-01"}, "TW-6910"),
        ("storedays/approve", {"reason": "x", "business_date": GAP_DAY}, "TW-6911"),
        ("storedays/approve", {"reason": "x", "business_date": "20.11."}, "TW-6904"),
        ("storedays/reopen", {"reason": "x"}, "TW-6911"),
        ("storedays/reopen", {"reason": " "}, "TW-7007"),
        ("storedays/override", {"reason": "x", "findings": [["SEQ_GAP", "03:99"]]}, "TW-6912"),
        ("storedays/override", {"reason": "x", "findings": "SEQ_GAP"}, "TW-7010"),
        ("storedays/approve", {"reason": "x", "colour": "red"}, "TW-7010"),
    ],
)
async def test_a_decision_is_refused_with_its_code(
    world: World, verb: str, body: dict[str, Any], code: str
) -> None:
    """Without a reason, of an unknown day, in the wrong state: nothing changes."""
    before = await world.document("/api/v1/storedays")
    answer = await world.post(f"/api/v1/{verb}", **{"store": STORE, "business_date": DAY, **body})
    assert json.loads(answer.body)["code"] == code
    assert 400 <= answer.status < 500
    assert await world.document("/api/v1/storedays") == before


@pytest.mark.parametrize(
    "path",
    ["/api/v1/storedays", "/api/v1/recon/matrix", "/api/v1/recon/findings", "/api/v1/recon/items"],
)
async def test_before_anything_was_reconciled(path: str) -> None:
    """A project with reconciliation says it has not begun, one without that it does none."""
    world = World(Books(CLOSED))
    assert json.loads((await world.get(path)).body)["code"] == "TW-6902"
    books = Books(CLOSED)
    books.release = msgspec.structs.replace(books.release, reconciliation=None)
    assert json.loads((await World(books).get(path)).body)["code"] == "TW-6901"


async def test_unsent_sales_come_with_age_and_money() -> None:
    """Most money first; without reconciliation the books of a shop are null."""
    journal, clock = await seeded_journal(), ManualClock(1_700_000_600_000_000)
    found = await Snapshot(journal, release(), clock).status()
    standings = await store_standings(found, journal)
    unsent = [(one.line.store, one.line.unsent) for one in standings if one.line.unsent]
    assert sorted(unsent) == [("0145", 2), ("0146", 3)]
    amounts = [max(one.line.money.values(), default=0) for one in standings]
    assert amounts == sorted(amounts, reverse=True)
    assert all(one.books is None for one in standings)
