"""A day on which everything goes wrong at once: every fault the simulator has, in one chain.

The hub, the ERP and `tillway dlq retry` are processes of their own. What was quarantined is mended
as a person would: a row in each code table, the hub started again, and everything retried.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from flows.world import World, until_async
from tillway.assembly import open_queries
from tillway.cli.demo.facts import JournalFacts, journal_facts
from tillway.cli.demo.folder import free_port
from tillway.cli.demo.hub_process import LOG_FILE, HubProcess
from tillway.cli.demo.senders import project_senders, watched_folders
from tillway.clock import SystemClock
from tillway.journal.sqlite_queries import SqliteQueries
from tillway.observe import books_as_json, carried_by_route, verify
from tillway.project import load_release, template
from tillway.project.records import Release
from tillway.simulator.erp_client import lose_answer
from tillway.simulator.erp_facts import ErpFile
from tillway.simulator.fault_catalogue import fault_plan
from tillway.simulator.fault_plan import FAULT_KINDS
from tillway.simulator.feed import Feed
from tillway.simulator.grade import grade
from tillway.simulator.plan import ChainPlan, stores_csv
from tillway.simulator.truth import TruthFault, TruthWriter, read_truth, repeated_in

PLAN = ChainPlan(seed=20261121, stores=8, sales=1500)
FAULTS = fault_plan(
    "all, late=0.01, number-gap=0.01, answer-lost=0.01, unknown-tender=0.01, till-short=0.2,"
    " counter-reset=0.3",
    PLAN,
)
ROWS = {
    "codes/tender.csv": ("MOONCOIN,other,Quayside: moon coins", "99,other,Millrace: moon coins"),
    "codes/poslog_tender.csv": ("moon_coin,other,POSLog: moon coins",),
}


@pytest.fixture
def chain(world: World) -> World:
    """Give the world the stores of the plan, and a hub that soon notices a silent ERP."""
    world.replace("tillway.toml", "port = 0", f"port = {free_port(0)}")
    world.replace("systems/erp.toml", "timeout_seconds = 10.0", "timeout_seconds = 0.5")
    (world.folder / "stores.csv").write_text(stores_csv(PLAN))
    (world.folder / template.KEYS_FILE).unlink()
    counter = iter(range(1, 1000))
    template._write_keys(world.folder, lambda size: next(counter).to_bytes(size, "big"))
    return world


async def play(world: World, release: Release, address: str, truth: Path) -> None:
    """Let every store sell its day as fast as the hub takes it."""
    clock = SystemClock()
    writer = TruthWriter(truth, PLAN, FAULTS)

    async def switch_erp(down: bool) -> None:
        await world.erp_mode("down" if down else "up")

    async def lose(key: str, loss: str) -> None:
        await lose_answer(world.session, world.erp, key, "cut" if loss == "cut" else "silent")

    senders = project_senders(release, PLAN, world.session, clock, address)
    feed = Feed(
        PLAN,
        senders,
        clock,
        faults=FAULTS,
        truth=writer,
        erp_switch=switch_erp,
        lose_answer=lose,
    )
    done = await feed.run()
    writer.close()
    assert done.finished


async def drained(release: Release, queries: SqliteQueries) -> None:
    """Wait until no file is left in a folder and nothing is left on the route."""

    async def nothing_waits() -> bool:
        inboxes = watched_folders(release).values()
        if any(entry.is_file() for inbox in inboxes for entry in inbox.iterdir()):
            return False
        waiting = await queries.waiting(carried_by_route(release))
        return not any(cell.count for cell in waiting if cell.state != "dead")

    await until_async(nothing_waits, "the day did not drain")


async def tillway(*arguments: str) -> Any:
    """Run a command of the CLI as a process and return what it prints as JSON."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tillway", *arguments, "--json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode in {0, 2}, (arguments, out, err)
    return json.loads(out)


async def mend(world: World) -> None:
    """Add the rows, start the hub anew, and take in again what was quarantined."""
    for file, rows in ROWS.items():
        for row in rows:
            world.add_line(file, row)
    hub = HubProcess(world.folder)
    here = ("--project", str(world.folder))
    try:
        await hub.start()
        for problem in (await tillway("dlq", "list", *here))["problems"]:
            if problem["kind"] == "quarantined":
                retry = ("dlq", "retry", problem["group"], "--all", "--yes")
                done = await tillway(*retry, "--reason", "the tender has a row now", *here)
                assert done["outcomes"] == {"accepted": done["count"]}
        release = load_release(world.folder, environ={})
        queries = open_queries(world.folder)
        await drained(release, queries)
        await queries.close()
    finally:
        assert await hub.stop() == 0


async def facts_of(world: World, truth: Path) -> JournalFacts:
    """Read the journal, with the books of the hub proven to balance."""
    queries = open_queries(world.folder)
    try:
        release = load_release(world.folder, environ={})
        books = await verify(queries, carried_by_route(release))
        assert books.balanced, books_as_json(books)
        return await journal_facts(queries, repeated_in(truth))
    finally:
        await queries.close()


@pytest.mark.timeout(120)
async def test_a_day_with_every_fault_is_complete_in_the_books(
    chain: World, tmp_path: Path
) -> None:
    """0 lost, 0 doubled, every rejected one explained, and exactly the lost numbers missing."""
    truth = tmp_path / "truth.jsonl"
    await sell(chain, truth)
    verdict = grade(truth, await facts_of(chain, truth), ErpFile(chain.erp_data))
    assert verdict.as_json()["examples"] == {}
    assert verdict.balanced
    await mend(chain)
    facts = await facts_of(chain, truth)
    verdict = grade(truth, facts, ErpFile(chain.erp_data), mended=True)
    assert verdict.as_json()["examples"] == {}
    assert verdict.balanced
    assert_every_fault_happened(truth, facts, chain)
    assert_the_grader_can_fail(truth, facts, chain)


async def sell(world: World, truth: Path) -> None:
    """Run the hub through the whole day, until nothing waits any more."""
    release = load_release(world.folder, environ={})
    hub = HubProcess(world.folder)
    try:
        await play(world, release, await hub.start(), truth)
        queries = open_queries(world.folder)
        await drained(release, queries)
        await queries.close()
        assert hub.restarts == 0, (world.folder / LOG_FILE).read_text()
    finally:
        assert await hub.stop() == 0


def assert_every_fault_happened(truth: Path, facts: JournalFacts, world: World) -> None:
    """Assert that no kind of fault is missing from the day, and that each left its trace."""
    faults = [line for line in read_truth(truth) if isinstance(line, TruthFault)]
    kinds = Counter(line.fault for line in faults)
    assert set(kinds) == {*FAULT_KINDS, "store_offline", "erp_down"}
    for system in ("northgate", "quayside", "millrace"):
        of_brand = {line.fault for line in faults if line.system == system}
        assert {"counter_reset", "number_gap", "late", "unknown_tender"} <= of_brand, system
    assert {line.detail for line in faults if line.fault == "answer_lost"} == {"cut", "silent"}
    lost = {line.natural_key for line in faults if line.fault == "number_gap"}
    missing = sum(gap.last - gap.first + 1 for gap in facts.missing())
    assert missing == len(lost) > 0
    assert any(key.endswith(":e1") for key in lost), "no number of a reset counter got lost"
    assert any(gap.register_epoch for gap in facts.missing())
    documents = list(ErpFile(world.erp_data).documents())
    assert sum(one.repeats > 0 for one in documents) >= kinds["answer_lost"]
    booked = {one.receipt_key for one in documents}
    assert any(f"{key}:e1" in booked for key in booked), "no number of a reset counter came again"
    counts = facts.outcome_counts()
    assert counts["quarantined"] == kinds["unknown_tender"]
    assert (counts["conflict"], counts["refused"]) == (kinds["conflict"], kinds["malformed"])


def assert_the_grader_can_fail(truth: Path, facts: JournalFacts, world: World) -> None:
    """Assert, as positive controls, that a fault told of another key is missed under that key."""
    lines = truth.read_text().splitlines(keepends=True)
    for kind in FAULT_KINDS:
        at = next(at for at, line in enumerate(lines) if f'"fault":"{kind}"' in line)
        key = json.loads(lines[at])["natural_key"]
        altered = lines[at].replace(f'"natural_key":"{key}"', f'"natural_key":"9{key}"')
        if kind == "malformed":
            altered = lines[at] * 2
        truth.write_text("".join([*lines[:at], altered, *lines[at + 1 :]]))
        verdict = grade(truth, facts, ErpFile(world.erp_data), mended=True)
        said = str(verdict.as_json()["examples"])
        # What is refused is counted and not kept, so it has no key to be missed under.
        assert ("malformed sent" if kind == "malformed" else f"9{key}") in said, kind
    truth.write_text("".join(lines))
