"""What a page gets: what all pages share, and one request with its reader, language and journal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec

from tillway.access.callers import Caller, Permission
from tillway.access.scoped import reader_for
from tillway.api.asgi import Call, Reply
from tillway.api.operations import Operations
from tillway.api.people import PeopleAnswers
from tillway.api.screen_models import ScreenModels
from tillway.api.snapshot import Snapshot
from tillway.clock import Clock
from tillway.console.dev_control import DevControl
from tillway.console.render import page
from tillway.console.speech import Speech
from tillway.errors import TillwayError
from tillway.observe import MessageReader, Status
from tillway.project.records import Release

HTML = "text/html; charset=utf-8"


class Place(Protocol):
    """What a page shows of the screen it belongs to."""

    @property
    def name(self) -> str:
        """Return the screen's name."""
        ...

    @property
    def cli(self) -> str:
        """Return the command that gives the same."""
        ...

    @property
    def api(self) -> str:
        """Return the operations that give the same."""
        ...


class Entry(msgspec.Struct, frozen=True):
    """One line of the navigation; address "" for a screen that comes later."""

    title: str
    address: str
    current: bool


Navigation = Callable[[Caller, str], list[tuple[str, list[Entry]]]]
"""Returns the groups of screens a caller may open: (title of the group, its entries)."""


class Console(msgspec.Struct, frozen=True):
    """What every page needs. form_token proves that a form came from a page of this process."""

    reader: MessageReader
    release: Release
    snapshot: Snapshot
    operations: Operations
    models: ScreenModels
    clock: Clock
    form_token: str
    navigation: Navigation
    dev: DevControl | None = None
    stream: str = ""
    """Address of the live stream; "" lets pages ask anew every few seconds."""
    people: PeopleAnswers | None = None


class View(msgspec.Struct):
    """One request of one reader. place is None for what is no screen (an unknown address)."""

    call: Call
    console: Console
    speech: Speech
    place: Place | None = None

    @property
    def caller(self) -> Caller:
        """Return who looks."""
        return self.call.caller

    @property
    def form_token(self) -> str:
        """Return what a form of the reader carries: of the session, or of this machine."""
        return self.call.form_token or self.console.form_token

    @property
    def reader(self) -> MessageReader:
        """Return the journal as the caller may see it."""
        return reader_for(self.console.reader, self.caller)

    @property
    def release(self) -> Release:
        """Return the project that runs."""
        return self.console.release

    def query(self, name: str) -> str:
        """Return a field of the address without blanks around it, "" without one."""
        return self.call.query.get(name, "").strip()

    async def status(self) -> Status:
        """Return how things stand, as far as the caller may see."""
        return await self.console.models.status(self.caller)

    def may(self, permission: Permission) -> bool:
        """Say whether the caller may do something."""
        return self.caller.may(permission)

    def html(self, template: str, values: Mapping[str, Any], *, status: int = 200) -> Reply:
        """Return a page with what all pages share."""
        release, speech, place = self.console.release, self.speech, self.place
        shared = {
            "name": release.hub.name,
            "zone": release.hub.time_zone,
            "form_token": self.form_token,
            "path": self.call.path,
            "address": self.address,
            "done": _done(self.call.query.get("done", ""), speech),
            "query": "",
            "refresh_seconds": 0,
            "stream": self.console.stream,
            "caller": self.caller,
            "place": place,
            "cli": place.cli if place else "",
            "api": place.api if place else "",
            "groups": self.console.navigation(self.caller, place.name if place else ""),
            "carried": frozenset[str]().union(
                *(route.messages for route in release.routes.values())
            ),
        }
        return Reply(status, page(speech, template, {**shared, **values}), HTML)

    def failed(self, error: TillwayError, status: int) -> Reply:
        """Show an error as a page: code and sentence, and what to do."""
        return self.html("error.html", {"error": error}, status=status)

    @property
    def address(self) -> str:
        """Return the whole address of the page, its query included."""
        query = self.call.raw_query
        return f"{self.call.path}?{query}" if query else self.call.path


Page = Callable[..., Awaitable[Reply]]
"""Answers a view, and what stands in the braces of its address."""


def _done(word: str, speech: Speech) -> str:
    from tillway.console.doings import DONE

    return speech.text(DONE[word]) if word in DONE else ""
