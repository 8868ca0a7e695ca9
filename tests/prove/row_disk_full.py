"""The disk is full at each of several moments: 507, pages all the while, and on without a restart.

Surprising: it runs the tests of `tests/crash`, which raise where something does not hold.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from crash.sellers import plain_world
from crash.test_disk_faults import (
    FULL_AT_BYTES,
    test_a_full_disk_refuses_and_takes_again_without_a_restart,
)
from crash.test_hub_disk_faults import (
    test_a_hub_that_has_no_room_for_its_ledger_stays_up,
    test_a_hub_without_room_refuses_stays_up_and_takes_again,
)
from flows.world import World
from prove.proof import Job, Outcome, Proof
from tillway.testing.faulty_disk import FaultyDisk

HUBS = (
    test_a_hub_without_room_refuses_stays_up_and_takes_again,
    test_a_hub_that_has_no_room_for_its_ledger_stays_up,
)


def prove(job: Job) -> Outcome:
    """Fill the disk under journals and under whole hubs."""
    folders = [job.folder / str(number) for number in range(1 + len(HUBS))]
    for folder in folders:
        folder.mkdir()
    asyncio.run(journals(folders[0]))
    for folder, hub in zip(folders[1:], HUBS, strict=True):
        job.say(hub.__doc__ or "")
        asyncio.run(in_world(folder, hub))
    return Outcome(
        f"0 lost, 507 in {len(FULL_AT_BYTES)} journals and {len(HUBS)} hubs; pages answered, "
        "intake and ledger went on without a restart",
        ok=True,
        seeds="",
    )


async def journals(folder: Path) -> None:
    """Let the room end at each of several sizes of a journal."""
    disk = FaultyDisk("full")
    try:
        await test_a_full_disk_refuses_and_takes_again_without_a_restart(folder, disk)
    finally:
        disk.unregister()


async def in_world(folder: Path, hub: Callable[[World], Awaitable[None]]) -> None:
    """Run this with a project and an ERP of its own."""
    async with plain_world(folder) as world:
        await hub(world)


PROOF = Proof(
    "disk full",
    "0 lost, 507, the console stays up, resumes without a restart",
    prove,
)
