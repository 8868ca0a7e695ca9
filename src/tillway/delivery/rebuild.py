"""Puts a route together again from its open ledger rows, after a restart.

A row `sending` means that the process died during a call, or that the journal was restored: its
outcome is unknown, and the class of the target says what that means.
"""

from __future__ import annotations

from collections.abc import Iterable

from tillway.clock import MICROSECONDS
from tillway.delivery.bounds import LONGEST_RETRY_AFTER_SECONDS
from tillway.delivery.fates import HOLDS_LANE, Fates
from tillway.delivery.jobs import Trouble
from tillway.delivery.restored import restored_doubt
from tillway.errors import InDoubt
from tillway.journal.base import AttemptRow, DeliveryRow
from tillway.journal.keeping import RESTORED


def rebuild(fates: Fates, rows: Iterable[DeliveryRow]) -> None:
    """Hold the lanes again that were held, in position order, with the history of their heads."""
    for row in rows:
        if row.state == "sending":
            _found_sending(fates, row)
        elif row.state == "dead":
            if row.reason == HOLDS_LANE:
                lane = fates.traffic.lanes.open(row.lane)
                lane.held = True
                lane.stopped = row.position
        elif row.reason != "findings" and not waits_for_person(row):
            _hold(fates, row)
    for lane in list(fates.traffic.lanes.by_name.values()):
        fates.traffic.advance(lane)


def waits_for_person(row: DeliveryRow) -> bool:
    """Whether the outcome is unknown and no look-up is due: only a person can tell (class D)."""
    return row.state == "in_doubt" and row.next_at == 0


def _found_sending(fates: Fates, row: DeliveryRow) -> None:
    traffic, now = fates.traffic, fates.traffic.clock.now()
    error = InDoubt("TW-4005", "the process ended during the call")
    if row.reason == RESTORED:
        error = restored_doubt()
    row.code, row.detail = error.code, error.detail
    row.updated_at = now
    if fates.delivery_class == "D":
        row.state, row.reason, row.next_at = "in_doubt", "in_doubt", 0
    elif fates.delivery_class == "B":
        row.state, row.reason = "in_doubt", "in_doubt"
        row.next_at = now + round(fates.settle_seconds * MICROSECONDS)
    else:
        row.state, row.reason, row.next_at = "held", "retry", now
    attempt = AttemptRow(
        route=row.route,
        position=row.position,
        number=row.attempts,
        started_at=row.first_at,
        ended_at=now,
        outcome="in_doubt",
        code=error.code,
        detail=error.detail,
        kind="first" if row.attempts <= 1 else "retry",
    )
    traffic.settler.write(row, attempt)
    if not waits_for_person(row):
        _hold(fates, row)


def _hold(fates: Fates, row: DeliveryRow) -> None:
    traffic = fates.traffic
    lane = traffic.lanes.open(row.lane)
    lane.held = True
    lane.add(row.position)
    if row.attempts or row.next_at or row.replayed or row.reason == "operator":
        traffic.troubles[row.position] = _trouble(fates, row)


def _trouble(fates: Fates, row: DeliveryRow) -> Trouble:
    """Return the history of a row; a wait is cut to what a target may ask for."""
    traffic, horizon = fates.traffic, fates.policy.horizon_seconds
    now, monotonic = traffic.clock.now(), traffic.clock.monotonic()
    age = 0.0 if row.replayed or not row.first_at else (now - row.first_at) / MICROSECONDS
    wait = (row.next_at - now) / MICROSECONDS
    return Trouble(
        attempts=row.attempts,
        first_at=row.first_at,
        release=row.release,
        due=monotonic + min(max(wait, 0.0), LONGEST_RETRY_AFTER_SECONDS),
        deadline=monotonic + min(max(horizon - age, 0.0), horizon),
        doubtful=row.state == "in_doubt",
        asked=row.reason == "operator",
        replayed=row.replayed,
    )
