"""Ways to a project's journal from outside the hub: read beside it, or act while none runs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

from tillway.access.people import People
from tillway.api import Operations
from tillway.assembly.hub import Hub, journal_path, open_hub
from tillway.assembly.operations import OfflineOperations
from tillway.errors import ConfigurationError
from tillway.journal.sqlite_queries import SqliteQueries
from tillway.journal.sqlite_queries import open_queries as open_journal_queries
from tillway.project import load_project, load_release
from tillway.project.records import HubSettings, Release


def open_queries(folder: Path) -> SqliteQueries:
    """Open the journal of a project for reading, beside a running hub or without one.

    A folder that does not load as a project is read at the journal's usual place, because a person
    wants to look most when something is broken. Raises ConfigurationError TW-5004 without journal.
    """
    path, _ = journal_of(folder)
    return open_journal_queries(path)


def journal_of(folder: Path) -> tuple[Path, Release | None]:
    """Return where the journal of a project lies, and the project unless it is broken.

    Raises ConfigurationError TW-5004 when no hub ever ran there.
    """
    path, release = journal_place(folder)
    if not path.exists():
        raise ConfigurationError("TW-5004", "this project has no journal yet", folder=folder.name)
    return path, release


def journal_place(folder: Path) -> tuple[Path, Release | None]:
    """Return where the journal of a project would lie, and the project unless it is broken."""
    try:
        release = load_project(folder, environ=os.environ, secrets_needed=False).release
    except ConfigurationError:
        return folder / HubSettings(name="").journal, None
    return journal_path(release), release


@contextlib.asynccontextmanager
async def offline_operations(folder: Path) -> AsyncIterator[Operations]:
    """Hold the journal for one action while no hub runs; nothing is fetched or delivered.

    Raises Transient TW-5002 when a hub holds it: ask that hub through its API instead.
    """
    async with offline_hub(folder) as hub:
        yield OfflineOperations(hub)


@contextlib.asynccontextmanager
async def offline_hub(folder: Path) -> AsyncIterator[Hub]:
    """Open a hub that neither fetches nor delivers, and sign what was done with it."""
    hub = await open_hub(load_release(folder, environ=os.environ))
    try:
        yield hub
    finally:
        for target in hub.targets.values():
            await target.close()
        await hub.notary.sign_if_possible()
        await hub.journal.close()


@contextlib.asynccontextmanager
async def offline_people(folder: Path) -> AsyncIterator[People]:
    """Hold the journal for one change of people or keys while no hub runs.

    Raises Transient TW-5002 when a hub holds it: ask that hub through its API instead.
    """
    async with offline_hub(folder) as hub:
        yield await People.open(hub.journal, hub.clock, hub.release.stores)
