"""Retention and backup are killed at any moment: the books hold, and half a backup is none.

Surprising: a child is killed either some time after it began, or by itself at its n-th write.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tillway.assembly.backup_files import check_copy, read_manifest
from tillway.journal.base import Settlement
from tillway.journal.sqlite import open_sqlite
from tillway.journal.sqlite_backup import faults_of
from tillway.observe import verify
from tillway.testing.journal import ROUTE, candidate, row

KILLS = 12
MESSAGES = 3000
DEADLINE_SECONDS = 60.0
TESTS = Path(__file__).parents[1]

CHILD = """
import asyncio, sys
from pathlib import Path
from crash.hub_on_trial import plant
from tillway.assembly import upkeep
from tillway.assembly.backup import back_up
from tillway.clock import SystemClock
from tillway.journal.sqlite import open_sqlite
from tillway.project.records import HubSettings

async def retain(folder):
    journal = await open_sqlite(folder / ".state" / "journal.db")
    upkeep.MESSAGES_AT_ONCE = 25
    print("begun", flush=True)
    await upkeep.Upkeep(journal, HubSettings("x"), SystemClock(), lambda: None).round()
    await journal.close()

async def back(folder):
    print("begun", flush=True)
    await back_up(folder, folder / "backup", SystemClock(), lambda done, total: None)

if sys.argv[3] != "0":
    trial = {"write_to": "", "times": int(sys.argv[3]), "at_start": True}
    disk = plant(Path("armed"), trial)
asyncio.run({"retain": retain, "back": back}[sys.argv[1]](Path(sys.argv[2])))
"""


def child_of(work: str, folder: Path, dies_at_write: int) -> subprocess.Popen[bytes]:
    """Start work in a child that dies at this write, 0 for at none."""
    command = [sys.executable, "-c", CHILD, work, str(folder), str(dies_at_write)]
    path = os.pathsep.join((str(TESTS), *filter(None, sys.path)))
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)


def died_at_write(work: str, folder: Path, number: int) -> bool:
    """Run work in a child that dies at this write; False when it had ended before."""
    with child_of(work, folder, number) as child:
        code = child.wait(DEADLINE_SECONDS)
    assert code in {0, -signal.SIGKILL}
    return code != 0


def writes() -> Iterator[int]:
    """Give the numbers of writes to die at, ever further apart."""
    return (4**power for power in range(12))


def killed(work: str, folder: Path, after_seconds: float) -> bool:
    """Run work in a child and kill it so long after it began; False when it had ended before."""
    with child_of(work, folder, 0) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"begun\n"
        try:
            child.wait(after_seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            return True
    assert child.returncode == 0
    return False


async def filled(folder: Path) -> Path:
    """Store messages of 2023, each repeated once; every tenth is dead. Return the journal."""
    path = folder / ".state" / "journal.db"
    journal = await open_sqlite(path)
    items = [candidate(number) for number in range(1, MESSAGES + 1)]
    await journal.append(items)
    await journal.append(items)
    await journal.register_route(ROUTE, 0)
    rows = [row(at, "dead" if at % 10 == 0 else "delivered") for at in range(1, MESSAGES + 1)]
    await journal.settle(Settlement(ROUTE, rows=rows, cursor=MESSAGES))
    await journal.close()
    return path


def repeated(work: Callable[[float], bool]) -> int:
    """Kill work again and again at growing moments until it once comes to its end."""
    rng, kills, end = random.Random(8), 0, time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < end:
        longest = 0.15 if kills < KILLS else DEADLINE_SECONDS
        if not work(rng.uniform(0.0, longest) if kills < KILLS else longest):
            return kills
        kills += 1
    raise AssertionError("the work never came to its end")


async def test_killed_retention_keeps_the_books_and_what_is_open(tmp_path: Path) -> None:
    """A step is there or not; the next round goes on, and dead letters keep their payload."""
    path = await filled(tmp_path)
    kills = await asyncio.to_thread(repeated, lambda after: killed("retain", tmp_path, after))
    assert kills > 0
    assert faults_of(path) == []
    journal = await open_sqlite(path)
    books = await verify(journal)
    records = [await journal.record(at) for at in range(1, 101)]
    raws = [record is not None and bool(record.raw) for record in records]
    repeats = records[0].duplicates if records[0] else None
    await journal.close()
    assert books.balanced
    assert raws == [at % 10 == 0 for at in range(1, 101)]
    assert repeats == []


async def test_retention_that_dies_at_a_write_keeps_the_books(tmp_path: Path) -> None:
    """After each death the file is whole, the books balance, and the next round goes on."""
    path = await filled(tmp_path)
    deaths = 0
    for number in writes():
        if not await asyncio.to_thread(died_at_write, "retain", tmp_path, number):
            break
        deaths += 1
        assert faults_of(path) == []
        journal = await open_sqlite(path)
        books = await verify(journal)
        await journal.close()
        assert books.balanced
    assert deaths > 2


async def test_a_backup_that_dies_at_a_write_is_none(tmp_path: Path) -> None:
    """However far it had come, nothing stands under its name until it is whole."""
    await filled(tmp_path)
    destination = tmp_path / "backup"

    def backed_up() -> int:
        for deaths, number in enumerate(writes()):
            if not died_at_write("back", tmp_path, number):
                return deaths
            assert not destination.exists()
        raise AssertionError("the backup never came to its end")

    assert await asyncio.to_thread(backed_up) > 2
    assert _is_whole(destination)


async def test_a_killed_backup_is_none(tmp_path: Path) -> None:
    """Under its name stands a whole backup or nothing."""
    await filled(tmp_path)
    destination = tmp_path / "backup"

    def work(after: float) -> bool:
        was_killed = killed("back", tmp_path, after)
        assert destination.exists() != was_killed or _is_whole(destination)
        return was_killed and not destination.exists()

    assert await asyncio.to_thread(repeated, work) > 0
    assert _is_whole(destination)


def _is_whole(destination: Path) -> bool:
    check_copy(destination, read_manifest(destination), lambda _done, _total: None)
    return True
