"""Finished files leave their folders after their days, and nothing else does."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tillway.clock import MICROSECONDS
from tillway.connectors.files.folder import WatchedFolder
from tillway.connectors.files.retention import DAY_SECONDS, FILES_AT_ONCE, remove_old
from tillway.connectors.files.settings import FilesSourceSettings

NOW = round(time.time() * MICROSECONDS)
DAY = DAY_SECONDS * MICROSECONDS


def prepared(tmp_path: Path, **settings: int) -> tuple[WatchedFolder, FilesSourceSettings]:
    """Return a watched folder with its done and failed folders."""
    chosen = FilesSourceSettings(folder="inbox", pattern="*.csv", **settings)
    folder = WatchedFolder(chosen, str(tmp_path))
    folder.prepare()
    return folder, chosen


def names(place: Path) -> list[str]:
    """Return what lies in a folder."""
    return sorted(path.name for path in place.iterdir())


def test_a_file_stays_for_its_days_and_then_goes(tmp_path: Path) -> None:
    """Its age counts from the move, whatever time the sender gave it; its number is no matter."""
    folder, chosen = prepared(tmp_path, done_days=30)
    for name in ("a.csv", "a-2.csv"):
        (folder.done / name).touch()
    assert remove_old(folder, chosen, NOW + 29 * DAY) == 0
    assert names(folder.done) == ["a-2.csv", "a.csv"]
    assert remove_old(folder, chosen, NOW + 31 * DAY) == 2
    assert names(folder.done) == []


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    """Names the source does not take, hidden ones, folders and links are left alone."""
    folder, chosen = prepared(tmp_path, done_days=30)
    kept = ["notes.txt", ".a.csv", "month.csv", "link.csv"]
    (folder.done / "notes.txt").touch()
    (folder.done / ".a.csv").touch()
    (folder.done / "month.csv").mkdir()
    (folder.done / "link.csv").symlink_to(folder.done / "notes.txt")
    (folder.path / "waiting.csv").touch()
    assert remove_old(folder, chosen, NOW + 900 * DAY) == 0
    assert names(folder.done) == sorted(kept)
    assert (folder.path / "waiting.csv").exists()


def test_failed_files_stay_unless_days_are_set(tmp_path: Path) -> None:
    """Nobody may have looked at them; when they go, what was wrong goes with them."""
    folder, chosen = prepared(tmp_path)
    (folder.failed / "b.csv").touch()
    folder.write_error("b.csv", {"code": "TW-2030"})
    assert remove_old(folder, chosen, NOW + 9000 * DAY) == 0
    folder, chosen = prepared(tmp_path, failed_days=30)
    assert remove_old(folder, chosen, NOW + 31 * DAY) == 1
    assert names(folder.failed) == []


def test_zero_days_keep_done_files_for_ever(tmp_path: Path) -> None:
    """0 turns it off."""
    folder, chosen = prepared(tmp_path, done_days=0)
    (folder.done / "a.csv").touch()
    assert remove_old(folder, chosen, NOW + 9000 * DAY) == 0


def test_one_clearing_takes_a_bounded_number(tmp_path: Path) -> None:
    """A folder of years is cleared over several hours."""
    folder, chosen = prepared(tmp_path, done_days=1)
    for number in range(FILES_AT_ONCE + 5):
        (folder.done / f"{number}.csv").touch()
    removed = [remove_old(folder, chosen, NOW + 9 * DAY) for _ in range(3)]
    assert removed == [FILES_AT_ONCE, 5, 0]


def test_negative_days_are_refused() -> None:
    """They would remove what was moved a moment ago."""
    import msgspec

    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"folder": "inbox", "done_days": -1}, FilesSourceSettings)
