"""A trace tells the whole life of a message, with what it looked like at each stage."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from msgspec.structs import replace

from tillway.errors import ContractViolation, Violation
from tillway.journal.base import AttemptRow, Settlement
from tillway.journal.memory import MemoryJournal
from tillway.observe import trace
from tillway.project.records import HubSettings, Release
from tillway.routing import Route
from tillway.testing.journal import ROUTE, SALE, candidate, invalid, row


def _sent(route, message):
    """Map as a route would, or fail as it was planted."""
    if message.envelope.sequence_number == 13:
        raise ContractViolation("TW-3399", "no", [Violation("memo", "required")])
    return {"key": message.envelope.natural_key, "amount": Decimal("12.50")}


def _release(digest: str = "r1") -> Release:
    routes = {
        ROUTE: Route(ROUTE, frozenset({SALE}), "erp", mapping="erp-document"),
        "raw": Route("raw", frozenset({SALE}), "lake", filter=lambda body: body["number"] > 5),
    }
    return Release(digest, Path(), HubSettings("demo"), {}, {}, routes, {}, {}, {}, {}, {})


async def _journal(number: int = 1) -> MemoryJournal:
    journal = MemoryJournal()
    await journal.append([invalid(number)])
    await journal.append([candidate(number)])
    await journal.append([candidate(number), candidate(number, amount=9, record=b"other")])
    await journal.register_route(ROUTE, 0)
    await journal.settle(
        Settlement(
            ROUTE,
            rows=[row(1, attempts=2, target_reference="D-17", updated_at=3 * 10**15)],
            attempts=[AttemptRow(ROUTE, 1, 1, 10**15, 2 * 10**15, "transient", "TW-4102", "503")],
            cursor=1,
        )
    )
    return journal


async def test_the_timeline_is_complete_and_in_order() -> None:
    """Quarantined, accepted, resent, contradicted, tried, delivered: all on one line of time."""
    found = await trace(await _journal(), 1, _release(), _sent)
    assert found is not None
    whats = [step.what for step in found.steps]
    assert set(whats) == {
        "accepted",
        "quarantined",
        "duplicate",
        "conflict",
        "first try: transient",
        "delivered",
        "not carried",
    }
    times = [step.at for step in found.steps if step.at]
    assert times == sorted(times)
    delivered = next(step for step in found.steps if step.what == "delivered")
    assert delivered.detail == "taken as D-17 after 2 tries"
    assert found.hit.fates == {ROUTE: "delivered"}


async def test_every_stage_shows_its_payload() -> None:
    """Raw, canonical and what each carrying route's target gets."""
    found = await trace(await _journal(), 1, _release(), _sent)
    assert found is not None
    stages = {stage.name: stage for stage in found.stages}
    assert list(stages) == ["raw", "canonical", f"sent {ROUTE}"]
    assert '"key": "0145:03:2026-11-20:1"' in stages[f"sent {ROUTE}"].text
    assert stages["canonical"].text.startswith("{\n")


async def test_a_route_that_has_not_taken_it_yet_is_pending() -> None:
    """A carrying route without a row is on its way."""
    found = await trace(await _journal(7), 1, _release(), _sent)
    assert found is not None
    assert [(step.route, step.what) for step in found.steps if not step.at] == [("raw", "pending")]


async def test_a_mapping_that_fails_says_why() -> None:
    """What cannot be mapped shows its violations instead of a payload."""
    found = await trace(await _journal(13), 1, _release(), _sent)
    assert found is not None
    stage = next(one for one in found.stages if one.name == f"sent {ROUTE}")
    assert "memo (required)" in stage.text
    assert stage.note == "TW-3399: no"


async def test_another_release_is_said() -> None:
    """What is mapped again with another release than the one that sent it says so."""
    journal = await _journal()
    first = journal.rows[ROUTE][1]
    journal.rows[ROUTE][1] = replace(first, release="r0")
    found = await trace(journal, 1, _release("r2"), _sent)
    assert found is not None
    assert "sent by release r0" in found.stages[-2].note + found.stages[-1].note


async def test_nothing_stands_at_an_unknown_position() -> None:
    """An unknown position gives None, not an error."""
    assert await trace(MemoryJournal(), 5) is None
