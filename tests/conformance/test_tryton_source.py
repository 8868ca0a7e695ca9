"""The Tryton source reads a real ledger back: each posted move once, drafts never."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, ClassVar, Literal

import msgspec
import pytest

from peers.tryton.build import DATABASE, USER
from peers.tryton.fixtures import tryton  # noqa: F401 - pytest finds it by its name here
from peers.tryton.peer import TrytonPeer
from tillway.clock import SystemClock
from tillway.connect.kit import Outbound, SourceContext, TargetContext
from tillway.connect.settings import settings_from
from tillway.connectors.tryton import REGISTRATION
from tillway.connectors.tryton.settings import TrytonSourceSettings, TrytonTargetSettings
from tillway.connectors.tryton.source import TrytonSource
from tillway.connectors.tryton.target import TrytonTarget
from tillway.security import Secret
from tillway.testing.settings_suite import SettingsSuite
from tillway.testing.sources import FakeIntake, MemoryHints, MemoryState

# The first test that needs the peer builds it.
pytestmark = pytest.mark.timeout(300)

NEVER = asyncio.Event()


def connection(url: str) -> dict[str, Any]:
    """Return how a peer is reached."""
    return {"url": url, "database": DATABASE, "user": USER[0], "password": Secret(USER[1])}


class TestSettings(SettingsSuite):
    """What every connector promises about its settings."""

    registration = REGISTRATION
    half: ClassVar[Literal["source", "target"]] = "source"

    def settings(self) -> dict[str, Any]:
        """Settings of no peer in particular."""
        return connection("http://127.0.0.1:1")


@pytest.fixture
async def target(
    tryton: TrytonPeer,  # noqa: F811 - the fixture
) -> AsyncIterator[TrytonTarget]:
    """Give the target that books what is read back."""
    settings = settings_from(TrytonTargetSettings, connection(tryton.url), "test")
    made = TrytonTarget(settings, TargetContext("books", SystemClock(), "."))
    yield made
    await made.close()


@pytest.fixture
async def reader(
    tryton: TrytonPeer,  # noqa: F811 - the fixture
) -> AsyncIterator[TrytonSource]:
    """Give a source that reads three moves at a time."""
    values = {**connection(tryton.url), "page_size": 3}
    settings = settings_from(TrytonSourceSettings, values, "test")
    context = SourceContext("books", SystemClock(), MemoryState(), ".", hints=MemoryHints())
    made = TrytonSource(settings, context)
    yield made
    await made.close()


def receipt(number: int, amount: str = "12.50", revision: int | None = None) -> Outbound:
    """Return a receipt as the mapping table makes it."""
    body = {
        "date": "2026-11-20",
        "currency": "USD",
        "tenders": [{"account": "1.1.1", "debit": amount, "description": "tender cash"}],
        "sales": [{"account": "4.1.1", "credit": amount, "description": "sales"}],
    }
    key = f"northgate/9:31:2026-11-20:{number}"
    return Outbound(key, "retail_transaction.completed", "lane", body, revision=revision)


def tendered(intake: FakeIntake) -> dict[str, str]:
    """Return description -> what the tenders came to, of everything handed over."""
    rows = [msgspec.json.decode(line) for body in intake.bodies for line in body.splitlines()]
    found = {row["description"].partition(":31:")[2]: row["tendered"] for row in rows}
    assert len(found) == len(rows), "a move was handed over twice"
    return found


async def test_posted_moves_are_read_back_as_they_were_booked(
    target: TrytonTarget, reader: TrytonSource
) -> None:
    """Seven receipts in three pages, then a correction and a return; nothing twice."""
    intake = FakeIntake()
    await reader.ping()
    await target.send([receipt(number) for number in range(7)])
    await reader.look(intake, NEVER)
    assert tendered(intake) == {f"2026-11-20:{number}": "12.50" for number in range(7)}

    await target.send([receipt(7, "-3.00")])
    await target.send([receipt(8, "10.00", revision=1)])
    await target.send([receipt(8, "11.00", revision=2)])
    await reader.look(intake, NEVER)
    await reader.look(intake, NEVER)
    assert list(tendered(intake).items())[7:] == [
        ("2026-11-20:7", "-3.00"),
        ("2026-11-20:8 revision 1", "10.00"),
        ("2026-11-20:8 revision 2 reversal", "-10.00"),
        ("2026-11-20:8 revision 2", "11.00"),
    ]


async def test_a_draft_is_no_posting(
    target: TrytonTarget,
    reader: TrytonSource,
    tryton: TrytonPeer,  # noqa: F811 - the fixture
) -> None:
    """What is only entered is read when it is posted, and not before."""
    intake = FakeIntake()
    await target.send([receipt(1)])
    [original] = tryton.call("model.account.move.search", [], 0, 1, None)
    [draft] = tryton.call("model.account.move.copy", [original], {"description": "a:31:draft"})
    await reader.look(intake, NEVER)
    assert list(tendered(intake)) == ["2026-11-20:1"]
    tryton.call("model.account.move.post", [draft])
    await reader.look(intake, NEVER)
    assert list(tendered(intake)) == ["2026-11-20:1", "draft"]


async def test_a_session_that_tryton_forgot_is_renewed(
    target: TrytonTarget,
    reader: TrytonSource,
    tryton: TrytonPeer,  # noqa: F811 - the fixture
) -> None:
    """Reading goes on after Tryton ended every session."""
    intake = FakeIntake()
    await target.send([receipt(1)])
    await reader.look(intake, NEVER)
    tryton.end_sessions()
    await target.send([receipt(2)])
    await reader.look(intake, NEVER)
    assert list(tendered(intake)) == ["2026-11-20:1", "2026-11-20:2"]
