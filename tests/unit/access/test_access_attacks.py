"""What somebody who means harm would try on logins and sessions: many at once, and in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from access_world import cheap_passwords
from tillway.access import tries as tries_room
from tillway.access.accounts import Deed
from tillway.access.callers import Caller
from tillway.access.people import People
from tillway.access.refusals import EACH_SECONDS, LONGEST_THING, MOST_EACH, Refusals
from tillway.access.sessions import NOTED_SECONDS
from tillway.access.tries import FREE, Tries
from tillway.clock import ManualClock
from tillway.errors import Refused, TillwayError
from tillway.journal.memory import MemoryJournal
from unit.access.test_access_people import STORES

PASSWORD = "correct horse battery"  # a made-up one
OTHER = "another long password"
DEED = Deed("owner", "for the test")
HOME = "192.0.2.1"


class Halt:
    """Stops a coroutine where it waits for something, until the test lets it go on."""

    def __init__(self) -> None:
        self.reached, self.goes_on = asyncio.Event(), asyncio.Event()
        self.armed = False

    def after(self, work: Any, wanted: Callable[..., bool] = lambda *_: True) -> Any:
        """Return the same work, which once it is done waits while the halt is armed."""

        async def halted(*given: Any) -> Any:
            found = await work(*given)
            if self.armed and wanted(*given):
                self.armed = False
                self.reached.set()
                await self.goes_on.wait()
            return found

        return halted

    @asynccontextmanager
    async def between(self, work: Any) -> AsyncIterator[asyncio.Task[Any]]:
        """Start some work and stand where it halts; it goes on afterwards."""
        self.armed = True
        task = asyncio.create_task(work)
        await self.reached.wait()
        yield task
        self.goes_on.set()
        await asyncio.wait([task])


class Desk:
    """People over a journal in memory: an administrator and an operator."""

    def __init__(self) -> None:
        self.journal, self.clock, self.halt = MemoryJournal(), ManualClock(), Halt()
        self.looked_at = 0
        self.people: Any = None

    async def open(self) -> People:
        """Read everything anew, as a start of the hub does."""
        passwords = cheap_passwords()
        verified = passwords._verified

        def counted(stored: str, password: str) -> bool:
            self.looked_at += 1
            return verified(stored, password)

        passwords._verified = counted  # type: ignore[method-assign]
        self.people = await People.open(self.journal, self.clock, STORES, passwords)
        return self.people

    async def code_of(self, work: Any) -> str:
        """Return the code of a refusal, "" without one."""
        try:
            await work
        except TillwayError as error:
            return error.code
        return ""


@pytest.fixture
async def desk() -> Desk:
    """Give a desk with two accounts."""
    made = Desk()
    people = await made.open()
    await people.add_user("ada", PASSWORD, ["admin"], [], DEED)
    await people.add_user("oli", PASSWORD, ["operator"], [], DEED)
    return made


@pytest.mark.parametrize("name", ["oli", "nobody-here"])
async def test_many_guesses_at_once_are_slowed_like_one_after_another(
    desk: Desk, name: str
) -> None:
    """Fifty at the same moment: no more passwords are looked at than are free."""
    logins = (desk.people.log_in(name, f"guess {one}", HOME) for one in range(50))
    codes = await asyncio.gather(*(desk.code_of(one) for one in logins))
    assert (codes.count("TW-8006"), codes.count("TW-8007")) == (FREE["name"], 45)
    assert desk.looked_at == FREE["name"]
    await desk.clock.advance(2)
    assert await desk.code_of(desk.people.log_in(name, "guess", HOME)) == "TW-8006"


async def test_guesses_under_way_must_count(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: when only known failures count, fifty at once are looked at."""
    monkeypatch.setattr(Tries, "_wait", lambda *_: 0)
    logins = (desk.people.log_in("oli", f"guess {one}", HOME) for one in range(50))
    await asyncio.gather(*(desk.code_of(one) for one in logins))
    assert desk.looked_at == 50


async def test_who_fails_is_remembered_in_a_bounded_place(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood of names from ever new addresses fills neither memory nor the journal."""
    monkeypatch.setattr(tries_room, "MOST_KEPT", 20)
    for one in range(60):
        await desk.code_of(desk.people.log_in(f"name{one}", "guess", f"198.51.100.{one}"))
    kept = await desk.journal.ask("SELECT subject FROM access_try")
    assert 0 < len(kept) <= 20
    assert len(desk.people._tries._failed) == len(kept)


async def test_a_network_of_one_customer_counts_as_one_address(desk: Desk) -> None:
    """Who owns 2^64 addresses of IPv6 has no more guesses than who owns one."""
    for one in range(FREE["address"]):
        await desk.code_of(desk.people.log_in(f"name{one}", "guess", f"2001:db8:1:2::{one:x}"))
    for address, code in (("2001:db8:1:2:ffff::1", "TW-8007"), ("2001:db8:1:3::1", "")):
        assert await desk.code_of(desk.people.log_in("ada", PASSWORD, address)) == code


@pytest.mark.parametrize("change", ["none", "password", "lock"])
async def test_a_password_that_was_changed_while_it_was_looked_at_opens_nothing(
    desk: Desk, change: str
) -> None:
    """The login began before the change and ends after it; unchanged, it succeeds (control)."""
    people, passwords = desk.people, desk.people._passwords
    passwords.fits = desk.halt.after(passwords.fits)
    async with desk.halt.between(people.log_in("oli", PASSWORD, HOME)) as entry:
        if change == "password":
            await people.set_password("oli", OTHER, DEED)
        elif change == "lock":
            await people.set_active("oli", active=False, deed=DEED)
    if change == "none":
        assert await people.sessions.find(entry.result())
    else:
        assert isinstance(entry.exception(), Refused)
        assert people.sessions._open == {}


async def test_a_password_stored_anew_does_not_open_a_lock(desk: Desk) -> None:
    """An account that is locked while its password is stored at another cost stays locked."""
    people, passwords = desk.people, desk.people._passwords
    passwords.is_old = lambda _stored: True
    passwords.stored = desk.halt.after(passwords.stored)
    async with desk.halt.between(people.log_in("oli", PASSWORD, HOME)) as entry:
        await people.set_active("oli", active=False, deed=DEED)
    assert isinstance(entry.exception(), Refused)
    for opened in (people, await desk.open()):
        assert opened.caller_of_session("oli") is None
    assert people.sessions._open == {}


async def test_a_session_that_ends_while_its_use_is_noted_stays_ended(desk: Desk) -> None:
    """What a request writes down about a session brings none back, here or in the journal."""
    people = desk.people
    secret = await people.log_in("oli", PASSWORD, HOME)
    await desk.clock.advance(NOTED_SECONDS)
    desk.journal.project = desk.halt.after(desk.journal.project)
    async with desk.halt.between(people.sessions.find(secret)) as asked:
        await people.set_password("oli", OTHER, DEED)
    assert asked.result() is None
    for opened in (people, await desk.open()):
        assert await opened.sessions.find(secret) is None


async def test_a_login_while_the_account_is_being_locked_leaves_no_session(desk: Desk) -> None:
    """The lock is on its way to the disk, the password still counts, and then neither does."""
    people = desk.people
    desk.journal.project = desk.halt.after(desk.journal.project)
    lock = people.set_active("oli", active=False, deed=DEED)
    async with desk.halt.between(lock):
        secret = await people.log_in("oli", PASSWORD, HOME)
        assert await people.sessions.find(secret), "the control: it was open for that moment"
    for opened in (people, await desk.open()):
        assert await opened.sessions.find(secret) is None


async def test_the_first_account_looks_after_every_shop() -> None:
    """An administrator of one shop alone would leave nobody who manages people."""
    fresh = Desk()
    await fresh.open()
    scoped = fresh.people.add_user("ada", PASSWORD, ["admin"], ["country:DE"], DEED)
    assert await fresh.code_of(scoped) == "TW-8015"
    assert not fresh.people.has_accounts


async def test_a_flood_of_refusals_leaves_a_few_lines(desk: Desk) -> None:
    """Ever other addresses, long ones: thirty short lines a minute for one caller, no more."""
    refusals = Refusals(desk.journal, desk.clock)
    eve = Caller("eve", frozenset({"viewer"}), frozenset(), "session")
    before = len(desk.journal.audit)
    for one in range(1_000):
        await refusals.note(eve, f"GET /stores/{one}{'x' * 5_000}", "TW-8003")
    assert len(desk.journal.audit) - before == MOST_EACH
    assert all(len(one.subject) <= LONGEST_THING for one in desk.journal.audit[before:])
    await refusals.note(desk.people.caller_of_session("oli"), "GET /people", "TW-8002")
    await desk.clock.advance(EACH_SECONDS)
    await refusals.note(eve, "GET /people", "TW-8002")
    assert [one.who for one in desk.journal.audit[-2:]] == ["oli", "eve"]
