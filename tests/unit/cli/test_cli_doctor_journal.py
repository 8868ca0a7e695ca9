"""What `doctor` says of the room a journal has, and of what it gives back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tillway.cli import doctor_journal
from tillway.cli.doctor_journal import journal_checks
from tillway.journal.keeping import Storage
from tillway.journal.sqlite import open_sqlite
from tillway.project.records import HubSettings

MEBIBYTE = 1024 * 1024
SETTINGS = HubSettings("x", disk_floor_bytes=500 * MEBIBYTE)


async def test_a_new_journal_gives_room_back(tmp_path: Path) -> None:
    """What retention frees in it goes back to the disk while the hub runs."""
    await (await open_sqlite(tmp_path / "journal.db")).close()
    queries = doctor_journal.open_queries(tmp_path / "journal.db")
    room = await queries.storage(doctor_journal.cutoffs(SETTINGS, 0))
    await queries.close()
    assert room.gives_back


def test_every_check_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person finds what guarantees ask for: floor, log, backup, reclaim."""
    room = Storage(10, 0, 0, 0, 0, gives_back=True)

    async def read(*_: object) -> tuple[Storage, None]:
        return room, None

    monkeypatch.setattr(doctor_journal, "_read", read)
    (tmp_path / "journal.db").touch()
    names = [check.name for check in journal_checks(tmp_path / "journal.db", SETTINGS)]
    assert names == ["journal", "reclaim", "retention", "backup", "disk floor"]


@pytest.mark.parametrize(
    ("free", "total", "state"),
    [
        (9_000, 10_000, "ok"),
        (1_900, 10_000, "warning"),
        (900, 1_000, "warning"),
        (499, 1_000, "failed"),
    ],
)
def test_the_floor_is_the_one_of_the_project(free: int, total: int, state: str) -> None:
    """It warns at a fifth of the disk and near the floor, and fails where intake is shut."""
    check = doctor_journal._floor(free * MEBIBYTE, total * MEBIBYTE, SETTINGS.disk_floor_bytes)
    assert check.state == state


@pytest.mark.parametrize(
    ("gives_back", "free", "state"),
    [(True, 9_000, "ok"), (False, 100, "ok"), (False, 6_000, "warning")],
)
def test_room_that_cannot_go_back_is_told_when_it_is_much(
    gives_back: bool, free: int, state: str
) -> None:
    """An older file keeps what it frees: that matters once half of it is free."""
    room = Storage(10_000 * MEBIBYTE, free * MEBIBYTE, 0, 0, 0, gives_back)
    assert doctor_journal._reclaim(room).state == state
