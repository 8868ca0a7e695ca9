"""The pages that show: status, problems, one problem, search, one message, the books."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tillway.api.asgi import Call, Reply, json_reply
from tillway.api.fields import number_of
from tillway.api.operations import Operations
from tillway.api.questions import resets_of
from tillway.api.sent import sent_by
from tillway.api.snapshot import Snapshot
from tillway.clock import Clock
from tillway.console.breaches import breaches_of
from tillway.console.dev_control import ACTIONS, DevControl
from tillway.console.render import page
from tillway.errors import ConfigurationError, TillwayError
from tillway.observe import (
    MessageReader,
    carried_by_route,
    find,
    gaps,
    latest,
    problem_named,
    problems,
    status_as_json,
    targets_by_route,
    trace,
    verify,
)
from tillway.project.records import Release

LATEST_MESSAGES = 12
REFRESH_SECONDS = 2
SHOWN_PROBLEMS = 8
SHOWN_GAPS = 50
HTML = "text/html; charset=utf-8"
ALREADY_DONE = {
    "retried": "Sent again. What fails anew comes back here under its new cause.",
    "reprocessed": "Taken in again with the current mapping.",
    "approve": "Released for the ERP: the posting goes out now.",
    "reopen": "Opened again: what was booked is reversed, and a new revision follows.",
    "override": "Accounted for, with your reason. It stays on record and blocks no longer.",
    **ACTIONS,
}
"""What the page says after a form was sent, by the word in the address (`?done=retried`)."""


@dataclass(frozen=True, slots=True)
class Console:
    """What every page needs. form_token proves that a form came from a page of this process."""

    reader: MessageReader
    release: Release
    snapshot: Snapshot
    operations: Operations
    clock: Clock
    form_token: str
    dev: DevControl | None = None

    def html(
        self, template: str, call: Call, values: Mapping[str, Any], *, status: int = 200
    ) -> Reply:
        """Return a page with what all pages share."""
        shared = {
            "name": self.release.hub.name,
            "zone": self.release.hub.time_zone,
            "form_token": self.form_token,
            "path": call.path,
            "done": ALREADY_DONE.get(call.query.get("done", ""), ""),
            "query": "",
            "refresh_seconds": 0,
            "carried": frozenset[str]().union(
                *(route.messages for route in self.release.routes.values())
            ),
        }
        return Reply(status, page(template, {**shared, **values}), HTML)

    async def home(self, call: Call) -> Reply:
        """Show how things stand: stores, what is stuck, what flows."""
        found = await self.snapshot.status()
        attention = found.attention
        return self.html(
            "status.html",
            call,
            {
                "status": found,
                "attention": attention,
                "pace": self.snapshot.pace(),
                "latest": await latest(self.reader, LATEST_MESSAGES),
                "problems": found.problems[:SHOWN_PROBLEMS],
                "dev": self.dev is not None,
                "chosen_store": call.query.get("store", ""),
                "refresh_seconds": REFRESH_SECONDS,
            },
        )

    async def status_document(self, _call: Call) -> Reply:
        """Answer the document of `tillway status --json`."""
        return json_reply("status", status_as_json(await self.snapshot.status()))

    async def problems(self, call: Call) -> Reply:
        """List every open problem."""
        found = await problems(self.reader, targets_by_route(self.release))
        return self.html("problems.html", call, {"problems": found})

    async def problem(self, call: Call) -> Reply:
        """Show one problem, its messages, and the steps of a retry."""
        name = call.path.rsplit("/", 1)[1]
        try:
            found = await problem_named(self.reader, name, targets_by_route(self.release))
        except ConfigurationError:
            # Solved while somebody looked at it: that is good news, not an error.
            values = {"name_of_group": name}
            return self.html("problem_gone.html", call, values, status=404)
        breaches = await breaches_of(self.reader, found.invalid_ids)
        return self.html("problem.html", call, {"problem": found, "breaches": breaches})

    async def find(self, call: Call) -> Reply:
        """Search; one hit still shows the list, so that the address can be shared."""
        text = call.query.get("q", "").strip()
        found = None
        if text:
            stores = self.release.stores
            found = await find(self.reader, text, now=self.clock.now(), stores=stores)
        return self.html("find.html", call, {"query": text, "found": found})

    async def trace(self, call: Call) -> Reply:
        """Show the life of one message."""
        position = number_of(call.path.rsplit("/", 1)[1], "the position")
        found = await trace(self.reader, position, self.release, sent_by(self.release))
        if found is None:
            raise ConfigurationError("TW-7008", f"nothing stands at position {position}")
        return self.html("trace.html", call, {"trace": found})

    async def books(self, call: Call) -> Reply:
        """Show whether the books balance, and which receipt numbers are missing."""
        missing = await gaps(self.reader, resets_of(self.release))
        try:
            found, unsteady = await verify(self.reader, carried_by_route(self.release)), ""
        except TillwayError as error:
            found, unsteady = None, error.detail
        values = {
            "books": found,
            "unsteady": unsteady,
            "gaps": missing[:SHOWN_GAPS],
            "gap_count": len(missing),
            "gap_numbers": sum(gap.count for gap in missing),
        }
        return self.html("books.html", call, values)

    def failed(self, call: Call, error: TillwayError, status: int) -> Reply:
        """Show an error as a page: code and sentence, and what to do."""
        return self.html("error.html", call, {"error": error}, status=status)


Page = Callable[[Call], Awaitable[Reply]]
