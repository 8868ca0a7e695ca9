"""Rules about what stands in the books: dead letters, doubts, conflicts, and open findings.

Causes are grouped, so that a thousand findings of one rule are one alert whose count is kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from tillway.model import to_minor
from tillway.reconcile import Finding, findings, is_kept
from tillway.reconcile.rules import CATALOGUE
from tillway.watch.scene import Minor, Scene, Sighting, added, minor_of
from tillway.watch.tables import of_journal

HORIZON_CODES = frozenset({"TW-4002", "TW-4006"})
ABSENT = frozenset(
    {"STORE_DAY_NO_DATA", "STORE_DAY_NOT_CLOSED", "MISSING_IN_ERP", "MISSING_DECLARATION"}
)
"""Findings that say that something due did not come."""
OVERDUE = frozenset({"TENDER_NO_PAYMENT", "STATEMENT_GAP"})
"""Findings that wait for a file of somebody else: due, and with money."""
GAP = "SEQ_GAP"
_stores = msgspec.json.Decoder(list[str])


async def dead_letters(scene: Scene) -> list[Sighting]:
    """Count the dead letters of each route and code."""
    least = scene.book.threshold("DeadLetters")
    return [
        one
        for one in _grouped(
            "DeadLetters",
            await scene.journal.ask(of_journal("dead_letters")),
            lambda route, code, count: f"{count:,} dead letters on {route}: {code}",
        )
        if one.count >= least
    ]


async def retry_horizon(scene: Scene) -> list[Sighting]:
    """Find dead letters that were tried until their deadline."""
    rows = await scene.journal.ask(of_journal("dead_letters"))
    return _grouped(
        "RetryHorizon",
        [row for row in rows if row[1] in HORIZON_CODES],
        lambda route, _code, count: f"{count:,} messages of {route} were given up at the deadline",
        by_code=False,
    )


async def in_doubt(scene: Scene) -> list[Sighting]:
    """Find deliveries whose outcome nobody knows, after the settle time of their target."""
    settle = {
        name: scene.release.targets[route.target].settle_seconds
        for name, route in scene.release.routes.items()
        if route.target in scene.release.targets
    }
    rows = await scene.journal.ask(of_journal("in_doubt"), (scene.now,))
    late = [
        (row[0], "", *row[1:])
        for row in rows
        if scene.seconds_since(row[5]) > settle.get(row[0], 0.0)
    ]
    return _grouped(
        "InDoubt",
        late,
        lambda route, _code, count: f"{count:,} messages of {route} are in doubt",
        by_code=False,
    )


async def key_conflict(scene: Scene) -> list[Sighting]:
    """Find second contents under one key that came within the threshold."""
    since = scene.ago(scene.book.threshold("KeyConflict") * 3600)
    return [
        Sighting(
            "KeyConflict",
            system,
            f"{system} sent {count:,} messages again with another content",
            count=count,
            stores=_named(stores),
            since=first_at,
            first=key,
        )
        for system, count, stores, first_at, key in await scene.journal.ask(
            of_journal("conflicts"), (since,)
        )
    ]


async def document_missing(scene: Scene) -> list[Sighting]:
    """Find what was due and did not come: days, closes, reports, files, confirmations."""
    found = [one for one in await _open(scene) if one.rule in ABSENT | OVERDUE]
    return [_of_rule("DocumentMissing", rule, some) for rule, some in _by_rule(found).items()]


async def recon_difference(scene: Scene) -> list[Sighting]:
    """Find what does not agree."""
    left_out = ABSENT | OVERDUE | {GAP}
    found = [one for one in await _open(scene) if one.blocks and one.rule not in left_out]
    return [_of_rule("ReconDifference", rule, some) for rule, some in _by_rule(found).items()]


async def sequence_gap(scene: Scene) -> list[Sighting]:
    """Find numbers nobody accounted for."""
    found = [one for one in await _open(scene) if one.rule == GAP]
    sightings = []
    for store, some in _by_store(found).items():
        numbers = ", ".join(dict.fromkeys(one.subject for one in some[:3]))
        date = some[0].business_date
        sightings.append(
            Sighting(
                "SequenceGap",
                store,
                f"store {store}: receipt numbers are missing on {date} ({numbers})",
                priority="P2" if any(one.severity == "error" for one in some) else "P3",
                count=len(some),
                stores=(store,),
                since=min(one.first_seen for one in some),
                first=numbers,
                detail=some[0].detail,
            )
        )
    return sightings


async def _open(scene: Scene) -> list[Finding]:
    if scene.release.reconciliation is None or not await is_kept(scene.journal):
        return []
    return await findings(scene.journal)


def _of_rule(alert: str, rule: str, found: list[Finding]) -> Sighting:
    money: Minor = {}
    for one in found:
        money = added(money, minor_of(one.currency, _minor(one)))
    stores = tuple(sorted({one.store for one in found} - {""}))
    catalogued = CATALOGUE[rule]
    shops = f" in {len(stores)} stores" if len(stores) > 1 else f" in store {stores[0]}"
    return Sighting(
        alert,
        rule,
        f"{catalogued.finds}: {len(found):,} times{shops if stores else ''}",
        priority="P2" if any(money.values()) else "P3",
        count=len(found),
        stores=stores,
        money=money,
        since=min(one.first_seen for one in found),
        first=f"{found[0].store} {found[0].business_date} {found[0].subject}".strip(),
        code=catalogued.code,
        detail=found[0].detail,
    )


def _grouped(
    rule: str, rows: Iterable[tuple[Any, ...]], headline: Any, *, by_code: bool = True
) -> list[Sighting]:
    """Return one sighting per route and code; rows differ in their currency only."""
    groups: dict[tuple[str, str], Sighting] = {}
    for route, code, count, stores, currency, minor, since, first in rows:
        key = (route, code if by_code else "")
        before = groups.get(key)
        total = count + (before.count if before else 0)
        groups[key] = Sighting(
            rule,
            f"{route} {code}".strip() if by_code else route,
            headline(route, code, total),
            count=total,
            stores=tuple(sorted({*_named(stores), *(before.stores if before else ())})),
            money=added(before.money if before else {}, minor_of(currency, minor)),
            since=min(since, before.since) if before else since,
            first=before.first if before else first,
            code=code,
        )
    return list(groups.values())


def _by_rule(found: Iterable[Finding]) -> dict[str, list[Finding]]:
    groups: defaultdict[str, list[Finding]] = defaultdict(list)
    for one in found:
        groups[one.rule].append(one)
    return groups


def _by_store(found: Iterable[Finding]) -> dict[str, list[Finding]]:
    groups: defaultdict[str, list[Finding]] = defaultdict(list)
    for one in found:
        groups[one.store].append(one)
    return groups


def _minor(one: Finding) -> int:
    """Return the money of a finding's difference, 0 where it states none."""
    if not (one.currency and one.difference):
        return 0
    try:
        return abs(to_minor(Decimal(one.difference), one.currency))
    except (InvalidOperation, ValueError):
        return 0


def _named(stores: str) -> tuple[str, ...]:
    return tuple(sorted(set(_stores.decode(stores)) - {""}))


JUDGES: Mapping[str, Any] = {
    "DeadLetters": dead_letters,
    "RetryHorizon": retry_horizon,
    "InDoubt": in_doubt,
    "KeyConflict": key_conflict,
    "DocumentMissing": document_missing,
    "ReconDifference": recon_difference,
    "SequenceGap": sequence_gap,
}
