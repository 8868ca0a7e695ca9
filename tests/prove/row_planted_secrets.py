"""Plants card numbers, tracks, secrets and personal data in sales, and looks for them everywhere.

Looked through: the disk of the hub (journal uncompressed, log, notes, a backup), the ledger of the
ERP, every page of the console, every answer of the API, and what was answered to the tills.
Surprising: what was planted must be found in what was sent, or the search would prove nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random
from typing import Any

from flows.test_flow_card_data import all_delivered, kept_texts
from flows.tills import millrace, northgate, poslog, quayside
from flows.world import QUAYSIDE, World, new_world, outcomes_of, until, until_async
from prove.planting import (
    CARD_NAMES,
    PERSON_NAMES,
    SECRET_NAMES,
    Planted,
    found_in,
    leaked,
    planted,
)
from prove.proof import Job, Outcome, Proof
from tillway.api import read_hub_file
from tillway.assembly import open_queries
from tillway.assembly.backup import back_up
from tillway.cli.demo.hub_process import HubProcess
from tillway.clock import SystemClock
from tillway.project.folder import SECRETS

COUNTS = {"quick": 100, "full": 1000}
PAGES = ("/", "/problems", "/books", "/status.json", "/find?q=0002", "/metrics")
ASKED = ("status", "problems", "verify", "gaps", "find?q=0002")
XML_EACH, CSV_EACH, BAD_EACH = 10, 11, 7


def prove(job: Job) -> Outcome:
    """Send so many sales, each with one of each kind, and search."""
    count = COUNTS[job.tier]
    sent, keys, found = asyncio.run(_prove(job, count))
    unseen = len(keys - found_in(sent))
    for where, some in list(found.items())[:10]:
        job.say(f"{some} in {where}")
    figure = f"{sum(found.values())} found of {len(keys):,} planted, 4 kinds"
    if unseen:
        figure += f"; the search overlooks {unseen} in what was sent"
    return Outcome(figure, not found and not unseen, str(job.seed))


async def _prove(job: Job, count: int) -> tuple[bytes, set[bytes], dict[str, int]]:
    rng = Random(job.seed)
    things = [planted(rng) for _ in range(count)]
    keys = set().union(*(one.keys for one in things))
    sent: list[bytes] = []
    answers: list[str] = []
    async with new_world(job.folder) as world:
        keys |= project_secrets(world)
        process = HubProcess(world.folder)
        address = await process.start()
        try:
            for number, one in enumerate(things, start=1):
                await _send(world, address, number, one, rng, sent, answers)
            queries = open_queries(world.folder)
            await until_async(lambda: all_delivered(world, queries), "the ERP did not get all")
            outcomes = await outcomes_of(queries)
            job.say(f"outcomes {outcomes}")
            shown = [page async for page in _pages(world, address, await queries.last_position())]
        finally:
            await process.stop()
        copy = job.folder / "backup"
        await back_up(world.folder, copy, SystemClock(), lambda _done, _all: None)
        kept = await kept_texts(world, queries)
        await queries.close()
        sent += [(world.folder / name).read_bytes() for name in _holders(world)]
        told = "\n".join(answers).encode()
        texts = [*_disk(world, kept, copy), *shown, ("answers to the tills", told)]
    return b"\n".join(sent), keys, leaked(texts, keys)


def project_secrets(world: World) -> set[bytes]:
    """Give every secret of the project a value with a mark of its own; return the values."""
    rng = Random(7)
    path = world.folder / SECRETS
    lines, found = [], set()
    for line in path.read_text().splitlines():
        name, equals, _ = line.partition(" = ")
        if equals and not line.startswith("#"):
            value = f"zq{rng.getrandbits(56):014x}"
            lines.append(f'{name} = "{value}{"ab" * 16}"')
            found.add(value.encode())
        else:
            lines.append(line)
    path.write_text("\n".join(lines) + "\n")
    return found


def _holders(_world: World) -> list[str]:
    """Return the files that hold the project's secrets on purpose."""
    return [SECRETS]


async def _send(
    world: World,
    address: str,
    number: int,
    one: Planted,
    rng: Random,
    sent: list[bytes],
    answers: list[str],
) -> None:
    """Send one sale: mostly JSON, some as POSLog or CSV, some that cannot be read or mapped."""
    if number % XML_EACH == 0:
        content = poslog(northgate(number, tender=_elements(one, rng), note=f" {one.card}"))
        await _dropped(world, "northgate", f"{number}.xml", content)
    elif number % CSV_EACH == 0:
        named = f"{one.card} {one.track}"
        content = (millrace(number, name=named) + f"{one.track};{one.card}\r\n").encode()
        await _dropped(world, "millrace", f"{number}.csv", content)
        # A CSV till has no names to plant the others under.
        body = json.dumps(quayside(number, Password=one.secret, email=one.person)).encode()
        answers.append((await world.post(address + QUAYSIDE, body, world.keys["0002"])).text)
        content += body
    else:
        content = json.dumps(_sale(number, one, rng)).encode()
        if number % BAD_EACH == 0:
            # Cut where nothing planted is behind, so that the search can be checked with it.
            content = content[:-1]
        answers.append((await world.post(address + QUAYSIDE, content, world.keys["0002"])).text)
    sent.append(content)


def _sale(number: int, one: Planted, rng: Random) -> dict[str, Any]:
    sale = quayside(number)
    sale["items"][0]["label"] = f"Notebook {one.track}"
    places: list[dict[str, Any]] = [
        sale,
        sale["items"][0],
        sale["payments"][0],
        sale["totals"],
        sale.setdefault("extra", {"deeper": [{}]})["deeper"][0],
    ]
    rng.choice(places)[rng.choice(SECRET_NAMES)] = one.secret
    rng.choice(places)[rng.choice(PERSON_NAMES)] = rng.choice(
        [one.person, [one.person], {"value": one.person}]
    )
    rng.choice(places)[rng.choice([*CARD_NAMES, "memo", "auth", "ref"])] = one.card
    if number % 9 == 0:
        sale["payments"][0]["method"] = f"SEASHELLS {one.card}"
    return sale


def _elements(one: Planted, rng: Random) -> str:
    card, person = rng.choice(CARD_NAMES[:3]), rng.choice(["CustomerName", "EMail", "LastName"])
    return (
        f"<CreditDebit><{card}>{one.card}</{card}><Track2Data>{one.track}</Track2Data>"
        f"</CreditDebit><Note text='{one.track}'/><Password>{one.secret}</Password>"
        f"<{person}>{one.person}</{person}>"
    )


async def _dropped(world: World, system: str, name: str, content: bytes) -> None:
    path = await world.drop(system, name, content)
    await until(lambda: not path.exists(), f"{name} was not taken")


def _disk(world: World, kept: dict[str, bytes], backup: Path) -> Iterator[tuple[str, bytes]]:
    """Yield everything that was kept, and every other file of the project but the shops' own."""
    yield from kept.items()
    for path in sorted([*world.folder.rglob("*"), *backup.rglob("*")]):
        own = "inbox" in path.parts and not path.name.endswith(".error.json")
        if path.is_file() and not own and path.name not in _holders(world):
            yield str(path), path.read_bytes()


async def _pages(world: World, address: str, last: int) -> AsyncIterator[tuple[str, bytes]]:
    """Yield every page of the console and every answer of the API; each message has both."""
    hub = read_hub_file(world.folder)
    assert hub is not None
    names = [*PAGES, *(f"/trace/{position}" for position in range(1, last + 1))]
    names += [f"/api/v1/{name}" for name in ASKED]
    names += [f"/api/v1/trace/{position}" for position in range(1, last + 1)]
    headers = {"authorization": f"Bearer {hub.token}"}
    async with world.session.get(f"{address}/api/v1/problems", headers=headers) as answer:
        groups = [one["group"] for one in (await answer.json())["problems"]]
    names += [f"/problems/{group}" for group in groups]
    names += [f"/api/v1/problems/{group}" for group in groups]
    for name in names:
        async with world.session.get(address + name, headers=headers) as answer:
            yield name, await answer.read()


PROOF = Proof("planted cards, tracks, secrets, personal data", "none found", prove)
