"""The hub is killed with SIGKILL at random while stores sell; nothing acknowledged may be lost."""

from __future__ import annotations

from pathlib import Path
from random import Random

import apsw
import pytest

from crash.kill_demo import close_shops, drained, killed_demo, new_stage, out_of_order, until
from tillway.assembly import open_queries
from tillway.cli.demo.stage import ERP_FOLDER, Stage
from tillway.cli.demo.summary import graded
from tillway.simulator.erp_facts import ErpFile

KILLS = 25
SEED = 7


@pytest.fixture
async def stage(tmp_path: Path) -> Stage:
    """Give a demo that sells."""
    return new_stage(tmp_path, SEED)


@pytest.mark.timeout(400)
async def test_kills_lose_nothing_and_double_nothing(stage: Stage) -> None:
    """After random kills every sale is in the ERP once, and the books balance."""
    assert await killed_demo(stage, KILLS, Random(20261121)) == []


async def test_the_check_can_fail(stage: Stage) -> None:
    """Positive control: a sale taken out of the ERP's ledger is found as lost."""
    try:
        await stage.open()
        queries = open_queries(stage.folder)
        await until(lambda: stage.feed is not None and stage.feed.progress.sales_made > 60)
        await close_shops(stage)
        await drained(stage, queries)
    finally:
        await stage.close()
    book = stage.folder / ERP_FOLDER / "erp.db"
    _forget_one_document(book)
    documents = list(ErpFile(stage.folder / ERP_FOLDER).documents())
    assert out_of_order(documents) == []
    assert out_of_order(documents[::-1]) != []
    verdict = await graded(stage, queries)
    await queries.close()
    assert verdict.lost.count == 1
    assert not verdict.balanced


def _forget_one_document(book: Path) -> None:
    ledger = apsw.Connection(str(book))
    ledger.execute("DELETE FROM document WHERE number = (SELECT max(number) FROM document)")
    ledger.close()
