"""A large replay waits for a second person, who decides; it is carried out, and on record."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from access_world import AccessWorld, access_world
from tillway.access.callers import Caller
from tillway.errors import ConfigurationError

ASKED = {"route": "pos-to-erp", "reason": "the ERP was restored", "agreed": 150}


def person(name: str, role: Any, *stores: str) -> Caller:
    """Return somebody who is logged in."""
    return Caller(name, frozenset({role}), frozenset(stores) or None, "session")


MIA, JO, SAM = person("mia", "operator"), person("jo", "approver"), person("sam", "operator")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[AccessWorld]:
    """Give an API whose replays need two people, as a real hub's do."""
    async with access_world(tmp_path) as made:
        asked_by: list[str] = []
        run = made.operations.replay

        async def replay(selection: Any, who: str, reason: str) -> Any:
            if not asked_by or who in asked_by:
                asked_by.append(who)
                raise ConfigurationError("TW-4016", "another person must want it too")
            return await run(selection, who, reason)

        made.operations.replay = replay  # type: ignore[method-assign]
        yield made


async def asked(world: AccessWorld) -> int:
    """Ask for a replay and return the number of the request."""
    answer = await world.ask("POST", "replay", ASKED, caller=MIA)
    document = json.loads(answer.body)
    assert (answer.status, document["code"]) == (409, "TW-4016")
    return int(document["where"]["request"])


async def decide(world: AccessWorld, verb: str, number: int, caller: Caller) -> tuple[int, Any]:
    """Decide a request."""
    body = {"id": number, "reason": "looked at the plan"}
    answer = await world.ask("POST", f"approvals/{verb}", body, caller=caller)
    return answer.status, json.loads(answer.body)


async def test_another_person_approves_and_it_runs(world: AccessWorld) -> None:
    """The request says who wants what and why; approved, it is carried out once."""
    number = await asked(world)
    [waiting] = (await world.document("approvals", caller=JO))["approvals"]
    assert (waiting["asked_by"], waiting["reason"]) == ("mia", ASKED["reason"])
    assert waiting["request"]["route"] == "pos-to-erp"
    status, done = await decide(world, "approve", number, JO)
    assert (status, done["approval"]["state"]) == (200, "approved")
    assert done["done"]["done"]["delivered"] == 149
    assert [one[2] for one in world.operations.asked if one[0] == "replay"] == ["jo"]
    assert (await world.document("approvals", caller=JO))["approvals"] == []
    assert (await decide(world, "approve", number, JO))[1]["code"] == "TW-8022"
    log = [(one.who, one.verb) for one in await world.books.journal.actions(10)]
    assert ("mia", "ask") in log
    assert ("jo", "approve") in log


async def test_the_same_person_cannot_approve(world: AccessWorld) -> None:
    """Not under another role either; and it takes the role of an approver."""
    number = await asked(world)
    both = Caller("mia", frozenset({"operator", "approver"}), None, "session")
    for verb in ("approve", "reject"):
        assert (await decide(world, verb, number, both))[1]["code"] == "TW-8023"
        assert (await decide(world, verb, number, SAM))[1]["code"] == "TW-8002"
        some = person("jo", "approver", "0145")
        assert (await decide(world, verb, number, some))[1]["code"] == "TW-8004"
    assert not [one for one in world.operations.asked if one[0] == "replay"]


async def test_rejected_nothing_is_done(world: AccessWorld) -> None:
    """The decision and its reason stand; the request is closed."""
    number = await asked(world)
    status, done = await decide(world, "reject", number, JO)
    assert (status, done["approval"]["state"]) == (200, "rejected")
    assert done["approval"]["decided_why"] == "looked at the plan"
    assert not [one for one in world.operations.asked if one[0] == "replay"]
    assert (await decide(world, "approve", number, JO))[1]["code"] == "TW-8022"


async def test_asking_twice_is_one_request(world: AccessWorld) -> None:
    """The same person and the same order; another reason does not make another."""
    first = await asked(world)
    answer = await world.ask("POST", "replay", {**ASKED, "reason": "again"}, caller=MIA)
    assert int(json.loads(answer.body)["where"]["request"]) == first


async def test_a_request_grows_old(world: AccessWorld) -> None:
    """After a day it waits no longer; an unknown number and a missing reason are said."""
    number = await asked(world)
    assert (await decide(world, "approve", 99, JO))[1]["code"] == "TW-8021"
    body = {"id": number, "reason": " "}
    silent = await world.ask("POST", "approvals/approve", body, caller=JO)
    assert json.loads(silent.body)["code"] == "TW-7007"
    await world.books.clock.advance(25 * 3600)
    assert (await world.document("approvals", caller=JO))["approvals"] == []
    assert (await decide(world, "approve", number, JO))[1]["code"] == "TW-8022"


async def test_nobody_acts_in_the_name_of_another(world: AccessWorld) -> None:
    """The log bears the name of who is logged in; the command line names its person."""
    body = {**ASKED, "who": "jo"}
    answer = await world.ask("POST", "replay", body, caller=MIA)
    assert json.loads(answer.body)["code"] == "TW-8005"
    await world.ask("POST", "replay", {**ASKED, "who": "root"})
    [waiting] = (await world.document("approvals"))["approvals"]
    assert waiting["asked_by"] == "root"
