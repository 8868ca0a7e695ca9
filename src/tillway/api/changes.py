"""The changing half of the API: orders about messages, replay and ingest.

Each is planned, then checked: `dry_run` answers the plan alone; `agreed` is the count the person
saw, and another count stops it.
"""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass

import msgspec

from tillway.api.actions import (
    abandon_letters,
    check_count,
    keep_letters,
    known_name,
    plan_letters,
    plan_replay,
    replay_plan_as_json,
    retry_letters,
)
from tillway.api.asgi import Call, Reply, json_reply
from tillway.api.fields import body_as
from tillway.api.operations import Keeping, Operations, Selection
from tillway.errors import ConfigurationError
from tillway.journal.queries import JournalQueries
from tillway.project.records import Release

MOST_INGEST_BYTES = 128 * 1024 * 1024
"""Largest file a running hub takes here: held in memory, since card data must not touch disk."""


class LetterRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of retry, abandon, hold, release and skip. sample 0 means every message of the group."""

    group: str
    who: str
    reason: str = ""
    sample: int = 0
    agreed: int | None = None
    dry_run: bool = False


class ReplayRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of replay; the fields of `Selection`, times in microseconds UTC."""

    route: str
    who: str
    reason: str = ""
    from_at: int = 0
    to_at: int = 0
    store: str = ""
    message_type: str = ""
    natural_key: str = ""
    agreed: int | None = None
    dry_run: bool = False

    @property
    def selection(self) -> Selection:
        """Return what is to be sent again."""
        return Selection(
            self.route, self.from_at, self.to_at, self.store, self.message_type, self.natural_key
        )


class StopRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of replay/stop."""

    route: str
    who: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """Carries the actions of people out on a running hub."""

    operations: Operations
    queries: JournalQueries
    release: Release

    async def retry(self, call: Call) -> Reply:
        """Send the messages of a problem again."""
        request = await body_as(call, LetterRequest)
        plan = await plan_letters(self.queries, self.release, request.group, sample=request.sample)
        if request.dry_run:
            return json_reply("dlq.retry", {"dry_run": True, **plan.as_json()})
        check_count(plan.count, request.agreed)
        done = await retry_letters(self.operations, plan, who=request.who, reason=request.reason)
        return json_reply("dlq.retry", done)

    async def abandon(self, call: Call) -> Reply:
        """Give the messages of a problem up."""
        request = await body_as(call, LetterRequest)
        plan = await plan_letters(self.queries, self.release, request.group, sample=request.sample)
        if request.dry_run:
            return json_reply("dlq.abandon", {"dry_run": True, **plan.as_json()})
        check_count(plan.count, request.agreed)
        done = await abandon_letters(self.operations, plan, who=request.who, reason=request.reason)
        return json_reply("dlq.abandon", done)

    async def hold(self, call: Call) -> Reply:
        """Keep the messages of a problem, and their lanes, until they are released."""
        return await self._keep(call, "hold")

    async def let_go(self, call: Call) -> Reply:
        """Let the messages of a problem go that are held."""
        return await self._keep(call, "release")

    async def skip(self, call: Call) -> Reply:
        """Take the messages of a problem out of their lanes, as dead letters."""
        return await self._keep(call, "skip")

    async def replay(self, call: Call) -> Reply:
        """Send a stretch of history again."""
        request = await body_as(call, ReplayRequest)
        plan = await plan_replay(self.operations, self.release, request.selection)
        planned = replay_plan_as_json(plan)
        if request.dry_run:
            return json_reply("replay", {"dry_run": True, **planned})
        if not request.reason.strip():
            raise ConfigurationError("TW-7007", "a replay goes to the audit log and needs a reason")
        check_count(plan.count, request.agreed)
        done = await self.operations.replay(request.selection, request.who, request.reason)
        return json_reply("replay", {**planned, "done": done})

    async def stop_replay(self, call: Call) -> Reply:
        """End the replay of a route."""
        request = await body_as(call, StopRequest)
        if not request.reason.strip():
            raise ConfigurationError("TW-7007", "a stop goes to the audit log and needs a reason")
        known_name("route", request.route, self.release.routes)
        stopped = await self.operations.stop_replay(request.route, request.who, request.reason)
        return json_reply("replay.stop", {"route": request.route, "stopped": stopped})

    async def replays(self, call: Call) -> Reply:  # noqa: ARG002 - a handler's shape
        """Say how far the replays are that run now."""
        found = await self.operations.replays()
        return json_reply("replays", {"replays": [asdict(one) for one in found]})

    async def ingest(self, call: Call) -> Reply:
        """Take the body in as one file of a source."""
        source = call.query.get("source", "")
        known_name("source", source, self.release.sources)
        body = await call.body(MOST_INGEST_BYTES)
        name = call.query.get("name", "")
        result = await self.operations.ingest(source, io.BytesIO(body), name)
        return json_reply("ingest", {"source": source, "name": name, **msgspec.to_builtins(result)})

    async def _keep(self, call: Call, verb: Keeping) -> Reply:
        request = await body_as(call, LetterRequest)
        plan = await plan_letters(self.queries, self.release, request.group, sample=request.sample)
        if request.dry_run:
            return json_reply(f"dlq.{verb}", {"dry_run": True, **plan.as_json()})
        check_count(plan.count, request.agreed)
        done = await keep_letters(
            self.operations, plan, verb, who=request.who, reason=request.reason
        )
        return json_reply(f"dlq.{verb}", done)
