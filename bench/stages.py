"""What a sale costs to prepare, stage by stage, on a machine that is never quiet.

`python -m bench.stages`: a shared machine is slow for seconds at a time, and seldom for the half of
a millisecond in which a group of sales passes a stage. So each group is timed in many rounds and
its least counts: two runs then differ by a few per cent, beside other work by a tenth, where a
plain average differs by half. It is what the stages cost in the processor's quick moments, not what
a busy hub needs.
"""

from __future__ import annotations

import argparse
import gc
import io
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from bench.hub import environment, new_project, sales
from bench.traffic import batches_of
from tillway.assembly.preparing import masker, message_ids
from tillway.clock import SystemClock
from tillway.connect import Submission
from tillway.formats import Format, Record
from tillway.intake import Pipeline, Preparation
from tillway.intake.pipeline import Draft
from tillway.intake.preparation import Taken
from tillway.project import load_release

SYSTEM = "quayside"
SALES, ROUNDS = 1_000, 100
TOGETHER = 8
"""Sales of a group: about as many as a worker takes together."""
Made = TypeVar("Made")
_encode = msgspec.msgpack.Encoder().encode


class Least:
    """The least time that each piece of some work took in any round."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._times: dict[str, dict[int, float]] = defaultdict(dict)

    def of(self, name: str, piece: int, work: Callable[..., Made], *arguments: object) -> Made:
        """Do one piece of the work of this name and return what it made."""
        began = self._clock()
        made = work(*arguments)
        taken = self._clock() - began
        times = self._times[name]
        times[piece] = min(taken, times.get(piece, taken))
        return made

    def microseconds(self, count: int) -> dict[str, float]:
        """Return all pieces of each name added up, for each of so many sales."""
        return {name: sum(times.values()) / count * 1e6 for name, times in self._times.items()}


def main() -> None:
    """Measure and print microseconds for each sale."""
    parser = argparse.ArgumentParser(prog="python -m bench.stages", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"{ROUNDS} unless told")
    options = parser.parse_args()
    batches = batches_of(sales(SALES))
    with tempfile.TemporaryDirectory(prefix="tillway-bench-") as folder:
        pipeline = pipeline_of(Path(folder) / "project")
    gc.freeze()
    gc.disable()
    found = measure(pipeline, batches, options.rounds).microseconds(SALES)
    for name, microseconds in found.items():
        print(f"{name:<24} {microseconds:7.2f} us")


def pipeline_of(folder: Path) -> Pipeline:
    """Return what a door of the bench prepares its sales with, from a new project."""
    new_project(folder, 1, route=False)
    release = load_release(folder, environ={**os.environ, **environment()})
    source = release.sources[SYSTEM]
    return Pipeline(source, release, masker(source, release), SystemClock(), message_ids())


def measure(pipeline: Pipeline, batches: Sequence[bytes], rounds: int) -> Least:
    """Prepare some batches again and again, each once by stages and once as a worker does."""
    least, preparation = Least(), Preparation(SYSTEM, pipeline)
    reading = pipeline.batch_format("ndjson")
    for _ in range(rounds):
        _by_stages(pipeline, reading, batches, least)
        for piece, batch in enumerate(batches):
            least.of("the whole of a batch", piece, _whole, preparation, batch)
    return least


def _by_stages(pipeline: Pipeline, reading: Format, batches: Sequence[bytes], least: Least) -> None:
    piece = 0
    for batch in batches:
        records = reading.records(io.BytesIO(batch))
        while group := least.of("read", piece, _next_of, records):
            drafts = [Draft(one, "", "", SYSTEM) for one in group if isinstance(one, Record)]
            for stage in pipeline.stages:
                least.of(stage.__name__.strip("_"), piece, _each, stage, drafts)
            made = [Taken(1, 0, draft.item) for draft in drafts if draft.item is not None]
            assert len(made) == len(group), "every sale of the bench can be stored"
            least.of("pack for the hub", piece, _encode, made)
            piece += 1


def _next_of(records: Iterator[Any]) -> list[Any]:
    return list(islice(records, TOGETHER))


def _each(stage: Callable[[Draft], None], drafts: Sequence[Draft]) -> None:
    for draft in drafts:
        stage(draft)


def _whole(preparation: Preparation, batch: bytes) -> bytes:
    return _encode(list(preparation.taken(Submission(batch, "", "", "", "ndjson"))))


if __name__ == "__main__":
    main()
