"""Starts `kill_children.py`, and compares what was answered, what is stored, and what is booked."""

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
LIMIT_SECONDS = 300
EVERYTHING = 1_000_000


def killed(folder: Path, kills: int, seed: int, *more: str) -> Path:
    """Make a project, kill its hub so often, and let the last one end well."""
    project = folder / "project"
    new_project(project, "pos-erp", Variables("kills", 0, 1), Random(seed).randbytes)
    done = subprocess.run(
        (sys.executable, str(SCRIPT), str(project), str(kills), str(seed), *more),
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(TESTS), *filter(None, sys.path)))},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return project


async def losses(project: Path, kills: int) -> list[str]:
    """Return what does not hold: lost, doubled, out of order, or not in balance."""
    answered, stored, booked = acknowledged(project), await stored_numbers(project), at_erp(project)
    whole = {till: list(range(1, len(stored.get(till, [])) + 1)) for till in TILLS}
    holds = {
        "the answered numbers have holes or repeats": answered == whole,
        "what is stored is not what was answered": stored == whole,
        "what is booked is not what is stored, in order": booked == whole,
        "too little was sold": sum(map(len, answered.values())) > kills,
    }
    return [name for name, held in holds.items() if not held]


async def stored_numbers(project: Path) -> dict[str, list[int]]:
    """Return the numbers of each till in journal order, after checking that the books balance."""
    queries = open_queries(project)
    books = await verify(queries, carried_by_route(load_release(project, environ=os.environ)))
    assert books.balanced
    found: dict[str, list[int]] = defaultdict(list)
    for message in await queries.read(0, EVERYTHING):
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


def at_erp(project: Path) -> dict[str, list[int]]:
    """Return the numbers of each till in the order in which the target booked them."""
    found: dict[str, list[int]] = defaultdict(list)
    for key in lines(project / BOOKED):
        _, till, _, number = key.split(":")
        found[till].append(int(number))
    return dict(found)
