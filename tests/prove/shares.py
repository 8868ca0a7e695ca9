"""Seeds shared out to worker processes, with a line of progress at every tenth of the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from prove.proof import Job

Found = TypeVar("Found")
LINES_OF_PROGRESS = 10


def side_by_side(
    job: Job, work: Callable[[Path, int], Found], seeds: Sequence[int]
) -> Iterator[tuple[int, Found]]:
    """Yield each seed with what `work(folder, seed)` found, as they end; the folder is its own.

    work is a function of a module, for the workers are new processes. What it raises is raised.
    """
    with ProcessPoolExecutor(job.workers, get_context("spawn")) as pool:
        waiting = {pool.submit(work, job.folder / str(seed), seed): seed for seed in seeds}
        for number, future in enumerate(as_completed(waiting), start=1):
            yield waiting[future], future.result()
            if number % max(1, len(seeds) // LINES_OF_PROGRESS) == 0:
                job.say(f"{number} of {len(seeds)}")


def spelled(seeds: Sequence[int]) -> str:
    """Return a range of seeds as the table has it."""
    return f"{seeds[0]}..{seeds[-1]}" if len(seeds) > 1 else str(seeds[0])
