"""Builds what turns input into journal items, for the hub and for each of its workers."""

from __future__ import annotations

import os
from collections.abc import Callable

from tillway.clock import Clock, SystemClock
from tillway.connect.registry import connector
from tillway.intake import Pipeline, Preparation
from tillway.project.records import BY_CORES, HubSettings, Release, SourceRecord
from tillway.security.masking import Masker

IDS_AT_ONCE = 256
MOST_WORKERS = 8


def preparations(
    release: Release, clock: Clock, new_id: Callable[[], str]
) -> dict[str, Preparation]:
    """Return what prepares the submissions of each source, by its name."""
    return {
        name: Preparation(name, Pipeline(source, release, masker(source, release), clock, new_id))
        for name, source in release.sources.items()
    }


def masker(source: SourceRecord, release: Release) -> Masker:
    """Return what masks the input of one source.

    The list that always holds, its connector's, and what its system file adds.
    """
    more = source.masking
    return Masker(
        release.hub.pseudonym_key.encode(),
        lists=(*connector(source.connector).masking, *more.lists),
        drop=more.drop,
        item_fields=more.item_fields,
    )


def worker_count(settings: HubSettings) -> int:
    """Return how many workers prepare batches: as set, else one per core and none on one core."""
    if settings.intake_workers != BY_CORES:
        return settings.intake_workers
    cores = len(os.sched_getaffinity(0))
    return min(cores, MOST_WORKERS) if cores > 1 else 0


def message_ids() -> Callable[[], str]:
    """Return a maker of ids: 12 hex digits that rise with time, and 20 random ones.

    So their index in the journal grows at its end. Both are fetched for many ids at once.
    """
    clock = SystemClock()
    waiting: list[str] = []

    def next_id() -> str:
        if not waiting:
            milliseconds = f"{clock.now() // 1000:012x}"
            digits = os.urandom(10 * IDS_AT_ONCE).hex()
            found = (digits[at : at + 20] for at in range(0, len(digits), 20))
            waiting.extend(f"{milliseconds}{random}" for random in found)
        return waiting.pop()

    return next_id
