"""The changing half of the API: orders about messages, replay and ingest.

Each is planned, then checked: `dry_run` answers the plan alone; `agreed` is the count the person
saw, and another count stops it.
"""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from tillway.access.approvals import Approvals
from tillway.access.scoped import reader_for
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
from tillway.api.fields import Count, Reason, Text, body_as, who_acts
from tillway.api.operations import Operations, Selection
from tillway.delivery.approval import NEEDED_CODE
from tillway.errors import ConfigurationError
from tillway.observe import MessageReader
from tillway.observe.problems import SAMPLE_MEMBERS
from tillway.project.records import Release

MOST_INGEST_BYTES = 128 * 1024 * 1024
"""Largest file a running hub takes here: held in memory, since card data must not touch disk."""


class LetterRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of retry, abandon, hold, release and skip. sample 0 means every message of the group."""

    group: Text
    who: Text = ""
    reason: Reason = ""
    sample: Annotated[int, Meta(ge=0, le=SAMPLE_MEMBERS)] = 0
    agreed: Count | None = None
    dry_run: bool = False


class ReplayRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of replay; the fields of `Selection`, times in microseconds UTC."""

    route: Text
    who: Text = ""
    reason: Reason = ""
    from_at: Count = 0
    to_at: Count = 0
    store: Text = ""
    message_type: Text = ""
    natural_key: Text = ""
    agreed: Count | None = None
    dry_run: bool = False

    @property
    def selection(self) -> Selection:
        """Return what is to be sent again."""
        return Selection(
            self.route, self.from_at, self.to_at, self.store, self.message_type, self.natural_key
        )


class StopRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of replay/stop."""

    route: Text
    who: Text = ""
    reason: Reason = ""


class Changes(msgspec.Struct, frozen=True):
    """Carries the actions of people out on a running hub."""

    operations: Operations
    queries: MessageReader
    release: Release
    approvals: Approvals | None = None

    async def retry(self, call: Call) -> Reply:
        """Send the messages of a problem again."""
        return await self._letters(call, "retry", retry_letters)

    async def abandon(self, call: Call) -> Reply:
        """Give the messages of a problem up."""
        return await self._letters(call, "abandon", abandon_letters)

    async def hold(self, call: Call) -> Reply:
        """Keep the messages of a problem, and their lanes, until they are released."""
        return await self._letters(call, "hold", partial(keep_letters, verb="hold"))

    async def let_go(self, call: Call) -> Reply:
        """Let the messages of a problem go that are held."""
        return await self._letters(call, "release", partial(keep_letters, verb="release"))

    async def skip(self, call: Call) -> Reply:
        """Take the messages of a problem out of their lanes, as dead letters."""
        return await self._letters(call, "skip", partial(keep_letters, verb="skip"))

    async def replay(self, call: Call) -> Reply:
        """Send a stretch of history again; a large one waits for a second person."""
        request = await body_as(call, ReplayRequest)
        if call.caller.stores is not None:
            call.caller.need_store(request.store)
        if request.dry_run:
            plan = await plan_replay(self.operations, self.release, request.selection)
            return json_reply("replay", {"dry_run": True, **replay_plan_as_json(plan)})
        who = who_acts(call, request.who)
        try:
            return json_reply("replay", await self.replay_as(request, who, request.reason))
        except ConfigurationError as error:
            if error.code == NEEDED_CODE and self.approvals is not None:
                await self._ask(request, who, error)
            raise

    async def replay_as(self, request: ReplayRequest, who: str, reason: str) -> dict[str, Any]:
        """Carry a replay out for a person and return its plan and what was done.

        Raises ConfigurationError TW-4016 while it takes a second person, TW-7006, TW-7007, TW-7009.
        """
        plan = await plan_replay(self.operations, self.release, request.selection)
        if not reason.strip():
            raise ConfigurationError("TW-7007", "a replay goes to the audit log and needs a reason")
        check_count(plan.count, request.agreed)
        done = await self.operations.replay(request.selection, who, reason)
        return {**replay_plan_as_json(plan), "done": done}

    async def _ask(self, request: ReplayRequest, who: str, error: ConfigurationError) -> None:
        """Note that a replay waits; the error then names the request."""
        assert self.approvals is not None
        asked = msgspec.structs.replace(request, who="", reason="")
        subject = f"{request.route} {request.store}".strip()
        made = await self.approvals.ask("replay", subject, asked, who=who, reason=request.reason)
        error.where["request"] = str(made.approval_id)

    async def stop_replay(self, call: Call) -> Reply:
        """End the replay of a route."""
        request = await body_as(call, StopRequest)
        if not request.reason.strip():
            raise ConfigurationError("TW-7007", "a stop goes to the audit log and needs a reason")
        known_name("route", request.route, self.release.routes)
        who = who_acts(call, request.who)
        stopped = await self.operations.stop_replay(request.route, who, request.reason)
        return json_reply("replay.stop", {"route": request.route, "stopped": stopped})

    async def replays(self, call: Call) -> Reply:  # noqa: ARG002 - a handler's shape
        """Say how far the replays are that run now."""
        found = await self.operations.replays()
        return json_reply("replays", {"replays": [msgspec.structs.asdict(one) for one in found]})

    async def ingest(self, call: Call) -> Reply:
        """Take the body in as one file of a source."""
        source = call.query.get("source", "")
        known_name("source", source, self.release.sources)
        body = await call.body(MOST_INGEST_BYTES)
        name = call.query.get("name", "")
        result = await self.operations.ingest(source, io.BytesIO(body), name)
        return json_reply("ingest", {"source": source, "name": name, **msgspec.to_builtins(result)})

    async def _letters(
        self, call: Call, verb: str, act: Callable[..., Awaitable[dict[str, Any]]]
    ) -> Reply:
        """Plan over the shops that the caller sees, check the count, and carry it out."""
        request = await body_as(call, LetterRequest)
        reader = reader_for(self.queries, call.caller)
        plan = await plan_letters(reader, self.release, request.group, sample=request.sample)
        if request.dry_run:
            return json_reply(f"dlq.{verb}", {"dry_run": True, **plan.as_json()})
        check_count(plan.count, request.agreed)
        who = who_acts(call, request.who)
        done = await act(self.operations, plan, who=who, reason=request.reason)
        return json_reply(f"dlq.{verb}", done)
