"""The reading half of the API: status, problems, search, traces, gaps and the books."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from tillway.access import AuditVerdict
from tillway.access.callers import Caller
from tillway.access.scoped import reader_for
from tillway.api.asgi import Call, Reply, json_reply
from tillway.api.fields import number_of
from tillway.api.sent import sent_by
from tillway.api.snapshot import Snapshot
from tillway.clock import Clock
from tillway.errors import ConfigurationError
from tillway.observe import (
    MessageReader,
    books_as_json,
    carried_by_route,
    find,
    gaps,
    problem_as_json,
    problem_named,
    problems,
    status_as_json,
    targets_by_route,
    trace,
    verify,
)
from tillway.observe.trace import trace_as_json
from tillway.project.records import Release, Store


class Questions(msgspec.Struct, frozen=True):
    """Answers from the journal; release is None when the project does not load.

    audit: checks the chain of the audit log, None where nobody signs it.
    """

    reader: MessageReader
    release: Release | None
    snapshot: Snapshot
    clock: Clock
    audit: Callable[[], Awaitable[AuditVerdict]] | None = None

    async def status(self, call: Call) -> Reply:
        """Answer the status screen."""
        found = await self.snapshot.of(call.caller).status()
        return json_reply("status", status_as_json(found))

    async def problems(self, call: Call) -> Reply:
        """Answer the open problems."""
        found = await problems(self._sight(call), targets_by_route(self.release))
        return json_reply("dlq.list", {"problems": [problem_as_json(one) for one in found]})

    async def problem(self, call: Call) -> Reply:
        """Answer one problem with every message it has."""
        problem = await problem_named(self._sight(call), call.part, targets_by_route(self.release))
        members = {"positions": problem.positions, "invalid_ids": problem.invalid_ids}
        return json_reply("dlq.show", {**problem_as_json(problem), **members})

    async def find(self, call: Call) -> Reply:
        """Answer a search, or why there is no hit."""
        stores = stores_in_sight(self.release, call.caller)
        text = call.query.get("q", "")
        found = await find(self._sight(call), text, now=self.clock.now(), stores=stores)
        return json_reply("find", msgspec.structs.asdict(found))

    async def trace(self, call: Call) -> Reply:
        """Answer the life of the message at a position."""
        position = number_of(call.part, "the position")
        found = await trace(self._sight(call), position, self.release, sent_by(self.release))
        if found is None:
            raise ConfigurationError("TW-7008", f"nothing stands at position {position}")
        return json_reply("trace", trace_as_json(found))

    async def verify(self, _call: Call) -> Reply:
        """Answer whether the books balance and the audit chain holds."""
        books = books_as_json(await verify(self.reader, carried_by_route(self.release)))
        if self.audit is None:
            return json_reply("verify", books)
        return json_reply("verify", {**books, "audit": (await self.audit()).as_json()})

    async def gaps(self, call: Call) -> Reply:
        """Answer the receipt numbers that are missing, of one store or all."""
        store = call.query.get("store", "")
        if store:
            call.caller.need_store(store)
        found = await gaps(self._sight(call), resets_of(self.release), store=store)
        return json_reply("gaps", {"gaps": found})

    def _sight(self, call: Call) -> MessageReader:
        return reader_for(self.reader, call.caller)


def resets_of(release: Release | None) -> dict[str, str]:
    """Return system -> when its receipt numbers start again."""
    if release is None:
        return {}
    return {name: source.sequence_reset for name, source in release.sources.items()}


def stores_in_sight(release: Release | None, caller: Caller) -> dict[str, Store]:
    """Return the shops of the project that a caller sees."""
    known = release.stores if release else {}
    return {name: store for name, store in known.items() if caller.sees(name)}
