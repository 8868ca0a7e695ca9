"""Builds what turns input into journal items, for the hub and for each of its workers."""

from __future__ import annotations

import os
from collections.abc import Callable

from tillway.clock import Clock
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
    """Return a maker of ids, 32 random hex digits each; randomness is fetched for many at once."""
    waiting: list[str] = []

    def next_id() -> str:
        if not waiting:
            digits = os.urandom(16 * IDS_AT_ONCE).hex()
            waiting.extend(digits[at : at + 32] for at in range(0, len(digits), 32))
        return waiting.pop()

    return next_id
