"""A replay without its target: read, checked, mapped and recorded, at no rate of its own.

The target is a stand-in inside this process that takes everything at once. Each message is checked
against the model, its contract and the arithmetic again before it is mapped.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bench.hub import environment
from tillway.clock import SystemClock
from tillway.connect import Delivered, DeliveryClass, Outbound, SendResult
from tillway.delivery.gate import TargetGate
from tillway.delivery.replay import Replay, ReplayResult
from tillway.delivery.replay_plan import ReplaySelection, plan_replay
from tillway.journal.sqlite import open_sqlite
from tillway.mapping import MappingTable
from tillway.model.catalogue import message_type
from tillway.project import load_release
from tillway.project.records import Release

AT_ONCE = 50


class _TakesAll:
    """A target that has everything before it is sent."""

    max_bulk = AT_ONCE
    stops_per_lane = True
    delivery_class: DeliveryClass = "A"

    async def send(self, batch: Sequence[Outbound]) -> list[SendResult]:
        return [Delivered("D") for _ in batch]

    async def look_up(self, key: str) -> str | None:
        raise NotImplementedError

    async def ping(self) -> None:
        pass

    async def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class _Checked:
    """The route's table; before it maps a message, the message is checked as at intake."""

    table: MappingTable
    release: Release
    reads: None = None
    """It looks at every field."""

    def apply(self, record: Mapping[str, Any]) -> dict[str, Any]:
        name = record["envelope"]["message_type"]
        body = {key: value for key, value in record.items() if key != "envelope"}
        message = msgspec.convert(body, message_type(name).struct)
        contract = self.release.contracts[name]
        if contract.violations(message) or contract.findings(message):
            raise RuntimeError(f"a stored {name} breaks its contract")
        return self.table.apply(record)


def _unheard(_result: ReplayResult) -> None:
    """Take an outcome as told."""


async def replay_rate(project: Path, route: str) -> float:
    """Replay everything a route has delivered; messages per second."""
    release = load_release(project, environ=environment())
    record = release.routes[route]
    journal = await open_sqlite(project / release.hub.journal)
    clock, target = SystemClock(), release.targets[record.target]
    gate = TargetGate(_TakesAll(), target, release.breakers[target.breaker], journal, clock)
    began = time.perf_counter()
    plan = await plan_replay(journal, ReplaySelection(route), rate_per_second=0.0)
    table: Any = _Checked(release.mappings[record.mapping], release)
    replay = Replay(plan, gate, table, journal, clock, report=_unheard)
    summary = await replay.run("bench", "how fast it is", asyncio.Event())
    seconds = time.perf_counter() - began
    await journal.close()
    if summary.delivered != plan.count or not plan.count:
        raise RuntimeError(f"replayed {summary.delivered} of {plan.count}")
    return summary.delivered / seconds
