"""Intake, journal and delivery are killed hundreds of times: nothing lost, doubled or reordered."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from random import Random

from crash.kill_children import ACKS, BOOKED, TILLS, lines
from tillway.assembly import open_queries
from tillway.observe import carried_by_route, verify
from tillway.project import load_release
from tillway.project.template import Variables, new_project

SCRIPT = Path(__file__).with_name("kill_children.py")
TESTS = SCRIPT.parents[1]
KILLS = 200
KILLS_OF_THE_CONTROL = 50
SEED = 20261121
LIMIT_SECONDS = 100


def killed(folder: Path, kills: int, *more: str) -> Path:
    """Make a project, kill its hub so often, and let the last one end well."""
    project = folder / "project"
    new_project(project, "pos-erp", Variables("kills", 0, 1), Random(SEED).randbytes)
    done = subprocess.run(
        (sys.executable, str(SCRIPT), str(project), str(kills), str(SEED), *more),
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(TESTS), *filter(None, sys.path)))},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return project


async def stored_numbers(project: Path) -> dict[str, list[int]]:
    """Return the numbers of each till in journal order, after checking that the books balance."""
    queries = open_queries(project)
    books = await verify(queries, carried_by_route(load_release(project, environ=os.environ)))
    assert books.balanced
    found: dict[str, list[int]] = defaultdict(list)
    for message in await queries.read(0, 1_000_000):
        found[message.envelope.workstation].append(message.envelope.sequence_number or 0)
    waiting = await queries.deliveries(["sending", "held", "in_doubt", "dead"])
    assert waiting == []
    await queries.close()
    return dict(found)


def acknowledged(project: Path) -> dict[str, list[int]]:
    """Return the numbers of each till that had their answer."""
    found: dict[str, list[int]] = defaultdict(list)
    for ack in lines(project / ACKS):
        till, number = ack.split()
        found[till].append(int(number))
    return dict(found)


def booked(project: Path) -> dict[str, list[int]]:
    """Return the numbers of each till in the order in which the target booked them."""
    found: dict[str, list[int]] = defaultdict(list)
    for key in lines(project / BOOKED):
        _, till, _, number = key.split(":")
        found[till].append(int(number))
    return dict(found)


async def test_two_hundred_kills_lose_double_and_reorder_nothing(tmp_path: Path) -> None:
    """Every sale that had its answer is stored; each is booked once, in the order of its till."""
    project = killed(tmp_path, KILLS)
    answered, stored = acknowledged(project), await stored_numbers(project)
    assert set(answered) == set(TILLS)
    assert sum(map(len, answered.values())) > KILLS
    assert answered == {till: list(range(1, len(stored[till]) + 1)) for till in TILLS}
    assert stored == answered
    assert booked(project) == stored


async def test_the_kills_find_a_journal_that_answers_too_early(tmp_path: Path) -> None:
    """Positive control: where the answer comes before the commit, answered sales are gone."""
    project = killed(tmp_path, KILLS_OF_THE_CONTROL, "late")
    answered, stored = acknowledged(project), await stored_numbers(project)
    assert any(set(answered[till]) - set(stored[till]) for till in TILLS)
