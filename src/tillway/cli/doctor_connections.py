"""Reaches out to every source and target of a project, one short call each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

import msgspec

from tillway.cli.doctor_checks import Check
from tillway.clock import SystemClock
from tillway.connect import Hint, SourceContext, TargetContext, connector
from tillway.connect.settings import settings_from
from tillway.errors import ConfigurationError, TillwayError
from tillway.project import Release, SourceRecord, TargetRecord

PING_SECONDS = 10.0


class _ReadState(msgspec.Struct, frozen=True):
    """What a source remembers, as the journal has it; a ping changes nothing."""

    remembered: Mapping[str, str]

    async def get(self, name: str) -> str:
        return self.remembered.get(name, "")

    async def put(self, _name: str, _value: str) -> None:
        return None


class _NoHints:
    """A source that only answers a ping is told nothing."""

    async def put(self, _hint: Hint) -> bool:
        return True

    async def waiting(self, _limit: int) -> Sequence[tuple[int, Hint]]:
        return ()

    async def done(self, _position: int) -> None:
        return None


def connection_checks(release: Release) -> list[Check]:
    """Return one check per source and target; none waits longer than PING_SECONDS."""
    return asyncio.run(_all(release))


async def _all(release: Release) -> list[Check]:
    pings: list[Awaitable[Check]] = [
        _check(f"source {name}", partial(_ping_source, release, source))
        for name, source in release.sources.items()
    ]
    pings += [
        _check(f"target {name}", partial(_ping_target, release, target))
        for name, target in release.targets.items()
    ]
    return list(await asyncio.gather(*pings))


async def _check(name: str, ping: Callable[[], Awaitable[None]]) -> Check:
    try:
        await asyncio.wait_for(ping(), PING_SECONDS)
    except TimeoutError:
        found = f"no answer in {PING_SECONDS:.0f} s"
        return Check(name, "warning", found, "Look at the network and at the other side.")
    except TillwayError as error:
        return Check(name, "warning", str(error), error.advice)
    return Check(name, "ok", "answers")


async def _ping_source(release: Release, record: SourceRecord) -> None:
    found = connector(record.connector)
    assert found.source_settings is not None, "project.load refuses it"
    assert found.make_source is not None, "project.load refuses it"
    settings = settings_from(found.source_settings, record.settings, record.system)
    state = _ReadState(await _remembered(release, record.system))
    context = SourceContext(
        record.system, SystemClock(), state, str(release.folder), hints=_NoHints()
    )
    await found.make_source(settings, context).ping()


async def _remembered(release: Release, source: str) -> dict[str, str]:
    """Return what a source remembers; nothing where no hub ever ran."""
    from tillway.assembly import open_queries

    try:
        queries = open_queries(release.folder)
    except ConfigurationError:
        return {}
    try:
        return await queries.source_state(source)
    finally:
        await queries.close()


async def _ping_target(release: Release, record: TargetRecord) -> None:
    found = connector(record.connector)
    assert found.target_settings is not None, "project.load refuses it"
    assert found.make_target is not None, "project.load refuses it"
    settings = settings_from(found.target_settings, record.settings, record.system)
    target = found.make_target(
        settings, TargetContext(record.system, SystemClock(), str(release.folder))
    )
    try:
        await target.ping()
    finally:
        await target.close()
