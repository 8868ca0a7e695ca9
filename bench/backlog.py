"""A backlog as large as a bad week: a million accepted sales that no target takes."""

from __future__ import annotations

import asyncio
from pathlib import Path

from msgspec.structs import replace

from bench.hub import environment
from tillway.assembly.hub import open_hub
from tillway.assembly.preparing import message_ids
from tillway.connect import Submission
from tillway.journal.base import Candidate, Journal
from tillway.message import key_digest
from tillway.project import load_release

CHUNK = 4096
_next_id = message_ids()


async def fill(folder: Path, bodies: list[bytes], count: int) -> None:
    """Store count sales in the journal of a project, as intake would have.

    The first ones go through intake; the rest are the same sales under further keys.
    """
    hub = await open_hub(load_release(folder, environ=environment()))
    intake = hub.intakes["quayside"]
    caught: list[Candidate] = []
    store_all = hub.journal.append

    async def catch(items: list[Candidate]) -> object:
        caught.extend(items)
        return await store_all(items)

    hub.journal.append = catch  # type: ignore[method-assign,assignment]
    await intake.submit(Submission(b"\n".join(bodies), format="ndjson"))
    hub.journal.append = store_all  # type: ignore[method-assign]
    made = len(caught)
    while made < count:
        chunk = [_again(caught[n % len(caught)], n) for n in range(made, min(made + CHUNK, count))]
        await hub.journal.append(chunk)
        made += len(chunk)
    await _end(hub.journal)


def _again(sale: Candidate, number: int) -> Candidate:
    """Return the sale under a key of its own, spread over 400 lanes."""
    store, till = f"{number % 100:04d}", f"{number // 100 % 4:02d}"
    parts = (store, till, "2026-11-20", str(number))
    envelope = replace(
        sale.envelope,
        message_id=_next_id(),
        natural_key=":".join(parts),
        lane_key=f"{store}:{till}",
        store=store,
        workstation=till,
        sequence_number=number,
    )
    digest = key_digest("quayside", "pos", parts)
    return replace(sale, envelope=envelope, key_digest=digest)


async def _end(journal: Journal) -> None:
    await journal.close()
    await asyncio.sleep(0)
