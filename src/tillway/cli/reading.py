"""Opens a project's journal for the verbs that only look, beside a running hub or without one.

A project that does not load is no reason to hide its journal: then names and filters are missing,
and a note says so.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from tillway.assembly import journal_path
from tillway.cli.output import note
from tillway.clock import SystemClock
from tillway.errors import ConfigurationError
from tillway.journal.sqlite_queries import open_queries
from tillway.observe import MessageReader
from tillway.project import load_project
from tillway.project.records import HubSettings, Release


class Opened(msgspec.Struct, frozen=True):
    """A journal open for reading, and the project around it when it loads."""

    reader: MessageReader
    release: Release | None

    @property
    def zone(self) -> str:
        """Return the zone in which times are shown."""
        return self.release.hub.time_zone if self.release else "UTC"

    @property
    def now(self) -> int:
        """Return the wall time in microseconds UTC."""
        return SystemClock().now()


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Opened]:
    """Open the journal of a project. Raises ConfigurationError TW-5004 when it never ran."""
    release = readable_release(folder)
    path = journal_path(release) if release else folder / HubSettings(name="").journal
    if not path.exists():
        raise ConfigurationError("TW-5004", "this project has no journal yet", folder=folder.name)
    queries = open_queries(path)
    try:
        yield Opened(queries, release)
    finally:
        await queries.close()


def readable_release(folder: Path) -> Release | None:
    """Return the project without the values of its secrets, None (with a note) if it is broken."""
    try:
        return load_project(folder, environ=os.environ, secrets_needed=False).release
    except ConfigurationError as error:
        note(f"the project does not load ({error.code}), so names and filters are missing")
        return None
