"""A small hub in memory for tests of pages, API and verbs, with everything in it once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from tillway.api import LeftOut, PlannedReplay, Replayed, Selection
from tillway.api.asgi import App
from tillway.api.operations import RunningReplay
from tillway.connect import SubmissionResult
from tillway.journal.base import AttemptRow, RefusedItem, Settlement, TargetState
from tillway.journal.memory import MemoryJournal
from tillway.project.records import HubSettings, Release, SourceRecord, Store
from tillway.routing import Route
from tillway.testing.journal import ROUTE, SALE, candidate, invalid, row

STORES = {
    number: Store(number, name, "Europe/Berlin", "DE", "EUR", "quayside")
    for number, name in (("0145", "Harbour"), ("0146", "Market"), ("0147", "Hill"))
}


def release(folder: Path = Path()) -> Release:
    """Return a release with one route and three stores."""
    source = SourceRecord("quayside", "http", "json", {}, "none", {}, ())
    return Release(
        digest="0123456789abcdef",
        folder=folder,
        hub=HubSettings("harbour-chain", time_zone="Europe/Berlin"),
        sources={"quayside": source},
        targets={},
        routes={ROUTE: Route(ROUTE, frozenset({SALE}), "erp")},
        mappings={},
        contracts={},
        retries={},
        breakers={},
        stores=STORES,
    )


async def seeded_journal(journal: Any = None) -> Any:
    """Six sales: one delivered, two dead, one held with a follower, one pending; and every copy."""
    journal = MemoryJournal() if journal is None else journal
    await journal.append([candidate(number) for number in (1, 2, 3)])
    await journal.append([candidate(number, store="0146") for number in (11, 12, 14)])
    await journal.append([candidate(1), candidate(1, amount=9, record=b"x"), invalid(7)])
    await journal.append([RefusedItem("quayside", "TW-2001")])
    await journal.register_route(ROUTE, 0)
    lane = f"{ROUTE}/0146:03"
    refused = {"code": "TW-4105", "first_at": 9}
    rows = [
        row(1, target_reference="D-1"),
        row(2, "dead", detail="account 4711 <b>closed</b>", **refused),
        row(3, "dead", detail="account 4712 <b>closed</b>", **refused),
        row(4, "held", lane=lane, reason="retry", detail="503", next_at=7, code="TW-4106"),
        row(5, "held", lane=lane, reason="behind_head"),
    ]
    attempt = AttemptRow(ROUTE, 2, 1, 1, 2, "permanent", "TW-4105", "account 4711 <b>closed</b>")
    await journal.settle(Settlement(ROUTE, rows=rows, attempts=[attempt], cursor=5))
    await journal.save_target_state(TargetState("erp", "open", 5, 6, 9, "TW-4106", "503"))
    return journal


@dataclass
class RecordedOperations:
    """Operations that note what they were asked and answer plainly."""

    asked: list[tuple[Any, ...]] = field(default_factory=list)

    async def retry(self, route, positions, who, reason) -> int:
        """Note a retry."""
        self.asked.append(("retry", route, tuple(positions), who, reason))
        return len(positions)

    async def abandon(self, route, positions, who, reason) -> int:
        """Note an abandonment."""
        self.asked.append(("abandon", route, tuple(positions), who, reason))
        return len(positions)

    async def keep(self, verb, route, positions, who, reason) -> int:
        """Note an order."""
        self.asked.append((verb, route, tuple(positions), who, reason))
        return len(positions)

    async def stop_replay(self, route, who, reason) -> bool:
        """Note a stop."""
        self.asked.append(("stop_replay", route, who, reason))
        return True

    async def replays(self) -> list[RunningReplay]:
        """Tell of one that is half done."""
        return [RunningReplay("pos-to-erp", 150, 74, 1, 0, stopping=False)]

    async def reprocess(self, invalid_ids, who, reason) -> dict[str, int]:
        """Note a reprocessing."""
        self.asked.append(("reprocess", tuple(invalid_ids), who, reason))
        return {"accepted": len(invalid_ids)}

    async def plan_replay(self, selection: Selection) -> PlannedReplay:
        """Plan 150 messages."""
        self.asked.append(("plan_replay", selection))
        return PlannedReplay(
            150,
            {SALE: {}},
            lanes=2,
            expected_seconds=3.0,
            superseded=1,
            left_out=(LeftOut("or-1", 1, 2),),
        )

    async def replay(self, selection, who, reason) -> Replayed:
        """Note a replay."""
        self.asked.append(("replay", selection, who, reason))
        failures = ("k: TW-1: no",)
        return Replayed(sent=150, delivered=149, failed=1, failures=failures, superseded=1)

    async def add_code(self, row, who, reason) -> None:
        """Note a row of a code table."""
        self.asked.append(("add_code", row, who, reason))

    async def ingest(self, source: str, stream: BinaryIO, name: str) -> SubmissionResult:
        """Note a file and take all of it."""
        self.asked.append(("ingest", source, stream.read(), name))
        return SubmissionResult({"accepted": 2}, complete=True, items=[])


@dataclass
class Answered:
    """What an app answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode()


async def call(
    app: App,
    path: str,
    *,
    method: str = "GET",
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    client: str = "127.0.0.1",
) -> Answered:
    """Call an ASGI app as a client on this machine would."""
    plain, _, query = path.partition("?")
    fields = {"host": "127.0.0.1:8080", **(headers or {})}
    scope = {
        "type": "http",
        "method": method,
        "path": plain,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
        "client": (client, 50000),
    }
    sent: list[Any] = []
    # The body arrives in two parts, as a socket would bring it.
    half = len(body) // 2
    parts = [
        {"type": "http.request", "body": body[:half], "more_body": True},
        {"type": "http.request", "body": body[half:], "more_body": False},
    ]

    async def receive():
        return parts.pop(0) if parts else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    start, *rest = sent
    told = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answered(start["status"], told, b"".join(one["body"] for one in rest))
