"""Role by screen by scope, and every form: the table of roles is what the console does, no leaks.

The rows are SCREENS and FORMS themselves, so a new page or form cannot be left out.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from access_world import MINE, OTHERS, AccessWorld, access_world
from operating_world import Answered
from tillway.access.callers import NOBODY, ROLE_NAMES, ROLES, Caller
from tillway.api.catalogue import operations
from tillway.api.described import PREFIX
from tillway.api.retry_jobs import RetryJob
from tillway.cli.app import run_verb
from tillway.console.screens import FORMS, SCREENS, Form, Screen
from tillway.contracts import load_contract
from tillway.mapping import load_table
from tillway.project.code_rows import code_tables
from tillway.testing.journal import SALE
from unit.reconcile.days import DAY

LOADED = Path(__file__).parents[3] / "src" / "tillway"
MAPPING = 'output = "doc"\nversion = 1\n[map]\nshop = "business_unit_id"\n'
CODE = re.compile(r"TW-\d{4}")
ABSENT = "0147"
REASON = {"reason": "for the test", "step": "1", "hours": "1", "finding": "SEQ_GAP 03:2"}
EVERY_SHOP_FORMS = ("/alerts", "/people", "/keys", "/approvals", "/dev")
"""Beginnings of forms that are about the whole hub; and the row of a code table is one."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[AccessWorld]:
    """Give a console over two shops, with a mapping, a contract and a retry of both under way."""
    async with access_world(tmp_path) as made:
        contract = load_contract(_contract(), file="retail.odcs.yaml")
        mapping = load_table(MAPPING, name="to-erp", codes={})
        known = made.models.release
        routes = {name: replace(one, mapping="to-erp") for name, one in known.routes.items()}
        made.models.release = replace(
            known,
            contracts={contract.message_type: contract},
            mappings={"to-erp": mapping},
            routes=routes,
        )
        place, jobs = (await made.group_of(MINE), None), made.models.jobs
        jobs._jobs[place] = RetryJob("all", "Far Street", "x", 98765, made.books.clock.now())
        jobs._tasks[place] = _Task()  # type: ignore[assignment]
        yield made


def _contract() -> str:
    found = next(LOADED.rglob(f"{SALE}/v1.odcs.yaml"))
    return found.read_text("utf-8")


def caller_of(role: Any, *stores: str) -> Caller:
    """Return a caller with one role, of some shops or all."""
    return Caller("someone", frozenset({role}), frozenset(stores) or None, "session")


def code_of(answer: Answered) -> str:
    """Return the code that a page of an error shows, "" for any other page."""
    found = CODE.search(answer.text) if answer.status >= 400 else None
    return found[0] if found else ""


class Places:
    """Where the screens and forms are that tell of one shop."""

    def __init__(self, store: str, group: str, position: int) -> None:
        self._parts = {
            "store": store, "group": group, "position": str(position), "date": DAY,
            "contract": SALE, "mapping": "to-erp", "name": "ada", "number": "1",
            "alert": "mine" if store == MINE else "others", "action": "break-erp",
        }  # fmt: skip

    def hide(self, pattern: str, text: str) -> str:
        """Return a page without what stood in its address."""
        for part in re.findall(r"\{(\w+)\}", pattern):
            text = re.sub(rf"\b{re.escape(self._parts[part])}\b", part, text)
        return text

    def of(self, pattern: str) -> str:
        """Return the address."""
        for part, text in self._parts.items():
            pattern = pattern.replace(f"{{{part}}}", text)
        return pattern


async def places(world: AccessWorld, store: str) -> Places:
    """Return the screens about a shop."""
    group = await world.group_of(store)
    [position, *_] = (await world.document(f"problems/{group}"))["positions"]
    return Places(store, group, position)


def of_every_shop(screen: Screen) -> bool:
    """Say whether a screen is for callers who see every shop, as its operation is."""
    return operations()[f"GET {screen.operation}"].every_store


def form_of_every_shop(form: Form) -> bool:
    """Say whether a form changes something for every shop."""
    return form.path.startswith(EVERY_SHOP_FORMS) or form.path.endswith("/code")


def assert_nothing_of_others(answer: Answered, place: object) -> None:
    """Fail when a page tells of the other shop: its number, name, keys, money, or what is of it."""
    for told in (OTHERS, "Far Street", "98765", "1,234.56", "of 900 deliveries"):
        assert told not in answer.text, (place, told)


@pytest.mark.parametrize("role", ROLE_NAMES)
async def test_a_role_opens_the_screens_of_its_row(world: AccessWorld, role: Any) -> None:
    """Every screen answers 200 with its permission and 403 without, and nothing else."""
    here = await places(world, MINE)
    for screen in SCREENS:
        answer = await world.page(here.of(screen.path), caller=caller_of(role))
        if screen.permission in ROLES[role]:
            assert answer.status == 200, (role, screen.name, answer.text)
        else:
            assert (answer.status, code_of(answer)) == (403, "TW-8002"), (role, screen.name)


@pytest.mark.parametrize("role", ROLE_NAMES)
async def test_a_person_of_one_shop_sees_nothing_of_another(world: AccessWorld, role: Any) -> None:
    """Every screen: 200 for what is theirs, 403 for what covers all; no word of another shop."""
    here = await places(world, MINE)
    for screen in SCREENS:
        answer = await world.page(here.of(screen.path), caller=caller_of(role, MINE))
        wanted = 200
        if screen.permission not in ROLES[role] or of_every_shop(screen):
            wanted = 403
        assert answer.status == wanted, (role, screen.name, answer.text)
        assert_nothing_of_others(answer, (role, screen.name))


SEARCHES = (
    "/find?q=0146-03-7", "/find?q=0146", "/stores?q=0146", "/problems?store=0146",
    "/recon?store=0146", "/stuck?store=0146", "/?store=0146", "/status.json?store=0146",
    "/stores/0146", f"/recon/0146/{DAY}", "/alerts?q=0146", "/traffic?view=table&q=0146",
)  # fmt: skip


@pytest.mark.parametrize("role", ROLE_NAMES)
async def test_another_shop_cannot_be_told_from_none(world: AccessWorld, role: Any) -> None:
    """Its pages, messages, problem and searches are answered like those of what does not exist."""
    there = await places(world, OTHERS)
    caller = caller_of(role, MINE)
    absent = Places(ABSENT, "00000000", 999_999)
    for screen in SCREENS:
        if screen.name in ("contract", "mapping"):
            continue
        hidden = await world.page(there.of(screen.path), caller=caller)
        nothing = await world.page(absent.of(screen.path), caller=caller)
        assert hidden.status == nothing.status, (role, screen.name)
        told = there.hide(screen.path, hidden.text)
        assert told == absent.hide(screen.path, nothing.text), (role, screen.name)
    for path in SEARCHES:
        hidden = await world.page(path, caller=caller)
        nothing = await world.page(path.replace(OTHERS, ABSENT), caller=caller)
        assert hidden.text.replace(OTHERS, ABSENT) == nothing.text, (role, path)


@pytest.mark.parametrize("role", ROLE_NAMES)
async def test_a_form_is_for_its_permission(world: AccessWorld, role: Any) -> None:
    """Without it every form is refused; with it, it is refused at most for what it says."""
    here = await places(world, MINE)
    for form in FORMS:
        if form.path in ("/account/password", "/language"):
            continue
        answer = await world.send(here.of(form.path), dict(REASON), caller=caller_of(role))
        allowed = form.permission in ROLES[role]
        assert (code_of(answer) == "TW-8002") == (not allowed), (role, form.path, answer.text)
        if not allowed:
            assert answer.status == 403, (role, form.path)


@pytest.mark.parametrize("role", ROLE_NAMES)
async def test_a_form_about_another_shop_is_refused(world: AccessWorld, role: Any) -> None:
    """And so is one about every shop, to who looks after one; nothing is carried out."""
    there = await places(world, OTHERS)
    for form in FORMS:
        if form.permission not in ROLES[role] or form.permission == "self":
            continue
        answer = await world.send(there.of(form.path), dict(REASON), caller=caller_of(role, MINE))
        if form_of_every_shop(form):
            assert (answer.status, code_of(answer)) == (403, "TW-8004"), (role, form.path)
        elif form.path.endswith("/stop"):
            assert answer.status == 303, (role, form.path)
        else:
            assert answer.status in (403, 404), (role, form.path, answer.text)
        assert "Far Street" not in answer.text, (role, form.path)
    assert not world.operations.asked


async def test_a_job_of_all_shops_goes_on_when_one_shop_says_stop(world: AccessWorld) -> None:
    """Who looks after one shop neither sees it nor ends it; who sees all does both."""
    group = await world.group_of(MINE)
    page = f"/problems/{group}"
    job = world.models.jobs.job(group)
    assert job is not None
    for shops, state in (((MINE,), "waiting"), ((), "stopped")):
        operator = caller_of("operator", *shops)
        shown = await world.page(page, caller=operator)
        assert ("98,765" in shown.text) == (not shops)
        await world.send(f"{page}/stop", dict(REASON), caller=operator)
        assert job.state == state


class _Task:
    """Stands for the task of a job."""

    def cancel(self) -> None:
        """Do nothing."""


async def test_a_code_table_is_not_one_shops_to_change(world: AccessWorld) -> None:
    """The page does not offer it and the form refuses it, as the API does."""
    group = await world.group_of(MINE)
    row = {"table": "tender", "source": "X", "canonical": "cash", **REASON}
    for shops, status in (((MINE,), 403), ((), 303)):
        answer = await world.send(
            f"/problems/{group}/code", row, caller=caller_of("operator", *shops)
        )
        assert answer.status == status
    assert [one[0] for one in world.operations.asked] == ["add_code"]
    assert code_tables(world.models.release) == {}


@pytest.mark.parametrize("screen", SCREENS, ids=lambda one: one.name)
async def test_the_control_shows_what_is_hidden(world: AccessWorld, screen: Screen) -> None:
    """Who sees every shop is told of the other one where a page lists shops, messages or alerts."""
    lists = ("health", "stores", "problems", "recon", "books", "alerts", "mapping")
    here = await places(world, MINE)
    answer = await world.page(here.of(screen.path), caller=caller_of("admin"))
    if screen.name in lists:
        with pytest.raises(AssertionError):
            assert_nothing_of_others(answer, screen.name)


async def test_who_was_not_let_in_opens_no_screen(world: AccessWorld) -> None:
    """The control of the default: nobody opens nothing and sends nothing."""
    here = await places(world, MINE)
    for screen in SCREENS:
        answer = await world.page(here.of(screen.path), caller=NOBODY)
        assert (answer.status, code_of(answer)) == (403, "TW-8002"), screen.name


async def test_the_matrix_finds_a_screen_that_forgets_its_shops(
    world: AccessWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: with a reader of all shops, another shop shows on the list of problems."""
    monkeypatch.setattr("tillway.api.screen_models.reader_for", lambda reader, _caller: reader)
    answer = await world.page("/problems", caller=caller_of("viewer", MINE))
    with pytest.raises(AssertionError):
        assert_nothing_of_others(answer, "problems")


@pytest.mark.parametrize("screen", SCREENS, ids=lambda one: one.name)
def test_the_twins_of_a_screen_exist(screen: Screen, capsys: pytest.CaptureFixture[str]) -> None:
    """The operation is one of the API, and the command with its options one of the program."""
    assert screen.api == f"GET {PREFIX}{screen.operation}"
    assert f"GET {screen.operation}" in operations()
    program, *words = screen.cli.split()
    assert program == "tillway"
    options = [one for one in words if one.startswith("--")]
    verbs = [one for one in words if one not in options and one.islower()]
    assert run_verb([*verbs, "--help"]) == 0, screen.cli
    told = capsys.readouterr().out
    assert f"tillway {' '.join(verbs)}" in told, screen.cli
    assert not [one for one in options if one not in told], screen.cli


def test_every_form_has_a_permission_that_changes_something() -> None:
    """None hangs on a permission to look."""
    assert not [one.path for one in FORMS if one.permission.endswith(".read")]
