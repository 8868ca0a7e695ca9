"""The last line of a timed demo: what was received, what was delivered, and whether it balances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from tillway.cli.demo.facts import journal_facts
from tillway.cli.demo.senders import watched_folders
from tillway.cli.demo.stage import ERP_FOLDER, Stage
from tillway.journal.queries import RouteTotals, Total
from tillway.journal.sqlite_queries import SqliteQueries
from tillway.model import from_minor
from tillway.observe import verify
from tillway.reconcile import is_up_to_date, store_days
from tillway.simulator.erp_facts import ErpFile
from tillway.simulator.grade import grade
from tillway.simulator.verdict import Grade

ROUTE = "pos-to-erp"
OUTCOMES = ("accepted", "duplicate", "conflict", "quarantined", "refused")


async def summary(
    stage: Stage, queries: SqliteQueries, seconds_to_first_sale: float | None
) -> dict[str, Any]:
    """Return the figures of a finished run (rulings 34); money is text per currency.

    money_in: accepted sales on the ERP's route, once per key. lost: what the truth says was sent
    and hub or ERP does not hold. balanced: the hub's own books, the ERP and the truth agree.
    storedays: how many days with messages are in each state; faults of the demo leave exceptions.
    """
    totals = await queries.route_totals(ROUTE)
    books = await verify(queries)
    verdict = await graded(stage, queries)
    counts = dict.fromkeys(OUTCOMES, 0)
    doors = await queries.intake_totals()
    for total in doors.outcomes:
        counts[total.group] += total.count
    states = {state: _count(totals.rows, state) for state in ("delivered", "held", "dead")}
    waiting = _waiting(totals, stage)
    money_in = _money(_carried(totals.accepted, stage))
    money_delivered = _money(row for row in totals.rows if row.group == "delivered")
    return {
        "received": sum(total.count for total in doors.received),
        **counts,
        "delivered": states["delivered"],
        "filtered": sum(total.count for total in totals.filtered),
        "held": states["held"] + waiting,
        "dead": states["dead"],
        "lost": verdict.lost.count,
        "doubled": verdict.doubled.count,
        "money_in": money_in,
        "money_delivered": money_delivered,
        "balanced": books.balanced and verdict.balanced and money_in == money_delivered,
        "seconds_to_first_sale": seconds_to_first_sale,
        "restarts": stage.hub.restarts,
        "left_in_quarantine": counts["quarantined"],
        "storedays": Counter(day.state for day in await store_days(queries) if day.messages),
        "findings": verdict.as_json()["examples"],
    }


async def graded(stage: Stage, queries: SqliteQueries) -> Grade:
    """Compare the run with its truth file and with what the ERP booked."""
    return grade(
        stage.truth_path,
        await journal_facts(queries),
        ErpFile(stage.folder / ERP_FOLDER),
        refused_may_repeat=stage.hub.restarts > 0,
    )


async def is_drained(stage: Stage, queries: SqliteQueries) -> bool:
    """Say whether nothing waits any more.

    No file lies in a watched folder, nothing is on the route, and every store-day is judged.
    """
    for folder in watched_folders(stage.release).values():
        if any(entry.is_file() for entry in folder.iterdir()):
            return False
    totals = await queries.route_totals(ROUTE)
    if _waiting(totals, stage) or any(
        _count(totals.rows, state) for state in ("held", "sending", "in_doubt")
    ):
        return False
    return await is_up_to_date(queries, await queries.last_position())


def _carried(totals: Iterable[Total], stage: Stage) -> list[Total]:
    carried = stage.release.routes[ROUTE].messages
    return [total for total in totals if total.message_type in carried]


def _waiting(totals: RouteTotals, stage: Stage) -> int:
    return sum(total.count for total in _carried(totals.pending, stage))


def _count(totals: Iterable[Total], state: str) -> int:
    return sum(total.count for total in totals if total.group == state)


def _money(totals: Iterable[Total]) -> dict[str, str]:
    sums: dict[str, int] = {}
    for total in totals:
        if total.currency:
            sums[total.currency] = sums.get(total.currency, 0) + total.amount_minor
    return {currency: str(from_minor(sums[currency], currency)) for currency in sorted(sums)}
