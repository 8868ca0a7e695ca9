"""The API answers who holds the token, plans before it changes, and says what was wrong."""

from __future__ import annotations

import json
import stat
from typing import Any

import pytest

from operating_world import Answered, RecordedOperations, call, release, seeded_journal
from tillway.api import (
    Changes,
    HubAddress,
    Questions,
    Snapshot,
    api_app,
    new_token,
    read_hub_file,
    remove_hub_file,
    token_admission,
    write_hub_file,
)
from tillway.api.changes import MOST_INGEST_BYTES
from tillway.clock import ManualClock
from tillway.errors import TillwayError, Transient
from tillway.journal.base import Settlement
from tillway.testing.journal import row
from tillway.testing.journal_objects import version

TOKEN = "the-token-of-this-hub"  # a made-up one


class World:
    """An API over a seeded journal."""

    def __init__(self, journal: Any) -> None:
        self.journal = journal
        self.operations = RecordedOperations()
        clock = ManualClock(1_700_000_600_000_000)
        snapshot = Snapshot(journal, release(), clock)
        self.app = api_app(
            Questions(journal, release(), snapshot, clock),
            Changes(self.operations, journal, release()),
            admission=token_admission(TOKEN),
        )

    async def get(self, path: str, **more: Any) -> Answered:
        """Ask with the token."""
        headers = {"authorization": f"Bearer {TOKEN}", **more.pop("headers", {})}
        return await call(self.app, path, headers=headers, **more)

    async def post(self, path: str, body: Any, **more: Any) -> Answered:
        """Send JSON, or bytes, with the token."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.get(path, method="POST", body=sent, **more)

    async def group(self, kind: str) -> str:
        """Return the name of the problem of one kind."""
        listed = json.loads((await self.get("/api/v1/problems")).body)["problems"]
        return next(one["group"] for one in listed if one["kind"] == kind)


@pytest.fixture
async def world() -> World:
    """Give an API with everything in it once."""
    return World(await seeded_journal())


@pytest.mark.parametrize(
    ("path", "schema", "field"),
    [
        ("/api/v1/status", "tillway.status/1", "headline"),
        ("/api/v1/problems", "tillway.dlq.list/1", "problems"),
        ("/api/v1/find?q=0145-03-2", "tillway.find/1", "hits"),
        ("/api/v1/trace/2", "tillway.trace/1", "steps"),
        ("/api/v1/verify", "tillway.verify/1", "balanced"),
        ("/api/v1/gaps?store=0146", "tillway.gaps/1", "gaps"),
    ],
)
async def test_questions_are_answered(world: World, path: str, schema: str, field: str) -> None:
    """Every question answers JSON with its schema, money as text."""
    answer = await world.get(path)
    assert answer.status == 200
    document = json.loads(answer.body)
    assert document["schema"] == schema
    assert field in document
    assert answer.headers["cache-control"] == "no-store"


async def test_a_problem_lists_every_member(world: World) -> None:
    """One problem names all its messages."""
    answer = await world.get(f"/api/v1/problems/{await world.group('dead')}")
    document = json.loads(answer.body)
    assert (document["count"], document["positions"]) == (2, [2, 3])
    assert document["money"] == {"EUR": "25.00"}


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"authorization": ""}, 401, "TW-8001"),
        ({"authorization": "Bearer guess"}, 401, "TW-8001"),
        ({"authorization": f"Basic {TOKEN}"}, 401, "TW-8001"),
        ({"origin": "https://evil.example"}, 403, "TW-7011"),
        ({"origin": "null"}, 403, "TW-7011"),
    ],
)
async def test_only_the_token_opens_the_door(
    world: World, headers: dict[str, str], status: int, code: str
) -> None:
    """Without the token, or from another site, nothing is shown or changed."""
    paths = (("GET", "/api/v1/status"), ("POST", "/api/v1/dlq/retry"), ("GET", "/api/v1/x"))
    for method, path in paths:
        answer = await world.get(path, method=method, headers=headers)
        assert (answer.status, json.loads(answer.body)["code"]) == (status, code)
        assert ("www-authenticate" in answer.headers) == (status == 401)
    assert not world.operations.asked


async def test_a_retry_is_planned_then_done(world: World) -> None:
    """A dry run answers the plan alone; the real one is told who and why."""
    group = await world.group("dead")
    body = {"group": group, "who": "mia", "reason": "opened", "dry_run": True}
    plan = json.loads((await world.post("/api/v1/dlq/retry", body)).body)
    assert (plan["count"], plan["of"], plan["money"]) == (2, 2, {"EUR": "25.00"})
    assert not world.operations.asked
    done = await world.post("/api/v1/dlq/retry", {**body, "dry_run": False, "agreed": 2})
    assert json.loads(done.body)["retried"] == 2
    assert world.operations.asked == [("retry", "pos-to-erp", (2, 3), "mia", "opened")]


async def test_a_changed_plan_stops(world: World) -> None:
    """Another count than the person agreed to changes nothing."""
    body = {"group": await world.group("dead"), "who": "mia", "reason": "x", "agreed": 5}
    answer = await world.post("/api/v1/dlq/retry", body)
    assert (answer.status, json.loads(answer.body)["code"]) == (409, "TW-7006")
    assert not world.operations.asked


async def test_abandon_names_who_and_why(world: World) -> None:
    """Giving up is done by name."""
    body = {"group": await world.group("dead"), "who": "mia", "reason": "by hand", "sample": 1}
    assert json.loads((await world.post("/api/v1/dlq/abandon", body)).body)["abandoned"] == 1
    assert world.operations.asked == [("abandon", "pos-to-erp", (2,), "mia", "by hand")]


@pytest.mark.parametrize(
    ("verb", "field"), [("hold", "kept"), ("release", "released"), ("skip", "skipped")]
)
async def test_an_order_about_waiting_messages_names_who_and_why(
    world: World, verb: str, field: str
) -> None:
    """Hold, release and skip are planned, counted and done by name, as retry is."""
    kind = "held"
    body = {"group": await world.group(kind), "who": "mia", "reason": "mending"}
    plan = json.loads((await world.post(f"/api/v1/dlq/{verb}", {**body, "dry_run": True})).body)
    assert not world.operations.asked
    done = await world.post(f"/api/v1/dlq/{verb}", {**body, "agreed": plan["count"]})
    assert json.loads(done.body)[field] == plan["count"] > 0
    assert world.operations.asked[0][0] == verb
    assert world.operations.asked[0][3:] == ("mia", "mending")
    wrong = await world.post(f"/api/v1/dlq/{verb}", {**body, "agreed": plan["count"] + 1})
    assert json.loads(wrong.body)["code"] == "TW-7006"
    silent = await world.post(f"/api/v1/dlq/{verb}", {**body, "reason": " "})
    assert json.loads(silent.body)["code"] == "TW-7007"


async def test_a_replay_is_watched_and_stopped(world: World) -> None:
    """How far it is, and its end by name."""
    found = json.loads((await world.get("/api/v1/replays")).body)
    assert (found["replays"][0]["planned"], found["replays"][0]["delivered"]) == (150, 74)
    body = {"route": "pos-to-erp", "who": "mia", "reason": "enough"}
    assert json.loads((await world.post("/api/v1/replay/stop", body)).body)["stopped"]
    assert world.operations.asked == [("stop_replay", "pos-to-erp", "mia", "enough")]
    silent = await world.post("/api/v1/replay/stop", {**body, "reason": ""})
    assert json.loads(silent.body)["code"] == "TW-7007"


@pytest.mark.parametrize(
    ("kind", "verb", "code"),
    [
        ("conflict", "hold", "TW-7005"),
        ("quarantined", "skip", "TW-7005"),
        ("dead", "release", "TW-7005"),
        ("conflict", "retry", "TW-7005"),
        ("conflict", "abandon", "TW-7005"),
        ("quarantined", "abandon", "TW-7005"),
    ],
)
async def test_what_does_not_fit_is_refused(world: World, kind: str, verb: str, code: str) -> None:
    """A conflict is not sent again, a copy that was never on a route is not given up."""
    body = {"group": await world.group(kind), "who": "mia", "reason": "x"}
    answer = await world.post(f"/api/v1/dlq/{verb}", body)
    assert (answer.status, json.loads(answer.body)["code"]) == (409, code)


async def test_a_superseded_group_is_not_retried(world: World) -> None:
    """Its old versions are not sent, by name of the error; they can be given up."""
    await world.journal.append([version("or-1", 1), version("or-1", 2)])
    position = await world.journal.last_position() - 1
    dead = row(position, "dead", lane="pos-to-erp/or-1", code="TW-4105")
    await world.journal.settle(Settlement("pos-to-erp", rows=[dead]))
    listed = json.loads((await world.get("/api/v1/problems")).body)["problems"]
    [group] = [one["group"] for one in listed if one["code"] == "TW-4013"]
    body = {"group": group, "who": "mia", "reason": "x"}
    answer = await world.post("/api/v1/dlq/retry", body)
    assert (answer.status, json.loads(answer.body)["code"]) == (409, "TW-4013")
    assert not world.operations.asked
    given_up = await world.post("/api/v1/dlq/abandon", body)
    assert json.loads(given_up.body)["abandoned"] == 1


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/api/v1/dlq/retry", {"group": "zz", "who": "m", "reason": "x"}, 404, "TW-7004"),
        ("/api/v1/dlq/retry", {"group": "", "who": "m", "reason": "x"}, 404, "TW-7004"),
        ("/api/v1/dlq/retry", {"who": "m"}, 400, "TW-7010"),
        ("/api/v1/dlq/retry", {"group": "a", "who": "m", "resaon": "x"}, 400, "TW-7010"),
        ("/api/v1/dlq/retry", b"not json", 400, "TW-7010"),
        ("/api/v1/replay", {"route": "pos-to-er", "who": "m"}, 404, "TW-7009"),
        ("/api/v1/replay", {"route": "pos-to-erp", "who": "m"}, 400, "TW-7007"),
        ("/api/v1/ingest?source=nobody", b"{}", 404, "TW-7009"),
        ("/api/v1/status", {}, 405, "TW-7010"),
        ("/api/v1/nothing", {}, 404, "TW-7010"),
    ],
)
async def test_wrong_requests_get_a_coded_problem(
    world: World, path: str, body: Any, status: int, code: str
) -> None:
    """A wrong request names its fault as a problem document and changes nothing."""
    answer = await world.post(path, body)
    document = json.loads(answer.body)
    assert (answer.status, document["code"], document["status"]) == (status, code, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert document["type"] == f"urn:tillway:problem:{code}"
    assert document["advice"]
    assert all(asked[0] == "plan_replay" for asked in world.operations.asked)


async def test_changes_are_never_made_by_get(world: World) -> None:
    """An address that changes something refuses GET and says what it takes."""
    answer = await world.get("/api/v1/dlq/retry")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/api/v1/trace/999", "/api/v1/trace/x", "/api/v1/trace/"])
async def test_unknown_positions_are_said(world: World, path: str) -> None:
    """A position that is none gives a coded answer."""
    assert (await world.get(path)).status in (400, 404)


async def test_a_replay_is_planned_then_done(world: World) -> None:
    """The plan comes first; the run answers what became of it."""
    body = {"route": "pos-to-erp", "who": "mia", "reason": "erp restored", "from_at": 5}
    plan = json.loads((await world.post("/api/v1/replay", {**body, "dry_run": True})).body)
    assert (plan["count"], plan["lanes"]) == (150, 2)
    older = {"natural_key": "or-1", "revision": 1, "superseded_by": 2}
    assert (plan["superseded"], plan["left_out"]) == (1, [older])
    done = json.loads((await world.post("/api/v1/replay", {**body, "agreed": 150})).body)
    assert (done["done"]["delivered"], done["done"]["failed"]) == (149, 1)
    assert world.operations.asked[-1][0] == "replay"
    assert world.operations.asked[-1][1].from_at == 5


async def test_a_file_goes_through_its_source(world: World) -> None:
    """The body is the file; the answer counts its outcomes."""
    answer = await world.post("/api/v1/ingest?source=quayside&name=day.xml", b"<sales/>")
    assert json.loads(answer.body)["counts"] == {"accepted": 2}
    assert world.operations.asked == [("ingest", "quayside", b"<sales/>", "day.xml")]


async def test_a_file_beyond_the_limit_is_refused_unread(world: World) -> None:
    """A declared size beyond the limit is refused before a byte is kept."""
    headers = {"content-length": str(MOST_INGEST_BYTES + 1)}
    answer = await world.post("/api/v1/ingest?source=quayside", b"x", headers=headers)
    assert (answer.status, json.loads(answer.body)["code"]) == (413, "TW-7014")
    assert not world.operations.asked


async def test_a_body_beyond_the_limit_is_refused_while_it_comes(world: World) -> None:
    """An undeclared size is counted on the way."""
    answer = await world.post("/api/v1/dlq/retry", b"x" * (2 * 1024 * 1024))
    assert answer.status == 413


def test_the_hub_file_is_for_the_owner_only(tmp_path) -> None:
    """Address and token are readable by nobody else, and the token is never printed."""
    address = HubAddress("0.0.0.0", 8080, 42, new_token())
    path = write_hub_file(tmp_path, address)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_hub_file(tmp_path) == address
    assert address.token not in repr(address)
    assert address.url == "http://127.0.0.1:8080"
    assert HubAddress("::1", 80, 1, "t").url == "http://[::1]:80"
    write_hub_file(tmp_path, HubAddress("127.0.0.1", 1, 43, "other"))
    assert read_hub_file(tmp_path).pid == 43
    remove_hub_file(tmp_path)
    assert read_hub_file(tmp_path) is None
    remove_hub_file(tmp_path)


def test_a_torn_hub_file_is_no_address(tmp_path) -> None:
    """A file somebody damaged is as good as none."""
    path = write_hub_file(tmp_path, HubAddress("127.0.0.1", 1, 1, "t"))
    path.write_text('{"host": "127.0', "ascii")
    assert read_hub_file(tmp_path) is None


def test_no_hub_at_the_address_is_said(tmp_path) -> None:
    """A stale address gives a sentence and the advice to try again."""
    from tillway.api.client import client_of

    with pytest.raises(Transient) as missing:
        client_of(tmp_path)
    assert missing.value.code == "TW-7013"
    write_hub_file(tmp_path, HubAddress("127.0.0.1", 1, 1, "t"))
    with pytest.raises(TillwayError) as caught:
        client_of(tmp_path).post("/api/v1/dlq/retry", {})
    assert caught.value.code == "TW-7013"
