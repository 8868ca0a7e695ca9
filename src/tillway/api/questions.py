"""The reading half of the API: status, problems, search, traces, gaps and the books."""

from __future__ import annotations

from dataclasses import dataclass

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
from tillway.project.records import Release


@dataclass(frozen=True, slots=True)
class Questions:
    """Answers from the journal; release is None when the project does not load."""

    reader: MessageReader
    release: Release | None
    snapshot: Snapshot
    clock: Clock

    async def status(self, _call: Call) -> Reply:
        """Answer the status screen."""
        return json_reply("status", status_as_json(await self.snapshot.status()))

    async def problems(self, call: Call) -> Reply:
        """Answer the open problems, or one of them with every message it has."""
        targets = targets_by_route(self.release)
        if name := call.query.get("name"):
            problem = await problem_named(self.reader, name, targets)
            members = {"positions": problem.positions, "invalid_ids": problem.invalid_ids}
            return json_reply("dlq.show", {**problem_as_json(problem), **members})
        found = await problems(self.reader, targets)
        return json_reply("dlq.list", {"problems": [problem_as_json(one) for one in found]})

    async def find(self, call: Call) -> Reply:
        """Answer a search, or why there is no hit."""
        stores = self.release.stores if self.release else {}
        found = await find(
            self.reader, call.query.get("q", ""), now=self.clock.now(), stores=stores
        )
        return json_reply("find", {name: getattr(found, name) for name in found.__slots__})

    async def trace(self, call: Call) -> Reply:
        """Answer the life of the message at a position."""
        position = number_of(call.query.get("name", ""), "the position")
        found = await trace(self.reader, position, self.release, sent_by(self.release))
        if found is None:
            raise ConfigurationError("TW-7008", f"nothing stands at position {position}")
        return json_reply("trace", trace_as_json(found))

    async def verify(self, _call: Call) -> Reply:
        """Answer whether the books balance."""
        books = await verify(self.reader, carried_by_route(self.release))
        return json_reply("verify", books_as_json(books))

    async def gaps(self, call: Call) -> Reply:
        """Answer the receipt numbers that are missing, of one store or all."""
        found = await gaps(self.reader, resets_of(self.release), store=call.query.get("store", ""))
        return json_reply("gaps", {"gaps": found})


def resets_of(release: Release | None) -> dict[str, str]:
    """Return system -> when its receipt numbers start again."""
    if release is None:
        return {}
    return {name: source.sequence_reset for name, source in release.sources.items()}
