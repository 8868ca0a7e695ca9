"""The profile of the stages times every one of them, and takes the least of all rounds."""

from __future__ import annotations

from bench.hub import sales
from bench.stages import Least, measure, pipeline_of
from bench.traffic import batches_of


def test_every_stage_is_timed(tmp_path):
    """From reading to packing, in order, and the whole beside them."""
    pipeline = pipeline_of(tmp_path / "project")
    found = measure(pipeline, batches_of(sales(20)), rounds=2).microseconds(20)
    stages = [stage.__name__.strip("_") for stage in pipeline.stages]
    assert list(found) == ["read", *stages, "pack for the hub", "the whole of a batch"]
    assert all(figure > 0 for figure in found.values())


def test_the_least_of_each_piece_counts():
    """A round in which one piece was slow spoils that piece of that round, and nothing else."""
    ticks = iter((0.0, 3.0, 3.0, 4.0, 4.0, 5.0, 5.0, 9.0))
    least = Least(lambda: next(ticks))
    for piece in (0, 1, 0, 1):
        assert least.of("work", piece, str, piece) == str(piece)
    assert least.microseconds(2) == {"work": 1e6}
