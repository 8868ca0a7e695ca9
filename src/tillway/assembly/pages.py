"""The app behind the doors: the API under /api/, the console everywhere else, and who gets in."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import msgspec

from tillway.access.approvals import Approvals
from tillway.access.links import Links
from tillway.access.people import People
from tillway.access.refusals import Refusals
from tillway.api import Changes, Questions, Snapshot, api_app
from tillway.api.asgi import App, Receive, Scope, Send
from tillway.api.doorkeeper import Doorkeeper
from tillway.api.metrics import METRICS_ADDRESS, metrics_app
from tillway.api.people import PeopleAnswers
from tillway.api.screens import ScreenAnswers, ScreenModels
from tillway.api.stream import Event, Live, Look
from tillway.api.watch import WatchAnswers
from tillway.assembly.hub import Hub
from tillway.assembly.operations import HubOperations
from tillway.console import console_app, forward_to
from tillway.console.login import Login

STREAM_ADDRESS = "/api/v1/stream"


class Pages(msgspec.Struct, frozen=True):
    """The app, and what must end before its server does."""

    app: App
    live: Live


async def open_pages(hub: Hub, token: str) -> Pages:
    """Return the app of a hub. token: what the owner of this machine holds."""
    release, journal, clock = hub.release, hub.journal, hub.clock
    people = await People.open(journal, clock, release.stores)
    approvals = await Approvals.open(journal, clock)
    links, refusals = Links(clock), Refusals(journal, clock)
    doorkeeper = Doorkeeper(people, token)
    snapshot = Snapshot(journal, release, clock)
    operations = HubOperations(hub)
    models = ScreenModels(journal, release, snapshot, operations, clock, hub.watch)
    changes = Changes(operations, journal, release, approvals)
    answers = PeopleAnswers(people, links, approvals, changes)
    live = Live(_news_of(hub, snapshot), clock)
    api = api_app(
        Questions(journal, release, snapshot, clock, hub.notary.check),
        changes,
        admission=doorkeeper.api,
        more={
            **ScreenAnswers(models).handlers,
            **answers.handlers,
            **WatchAnswers(hub.watch).handlers,
            "GET stream": live.stream,
        },
        refusals=refusals,
    )
    console = console_app(
        reader=journal,
        release=release,
        snapshot=snapshot,
        operations=operations,
        clock=clock,
        dev=forward_to(release.hub.dev_control) if release.hub.dev_control else None,
        admission=doorkeeper.console,
        models=models,
        stream=STREAM_ADDRESS,
        login=Login(people, links, doorkeeper),
        people=answers,
        refusals=refusals,
    )

    metrics = metrics_app(hub.watch)

    async def pages(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == METRICS_ADDRESS:
            await metrics(scope, receive, send)
            return
        app = api if scope["path"].startswith("/api/") else console
        await app(scope, receive, send)

    return Pages(pages, live)


def _news_of(hub: Hub, snapshot: Snapshot) -> Look:
    """Return what looks for news: counters, problems, alerts."""

    async def look() -> Mapping[Event, Hashable]:
        found = await snapshot.status()
        routes = tuple((one.route, one.delivered, one.waiting, one.breaker) for one in found.routes)
        return {
            "status": (found.received, found.quarantined, routes),
            "problems": tuple((one.group, one.count, one.behind) for one in found.problems),
            "alerts": repr(hub.watch.open_alerts()),
        }

    return look
