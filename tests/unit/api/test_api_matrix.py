"""Role by operation by scope: the table of roles is what the API does, and nothing leaks.

The rows come from the OpenAPI document itself, so an operation cannot be left out of this test.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from access_world import DAY_PLACE, MINE, OTHERS, AccessWorld, access_world
from operating_world import Answered
from tillway.access.callers import ROLE_NAMES, ROLES, Caller
from tillway.api import api_app, token_admission
from tillway.api.openapi import document

FORBIDDEN = 403
REASON = {"reason": "for the test"}
NAMED = {"name": "ada", **REASON}
PERSON = {**NAMED, "roles": ["admin"], "password": "correct horse battery"}
DONE = {200, 400, 404, 409, 503}
"""What an operation may answer that was let through; what it is asked here need not exist."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[AccessWorld]:
    """Give an API over two shops."""
    async with access_world(tmp_path) as made:
        yield made


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    """Return method, name and description of every operation of the document."""
    return [
        (method.upper(), path.removeprefix("/api/v1/"), described)
        for path, methods in document()["paths"].items()
        for method, described in methods.items()
    ]


class Requests:
    """What is asked of each operation, about the objects of one shop."""

    def __init__(self, store: str, group: str, position: int) -> None:
        self._parts = {"group": group, "position": str(position), "store": store}
        self.named = (group, f"trace/{position}")
        place = {"store": store, **DAY_PLACE}
        letters = {"group": group, **REASON, "dry_run": True}
        finding = {"rule": "SEQ_GAP", "subject": "03:2"}
        self._bodies: dict[str, dict[str, Any]] = {
            **{f"dlq/{verb}": letters for verb in ("retry", "abandon", "hold", "release", "skip")},
            "replay": {"route": "pos-to-erp", "store": store, "dry_run": True},
            "replay/stop": {"route": "pos-to-erp", **REASON},
            "storedays/approve": place,
            "storedays/reopen": place,
            "storedays/override": {**place, "findings": [["SEQ_GAP", "03:2"]]},
            "recon/assign": {"store": store, "business_date": DAY_PLACE["business_date"],
                             "owner": "jo", **finding},
            "recon/run": {"store": store, **REASON},
            "access/users/add": PERSON,
            "access/users/password": {**NAMED, "password": "correct horse battery"},
            "me/password": {"old": "x", "new": "y"},
            "approvals/approve": {"id": 1, **REASON},
        }  # fmt: skip
        self._queries = {
            "gaps": f"store={store}",
            "stores": f"store={store}",
            "storedays": f"store={store}&date={DAY_PLACE['business_date']}",
            "recon/matrix": f"store={store}",
            "recon/findings": f"store={store}&state=all",
            "recon/items": f"store={store}",
            "recon/export": f"store={store}",
            "ingest": "source=quayside",
        }

    def of(self, name: str, *, named: bool = True) -> tuple[str, dict[str, Any]]:
        """Return address and body; named: with the shop where there is a field for it."""
        path = name
        for part, text in self._parts.items():
            path = path.replace(f"{{{part}}}", text)
        query = self._queries.get(name, "") if named or name == "ingest" else ""
        return f"{path}?{query}" if query else path, self._bodies.get(name, {})


async def requests_about(world: AccessWorld, store: str) -> Requests:
    """Return requests about the objects of a shop."""
    group = await world.group_of(store)
    [position, *_] = (await world.document(f"problems/{group}"))["positions"]
    return Requests(store, group, position)


def caller_of(role: Any, store: str = "") -> Caller:
    """Return a caller with one role, of one shop or all."""
    stores = frozenset({store}) if store else None
    return Caller("someone", frozenset({role}), stores, "session")


def code_of(answer: Answered) -> str:
    """Return the code of a problem, "" for an answer that is none."""
    if answer.headers["content-type"] != "application/problem+json":
        return ""
    return str(json.loads(answer.body)["code"])


@pytest.mark.parametrize("role", ROLE_NAMES)
async def test_a_role_may_what_its_row_says(world: AccessWorld, role: Any) -> None:
    """Every operation is refused or let through exactly as the table of roles has it."""
    requests = await requests_about(world, MINE)
    for method, name, described in operations():
        path, body = requests.of(name)
        answer = await world.ask(method, path, body, caller=caller_of(role))
        allowed = described["x-permission"] in ROLES[role]
        assert (code_of(answer) == "TW-8002") == (not allowed), (role, method, path, answer.text)
        assert (answer.status == FORBIDDEN) <= (code_of(answer) in ("TW-8002", "TW-8024"))


@pytest.mark.parametrize("role", ROLE_NAMES)
async def test_a_scope_covers_its_shops(world: AccessWorld, role: Any) -> None:
    """Who looks after one shop sees it, is refused what covers all, and never sees another."""
    mine = await requests_about(world, MINE)
    for named in (True, False):
        for method, name, described in operations():
            path, body = mine.of(name, named=named)
            answer = await world.ask(method, path, body, caller=caller_of(role, MINE))
            allowed = described["x-permission"] in ROLES[role]
            whole = described["x-every-store"] or (name == "recon/export" and not named)
            wanted = "TW-8002" if not allowed else "TW-8004" if whole else ""
            if wanted:
                assert code_of(answer) == wanted, (role, method, path, answer.text)
            elif name != "me/password":
                assert answer.status in DONE, (role, method, path, answer.text)
            assert OTHERS not in answer.text, (role, method, path)
            assert "Far Street" not in answer.text, (role, method, path)


@pytest.mark.parametrize("role", ROLE_NAMES)
async def test_objects_of_another_shop_are_out_of_reach(world: AccessWorld, role: Any) -> None:
    """Asked for by name they are refused or not there, and the answer tells nothing about them."""
    others = await requests_about(world, OTHERS)
    for method, name, _ in operations():
        if name == "me/password":
            continue
        path, body = others.of(name)
        if not about(path, body, others):
            continue
        answer = await world.ask(method, path, body, caller=caller_of(role, MINE))
        assert answer.status in (403, 404), (role, method, path, answer.text)
        assert "Far Street" not in answer.text, (role, method, path)
        assert "0146:03" not in answer.text, (role, method, path)
    assert not world.operations.asked


def about(path: str, body: dict[str, Any], others: Requests) -> bool:
    """Say whether a request names an object of the other shop."""
    told = f"{path} {json.dumps(body)}"
    return any(f"{text}" in told for text in (OTHERS, *others.named))


async def test_a_search_cannot_tell_another_shop_from_none(world: AccessWorld) -> None:
    """A receipt that exists elsewhere is answered like one of a shop that does not exist."""
    caller = caller_of("viewer", MINE)
    there = await world.document(f"find?q={OTHERS}-03-7")
    assert there["hits"], "the control: who sees every shop finds it"
    hidden = await world.ask("GET", f"find?q={OTHERS}-03-7", caller=caller)
    absent = await world.ask("GET", "find?q=0147-03-7", caller=caller)
    assert hidden.text.replace(OTHERS, "0147") == absent.text


async def test_money_of_other_shops_is_in_no_sum(world: AccessWorld) -> None:
    """Counters and money of a scoped status are those of its shops."""
    whole = await world.document("status")
    mine = await world.document("status", caller=caller_of("viewer", MINE))
    others = await world.document("status", caller=caller_of("viewer", OTHERS))
    assert {one["store"] for one in mine["stores"]} == {MINE}
    assert {one["store"] for one in others["stores"]} == {OTHERS}
    assert mine["received"] + others["received"] == whole["received"]
    for one in (mine, others):
        assert 0 < float(one["money_waiting"]["EUR"]) < float(whole["money_waiting"]["EUR"])


async def test_the_matrix_finds_an_operation_that_asks_nothing(
    world: AccessWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: without the check, a viewer manages people and the test above would see it."""
    monkeypatch.setattr(Caller, "need", lambda *_: None)
    answer = await world.ask("GET", "access/users", caller=caller_of("viewer"))
    assert answer.status == 200


async def test_the_matrix_finds_a_reader_that_forgets_its_shops(
    world: AccessWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: with a reader of all shops, another shop shows in a scoped answer."""
    monkeypatch.setattr("tillway.api.questions.reader_for", lambda reader, _caller: reader)
    answer = await world.ask("GET", "problems", caller=caller_of("viewer", MINE))
    assert OTHERS in answer.text


async def test_what_has_no_row_is_not_served() -> None:
    """The control: a handler that nobody described, permission included, stops the start."""
    with pytest.raises(KeyError, match="GET secret"):
        api_app(cast("Any", _Nothing()), cast("Any", _Nothing()), admission=token_admission("x"),
                more={"GET secret": cast("Any", None)})  # fmt: skip


def test_whoever_only_reads_changes_nothing() -> None:
    """No change hangs on a permission to look, and only the own account on none at all."""
    for method, name, described in operations():
        permission = described["x-permission"]
        if method == "POST":
            assert not permission.endswith(".read"), name
        if permission == "self":
            assert name in ("me", "me/password", "openapi.json"), name


async def test_who_was_not_let_in_may_nothing(world: AccessWorld) -> None:
    """The control of the default: a request nobody admitted is refused everywhere."""
    from tillway.access.callers import NOBODY

    requests = await requests_about(world, MINE)
    for method, name, _ in operations():
        path, body = requests.of(name)
        answer = await world.ask(method, path, body, caller=NOBODY)
        assert code_of(answer) == "TW-8002", (method, path)


class _Nothing:
    """Has every attribute, as far as the making of an app goes."""

    def __getattr__(self, name: str) -> Any:
        return None
