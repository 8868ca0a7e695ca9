"""A project of the cloud-ledger template whose books are a real Tryton, and the hub over it."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random

import aiohttp

from flows.world import World
from peers.tryton.build import DATABASE, USER
from peers.tryton.peer import TrytonPeer
from tillway.journal.base import Journal
from tillway.journal.queries import JournalQueries
from tillway.model import from_minor
from tillway.project.folder import SECRETS
from tillway.project.template import Variables, new_project

ROUTE = "pos-to-books"
STORE = "{number},Corner,America/New_York,US,USD,northgate,3,"
# Here only the till files and Tryton take part; the vendors' doors need their own counterparts.
OTHER_SYSTEMS = ("square", "shopify", "stripe")


def books_project(folder: Path, peer: TrytonPeer, stores: tuple[str, ...]) -> Path:
    """Make a project whose books are this Tryton, quick where a real one is patient."""
    seed = Random(20261121)
    new_project(folder, "cloud-ledger", Variables("books", 0, peer.port), seed.randbytes)
    for name in OTHER_SYSTEMS:
        (folder / "systems" / f"{name}.toml").unlink()
        tables = [*(folder / "mappings").glob(f"{name}-*"), *(folder / "codes").glob(f"{name}_*")]
        for table in tables:
            table.unlink() if table.is_file() else shutil.rmtree(table)
    # Of the payment providers only systems that are left may be named.
    recon = folder / "recon" / "store-day.toml"
    recon.write_text(recon.read_text().partition("[processors.")[0])
    secrets = (folder / SECRETS).read_text().splitlines()
    kept = [line for line in secrets if not line.startswith("tryton_password")]
    (folder / SECRETS).write_text("\n".join([*kept, f'tryton_password = "{USER[1]}"', ""]))
    listed = (folder / "stores.csv").read_text().splitlines()
    ours = [row for row in listed if not any(f",{name}," in row for name in OTHER_SYSTEMS)]
    rows = [STORE.format(number=number) for number in stores]
    (folder / "stores.csv").write_text("\n".join([*ours, *rows, ""]))
    for file, old, new in (
        ("systems/tryton.toml", 'database = "books"', f'database = "{DATABASE}"'),
        ("systems/tryton.toml", "settle_seconds = 30 ", "settle_seconds = 1 "),
        ("systems/tryton.toml", "poll_seconds = 30.0", "poll_seconds = 0.2"),
        ("systems/northgate.toml", "poll_seconds = 0.5", "poll_seconds = 0.02"),
        ("policies/retry.toml", "base_seconds = 0.5", "base_seconds = 0.05"),
        ("policies/retry.toml", "cap_seconds = 60", "cap_seconds = 0.5"),
        ("policies/breaker.toml", "[1, 2, 4, 8, 16, 32, 60]", "[0.2]"),
    ):
        text = (folder / file).read_text()
        assert old in text, f"{file} has no {old!r}"
        (folder / file).write_text(text.replace(old, new))
    return folder


@asynccontextmanager
async def books_world(
    folder: Path, peer: TrytonPeer, stores: tuple[str, ...]
) -> AsyncIterator[World]:
    """Give the project as the flows' world; its hub is started by `running`."""
    project = books_project(folder / "project", peer, stores)
    async with aiohttp.ClientSession() as session:
        yield World(project, peer.url, folder, session)


@dataclass(frozen=True, slots=True)
class Reported:
    """What was read back: how many documents, and what they come to per currency."""

    documents: int
    totals: dict[str, Decimal]


async def reported(queries: JournalQueries) -> Reported:
    """Return count and total of every posting that Tryton reported so far."""
    found = [
        total
        for total in await queries.outcome_totals()
        if (total.group, total.message_type) == ("accepted", "posting.reported")
    ]
    return Reported(
        sum(total.count for total in found),
        {total.currency: from_minor(total.amount_minor, total.currency) for total in found},
    )


async def fates(queries: JournalQueries) -> dict[str, int]:
    """Return how many messages of the route have each fate; reports of Tryton are not counted."""
    totals = await queries.route_totals(ROUTE)
    counts: Counter[str] = Counter()
    for total in totals.rows:
        counts[total.group] += total.count
    for name, some in (("filtered", totals.filtered), ("pending", totals.pending)):
        ours = [total for total in some if total.message_type != "posting.reported"]
        counts[name] += sum(total.count for total in ours)
    return {fate: count for fate, count in counts.items() if count}


async def receipt_keys(journal: Journal) -> list[str]:
    """Return the keys under which the receipts in the journal are booked."""
    return [
        f"{one.envelope.system}/{one.envelope.natural_key}"
        for one in await journal.read(0, 10_000)
        if one.envelope.message_type.startswith("retail_transaction.")
    ]
