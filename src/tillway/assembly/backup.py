"""Takes a backup of a project's journal while its hub runs, and proves the copy before it counts.

Surprising: the folder appears under its name only when everything in it is checked and durable, so
what a killed backup leaves behind is hidden and never looks like one.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import apsw
import msgspec

from tillway import __version__
from tillway.assembly.access import journal_of
from tillway.assembly.backup_files import (
    COPY,
    MANIFEST,
    SCHEMA,
    Manifest,
    told_plainly,
    write_manifest,
)
from tillway.assembly.backup_memory import LastBackup, memory_of
from tillway.clock import MICROSECONDS, Clock
from tillway.errors import ConfigurationError
from tillway.journal.sqlite_backup import (
    Told,
    copy_steps,
    digest_of,
    facts_of,
    faults_of,
    flush,
)
from tillway.journal.sqlite_queries import open_queries
from tillway.observe import carried_by_route, verify
from tillway.project.records import Release


async def back_up(folder: Path, destination: Path, clock: Clock, told: Told) -> Manifest:
    """Copy the journal of a project into a new folder and return its manifest.

    Checked before it returns: every page of the copy, its digest, and the books on the copy (where
    they do not balance the manifest says so). Raises ConfigurationError TW-5004 without a journal,
    TW-5201 when the destination exists, TW-5202 or TW-5206 when no sound copy could be made.
    """
    journal, release = await asyncio.to_thread(journal_of, folder)
    unfinished = await asyncio.to_thread(_begin, destination)
    try:
        taken_at = datetime.fromtimestamp(clock.now() // MICROSECONDS, UTC)
        await _copy(journal, unfinished / COPY, clock, told)
        balanced = await _balanced(unfinished / COPY, release)
        manifest = await asyncio.to_thread(_describe, unfinished, taken_at, balanced, release)
        await asyncio.to_thread(_finish, unfinished, destination)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    await asyncio.to_thread(_remember, journal, manifest, destination)
    return manifest


def _begin(destination: Path) -> Path:
    if destination.exists():
        raise ConfigurationError("TW-5201", f"{destination.name} exists already")
    with told_plainly(destination):
        destination.parent.mkdir(parents=True, exist_ok=True)
        # Only its owner may enter: a journal holds what customers bought.
        return Path(tempfile.mkdtemp(prefix=f".{destination.name}.", dir=destination.parent))


async def _copy(journal: Path, copy: Path, clock: Clock, told: Told) -> None:
    """Copy step by step, and rest after each as long as it took: the disk is the hub's first."""
    with told_plainly(copy.parent):
        with contextlib.closing(copy_steps(journal, copy)) as steps:
            started = clock.monotonic()
            while (done := await asyncio.to_thread(next, steps, None)) is not None:
                told(*done)
                await clock.sleep(clock.monotonic() - started)
                started = clock.monotonic()
        faults = await asyncio.to_thread(faults_of, copy)
    if faults:
        raise ConfigurationError("TW-5202", f"the copy is not sound: {faults[0]}")


async def _balanced(copy: Path, release: Release | None) -> bool:
    queries = open_queries(copy)
    try:
        return (await verify(queries, carried_by_route(release))).balanced
    finally:
        await queries.close()


def _describe(
    unfinished: Path, taken_at: datetime, balanced: bool, release: Release | None
) -> Manifest:
    copy = unfinished / COPY
    facts = facts_of(copy)
    manifest = Manifest(
        schema=SCHEMA,
        taken_at=taken_at,
        project=release.hub.name if release else "",
        release=release.digest if release else "",
        position=facts.position,
        routes=facts.routes,
        schema_version=facts.schema_version,
        balanced=balanced,
        size_bytes=copy.stat().st_size,
        sha256=digest_of(copy, _nobody),
        tillway=__version__,
        sqlite=apsw.sqlite_lib_version(),
    )
    with told_plainly(unfinished):
        write_manifest(unfinished / MANIFEST, manifest)
    return manifest


def _finish(unfinished: Path, destination: Path) -> None:
    with told_plainly(destination):
        for path in (unfinished / COPY, unfinished / MANIFEST, unfinished):
            flush(path)
        unfinished.rename(destination)
        flush(destination.parent)


def _remember(journal: Path, manifest: Manifest, destination: Path) -> None:
    """Keep beside the journal when it was backed up: a hub holds the journal itself."""
    last = LastBackup(manifest.taken_at, manifest.position, str(destination.absolute()))
    memory = memory_of(journal)
    fresh = memory.with_suffix(".fresh")
    with told_plainly(memory):
        fresh.write_bytes(msgspec.json.encode(last))
        fresh.replace(memory)


def _nobody(_done: int, _total: int) -> None:
    return None
