"""A whole API and console over two shops, for callers of every role: who sees and may do what."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
from argon2 import PasswordHasher
from msgspec.structs import replace

from operating_world import Answered, call
from operating_world import release as usual_release
from tillway.access import Notary
from tillway.access.approvals import Approvals
from tillway.access.callers import HUB, Caller
from tillway.access.links import Links
from tillway.access.passwords import Passwords
from tillway.access.people import People
from tillway.access.refusals import Refusals
from tillway.api import Changes, Questions, Snapshot, api_app
from tillway.api.admission import Admission
from tillway.api.asgi import App, Call, Receive, Scope, Send
from tillway.api.doorkeeper import Doorkeeper
from tillway.api.operations import CodeRow
from tillway.api.people import PeopleAnswers
from tillway.api.screens import ScreenAnswers, ScreenModels
from tillway.api.stream import Live
from tillway.api.watch import WatchAnswers
from tillway.console import console_app
from tillway.console.login import Login
from tillway.journal.base import Settlement, TargetState
from tillway.journal.sqlite import open_sqlite
from tillway.reconcile import Desk
from tillway.testing.journal import ROUTE, invalid, row
from tillway.watch import Alert, HubFacts, Mute, Spool, Watch
from unit.reconcile.books import Books, receipt
from unit.reconcile.days import DAY
from unit.reconcile.told_days import CLOSED, Deciding, told_days

MINE, OTHERS = "0145", "0146"
FORM_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
TOKEN = "the-token-of-this-hub"  # a made-up one
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def cheap_passwords() -> Passwords:
    """Return passwords that cost next to nothing."""
    return Passwords(CHEAP)


@dataclass
class Everything(Deciding):
    """Operations that note what they were asked, code rows too."""

    async def add_code(self, row: CodeRow, who: str, reason: str) -> None:
        """Note a row."""
        self.asked.append(("add_code", row, who, reason))


@dataclass
class AccessWorld:
    """An API and a console in which the test says who calls; front: both behind the real doors."""

    books: Books
    app: App
    console: App
    front: App
    people: People
    links: Links
    approvals: Approvals
    live: Live
    operations: Everything
    models: ScreenModels
    caller: list[Caller] = field(default_factory=lambda: [HUB])

    async def ask(
        self, method: str, path: str, body: Any = None, *, caller: Caller | None = None
    ) -> Answered:
        """Ask as a caller; the holder of the hub's token unless told."""
        self.caller[0] = caller or HUB
        sent = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        return await call(self.app, f"/api/v1/{path}", method=method, body=sent)

    async def page(self, path: str, *, caller: Caller | None = None) -> Answered:
        """Get a page of the console as a caller."""
        self.caller[0] = caller or HUB
        return await call(self.console, path)

    async def send(
        self, path: str, fields: dict[str, str], *, caller: Caller | None = None
    ) -> Answered:
        """Send a form of the console as a caller, with the token that its pages carry."""
        self.caller[0] = caller or HUB
        [token] = set(FORM_TOKEN.findall((await call(self.console, "/account")).text))
        sent = urlencode({**fields, "form_token": token}).encode()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return await call(self.console, path, method="POST", body=sent, headers=headers)

    async def document(self, path: str, *, caller: Caller | None = None) -> dict[str, Any]:
        """Return the JSON of an answer that is right."""
        answer = await self.ask("GET", path, caller=caller)
        assert answer.status == 200, answer.text
        found: dict[str, Any] = json.loads(answer.body)
        return found

    async def group_of(self, store: str) -> str:
        """Return a problem whose messages are of one shop."""
        listed = (await self.document("problems"))["problems"]
        return next(one["group"] for one in listed if set(one["stores_counted"]) == {store})


@asynccontextmanager
async def access_world(folder: Path) -> AsyncIterator[AccessWorld]:
    """Give an API over days, dead letters and kept copies of two shops, in a real journal."""
    journal = await open_sqlite(folder / "journal.db")
    try:
        yield await _filled(journal, folder)
    finally:
        await journal.close()


async def _filled(journal: Any, folder: Path) -> AccessWorld:
    books = Books(CLOSED, approve="person")
    books.journal = journal
    shop = books.release.stores[MINE]
    shops = {MINE: shop, OTHERS: replace(shop, business_unit_id=OTHERS, name="Far Street")}
    books.release = replace(books.release, stores=shops)
    books.restart()
    await told_days(books)
    first = await journal.last_position() + 1
    await books.take(receipt(11), *(receipt(one, business_unit_id=OTHERS) for one in (7, 9)))
    await books.keeper.catch_up()
    await journal.append([replace_store(invalid(3, record=b"one"), OTHERS)])
    await journal.register_route(ROUTE, 0)
    rows = [
        row(first, "dead", detail="no such tender in Elm Street", code="TW-4105"),
        row(first + 1, "dead", detail="no such article in Far Street", code="TW-4106",
            lane=f"{ROUTE}/{OTHERS}:03"),
    ]  # fmt: skip
    await journal.settle(Settlement(ROUTE, rows=rows, cursor=0))
    usual = usual_release()
    known = replace(
        books.release, routes=usual.routes, sources=usual.sources, mappings={}, folder=folder
    )
    return await _joined(books, known)


def replace_store(copy: Any, store: str) -> Any:
    """Return a kept copy of another shop."""
    key = copy.natural_key.replace(MINE, store)
    return msgspec.structs.replace(copy, store=store, natural_key=key)


async def _joined(books: Books, known: Any) -> AccessWorld:
    journal, clock = books.journal, books.clock
    operations = Everything(desk=Desk(books.keeper))
    snapshot = Snapshot(journal, known, clock)
    people = await People.open(journal, clock, known.stores, cheap_passwords())
    approvals = await Approvals.open(journal, clock)
    spool = Spool.beside(journal.path)
    watch = Watch(known, journal, clock, spool, HubFacts, lambda: "msg_1")
    await watch.open()
    _alarmed(watch)
    await journal.save_target_state(
        TargetState("erp", "open", 5, 6, 9, "TW-4106", "no such article in Far Street")
    )
    notary = await Notary.open(journal, journal.path, clock)
    models = ScreenModels(journal, known, snapshot, operations, clock, watch)
    changes = Changes(operations, journal, known, approvals)
    links = Links(clock)
    answers = PeopleAnswers(people, links, approvals, changes)
    looked: dict[Any, Any] = {}

    async def look() -> dict[Any, Any]:
        return looked

    live = Live(look, clock, longest_seconds=0)
    caller = [HUB]

    async def admit(_call: Call) -> Caller:
        return caller[0]

    async def dev(action: str, fields: Any) -> None:
        operations.asked.append((action, dict(fields)))

    def apps(at_the_api: Admission, at_the_console: Admission, login: Login | None) -> Any:
        api = api_app(
            Questions(journal, known, snapshot, clock, notary.check),
            changes,
            admission=at_the_api,
            more={
                **ScreenAnswers(models).handlers,
                **answers.handlers,
                **WatchAnswers(watch).handlers,
                "GET stream": live.stream,
            },
            refusals=Refusals(journal, clock),
        )
        console = console_app(
            reader=journal,
            release=known,
            snapshot=snapshot,
            operations=operations,
            clock=clock,
            dev=dev,
            admission=at_the_console,
            models=models,
            login=login,
            people=answers,
            refusals=Refusals(journal, clock),
        )
        return api, console

    keeper = Doorkeeper(people, TOKEN)
    app, console = apps(admit, admit, None)
    doors = apps(keeper.api, keeper.console, Login(people, links, keeper))

    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        await doors[not scope["path"].startswith("/api/")](scope, receive, send)

    return AccessWorld(
        books, app, console, front, people, links, approvals, live, operations, models, caller
    )


def _alarmed(watch: Watch) -> None:
    """Put alerts into the watch: of one shop each, of both, and of a route as a whole."""
    day = watch.now
    told = {
        "mine": ("StoreSilent", (MINE,), f"{MINE} is silent"),
        "others": ("StoreSilent", (OTHERS,), f"{OTHERS} is silent"),
        "both": ("NoProgress", (MINE, OTHERS), "nothing moves in Far Street"),
        "route": ("SuccessRate", (MINE,), "7 of 900 deliveries fail"),
    }
    for name, (rule, stores, headline) in told.items():
        watch.state.book.open[name] = Alert(
            name=name, rule=rule, subject=stores[-1], priority="P2", headline=headline,
            count=1, stores=stores, money={"EUR": 123456}, since=day, opened_at=day,
        )  # fmt: skip
    muted = Mute("StoreSilent", OTHERS, day + 10**12, "ada", "Far Street is closed", day)
    watch.state.book.mutes.append(muted)


DAY_PLACE = {"business_date": DAY, "reason": "for the test"}
