"""What a person may do, carried out in a running hub or on a journal whose lock was taken."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import BinaryIO

import msgspec

from tillway.api import LeftOut, PlannedReplay, Replayed, Selection
from tillway.api.operations import CodeRow, Keeping, RunningReplay
from tillway.assembly.hub import Hub
from tillway.connect import Submission, SubmissionResult
from tillway.delivery import (
    LetterOutcome,
    Order,
    ReplayPlan,
    ReplayResult,
    ReplaySelection,
    plan_replay,
    settle_offline,
)
from tillway.errors import ConfigurationError, Transient
from tillway.journal.base import Action, Settlement
from tillway.model import from_minor
from tillway.observe.amounts import Money
from tillway.project.code_rows import add_code_row, check_code, learn_code
from tillway.reconcile import Desk
from tillway.spelling import nearest

SHOWN_FAILURES = 10


class HubOperations(msgspec.Struct):
    """`api.Operations` of a running hub."""

    hub: Hub

    async def retry(self, route: str, positions: Sequence[int], who: str, reason: str) -> int:
        """Make dead or held messages due now; return how many."""
        return _done(await self.hub.delivery.retry(route, positions, who, reason))

    async def abandon(self, route: str, positions: Sequence[int], who: str, reason: str) -> int:
        """Give messages up by name; return how many."""
        return _done(await self.hub.delivery.abandon(route, positions, who, reason))

    async def keep(
        self, verb: Keeping, route: str, positions: Sequence[int], who: str, reason: str
    ) -> int:
        """Hold, release or skip messages that wait; return how many."""
        return _done(await self.hub.delivery.order(route, verb, positions, who, reason))

    async def stop_replay(self, route: str, who: str, reason: str) -> bool:
        """End the replay of a route; False when there is none."""
        return await self.hub.delivery.stop_replay(route, who, reason)

    async def replays(self) -> list[RunningReplay]:
        """Return how far the replays are that run now."""
        found = self.hub.delivery.snapshot().replays
        return [RunningReplay(**msgspec.structs.asdict(one)) for one in found]

    async def reprocess(self, invalid_ids: Sequence[int], who: str, reason: str) -> dict[str, int]:
        """Take quarantined copies in again with the current mapping; return outcome -> count."""
        outcomes: Counter[str] = Counter()
        journal = self.hub.journal
        for invalid_id in invalid_ids:
            [row] = await journal.find_invalid([f"#{invalid_id}"], 1)
            intake = self.hub.intakes.get(row.door)
            if intake is None:
                raise ConfigurationError(
                    "TW-7040", f'the door "{row.door}" is not in the project any more'
                )
            result = await intake.submit(Submission(row.raw, name=f"quarantine #{invalid_id}"))
            for item in result.items:
                outcomes[item.outcome] += 1
                if item.outcome in ("accepted", "duplicate"):
                    await journal.close_invalid(invalid_id, item.position)
        subject = f"{len(invalid_ids)} quarantined messages"
        action = Action(self.hub.clock.now(), who, "reprocess", subject, reason)
        await journal.settle(Settlement("", actions=[action]))
        return dict(outcomes)

    async def plan_replay(self, selection: Selection) -> PlannedReplay:
        """Count what a replay would send."""
        return _planned(await plan_replay(self.hub.journal, _selection(selection)))

    async def replay(self, selection: Selection, who: str, reason: str) -> Replayed:
        """Send it again at a capped rate; returns when it is finished."""
        plan = await plan_replay(self.hub.journal, _selection(selection))
        failures: list[str] = []

        def report(result: ReplayResult) -> None:
            if result.outcome == "failed" and len(failures) < SHOWN_FAILURES:
                failures.append(f"{result.natural_key}: {result.code} {result.detail}")

        stop = self.hub.stopping
        summary = await self.hub.delivery.replay(plan, who, reason, stop, report)
        return Replayed(
            sent=summary.delivered + summary.failed,
            delivered=summary.delivered,
            failed=summary.failed,
            stopped=summary.stopped,
            failures=tuple(failures),
            superseded=summary.superseded,
        )

    async def add_code(self, row: CodeRow, who: str, reason: str) -> None:
        """Add a row to a code table, in its file and in what runs."""
        if not reason.strip():
            raise ConfigurationError("TW-7007", "this goes to the audit log and needs a reason")
        cells = (row.table, row.source.strip(), row.canonical.strip(), row.label.strip())
        check_code(self.hub.release, row.table, cells[2])
        await asyncio.to_thread(add_code_row, self.hub.release.folder, *cells)
        learn_code(self.hub.release, *cells[:3])
        await self.hub.crew.learn(*cells[:3])
        subject = f"codes/{row.table}.csv: {cells[1]} = {cells[2]}"
        action = Action(self.hub.clock.now(), who, "codes.add", subject, reason)
        await self.hub.journal.settle(Settlement("", actions=[action]))

    @property
    def desk(self) -> Desk:
        """Return where people decide about store-days."""
        if self.hub.bookkeeper is None:
            raise ConfigurationError("TW-6901", "this project has no recon/store-day.toml")
        return Desk(self.hub.bookkeeper)

    async def ingest(self, source: str, stream: BinaryIO, name: str) -> SubmissionResult:
        """Take one file through the intake of a source."""
        intake = self.hub.intakes.get(source)
        if intake is None:
            raise _no_source(source, self.hub)
        many = "ndjson" if name.endswith(".ndjson") else ""
        return await intake.submit(Submission(stream, name=name, format=many), keep_items=False)


class OfflineOperations(HubOperations):
    """The same while no hub runs: what must be sent is sent by the next start."""

    async def retry(self, route: str, positions: Sequence[int], who: str, reason: str) -> int:
        """Make dead or held messages due at the next start; return how many."""
        digest = self.hub.release.digest
        order = Order("retry", who, reason, self.hub.clock.now(), digest)
        return _done(await settle_offline(self.hub.journal, route, positions, order))

    async def abandon(self, route: str, positions: Sequence[int], who: str, reason: str) -> int:
        """Give messages up by name; return how many."""
        order = Order("abandon", who, reason, self.hub.clock.now())
        return _done(await settle_offline(self.hub.journal, route, positions, order))

    async def keep(
        self, verb: Keeping, route: str, positions: Sequence[int], who: str, reason: str
    ) -> int:
        """Hold, release or skip messages from the next start on; return how many."""
        order = Order(verb, who, reason, self.hub.clock.now(), self.hub.release.digest)
        return _done(await settle_offline(self.hub.journal, route, positions, order))

    async def replay(self, selection: Selection, who: str, reason: str) -> Replayed:  # noqa: ARG002 - the seam's shape
        """Refuse: a replay sends, and only a running hub does that."""
        raise Transient(
            "TW-7041",
            "a replay needs a running hub",
            advice="Start it with `tillway run`; --dry-run shows the plan without one.",
        )


def _done(outcomes: Sequence[LetterOutcome]) -> int:
    return sum(outcome.done for outcome in outcomes)


def _no_source(source: str, hub: Hub) -> ConfigurationError:
    known = ", ".join(sorted(hub.intakes)) or "none"
    return ConfigurationError(
        "TW-7042",
        f'there is no source "{source}"',
        value=source,
        advice=f"{nearest(source, hub.intakes)}Sources: {known}.",
    )


def _selection(selection: Selection) -> ReplaySelection:
    return ReplaySelection(
        route=selection.route,
        received_from=selection.from_at,
        received_before=selection.to_at,
        store=selection.store,
        message_type=selection.message_type,
        key=selection.natural_key,
    )


def _planned(plan: ReplayPlan) -> PlannedReplay:
    money: dict[str, Money] = {}
    for (message_type, currency), minor in plan.money.items():
        money.setdefault(message_type, {})[currency] = from_minor(minor, currency)
    left_out = tuple(LeftOut(one.natural_key, one.revision, one.newest) for one in plan.left_out)
    return PlannedReplay(
        count=plan.count,
        money=money,
        lanes=plan.lanes,
        expected_seconds=plan.expected_seconds,
        superseded=plan.superseded,
        left_out=left_out,
    )
