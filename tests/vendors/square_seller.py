"""A Square source over the fake seller for tests: no sockets, and time is turned by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec

from tillway.clock import ManualClock
from tillway.connect import Request, SourceContext
from tillway.connect.http_client import HttpReply
from tillway.connectors.square.settings import SquareSourceSettings
from tillway.connectors.square.source import SquareSource
from tillway.security import Secret
from tillway.simulator.square_account import SquareAccount
from tillway.simulator.square_api import SquareApiFake
from tillway.simulator.square_hooks import SIGNATURE_HEADER, HookFaults, SquareHooks
from tillway.simulator.square_till import SquareTill
from tillway.testing.sources import FakeIntake, MemoryHints, MemoryState

URL = "https://hub.example.com/in/square"
KEY, OLD_KEY, TOKEN = "signature-key", "the-older-key", "square-token"
START = datetime(2026, 11, 20, 15, tzinfo=UTC)


def settings(**more: Any) -> SquareSourceSettings:
    """Return settings as the project would pass them."""
    return msgspec.convert(values(**more), SquareSourceSettings)


def values(**more: Any) -> dict[str, Any]:
    """Return the table of settings, secrets resolved."""
    return {
        "path": "/in/square",
        "notification_url": URL,
        "signature_keys": [Secret(OLD_KEY), Secret(KEY)],
        "access_token": Secret(TOKEN),
        **more,
    }


class Ticks:
    """RFC 3339 times, each a millisecond after the one before."""

    def __init__(self, start: datetime = START) -> None:
        self._at = start

    def __call__(self) -> str:
        """Return the next time."""
        self._at += timedelta(milliseconds=1)
        return self._at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class FakeHttp:
    """`HttpClient` that asks the fake directly. calls holds method and path in order."""

    def __init__(self, fake: SquareApiFake) -> None:
        self._fake = fake
        self.calls: list[str] = []
        self.replies: list[HttpReply] = []

    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> HttpReply:
        """Answer from the list of replies first, then from the fake."""
        target = "/v2/" + url.split("/v2/", 1)[1]
        self.calls.append(f"{method} {target.partition('?')[0]}")
        if self.replies:
            return self.replies.pop(0)
        reply = self._fake.answer(method, target, headers.get("authorization", ""), body or b"")
        return HttpReply(reply.status, reply.headers, msgspec.json.encode(reply.body))

    async def close(self) -> None:
        """Nothing is held open."""


@dataclass
class Seller:
    """The fake seller and the source that listens to it. records: what the intake was given."""

    more: dict[str, Any] = field(default_factory=dict)
    faults: HookFaults = field(default_factory=HookFaults)
    hidden_share: float = 0.0

    def __post_init__(self) -> None:
        self.clock = ManualClock(now=int((START + timedelta(hours=1)).timestamp() * 1_000_000))
        self.state, self.hints, self.intake = MemoryState(), MemoryHints(), FakeIntake()
        self.account = SquareAccount(Random(1), Ticks(), hidden_share=self.hidden_share)
        self.account.subscription = {"id": "sub", "enabled": True, "notification_url": URL}
        self.fake = SquareApiFake(self.account, TOKEN, Random(2))
        self.http = FakeHttp(self.fake)
        self.till = SquareTill(self.account, Random(3))
        self.hooks = SquareHooks(self.account, KEY, self.post, self.clock, Random(4), self.faults)
        self.source = self.make_source()

    def make_source(self) -> SquareSource:
        """Return a source as after a restart: same state and hints, nothing else remembered."""
        context = SourceContext(
            "square", self.clock, self.state, ".", durability="fsync", hints=self.hints
        )
        made = settings(**self.more)
        return SquareSource(made, context, open_http=lambda: self.http, rng=Random(5))

    async def post(self, body: bytes, headers: dict[str, str]) -> int:
        """Hand a notification to the door and return the status."""
        answer = await self.source.receive(
            Request("POST", "/in/square", headers, body), self.intake
        )
        return answer.status

    def signed(self, body: bytes) -> Request:
        """Return a request that Square signed."""
        headers = {SIGNATURE_HEADER: self.hooks.signature(body)}
        return Request("POST", "/in/square", headers, body)

    @property
    def records(self) -> list[dict[str, Any]]:
        """Return every record handed over so far."""
        return [json.loads(line) for body in self.intake.bodies for line in body.splitlines()]

    def stored(self, kind: str) -> dict[str, int]:
        """Return the highest revision handed over of each object of a kind."""
        found: dict[str, int] = {}
        for record in self.records:
            if record.get("kind") == kind:
                object_id = record[kind]["id"]
                found[object_id] = max(found.get(object_id, 0), record["revision"] or 0)
        return found

    def orders(self) -> dict[str, int]:
        """Return the version of each order as it is at Square."""
        return {order["id"]: order["version"] for order in self.account.all("order")}
