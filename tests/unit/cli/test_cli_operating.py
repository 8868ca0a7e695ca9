"""The operating verbs: they look beside a hub or without one, and act through it or alone."""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from operating_world import RecordedOperations, release, seeded_journal
from tillway.api import (
    Changes,
    HubAddress,
    Questions,
    Snapshot,
    api_app,
    token_admission,
    write_hub_file,
)
from tillway.cli import exit_codes
from tillway.cli.app import run_verb
from tillway.clock import SystemClock
from tillway.journal.sqlite import open_sqlite, take_lock
from tillway.observe import problems
from tillway.project.template import Variables, new_project
from tillway.testing.journal import candidate

JOURNAL = ".state/journal.db"


def _new_project(folder: Path) -> Path:
    new_project(folder, "pos-erp", Variables("demo", 18080, 18091), secrets.token_bytes)
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a project whose journal holds everything once; tests here only look at it."""
    folder = _new_project(tmp_path_factory.mktemp("operating") / "demo")

    async def fill() -> None:
        journal = await open_sqlite(folder / JOURNAL)
        await seeded_journal(journal)
        await journal.close()

    asyncio.run(fill())
    return folder


@pytest.fixture(scope="module")
def groups() -> dict[str, str]:
    """Give the names of the problems by kind; they are the same in every process."""

    async def named() -> dict[str, str]:
        found = await problems(await seeded_journal(), {"pos-to-erp": "erp"})
        return {one.kind: one.group for one in found}

    return asyncio.run(named())


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run a command line; return code, stdout and stderr."""
    capsys.readouterr()
    code = run_verb(arguments)
    out, err = capsys.readouterr()
    return code, out, err


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict]:
    """Run a command line with --json; return code and document."""
    code, out, _ = run(capsys, *arguments, "--json")
    return code, json.loads(out)


@pytest.mark.parametrize(
    ("arguments", "code", "schema"),
    [
        (("status",), exit_codes.ATTENTION, "tillway.status/1"),
        (("find", "0145-03-2"), exit_codes.DONE, "tillway.find/1"),
        (("find", "0146-03-13"), exit_codes.FAILED, "tillway.find/1"),
        (("trace", "0145-03-2"), exit_codes.DONE, "tillway.trace/1"),
        (("trace", "@2"), exit_codes.DONE, "tillway.trace/1"),
        (("trace", "0145-03-99"), exit_codes.FAILED, "tillway.trace/1"),
        (("trace", "0145-03-7"), exit_codes.ATTENTION, "tillway.trace/1"),
        (("verify",), exit_codes.DONE, "tillway.verify/1"),
        (("dlq", "list"), exit_codes.ATTENTION, "tillway.dlq.list/1"),
    ],
)
def test_looking_verbs_print_one_document(
    project: Path, capsys, arguments: tuple[str, ...], code: int, schema: str
) -> None:
    """Each looking verb answers its exit code and one JSON document with its schema."""
    found, document = run_json(capsys, *arguments, "--project", str(project))
    assert (found, document["schema"]) == (code, schema)


def test_status_for_people(project: Path, capsys) -> None:
    """The screen has headline, stores, money and causes."""
    _, out, err = run(capsys, "status", "--project", str(project))
    assert "stores need attention" in out.splitlines()[0]
    assert "account 4711" in out
    assert "25.00 EUR" in out
    assert not err


def test_find_says_why_there_is_nothing(project: Path, capsys) -> None:
    """No hit is an answer, also for people."""
    _, out, _ = run(capsys, "find", "0146-03-13", "--project", str(project))
    assert "Number 13 is a gap" in out


def test_trace_prints_the_timeline_and_a_stage(project: Path, capsys) -> None:
    """The timeline for people; one payload alone for a pipe."""
    _, out, _ = run(capsys, "trace", "0145-03-2", "--project", str(project))
    assert "first try: permanent" in out
    assert "TW-4105" in out
    _, out, _ = run(capsys, "trace", "@2", "--stage", "canonical", "--project", str(project))
    assert json.loads(out)["number"] == 2
    code, _, err = run(capsys, "trace", "@2", "--stage", "nope", "--project", str(project))
    assert (code, "TW-7008" in err) == (exit_codes.FAILED, True)


def test_dlq_show_lists_members_and_bytes(project: Path, groups, capsys) -> None:
    """One problem with its messages; --raw adds what the sender sent."""
    _, shown = run_json(capsys, "dlq", "show", groups["dead"], "--project", str(project))
    assert shown["positions"] == [2, 3]
    _, raw = run_json(
        capsys, "dlq", "show", groups["quarantined"], "--raw", "--project", str(project)
    )
    assert raw["raw"] == '{"tender":"XX"}'


def test_dlq_show_names_only_the_places_that_are_known(project: Path, groups, capsys) -> None:
    """A quarantined message has no route, and the sentence has no hole for it."""
    where = ("--project", str(project))
    _, out, _ = run(capsys, "dlq", "show", groups["quarantined"], *where)
    assert "1 message, " in out
    [line] = [line for line in out.splitlines() if line.startswith("where ")]
    assert " ," not in line
    _, out, _ = run(capsys, "dlq", "show", groups["dead"], *where)
    assert "2 messages, " in out
    assert "where erp pos-to-erp, since " in out


def test_verify_tells_what_no_route_carries_by_currency(tmp_path: Path, capsys) -> None:
    """Lines of one type are told apart by their currency."""
    folder = _new_project(tmp_path / "demo")
    route = folder / "routes/pos-to-erp.toml"
    route.write_text(route.read_text("utf-8").replace('"retail_transaction.completed", ', ""))

    async def fill() -> None:
        journal = await open_sqlite(folder / JOURNAL)
        await journal.append([candidate(1), candidate(2)])
        await journal.close()

    asyncio.run(fill())
    _, out, _ = run(capsys, "verify", "--project", str(folder))
    assert "on no route: 2 retail_transaction.completed EUR\n" in out


def test_verify_names_the_run_that_misses_a_number(tmp_path: Path, capsys) -> None:
    """A counter that started again has gaps run by run; the first run needs no word."""
    folder = _new_project(tmp_path / "demo")

    async def fill() -> None:
        journal = await open_sqlite(folder / JOURNAL)
        await journal.append([candidate(1), candidate(3)])
        await journal.append([candidate(number, epoch=1) for number in (1, 2, 5)])
        await journal.close()

    asyncio.run(fill())
    where = ("--project", str(folder))
    _, out, _ = run(capsys, "verify", *where)
    assert "  0145-03 2026-11-20: 2\n" in out
    assert "  0145-03 2026-11-20 (run e1 of its counter): 3 to 4\n" in out
    _, document = run_json(capsys, "verify", *where)
    runs = [(gap["register_epoch"], gap["first"], gap["last"]) for gap in document["gaps"]]
    assert runs == [(0, 2, 2), (1, 3, 4)]


def test_a_dry_run_shows_the_plan_and_changes_nothing(project: Path, groups, capsys) -> None:
    """--dry-run needs no reason and stops after the plan."""
    group = groups["dead"]
    where = ("--project", str(project))
    code, plan = run_json(capsys, "dlq", "retry", group, "--all", "--dry-run", *where)
    assert (code, plan["count"], plan["money"]) == (exit_codes.DONE, 2, {"EUR": "25.00"})
    code, plan = run_json(capsys, "replay", "--route", "pos-to-erp", "--dry-run", *where)
    assert (code, plan["count"]) == (exit_codes.DONE, 1)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("dlq", "show", "zzzz"), exit_codes.FAILED, "TW-7004"),
        (("dlq", "retry", "zzzz"), exit_codes.FAILED, "TW-7007"),
        (("dlq", "retry", "zzzz", "--sample", "0", "--reason", "x"), exit_codes.FAILED, "TW-7010"),
        (("replay", "--route", "pos-to-erp"), exit_codes.FAILED, "TW-7007"),
        (("replay", "--route", "x", "--dry-run"), exit_codes.FAILED, "TW-7009"),
        (("replay", "--dry-run"), exit_codes.USAGE, "TW-1001"),
        (
            ("replay", "--route", "pos-to-erp", "--from", "soon", "--dry-run"),
            exit_codes.FAILED,
            "TW-7002",
        ),
        (("ingest", "nowhere.json", "--source", "quayside"), exit_codes.FAILED, "TW-7016"),
        (("trace", "@999"), exit_codes.FAILED, "TW-7008"),
    ],
)
def test_wrong_commands_say_what_to_do(
    project: Path, capsys, arguments: tuple[str, ...], code: int, told: str
) -> None:
    """A wrong command has its exit code, an error code and advice, and nothing on stdout."""
    found, out, err = run(capsys, *arguments, "--project", str(project))
    assert found == code
    assert told in err
    assert "  do " in err
    assert not out


def test_a_project_that_never_ran_says_so(tmp_path: Path, capsys) -> None:
    """Looking at nothing is an answer with advice."""
    folder = _new_project(tmp_path / "demo")
    code, _, err = run(capsys, "status", "--project", str(folder))
    assert (code, "TW-5004" in err) == (exit_codes.FAILED, True)


def test_a_broken_project_can_still_be_looked_at(project: Path, tmp_path: Path, capsys) -> None:
    """When the folder does not load, the journal is shown and a note says what is missing."""
    folder = tmp_path / "broken"
    (folder / ".state").mkdir(parents=True)
    (folder / JOURNAL).write_bytes((project / JOURNAL).read_bytes())
    (folder / "tillway.toml").write_text("name = [", "utf-8")
    code, out, err = run(capsys, "status", "--project", str(folder))
    assert code == exit_codes.ATTENTION
    assert "need attention" in out
    assert "does not load" in err


def test_acting_without_a_hub(tmp_path: Path, groups, capsys) -> None:
    """With the lock in hand a dead letter goes back to its lane, and a file is taken in."""
    folder = _new_project(tmp_path / "demo")

    async def fill() -> None:
        journal = await open_sqlite(folder / JOURNAL)
        await seeded_journal(journal)
        await journal.close()

    asyncio.run(fill())
    group = groups["dead"]
    where = ("--project", str(folder))
    code, done = run_json(capsys, "dlq", "retry", group, "--reason", "opened", *where)
    assert (code, done["retried"], done["of"]) == (exit_codes.DONE, 1, 2)
    code, done = run_json(capsys, "dlq", "abandon", group, "--reason", "by hand", *where)
    assert (code, done["abandoned"]) == (exit_codes.DONE, 1)
    assert run(capsys, "verify", *where)[0] == exit_codes.DONE
    broken = tmp_path / "broken.json"
    broken.write_bytes(b'{"docType": ')
    code, taken = run_json(capsys, "ingest", str(broken), "--source", "quayside", *where)
    assert code == exit_codes.FAILED
    assert taken["counts"] == {"refused": 1}


def test_many_messages_need_an_answer(project: Path, groups, capsys, monkeypatch) -> None:
    """Without a terminal a change of several messages needs --yes; a wrong count stops it."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    group = groups["dead"]
    where = ("--all", "--reason", "x", "--project", str(project))
    code, _, err = run(capsys, "dlq", "retry", group, *where)
    assert (code, "TW-1002" in err) == (exit_codes.FAILED, True)
    code, _, err = run(capsys, "dlq", "retry", group, "--confirm-count", "9", *where)
    assert (code, "TW-1003" in err) == (exit_codes.FAILED, True)


class RunningHub:
    """Something that holds the lock and answers the API, as a hub does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.operations = RecordedOperations()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.ready = threading.Event()
        self.server = None

    def _run(self) -> None:
        self.loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        from tillway.gateway import serve

        journal, clock = await seeded_journal(), SystemClock()
        app = api_app(
            Questions(journal, release(), Snapshot(journal, release(), clock), clock),
            Changes(self.operations, journal, release()),
            admission=token_admission("made-up"),
        )
        self.stop = asyncio.Event()
        server = await serve(app, "127.0.0.1", 0)
        write_hub_file(self.folder, HubAddress("127.0.0.1", server.port, 1, "made-up"))
        self.ready.set()
        await self.stop.wait()
        await server.close()

    def __enter__(self) -> Self:
        self.lock = take_lock(self.folder / JOURNAL)
        self.thread.start()
        assert self.ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join(10)
        self.loop.close()
        self.lock.close()


@pytest.fixture
def hub(project: Path) -> Iterator[RunningHub]:
    """Give a hub that holds the journal of the project."""
    with RunningHub(project) as running:
        yield running


def test_acting_through_a_running_hub(
    project: Path, hub: RunningHub, groups, tmp_path, capsys
) -> None:
    """When a hub holds the journal, the change goes through its API with the plan's count."""
    where = ("--project", str(project))
    group = groups["dead"]
    code, done = run_json(capsys, "dlq", "retry", group, "--all", "--yes", "--reason", "r", *where)
    assert (code, done["retried"]) == (exit_codes.DONE, 2)
    assert hub.operations.asked[-1][:3] == ("retry", "pos-to-erp", (2, 3))
    file = tmp_path / "day.json"
    file.write_bytes(b'{"a": 1}')
    code, taken = run_json(capsys, "ingest", str(file), "--source", "quayside", *where)
    assert (code, taken["counts"]) == (exit_codes.DONE, {"accepted": 2})
    assert hub.operations.asked[-1] == ("ingest", "quayside", b'{"a": 1}', "day.json")
    replay = ("replay", "--route", "pos-to-erp", "--reason", "r", *where)
    code, done = run_json(capsys, *replay, "--confirm-count", "150")
    assert (code, done["done"]["failed"]) == (exit_codes.ATTENTION, 1)
    assert (done["superseded"], done["left_out"][0]["natural_key"]) == (1, "or-1")
    assert done["done"]["superseded"] == 1
    _, out, err = run(capsys, *replay, "--confirm-count", "150")
    assert "  or-1: superseded by revision 2, left out\n" in err
    assert "1 message superseded by a newer revision meanwhile, left out\n" in out


def test_an_error_of_the_hub_reads_as_if_raised_here(
    project: Path, hub: RunningHub, tmp_path, capsys
) -> None:
    """Code, sentence and advice of the hub reach the person."""
    file = tmp_path / "day.json"
    file.write_bytes(b"{}")
    where = ("--project", str(project))
    code, _, err = run(capsys, "ingest", str(file), "--source", "quaysid", *where)
    assert (code, "TW-7009" in err) == (exit_codes.FAILED, True)
    assert 'Did you mean "quayside"?' in err
