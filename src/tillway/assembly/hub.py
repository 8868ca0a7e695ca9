"""Joins the rooms of one release: journal, intakes, sources, targets, delivery."""

from __future__ import annotations

import asyncio
import logging
import random
import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeGuard

from tillway.access import Notary
from tillway.assembly.backup_files import refuse_half_restored
from tillway.assembly.hints import JournalHints
from tillway.assembly.preparing import message_ids, preparations
from tillway.assembly.upkeep import Upkeep
from tillway.assembly.watching import watch_over
from tillway.clock import Clock, SystemClock
from tillway.connect import (
    Hints,
    PullSource,
    PushSource,
    Source,
    SourceContext,
    Target,
    TargetContext,
)
from tillway.connect.registry import connector
from tillway.connect.settings import settings_from
from tillway.delivery import Delivery
from tillway.errors import ConfigurationError, JournalFault, Refused, TillwayError
from tillway.intake import Crew, Gate, Gathering, SourceIntake
from tillway.journal.sqlite import SqliteJournal, open_sqlite
from tillway.project.records import Release
from tillway.reconcile import Bookkeeper
from tillway.watch import Watch, check_names, check_traces

DISK_CHECK_SECONDS = 5.0
DISK_RETRY_SECONDS = 10.0
WARN_FREE_SHARE = 0.20
"""Below this share of free room the hub says so once; intake stops at the floor of the project."""
FIRST_RESTART_SECONDS = 1.0
LONGEST_RESTART_SECONDS = 60.0
_log = logging.getLogger(__name__)


def journal_path(release: Release) -> Path:
    """Return where the journal of a project lives."""
    return release.folder / release.hub.journal


class _RememberedState:
    """`connect.SourceState` in the journal."""

    def __init__(self, journal: SqliteJournal, source: str) -> None:
        self._journal = journal
        self._source = source

    async def get(self, name: str) -> str:
        return (await self._journal.source_state(self._source)).get(name, "")

    async def put(self, name: str, value: str) -> None:
        await self._journal.save_source_state(self._source, name, value)


@dataclass(slots=True)
class Hub:
    """Everything of one project, joined; `start` sets it going and `stop` lets it finish."""

    release: Release
    journal: SqliteJournal
    gate: Gate
    crew: Crew
    intakes: Mapping[str, SourceIntake]
    sources: Mapping[str, Source]
    targets: Mapping[str, Target]
    delivery: Delivery
    notary: Notary
    clock: Clock
    bookkeeper: Bookkeeper | None = None
    watch: Watch = field(init=False)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def doors(self) -> list[tuple[PushSource, SourceIntake]]:
        """Return the sources that others call."""
        return [
            (source, self.intakes[name]) for name, source in self.sources.items() if is_push(source)
        ]

    async def start(self) -> None:
        """Start delivery, the sources that fetch by themselves, and the watch over the disk."""
        await self.crew.start()
        await self.watch.open()
        await self.delivery.start()
        if self.bookkeeper is not None:
            self._tasks.append(asyncio.create_task(self._keep_books(self.bookkeeper)))
        self._tasks.append(asyncio.create_task(self._watch_disk()))
        self._tasks.append(asyncio.create_task(self._upkeep().run()))
        self._tasks.append(asyncio.create_task(self.notary.run()))
        self._tasks.append(asyncio.create_task(self._keep_running("the watch", self.watch.run)))
        if (tracer := self.watch.tracer) is not None:
            self._tasks.append(asyncio.create_task(self._keep_running("the traces", tracer.run)))
        for name, source in self.sources.items():
            if is_pull(source):
                self._tasks.append(asyncio.create_task(self._keep_fetching(name, source)))

    async def stop(self) -> None:
        """Take nothing more, finish what is in flight, and close everything."""
        self.gate.close(_stopping)
        self.stopping.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.delivery.stop(self.release.hub.drain_seconds)
        for target in self.targets.values():
            await target.close()
        await self.crew.close()
        await self.watch.close()
        await self.notary.sign_if_possible()
        await self.journal.close()

    async def failed(self) -> JournalFault:
        """Return when the journal failed; the process must then leave."""
        while self.journal.fault is None:
            await self.clock.sleep(0.2)
        return self.journal.fault

    def _upkeep(self) -> Upkeep:
        settings, told = self.release.hub, self.delivery.restore_acknowledged
        return Upkeep(self.journal, settings, self.clock, told)

    async def _keep_fetching(self, name: str, source: PullSource) -> None:
        """Run a fetching source until the hub stops."""

        async def fetch() -> None:
            await source.run(self.intakes[name], self.stopping)

        await self._keep_running(f"source {name}", fetch)

    async def _keep_books(self, bookkeeper: Bookkeeper) -> None:
        """Keep the store-days until the hub stops."""
        await self._keep_running("reconciliation", bookkeeper.run)

    async def _keep_running(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run something; a failure restarts it with back-off, it never stays dead."""
        wait = FIRST_RESTART_SECONDS
        while not self.stopping.is_set():
            started = self.clock.monotonic()
            try:
                await run()
            except JournalFault:
                return
            except Exception as error:  # noqa: BLE001 - what dies must start again
                told = error if isinstance(error, TillwayError | OSError) else type(error).__name__
                _log.warning("%s stopped, starts again in %.0f s: %s", name, wait, told)
            if self.clock.monotonic() - started > LONGEST_RESTART_SECONDS:
                wait = FIRST_RESTART_SECONDS
            await self.clock.sleep(wait)
            wait = min(wait * 2, LONGEST_RESTART_SECONDS)

    async def _watch_disk(self) -> None:
        """Warn when room gets short; close intake below the floor, and open it again by itself."""
        floor = self.release.hub.disk_floor_bytes
        folder = self.journal.path.parent
        warned = False
        while True:
            usage = shutil.disk_usage(folder)
            free = usage.free
            short = free < WARN_FREE_SHARE * usage.total
            if short and not warned:
                _log.warning("less than %.0f %% of the disk is free", WARN_FREE_SHARE * 100)
            warned = short
            if free < floor and self.gate.is_open:
                self.gate.close(_below_floor)
            elif free >= floor and not self.gate.is_open and not self.stopping.is_set():
                self.gate.open()
            await self.clock.sleep(DISK_CHECK_SECONDS)


async def open_hub(
    release: Release,
    *,
    clock: Clock | None = None,
    rng: random.Random | None = None,
    new_id: Callable[[], str] | None = None,
    crew: Crew | None = None,
) -> Hub:
    """Open the journal and build every source, target and route of a release.

    crew prepares batches; without one the hub does it all itself.
    Raises Transient TW-5002 when another process holds the journal, ConfigurationError otherwise.
    """
    clock = clock or SystemClock()
    rng = rng or random.SystemRandom()
    new_id = new_id or message_ids()
    crew = crew or Crew()
    check_names(release.watch.rules)
    check_traces(release.hub)
    await asyncio.to_thread(refuse_half_restored, journal_path(release))
    journal = await open_sqlite(journal_path(release))
    notary = await _notary(journal, clock)
    gate = Gate()
    gathering = Gathering(journal)
    intakes = {
        name: SourceIntake(name, preparation, journal, gate, crew, gathering)
        for name, preparation in preparations(release, clock, new_id).items()
    }
    sources = {
        name: _source(
            name,
            release,
            journal,
            clock,
            JournalHints(name, journal, clock, new_id, release.digest, gate.check),
        )
        for name in release.sources
    }
    targets = {name: _target(name, release, clock) for name in release.targets}
    delivery = Delivery(release, targets, journal, clock, rng)
    settings = release.reconciliation
    bookkeeper = Bookkeeper(release, settings, journal, clock, new_id) if settings else None
    hub = Hub(
        release, journal, gate, crew, intakes, sources, targets, delivery, notary, clock, bookkeeper
    )
    hub.watch = watch_over(hub, new_id)
    return hub


async def _notary(journal: SqliteJournal, clock: Clock) -> Notary:
    try:
        return await Notary.open(journal, journal.path, clock)
    except ConfigurationError:
        await journal.close()
        raise


def _source(
    name: str, release: Release, journal: SqliteJournal, clock: Clock, hints: Hints
) -> Source:
    record = release.sources[name]
    registration = connector(record.connector)
    if registration.source_settings is None or registration.make_source is None:
        raise ConfigurationError(
            "TW-1102", f"connector {record.connector} has no source", path=name
        )
    settings = settings_from(registration.source_settings, record.settings, f"systems/{name}.toml")
    keys = {
        store.api_key_sha256: store.business_unit_id
        for store in release.stores.values()
        if store.api_key_sha256 and store.system == name
    }
    context = SourceContext(
        name,
        clock,
        _RememberedState(journal, name),
        str(release.folder),
        keys,
        durability=journal.features.durability,
        hints=hints,
    )
    return registration.make_source(settings, context)


def _target(name: str, release: Release, clock: Clock) -> Target:
    record = release.targets[name]
    registration = connector(record.connector)
    if registration.target_settings is None or registration.make_target is None:
        raise ConfigurationError(
            "TW-1103", f"connector {record.connector} has no target", path=name
        )
    settings = settings_from(registration.target_settings, record.settings, f"systems/{name}.toml")
    return registration.make_target(settings, TargetContext(name, clock, str(release.folder)))


def is_push(source: Source) -> TypeGuard[PushSource]:
    """Say whether others call this source."""
    return hasattr(source, "receive")


def is_pull(source: Source) -> TypeGuard[PullSource]:
    """Say whether this source fetches by itself; it may be called by others as well."""
    return hasattr(source, "run")


def _stopping() -> Refused:
    return Refused(
        "TW-2020", "the hub is stopping", status=503, retry_after_seconds=DISK_RETRY_SECONDS
    )


def _below_floor() -> Refused:
    return Refused(
        "TW-5005",
        "free disk space is below the floor",
        status=507,
        retry_after_seconds=DISK_RETRY_SECONDS,
    )
