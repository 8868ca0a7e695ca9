"""A day of a whole chain: 45 stores of three brands, 15,000 sales, graded against the truth file.

The hub, the ERP and the stores are processes of their own. The day has faults in it: copies,
altered copies, cut-off documents, unknown tenders, a store offline and the ERP down for an hour.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from flows.world import ROUTE, World, outcomes_of, until_async
from tillway.assembly import open_queries
from tillway.cli.demo.facts import journal_facts
from tillway.cli.demo.folder import free_port
from tillway.cli.demo.hub_process import LOG_FILE, HubProcess
from tillway.cli.demo.senders import project_senders, watched_folders
from tillway.clock import SystemClock
from tillway.journal.sqlite_queries import SqliteQueries
from tillway.observe import books_as_json, carried_by_route, gaps, verify
from tillway.project import load_release, template
from tillway.project.records import Release
from tillway.simulator.erp_facts import ErpFile
from tillway.simulator.fault_plan import FaultPlan, Window
from tillway.simulator.feed import Feed
from tillway.simulator.grade import grade
from tillway.simulator.plan import ChainPlan, stores_csv
from tillway.simulator.truth import TruthFault, TruthMessage, TruthWriter, read_truth

PLAN = ChainPlan(seed=20261120, stores=45, sales=15_000)
NOON = 12 * 3600
FAULTS = FaultPlan(
    rates={"duplicate": 0.01, "conflict": 0.005, "malformed": 0.002, "unknown_tender": 0.005},
    offline=(Window(NOON, 3600, "0007"), Window(NOON, 7200, "0008")),
    erp_down=(Window(NOON + 1800, 3600),),
)


@pytest.fixture
def chain(world: World) -> World:
    """Give the world the stores of the plan, each JSON store with a key, and the hub one address.

    A hub that had to be started again is found by the stores under the same address.
    """
    world.replace("tillway.toml", "port = 0", f"port = {free_port(0)}")
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

    senders = project_senders(release, PLAN, world.session, clock, address)
    feed = Feed(PLAN, senders, clock, faults=FAULTS, truth=writer, erp_switch=switch_erp)
    done = await feed.run()
    writer.close()
    assert done.finished
    assert done.sales_made == PLAN.sales


async def is_drained(release: Release, queries: SqliteQueries) -> bool:
    """Say whether no file waits in a folder and nothing waits on the route."""
    inboxes = watched_folders(release).values()
    if any(entry.is_file() for inbox in inboxes for entry in inbox.iterdir()):
        return False
    waiting = await queries.waiting(carried_by_route(release))
    return not any(cell.count for cell in waiting if cell.state != "dead")


@pytest.mark.timeout(180)
async def test_a_day_of_45_stores_is_complete_in_the_books(chain: World, tmp_path: Path) -> None:
    """0 lost, 0 doubled, every rejected one explained, to the cent, and no number missing."""
    release = load_release(chain.folder, environ={})
    truth = tmp_path / "truth.jsonl"
    hub = HubProcess(chain.folder)
    try:
        await play(chain, release, await hub.start(), truth)
        queries = open_queries(chain.folder)
        await until_async(lambda: is_drained(release, queries), "the day did not drain")
        assert hub.restarts == 0, (chain.folder / LOG_FILE).read_text()
    finally:
        assert await hub.stop() == 0
    facts = await journal_facts(queries)
    verdict = grade(truth, facts, ErpFile(chain.erp_data))
    assert verdict.as_json()["examples"] == {}
    assert (verdict.lost.count, verdict.doubled.count, verdict.unexplained.count) == (0, 0, 0)
    assert verdict.balanced
    books = await verify(queries, carried_by_route(release))
    assert books.balanced, books_as_json(books)
    assert await gaps(queries) == []
    await assert_the_day_was_a_day(truth, queries, chain)
    await queries.close()
    assert_the_grader_can_fail(truth, facts, chain)


async def assert_the_day_was_a_day(truth: Path, queries: SqliteQueries, world: World) -> None:
    """Assert that all stores sold, every fault happened, and each kind of outcome came of it."""
    lines = list(read_truth(truth))
    faults = Counter(line.fault for line in lines if isinstance(line, TruthFault))
    sent = Counter(line.outcome for line in lines if isinstance(line, TruthMessage))
    assert set(faults) == {*FAULTS.rates, "store_offline", "erp_down"}
    assert len({one.store for one in await queries.stores_seen()}) == PLAN.stores
    assert await outcomes_of(queries) == {
        "accepted": sent["accepted"],
        "duplicate": faults["duplicate"],
        "conflict": faults["conflict"],
        "quarantined": faults["unknown_tender"],
        "refused": faults["malformed"],
    }
    totals = await queries.route_totals(ROUTE)
    delivered = sum(row.count for row in totals.rows if row.group == "delivered")
    assert delivered == len(world.documents()) == len(set(world.documents()))
    assert delivered > PLAN.sales * 0.98


def assert_the_grader_can_fail(truth: Path, facts: object, world: World) -> None:
    """Assert, as a positive control, that one sale more in the truth is found as lost."""
    lines = truth.read_bytes().splitlines(keepends=True)
    line = next(one for one in lines if one.startswith(b'{"line":"message"'))
    renamed = line.replace(b'"natural_key":"', b'"natural_key":"9')
    truth.write_bytes(truth.read_bytes() + renamed)
    verdict = grade(truth, facts, ErpFile(world.erp_data))  # type: ignore[arg-type]
    assert verdict.lost.count == 1
