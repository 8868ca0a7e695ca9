"""Work for a journal whose disk will fail, and the check that nothing acknowledged was lost.

The check knows nothing of how the journal works: it compares what was answered with what is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any

import apsw

from tillway.journal.base import AppendItem, Receipt, Settlement
from tillway.journal.sqlite import SqliteJournal, open_sqlite
from tillway.message import content_hash
from tillway.observe import verify
from tillway.testing.journal import ROUTE, candidate, invalid, row

ROUNDS = 20
APPENDS_AT_ONCE = 3
REPEATS = 300


@dataclass(frozen=True, slots=True)
class Plan:
    """How a run goes.

    repeats: how often the six digits of its number make the content of a sale. together: several
    appends share a flush; otherwise each has its own. checkpoint_pages: pages of log after which it
    is moved into the journal; so few that a short run meets what a hub meets every 64 MB.
    """

    rounds: int = ROUNDS
    repeats: int = REPEATS
    together: bool = True
    checkpoint_pages: int = 60


def plan_of(seed: int) -> Plan:
    """Return a short run that is like no other."""
    rng = Random(seed)
    return Plan(
        rounds=rng.randint(3, 8),
        repeats=rng.randint(10, 900),
        together=rng.random() < 0.8,
        checkpoint_pages=rng.randint(10, 60),
    )


@dataclass(slots=True)
class Trade:
    """Everything that was answered, each with the number of disk steps done until then."""

    receipts: list[tuple[int, Receipt]] = field(default_factory=list)
    settled: list[tuple[int, int]] = field(default_factory=list)

    def until(self, step: int) -> Trade:
        """Return what was answered when so many steps were done."""
        return Trade(
            [one for one in self.receipts if one[0] <= step],
            [one for one in self.settled if one[0] <= step],
        )


class LateCommit:
    """A connection that commits only when the next transaction begins: the answer comes first."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._late = False

    def execute(self, sql: str, *rest: Any) -> Any:
        """Put off a COMMIT; do everything else."""
        if sql == "COMMIT":
            self._late = True
            return None
        if self._late and sql.startswith("BEGIN"):
            self._late = False
            self._db.execute("COMMIT")
        return self._db.execute(sql, *rest)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)


def items_of(number: int, repeats: int = REPEATS) -> list[AppendItem]:
    """Return what one append of the run brings: sales, a repeat, a conflict, a bad one."""
    first = 10 * number
    sales = [candidate(first + n, content=b"%06d" % (first + n) * repeats) for n in range(1, 6)]
    again = candidate(first + 1, content=b"%06d" % (first + 1) * repeats)
    other = candidate(first + 2, content=b"other %d" % number)
    return [*sales, again, other, invalid(first + 9, record=b"bad %d" % number)]


@cache
def everything(plan: Plan) -> list[AppendItem]:
    """Return every item of a whole run."""
    appends = range(plan.rounds * APPENDS_AT_ONCE)
    return [item for number in appends for item in items_of(number, plan.repeats)]


async def trade(
    journal: SqliteJournal, trade: Trade, steps: Callable[[], int], plan: Plan = Plan()
) -> None:
    """Append and settle for a while, noting every answer; raises what the journal raises."""
    await journal.register_route(ROUTE, 0)

    async def append(items: Sequence[AppendItem]) -> None:
        receipts = await journal.append(items)
        trade.receipts += [(steps(), receipt) for receipt in receipts]

    async def settle(cursor: int, last: int) -> None:
        rows = [row(position) for position in range(cursor + 1, last + 1)]
        await journal.settle(Settlement(ROUTE, rows, cursor=last))
        trade.settled.append((steps(), last))

    cursor = 0
    for round_number in range(plan.rounds):
        first = round_number * APPENDS_AT_ONCE
        last = max((one.position for _, one in trade.receipts), default=0)
        work = [partial(append, items_of(first + n, plan.repeats)) for n in range(APPENDS_AT_ONCE)]
        work.append(partial(settle, cursor, last))
        cursor = last
        if plan.together:
            raise_first(await asyncio.gather(*(one() for one in work), return_exceptions=True))
        else:
            for one in work:
                await one()


def raise_first(results: Sequence[object]) -> None:
    """Raise the first of these that is an error, once all have ended."""
    for result in results:
        if isinstance(result, BaseException):
            raise result


async def missing(path: Path, trade: Trade, plan: Plan = Plan()) -> list[str]:
    """Open the journal that survived and return what was acknowledged and is not there.

    Then send everything again, as senders do: nothing may be doubled and the books must balance.
    """
    journal = await open_sqlite(path)
    # The cut has been: from here on only what can be read counts, so no flush is waited for.
    journal._writer._db.execute("PRAGMA synchronous = OFF")
    try:
        found = await _lost(journal, trade)
        health = await journal._submit(change=lambda db: db.execute("PRAGMA integrity_check").get)
        if health != "ok":
            found.append(f"the file is damaged: {health}")
        await journal.register_route(ROUTE, 0)
        again = await journal.append(everything(plan))
        positions = {one.position for one in again if one.outcome in ("accepted", "duplicate")}
        stored = [one.position for one in await journal.read(0, 10_000)]
        if len(positions) != len(stored):
            found.append("sent again, something was stored twice")
        if stored != list(range(1, len(stored) + 1)):
            found.append("the positions have holes")
        if not (await verify(journal)).balanced:
            found.append("the books do not balance")
    finally:
        await journal.close()
    return found


async def _lost(journal: SqliteJournal, trade: Trade) -> list[str]:
    stored = {one.position: content_hash(one.canonical) for one in await journal.read(0, 10_000)}
    copies = {one.invalid_id for one in await journal.invalid(open_only=False)}
    lost = []
    for step, receipt in trade.receipts:
        if receipt.position and stored.get(receipt.position) != receipt.content_hash:
            lost.append(f"{receipt.outcome} {receipt.natural_key}, answered at step {step}")
        if receipt.invalid_id and receipt.invalid_id not in copies:
            lost.append(f"copy {receipt.invalid_id}, answered at step {step}")
    settled = max((last for _, last in trade.settled), default=0)
    rows = await journal.delivery_rows(ROUTE, range(1, settled + 1))
    if len(rows) != settled:
        lost.append(f"{settled - len(rows)} fates of {settled}")
    return lost
