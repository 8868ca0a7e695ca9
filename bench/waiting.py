"""A hub that starts with a million sales waiting for an ERP that is gone."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bench.backlog import fill
from bench.hub import new_project, running_hub, sales
from bench.rows import Row

WAITING = 1_000_000
STARTS = 4
SETTLE_SECONDS = 5.0


async def million_waiting(folder: Path) -> list[Row]:
    """Measure its memory and its start, beside those of a hub that has nothing to do."""
    new_project(folder / "waiting", 1)
    await fill(folder / "waiting", sales(200), WAITING)
    new_project(folder / "empty", 1)
    floor, start_floor = await _settled(folder / "empty")
    memory, started = await _settled(folder / "waiting")
    return [
        Row(
            "process memory with a million waiting",
            memory,
            "MB",
            floor,
            200,
            96,
            higher_is_better=False,
        ),
        Row(
            "start to serving, a million waiting",
            started,
            "s",
            start_floor,
            2.0,
            1.0,
            higher_is_better=False,
        ),
    ]


async def _settled(project: Path) -> tuple[float, float]:
    """Return the megabytes of a hub that has nothing to do, and the seconds of its quickest start.

    The memory is the largest of all starts.
    """
    rounds = []
    for _ in range(STARTS):
        async with running_hub(project) as hub:
            await asyncio.sleep(SETTLE_SECONDS)
            rounds.append((hub.memory_megabytes(), hub.started_seconds))
    memory, started = zip(*rounds, strict=True)
    return max(memory), min(started)
