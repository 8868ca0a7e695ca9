"""A backup is checked before it counts, and a damaged one is never restored."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable
from pathlib import Path

import apsw
import msgspec
import pytest

from operating_world import seeded_journal
from tillway.assembly import journal_path, open_hub
from tillway.assembly.backup import back_up
from tillway.assembly.backup_files import COPY, MANIFEST, Manifest, restoring_path
from tillway.assembly.backup_memory import last_backup
from tillway.assembly.restore import Order, acknowledge, restore
from tillway.clock import ManualClock
from tillway.errors import ConfigurationError, TillwayError, Transient, code_record
from tillway.journal.sqlite import open_sqlite
from tillway.journal.sqlite_queries import open_queries
from tillway.project import load_release
from tillway.project.template import Variables, new_project
from tillway.testing.journal import candidate

CLOCK = ManualClock()
ANN = Order("ann", "disk died", replace=True)


def untold(_done: int, _total: int) -> None:
    """Nobody watches the bar."""


def journal_of(folder: Path) -> Path:
    """Return where the journal of a folder that is no project lies."""
    return folder / ".state" / "journal.db"


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """Give a folder whose journal holds six sales and a few copies."""
    folder = tmp_path / "shop"
    journal = await seeded_journal(await open_sqlite(journal_of(folder)))
    await journal.close()
    return folder


def names(place: Path) -> list[str]:
    """Return what lies in a folder."""
    return sorted(path.name for path in place.iterdir())


async def code_of(work: Callable[[], object]) -> str:
    """Return the code that this work is refused with; its record tells a person what to do."""
    with pytest.raises(TillwayError) as told:
        await work()
    assert code_record(told.value.code).advice
    return told.value.code


async def positions(folder: Path) -> list[int]:
    """Return what is stored."""
    queries = open_queries(journal_of(folder))
    found = [one.position for one in await queries.read(0, 100)]
    await queries.close()
    return found


async def test_a_backup_is_taken_while_the_journal_is_written(folder: Path, tmp_path: Path) -> None:
    """The copy is one moment: whole, balanced, and described by its manifest."""
    journal = await open_sqlite(journal_of(folder))
    writing = asyncio.create_task(_write(journal))
    made = await back_up(folder, tmp_path / "b", CLOCK, untold)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    await journal.close()
    assert made.balanced
    assert made.position >= 6
    assert made.routes == {"pos-to-erp": 5}
    described = msgspec.json.decode((tmp_path / "b" / MANIFEST).read_bytes(), type=Manifest)
    assert described == made
    assert names(tmp_path / "b") == [COPY, MANIFEST]
    remembered = last_backup(journal_of(folder))
    assert (remembered.position, remembered.taken_at) == (made.position, made.taken_at)
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o700


async def _write(journal) -> None:
    number = 100
    while True:
        await journal.append([candidate(number)])
        number += 1


async def test_the_bar_runs_to_its_end(folder: Path, tmp_path: Path) -> None:
    """Progress is told in bytes and never beyond the whole."""
    seen: list[tuple[int, int]] = []
    await back_up(folder, tmp_path / "b", CLOCK, lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] > 0
    assert all(done <= total for done, total in seen)


async def test_a_backup_overwrites_nothing(folder: Path, tmp_path: Path) -> None:
    """Neither a folder nor a file, and a project without a journal has nothing to back up."""
    (tmp_path / "b").mkdir()
    assert await code_of(lambda: back_up(folder, tmp_path / "b", CLOCK, untold)) == "TW-5201"
    assert await code_of(lambda: back_up(tmp_path, tmp_path / "c", CLOCK, untold)) == "TW-5004"
    assert not (tmp_path / "c").exists()


async def test_a_backup_that_cannot_be_written_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    """A file stands where the destination's folder should be."""
    (tmp_path / "taken").touch()
    destination = tmp_path / "taken" / "b"
    assert await code_of(lambda: back_up(folder, destination, CLOCK, untold)) == "TW-5206"


async def test_a_damaged_journal_gives_no_backup(folder: Path, tmp_path: Path) -> None:
    """The copy is checked page by page, and removed when it is not sound."""
    _damage(journal_of(folder), at_share=0.5, bytes_count=60_000)
    code = await code_of(lambda: back_up(folder, tmp_path / "b", CLOCK, untold))
    assert code == "TW-5202"
    assert names(tmp_path) == ["shop"]


async def test_books_that_do_not_balance_are_told(folder: Path, tmp_path: Path) -> None:
    """Such a copy is kept, since it may be all there is, and its manifest says so."""
    db = apsw.Connection(str(journal_of(folder)))
    db.execute("UPDATE total SET count = count + 1 WHERE book = 'outcome'")
    db.close()
    assert not (await back_up(folder, tmp_path / "b", CLOCK, untold)).balanced


async def test_a_restore_brings_back_what_was_there(folder: Path, tmp_path: Path) -> None:
    """The newer journal is kept aside, and the restore is written down with its reason."""
    await back_up(folder, tmp_path / "b", CLOCK, untold)
    journal = await open_sqlite(journal_of(folder))
    await journal.append([candidate(77)])
    await journal.close()
    done = await restore(folder, tmp_path / "b", ANN, CLOCK, untold)
    assert await positions(folder) == [1, 2, 3, 4, 5, 6]
    aside = open_queries(journal_of(folder).with_name(done.put_aside))
    assert await aside.last_position() == 7
    await aside.close()
    queries = open_queries(journal_of(folder))
    found = await queries.restored()
    states = [row.state for row, _ in await queries.deliveries(["held", "sending"])]
    await queries.close()
    assert (found.position, found.who, found.reason) == (6, "ann", "disk died")
    assert states == ["sending", "sending"]
    assert not list(journal_of(folder).parent.glob("*.restoring*"))


async def test_a_restore_into_an_empty_project_needs_no_replace(folder: Path, tmp_path) -> None:
    """That is how a new machine starts."""
    await back_up(folder, tmp_path / "b", CLOCK, untold)
    done = await restore(tmp_path / "new", tmp_path / "b", Order("ann"), CLOCK, untold)
    assert done.put_aside == ""
    assert await positions(tmp_path / "new") == [1, 2, 3, 4, 5, 6]


async def test_a_restore_touches_no_journal_in_use_or_in_the_way(folder: Path, tmp_path) -> None:
    """A running hub holds it, and without an order to replace a journal stays what it is."""
    await back_up(folder, tmp_path / "b", CLOCK, untold)
    plain = Order("ann")
    assert await code_of(lambda: restore(folder, tmp_path / "b", plain, CLOCK, untold)) == "TW-5205"
    journal = await open_sqlite(journal_of(folder))
    with pytest.raises(Transient) as told:
        await restore(folder, tmp_path / "b", ANN, CLOCK, untold)
    await journal.close()
    assert told.value.code == "TW-5002"
    assert await positions(folder) == [1, 2, 3, 4, 5, 6]


async def test_a_log_without_its_journal_is_in_the_way_too(folder: Path, tmp_path: Path) -> None:
    """Left beside the restored journal it would be played into it."""
    await back_up(folder, tmp_path / "b", CLOCK, untold)
    log = tmp_path / "new" / ".state" / "journal.db-wal"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"log")
    new, backup = tmp_path / "new", tmp_path / "b"
    assert await code_of(lambda: restore(new, backup, Order("ann"), CLOCK, untold)) == "TW-5205"
    await restore(new, backup, ANN, CLOCK, untold)
    assert await positions(new) == [1, 2, 3, 4, 5, 6]


def _damage(path: Path, at_share: float = 0.5, bytes_count: int = 1) -> None:
    with path.open("r+b") as file:
        file.seek(int(path.stat().st_size * at_share))
        file.write(b"\xa5" * bytes_count)


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def _say(path: Path, field: str, value: object) -> None:
    fields = msgspec.json.decode(path.read_bytes())
    path.write_bytes(msgspec.json.encode({**fields, field: value}))


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        (lambda backup: _damage(backup / COPY), "TW-5204"),
        (lambda backup: _cut(backup / COPY), "TW-5204"),
        (lambda backup: _say(backup / MANIFEST, "sha256", "0" * 64), "TW-5204"),
        (lambda backup: _say(backup / MANIFEST, "position", 99), "TW-5204"),
        (lambda backup: _say(backup / MANIFEST, "schema", "other/1"), "TW-5203"),
        (lambda backup: _damage(backup / MANIFEST), "TW-5203"),
        (lambda backup: (backup / MANIFEST).unlink(), "TW-5203"),
        (lambda backup: (backup / COPY).unlink(), "TW-5203"),
    ],
)
async def test_a_damaged_backup_is_refused(folder: Path, tmp_path: Path, harm, code: str) -> None:
    """Positive control: one wrong byte anywhere, and the project keeps the journal it has."""
    await back_up(folder, tmp_path / "b", CLOCK, untold)
    harm(tmp_path / "b")
    assert await code_of(lambda: restore(folder, tmp_path / "b", ANN, CLOCK, untold)) == code
    assert await positions(folder) == [1, 2, 3, 4, 5, 6]
    assert not list(journal_of(folder).parent.glob("*.replaced*"))


async def test_a_journal_of_a_newer_version_is_not_copied(folder: Path, tmp_path: Path) -> None:
    """This Tillway could not check its books."""
    db = apsw.Connection(str(journal_of(folder)))
    db.execute("UPDATE schema_version SET version = 99")
    db.close()
    with pytest.raises(ConfigurationError) as told:
        await back_up(folder, tmp_path / "b", CLOCK, untold)
    assert told.value.code == "TW-5102"


async def test_a_restore_is_acknowledged_with_a_reason(folder: Path, tmp_path: Path) -> None:
    """Without a hub it is written at once; with nothing to acknowledge it says so."""
    assert await code_of(lambda: acknowledge(folder, ANN, CLOCK)) == "TW-5207"
    await back_up(folder, tmp_path / "b", CLOCK, untold)
    await restore(folder, tmp_path / "b", ANN, CLOCK, untold)
    assert await acknowledge(folder, Order("bob", "all there"), CLOCK)
    queries = open_queries(journal_of(folder))
    found = await queries.restored()
    await queries.close()
    assert (found.acknowledged_by, found.acknowledged_because) == ("bob", "all there")


async def test_an_interrupted_backup_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    """The folder has its name only when everything in it is checked."""

    def interrupt(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await back_up(folder, tmp_path / "b", CLOCK, interrupt)
    assert names(tmp_path) == ["shop"]
    assert last_backup(journal_of(folder)) is None


async def test_a_restore_that_cannot_finish_leaves_the_journal(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was put aside comes back when the operating system refuses the last step."""
    await back_up(folder, tmp_path / "b", CLOCK, untold)
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if self.name.endswith(".restoring"):
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    assert await code_of(lambda: restore(folder, tmp_path / "b", ANN, CLOCK, untold)) == "TW-5206"
    assert await positions(folder) == [1, 2, 3, 4, 5, 6]
    assert not [name for name in names(journal_of(folder).parent) if "rest" in name]


async def test_a_hub_does_not_start_on_half_a_restore(folder: Path, tmp_path: Path) -> None:
    """A killed restore may leave no journal in place; a new one would deliver all again."""
    await back_up(folder, tmp_path / "b", CLOCK, untold)
    project = tmp_path / "demo"
    new_project(project, "pos-erp", Variables("demo", 18080, 18091), secrets.token_bytes)
    chosen = load_release(project, environ={})
    restoring_path(journal_path(chosen)).touch()
    assert await code_of(lambda: open_hub(chosen)) == "TW-5208"
    assert not journal_path(chosen).exists()
    await restore(project, tmp_path / "b", Order("ann"), CLOCK, untold)
    hub = await open_hub(chosen)
    assert await hub.journal.last_position() == 6
    await hub.stop()
