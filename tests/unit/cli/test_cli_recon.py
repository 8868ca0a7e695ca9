"""The verbs of reconciliation: what they show, write, decide and refuse, on a project's journal."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import secrets
import zipfile
from pathlib import Path

import pytest

from operating_world import seeded_journal
from tillway.cli import exit_codes
from tillway.cli.app import run_verb
from tillway.journal.sqlite import open_sqlite
from tillway.project.template import Variables, new_project
from unit.reconcile.books import Books, statement_line
from unit.reconcile.days import DAY, STORE
from unit.reconcile.told_days import CLOSED, GAP_DAY, told_days

JOURNAL = ".state/journal.db"
DONE, FAILED, ATTENTION = exit_codes.DONE, exit_codes.FAILED, exit_codes.ATTENTION


def made(folder: Path) -> Path:
    """Make a project with one balanced day and one with a number missing."""
    new_project(folder, "pos-erp", Variables("demo", 18080, 18091), secrets.token_bytes)

    async def fill() -> None:
        books = Books(CLOSED, approve="person")
        books.journal = await open_sqlite(folder / JOURNAL)  # type: ignore[assignment]
        books.restart()
        await told_days(books)
        await books.journal.close()

    asyncio.run(fill())
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a project that tests only look at."""
    return made(tmp_path_factory.mktemp("recon") / "demo")


@pytest.fixture
def own_project(tmp_path: Path) -> Path:
    """Give a project of one test's own."""
    return made(tmp_path / "demo")


def run(capsys: pytest.CaptureFixture[str], folder: Path, *words: str) -> tuple[int, str, str]:
    """Run a command line on a project; return code, stdout and stderr."""
    capsys.readouterr()
    code = run_verb((*words, "--project", str(folder)))
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize(
    ("words", "code", "schema", "field"),
    [
        (("recon", "show"), ATTENTION, "recon.show", "groups"),
        (("recon", "show", "--open-items"), ATTENTION, "recon.items", "items"),
        (("recon", "show", "--kind", "payout"), DONE, "recon.items", "count"),
        (("recon", "export"), DONE, "recon.export", "figures"),
        (("storeday", "list"), ATTENTION, "storeday.list", "days"),
        (("storeday", "list", "--matrix", "--to", DAY), ATTENTION, "recon.matrix", "legend"),
        (("storeday", "list", "--state", "balanced"), DONE, "storeday.list", "days"),
        (("storeday", "show", STORE, GAP_DAY), ATTENTION, "storeday.show", "findings"),
        (("storeday", "show", STORE, DAY), DONE, "storeday.show", "on_its_way"),
        (("stores",), ATTENTION, "stores", "stores"),
        (("stores", STORE), ATTENTION, "stores", "unsent"),
    ],
)
def test_every_look_has_a_document_and_a_code(
    capsys: pytest.CaptureFixture[str],
    project: Path,
    words: tuple[str, ...],
    code: int,
    schema: str,
    field: str,
) -> None:
    """0 is nothing to look at, 2 is something; the people's form leaves with the same."""
    left, out, _ = run(capsys, project, *words, "--json")
    document = json.loads(out)
    assert (left, document["schema"]) == (code, f"tillway.{schema}/1")
    assert field in document
    assert run(capsys, project, *words)[0] == code


def test_the_summary_comes_before_the_rows(
    capsys: pytest.CaptureFixture[str], project: Path
) -> None:
    """By rule with count, shops, money and age; then each finding."""
    _, out, _ = run(capsys, project, "recon", "show")
    lines = out.splitlines()
    assert "findings in 1 store" in lines[0]
    group = next(line.split() for line in lines if line.startswith("SEQ_GAP"))
    assert group[:5] == ["SEQ_GAP", "TW-6001", "error", "1", "1"]
    row = next(at for at, line in enumerate(lines) if "03:2" in line)
    assert row > next(at for at, line in enumerate(lines) if line.startswith("SEQ_GAP"))


def test_the_matrix_has_signs_and_a_legend(
    capsys: pytest.CaptureFixture[str], project: Path
) -> None:
    """One line for a shop, one column for a day, and every sign is explained."""
    _, out, _ = run(capsys, project, "storeday", "list", "--matrix", "--from", GAP_DAY, "--to", DAY)
    row = next(line.split() for line in out.splitlines() if line.startswith(STORE))
    assert row[1:3] == ["#", "="]
    assert "# numbers missing" in out


def test_open_items_say_what_they_wait_for(
    capsys: pytest.CaptureFixture[str], project: Path
) -> None:
    """Each currency by itself, in its own digits; what is late is marked."""
    _, out, _ = run(capsys, project, "recon", "show", "--open-items")
    assert "card money from cardco" in out
    assert "1,200 JPY" in out
    assert "2026-11-19 !" in out


def test_exports_are_written(
    capsys: pytest.CaptureFixture[str], project: Path, tmp_path: Path
) -> None:
    """A workbook with five sheets, one table as CSV, to a file or to stdout."""
    code, _, said = run(
        capsys, project, "recon", "export", "--out", str(tmp_path / "november.xlsx")
    )
    assert code == DONE
    assert "november.xlsx holds" in said
    with zipfile.ZipFile(tmp_path / "november.xlsx") as book:
        assert sum(name.startswith("xl/worksheets/sheet") for name in book.namelist()) == 5
    _, out, _ = run(capsys, project, "recon", "export", "--table", "items")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert {row["amount"] for row in rows} == {"12.50", "1200"}
    run(capsys, project, "recon", "export", "--table", "findings", "--out", str(tmp_path / "f.csv"))
    assert "SEQ_GAP" in (tmp_path / "f.csv").read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("recon", "show", "--rule", "SEQ_GAPP"), "TW-6907"),
        (("recon", "show", "--from", "yesterday"), "TW-6904"),
        (("recon", "export", "--out", "days.pdf"), "TW-6903"),
        (("recon", "run"), "TW-7007"),
        (("storeday", "list", "--state", "lost"), "TW-6908"),
        (("storeday", "show", "9999", DAY), "TW-6910"),
        (("storeday", "show", STORE, "20.11."), "TW-6904"),
        (("storeday", "approve", STORE, DAY), "TW-7007"),
        (("storeday", "approve", STORE, GAP_DAY, "--reason", "x"), "TW-6911"),
        (("storeday", "reopen", STORE, GAP_DAY, "--reason", "x"), "TW-6911"),
        (("storeday", "override", STORE, DAY, "SEQ_GAP", "--reason", "x"), "TW-6912"),
        (("storeday", "assign", STORE, DAY, "SEQ_GAP", "--owner", "jo"), "TW-6912"),
        (("stores", "9999"), "TW-6905"),
    ],
)
def test_a_refusal_says_what_to_do(
    capsys: pytest.CaptureFixture[str], project: Path, words: tuple[str, ...], code: str
) -> None:
    """Exit code 1, a code of its own, and advice."""
    left, out, err = run(capsys, project, *words)
    assert (left, out) == (FAILED, "")
    assert f"error {code}" in err
    assert "  do " in err


def test_a_missing_number_is_given_away_and_accounted_for(
    capsys: pytest.CaptureFixture[str], own_project: Path
) -> None:
    """Assigned, then overridden with a reason; the list shows both."""
    gap = (STORE, GAP_DAY, "SEQ_GAP", "03:2")
    assert run(capsys, own_project, "storeday", "assign", *gap, "--owner", "jo")[0] == DONE
    assert " jo" in run(capsys, own_project, "recon", "show", "--rule", "SEQ_GAP")[1]
    code, out, err = run(
        capsys, own_project, "storeday", "override", *gap, "--reason", "cancelled sale", "--json"
    )
    assert code == DONE, err
    assert json.loads(out)["day"]["gaps"] == 0
    _, out, _ = run(capsys, own_project, "recon", "show", "--rule", "SEQ_GAP", "--all", "--json")
    [finding] = json.loads(out)["findings"]
    assert (finding["owner"], finding["reason"]) == ("jo", "cancelled sale")


def test_a_finding_of_no_store_is_accounted_for(
    capsys: pytest.CaptureFixture[str], own_project: Path
) -> None:
    """`-` stands for the store; no day moves, and the reason is on record."""

    async def two_statements() -> None:
        books = Books(CLOSED, approve="person")
        books.journal = await open_sqlite(own_project / JOURNAL)  # type: ignore[assignment]
        books.restart()
        await books.take(statement_line(1, "1.00", "5.00"), statement_line(3, "9.00", "1.00"))
        await books.keeper.catch_up()
        await books.journal.close()

    asyncio.run(two_statements())
    gap = ("-", "2026-11-05", "STATEMENT_GAP", "acc-1 S3")
    code, out, err = run(
        capsys, own_project, "storeday", "override", *gap, "--reason", "closed by the bank"
    )
    assert (code, out) == (DONE, "accounted for; it stays on record with your reason\n"), err
    shown = ("recon", "show", "--rule", "STATEMENT_GAP")
    assert json.loads(run(capsys, own_project, *shown, "--json")[1])["count"] == 0
    [finding] = json.loads(run(capsys, own_project, *shown, "--all", "--json")[1])["findings"]
    assert (finding["state"], finding["reason"]) == ("overridden", "closed by the bank")


def test_days_are_audited_anew(capsys: pytest.CaptureFixture[str], own_project: Path) -> None:
    """With a reason; it says how many and how they stand."""
    code, out, err = run(
        capsys, own_project, "recon", "run", "--from", GAP_DAY, "--to", DAY, "--reason", "again"
    )
    assert code == DONE, err
    assert out.startswith("2 store-days audited anew")


def test_empty_states_teach(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    """What would be there, and how it gets there."""
    _, out, _ = run(
        capsys, project, "storeday", "list", "--from", "2020-01-01", "--to", "2020-01-02"
    )
    assert "stores.csv" in out
    assert "Nothing waits" in run(capsys, project, "recon", "show", "--kind", "payout")[1]
    _, out, _ = run(capsys, project, "stores", "--unsent")
    assert "No store has unsent sales" in out


@pytest.mark.parametrize("words", [("recon", "show"), ("storeday", "list"), ("recon", "export")])
def test_without_reconciliation_it_says_so(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: tuple[str, ...]
) -> None:
    """Before a hub ran with it, and in a project that has none; the list of stores still works."""
    folder = tmp_path / "demo"
    new_project(folder, "pos-erp", Variables("demo", 18080, 18091), secrets.token_bytes)

    async def fill() -> None:
        journal = await open_sqlite(folder / JOURNAL)
        await seeded_journal(journal)
        await journal.close()

    asyncio.run(fill())
    assert "TW-6902" in run(capsys, folder, *words)[2]
    (folder / "recon" / "store-day.toml").unlink()
    assert "TW-6901" in run(capsys, folder, *words)[2]
    code, out, _ = run(capsys, folder, "stores", "--unsent", "--json")
    assert code == ATTENTION
    assert json.loads(out)["stores"][0]["books"] is None
