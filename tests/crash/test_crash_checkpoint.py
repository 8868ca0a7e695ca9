"""The hub dies between what a person did and the signature under it: nothing of it is lost."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crash.sellers import plain_world
from crash.trial import Trial, on_trial
from flows.tills import quayside
from flows.world import World, until_async
from tillway.access import AuditFiles, AuditVerdict, check_audit
from tillway.api.client import client_of
from tillway.assembly import open_queries
from tillway.journal import crash_points
from tillway.observe import problems


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Give a project and its ERP."""
    async with plain_world(tmp_path) as made:
        yield made


async def test_what_a_person_did_before_a_death_is_signed_by_the_next_start(world: World) -> None:
    """The entry stands in the chain, waits for its signature without a fault, and then gets it."""
    async with on_trial(world, crash_point=crash_points.BEFORE_CHECKPOINT, times=1) as hub:
        await hub.sell(quayside(1, payments=[{"method": "SEASHELLS", "amt": "4.00"}]))
        hub.arm()
        await retry_everything(hub)
        assert await hub.ended() == -signal.SIGKILL
    left = await verdict(world)
    assert (left.holds, left.entries, left.signed) == (True, 1, 0)
    async with world.running():
        pass
    found = await verdict(world)
    assert (found.holds, found.entries, found.signed) == (True, 1, 1)


async def test_without_a_death_the_running_hub_signs_by_itself(world: World) -> None:
    """Control: the same action is signed while the hub goes on."""
    async with on_trial(world, crash_point="nowhere", times=1) as hub:
        await hub.sell(quayside(1, payments=[{"method": "SEASHELLS", "amt": "4.00"}]))
        await retry_everything(hub)

        async def is_signed() -> bool:
            return (await verdict(world)).signed == 1

        await until_async(is_signed, "the hub did not sign what was done")


async def retry_everything(hub: Trial) -> None:
    """Let somebody take every quarantined sale in again."""
    queries = open_queries(hub.world.folder)
    [group] = [one.group for one in await problems(queries, {})]
    await queries.close()
    order = {"group": group, "who": "ada", "reason": "the table has a row for it", "agreed": 1}
    await asyncio.to_thread(client_of(hub.world.folder).post, "/api/v1/dlq/retry", order)


async def verdict(world: World) -> AuditVerdict:
    """Return what `tillway verify` finds of the audit chain."""
    queries = open_queries(world.folder)
    try:
        return await check_audit(queries, AuditFiles.beside(queries.path))
    finally:
        await queries.close()
