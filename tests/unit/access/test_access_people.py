"""Accounts, logins, sessions, keys and links: what opens, what ends, and what is slowed down."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from access_world import cheap_passwords
from tillway.access import sessions as session_room
from tillway.access.accounts import Deed
from tillway.access.links import GOOD_SECONDS, Links
from tillway.access.people import People
from tillway.access.refusals import Refusals
from tillway.access.scopes import stores_of
from tillway.access.sessions import IDLE_SECONDS, LONGEST_SECONDS, form_token
from tillway.access.tries import FREE, LONGEST_WAIT_SECONDS
from tillway.clock import ManualClock
from tillway.errors import Refused, TillwayError
from tillway.journal.memory import MemoryJournal
from tillway.journal.projection import Change
from tillway.project.records import Store

PASSWORD = "correct horse battery"  # a made-up one
DEED = Deed("owner", "for the test")
HOME = "192.0.2.1"
STORES = {
    number: Store(number, number, "Europe/Berlin", country, "EUR", "quayside", region=region)
    for number, country, region in (
        ("0145", "DE", "north"),
        ("0146", "DE", "south"),
        ("0147", "FR", "south"),
    )
}


class Desk:
    """People over a journal in memory, with a clock that is turned by hand."""

    def __init__(self) -> None:
        self.journal, self.clock = MemoryJournal(), ManualClock()
        self.people: Any = None

    async def open(self) -> People:
        """Read everything anew, as a start of the hub does."""
        self.people = await People.open(self.journal, self.clock, STORES, cheap_passwords())
        return self.people

    async def refused(self, name: str, password: str, address: str = HOME) -> str:
        """Try to log in and return the code of the refusal."""
        with pytest.raises(Refused) as refusal:
            await self.people.log_in(name, password, address)
        return refusal.value.code

    @property
    def log(self) -> list[tuple[str, str]]:
        """Return who did what."""
        return [(one.who, one.verb) for one in self.journal.audit]


@pytest.fixture
async def desk() -> Desk:
    """Give a desk with an administrator and an operator of the north."""
    made = Desk()
    people = await made.open()
    await people.add_user("ada", PASSWORD, ["admin"], [], DEED)
    await people.add_user("oli", PASSWORD, ["operator"], ["region:north"], DEED)
    return made


async def test_a_password_opens_a_session(desk: Desk) -> None:
    """The secret finds its session, also after a restart, and leads to roles and shops."""
    secret = await desk.people.log_in("oli", PASSWORD, HOME)
    people = await desk.open()
    session = await people.sessions.find(secret)
    caller = people.caller_of_session(session.name)
    assert (caller.name, caller.stores, caller.via) == ("oli", frozenset({"0145"}), "session")
    assert caller.may("messages.retry")
    assert not caller.may("people.manage")
    assert ("oli", "login") in desk.log


async def test_nothing_that_opens_a_door_is_stored(desk: Desk) -> None:
    """Password, secret of a session and key stand in no table and no line of the log."""
    secret = await desk.people.log_in("ada", PASSWORD, HOME)
    _, key = await desk.people.add_key("screen", ["viewer"], [], DEED)
    await desk.refused("ada", "a mistyped password")
    await desk.refused("my password by mistake", "x")
    stored = ""
    for table in ("access_user", "access_session", "access_key", "access_try"):
        stored += repr(await desk.journal.ask(f"SELECT * FROM {table}"))
    assert "argon2id" in stored
    for hidden in (PASSWORD, secret, key, "mistyped", "by mistake"):
        assert hidden not in stored
        assert hidden not in repr(desk.journal.audit)


async def test_a_session_ends_by_itself(desk: Desk) -> None:
    """After half an hour unused; a stream that stays open does not count as use."""
    secret = await desk.people.log_in("ada", PASSWORD, HOME)
    for _ in range(3):
        await desk.clock.advance(IDLE_SECONDS - 1)
        assert await desk.people.sessions.find(secret)
    await desk.clock.advance(IDLE_SECONDS - 1)
    assert await desk.people.sessions.find(secret, in_use=False)
    await desk.clock.advance(2)
    assert await desk.people.sessions.find(secret) is None
    assert await (await desk.open()).sessions.find(secret) is None


async def test_a_session_ends_after_a_working_day(desk: Desk) -> None:
    """Twelve hours after the login, however busy it was."""
    secret = await desk.people.log_in("ada", PASSWORD, HOME)
    for _ in range(LONGEST_SECONDS // 600):
        await desk.clock.advance(600)
        assert await desk.people.sessions.find(secret)
    await desk.clock.advance(1)
    assert await desk.people.sessions.find(secret) is None


async def test_the_end_of_sessions_hangs_on_their_rules(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: without the rule an old session would still be open."""
    secret = await desk.people.log_in("ada", PASSWORD, HOME)
    monkeypatch.setattr(session_room.Sessions, "_is_over", lambda *_: False)
    await desk.clock.advance(10 * LONGEST_SECONDS)
    assert await desk.people.sessions.find(secret)


@pytest.mark.parametrize("change", ["password", "disable"])
async def test_a_change_of_the_account_ends_its_sessions(desk: Desk, change: str) -> None:
    """Another password or a lock ends them at once, those of others stay."""
    gone = await desk.people.log_in("oli", PASSWORD, HOME)
    stays = await desk.people.log_in("ada", PASSWORD, HOME)
    if change == "password":
        await desk.people.set_password("oli", "another long password", DEED)
        assert await desk.refused("oli", PASSWORD) == "TW-8006"
    else:
        await desk.people.set_active("oli", active=False, deed=DEED)
        assert await desk.refused("oli", PASSWORD) == "TW-8006"
        assert desk.people.caller_of_session("oli") is None
    for people in (desk.people, await desk.open()):
        assert await people.sessions.find(gone) is None
        assert await people.sessions.find(stays)


async def test_guessing_gets_slower_and_slower(desk: Desk) -> None:
    """After five failures the right password waits too, twice as long each time; then it fits."""
    for _ in range(FREE["name"]):
        assert await desk.refused("oli", "guess") == "TW-8006"
    waits = []
    for _ in range(4):
        with pytest.raises(Refused) as refusal:
            await desk.people.log_in("oli", PASSWORD, HOME)
        assert (refusal.value.code, refusal.value.status) == ("TW-8007", 429)
        waits.append(int(refusal.value.retry_after_seconds or 0))
        await desk.clock.advance(waits[-1])
        assert await desk.refused("oli", "guess") == "TW-8006"
    assert waits == [1, 2, 4, 8]
    people = await desk.open()
    with pytest.raises(Refused, match="too many"):
        await people.log_in("oli", PASSWORD, HOME)
    await desk.clock.advance(LONGEST_WAIT_SECONDS)
    assert await people.log_in("oli", PASSWORD, HOME)
    assert await desk.refused("oli", "guess") == "TW-8006"


async def test_guessing_many_names_is_slowed_by_address(desk: Desk) -> None:
    """Each name has few failures, the address has many; other addresses go on."""
    for number in range(FREE["address"]):
        assert await desk.refused(f"guess{number}", "x") == "TW-8006"
    assert await desk.refused("ada", PASSWORD) == "TW-8007"
    assert await desk.people.log_in("ada", PASSWORD, "192.0.2.2")


async def test_names_of_nobody_take_as_long(desk: Desk) -> None:
    """A name that nobody has is checked with the same work as one that somebody has."""
    asked: list[str] = []
    passwords = desk.people._passwords
    real = passwords._verified

    def counted(stored: str, password: str) -> bool:
        asked.append(stored)
        return real(stored, password)

    passwords._verified = counted
    await desk.refused("ada", "x")
    await desk.refused("nobody-here", "x")
    assert len(asked) == 2
    assert all(stored.startswith("$argon2id$") for stored in asked)


@pytest.mark.parametrize(
    ("name", "password", "roles", "scope", "code"),
    [
        ("Ada", PASSWORD, ["viewer"], [], "TW-8010"),
        ("hub", PASSWORD, ["viewer"], [], "TW-8010"),
        ("eve", "short", ["viewer"], [], "TW-8012"),
        ("evelynmiller", "evelynmiller1", ["viewer"], [], "TW-8012"),
        ("eve", PASSWORD, ["boss"], [], "TW-8011"),
        ("eve", PASSWORD, [], [], "TW-8011"),
        ("eve", PASSWORD, ["viewer"], ["shop:0145"], "TW-8013"),
        ("eve", PASSWORD, ["viewer"], ["store:9999"], "TW-8013"),
        ("eve", PASSWORD, ["viewer"], ["region:east"], "TW-8013"),
        ("ada", PASSWORD, ["viewer"], [], "TW-8014"),
    ],
)
async def test_an_account_that_cannot_be_is_refused(
    desk: Desk, name: str, password: str, roles: list[str], scope: list[str], code: str
) -> None:
    """Each fault is named, and nobody is added."""
    with pytest.raises(TillwayError) as fault:
        await desk.people.add_user(name, password, roles, scope, DEED)
    assert fault.value.code == code
    assert len(desk.people.users) == 2


async def test_the_last_administrator_stays(desk: Desk) -> None:
    """Nobody can lock everybody out, and the first account manages people."""
    with pytest.raises(TillwayError, match="nobody would be left"):
        await desk.people.set_active("ada", active=False, deed=DEED)
    with pytest.raises(TillwayError, match="nobody would be left"):
        await desk.people.change_user("ada", ["viewer"], [], DEED)
    with pytest.raises(TillwayError, match="nobody would be left"):
        await desk.people.change_user("ada", ["admin"], ["store:0145"], DEED)
    fresh = await Desk().open()
    assert not fresh.has_accounts
    with pytest.raises(TillwayError, match="the first account"):
        await fresh.add_user("oli", PASSWORD, ["operator"], [], DEED)


async def test_every_change_needs_a_reason_and_is_on_record(desk: Desk) -> None:
    """Who did it, to whom and why; without a reason nothing is done."""
    with pytest.raises(TillwayError, match="needs a reason"):
        await desk.people.set_password("oli", "another long password", Deed("ada", " "))
    await desk.people.change_user("oli", ["finance"], ["country:FR"], Deed("ada", "moved"))
    last = desk.journal.audit[-1]
    assert (last.who, last.verb, last.reason) == ("ada", "change user", "moved")
    assert last.subject == "oli: finance; country:FR (before: oli: operator; region:north)"


async def test_two_changes_at_once_do_not_undo_each_other(desk: Desk) -> None:
    """Two administrators who lock each other out: one of them stays."""
    await desk.people.add_user("abe", PASSWORD, ["admin"], [], DEED)
    done = await asyncio.gather(
        desk.people.set_active("ada", active=False, deed=DEED),
        desk.people.set_active("abe", active=False, deed=DEED),
        return_exceptions=True,
    )
    assert sum(isinstance(one, TillwayError) for one in done) == 1


async def test_a_key_opens_until_it_is_revoked(desk: Desk) -> None:
    """It bears its roles and shops; its name is never given to another machine."""
    _, secret = await desk.people.add_key("screen", ["viewer"], ["country:DE"], DEED)
    people = await desk.open()
    caller = people.caller_of_key(secret)
    assert (caller.name, caller.via) == ("screen", "key")
    assert caller.stores == {"0145", "0146"}
    assert people.caller_of_key(secret + "x") is None
    await people.revoke_key("screen", DEED)
    assert people.caller_of_key(secret) is None
    with pytest.raises(TillwayError, match="taken"):
        await people.add_key("screen", ["viewer"], [], DEED)


def test_a_scope_is_worked_out_against_the_project() -> None:
    """Store, region and country add up; none at all is every shop, an unknown word no shop."""
    assert stores_of((), STORES) is None
    assert stores_of(("region:south", "store:0145"), STORES) == {"0145", "0146", "0147"}
    assert stores_of(("country:FR",), STORES) == {"0147"}
    assert stores_of(("store:9999",), STORES) == frozenset()


async def test_a_link_works_once_and_for_ten_minutes() -> None:
    """A second use and a late one are refused."""
    clock = ManualClock()
    links = Links(clock)
    first, second = links.make("ada"), links.make("")
    assert links.redeem(first) == "ada"
    await clock.advance(GOOD_SECONDS - 1)
    assert links.redeem(second) == ""
    late = links.make("ada")
    await clock.advance(GOOD_SECONDS + 1)
    for used in (first, second, late, "guess"):
        with pytest.raises(Refused) as refusal:
            links.redeem(used)
        assert refusal.value.code == "TW-8008"


async def test_form_tokens_differ_by_session(desk: Desk) -> None:
    """The token of one session is none of another, and the secret cannot be read from it."""
    one = await desk.people.sessions.begin("ada", Change())
    other = await desk.people.sessions.begin("ada", Change())
    assert form_token(one) != form_token(other)
    assert one not in form_token(one)


async def test_refusals_are_noted_once_a_minute(desk: Desk) -> None:
    """A script that asks again and again leaves one line a minute for each thing."""
    refusals = Refusals(desk.journal, desk.clock)
    caller = desk.people.caller_of_session("oli")
    before = len(desk.journal.audit)
    for _ in range(50):
        await refusals.note(caller, "GET /api/v1/audit", "TW-8002")
    assert len(desk.journal.audit) == before + 1
    await desk.clock.advance(61)
    await refusals.note(caller, "GET /api/v1/audit", "TW-8002")
    assert desk.log[-2:] == [("oli", "refused"), ("oli", "refused")]
