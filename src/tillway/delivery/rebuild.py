"""Puts a route together again from its open ledger rows, after a restart.

A row `sending` means that the process died during a call, or that the journal was restored: its
outcome is unknown, and the class of the target says what that means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Protocol

from tillway.clock import MICROSECONDS
from tillway.delivery.bounds import LONGEST_RETRY_AFTER_SECONDS
from tillway.delivery.fates import HOLDS_LANE, Fates
from tillway.delivery.jobs import Trouble
from tillway.delivery.restored import restored_doubt
from tillway.delivery.returns import AWAITS_SALE
from tillway.errors import InDoubt
from tillway.journal.base import AttemptRow, DeliveryRow
from tillway.journal.keeping import RESTORED

ON_HOLD = "on_hold"
"""Reason of a row that a person holds; its lane waits behind it."""
PROCESS_ENDED_CODE = "TW-4005"
_DEATH_CODES = frozenset({"TW-4004", PROCESS_ENDED_CODE})


class AttemptJournal(Protocol):
    """A journal that can be asked for the calls of one message."""

    async def attempts_of(self, position: int) -> list[AttemptRow]:
        """Return the recorded calls for one message on every route, oldest first."""
        ...


async def deaths_of(journal: AttemptJournal, rows: Sequence[DeliveryRow]) -> dict[int, int]:
    """Return position -> how often a worker, or the process, died on it before this start."""
    deaths: dict[int, int] = {}
    for row in rows:
        if row.code not in _DEATH_CODES and row.state != "sending":
            continue
        deaths[row.position] = sum(
            call.route == row.route and (call.outcome == "bug" or call.code == PROCESS_ENDED_CODE)
            for call in await journal.attempts_of(row.position)
        )
    return deaths


def rebuild(fates: Fates, rows: Sequence[DeliveryRow], deaths: Mapping[int, int]) -> None:
    """Hold the lanes again that were held, in position order, with the history of their heads."""
    for row in rows:
        if row.state == "sending":
            _found_sending(fates, row, deaths.get(row.position, 0))
        elif row.state == "dead":
            if row.reason == HOLDS_LANE:
                lane = fates.traffic.lanes.open(row.lane)
                lane.held = True
                lane.stopped = row.position
        elif row.reason != "findings" and not waits_for_person(row):
            _hold(fates, row, deaths.get(row.position, 0))
    for lane in list(fates.traffic.lanes.by_name.values()):
        fates.traffic.advance(lane)


def waits_for_person(row: DeliveryRow) -> bool:
    """Whether the outcome is unknown and no look-up is due: only a person can tell (class D)."""
    return row.state == "in_doubt" and row.next_at == 0


def _found_sending(fates: Fates, row: DeliveryRow, deaths: int) -> None:
    traffic, now = fates.traffic, fates.traffic.clock.now()
    error = InDoubt(PROCESS_ENDED_CODE, "the process ended during the call")
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
        _hold(fates, row, deaths + 1 if row.code == PROCESS_ENDED_CODE else deaths)


def _hold(fates: Fates, row: DeliveryRow, deaths: int) -> None:
    traffic = fates.traffic
    lane = traffic.lanes.open(row.lane)
    lane.held = True
    lane.add(row.position)
    if row.attempts or row.next_at or row.replayed or row.reason in ("operator", ON_HOLD):
        trouble = traffic.troubles[row.position] = _trouble(fates, row)
        trouble.deaths = deaths
        if row.reason == AWAITS_SALE:
            # It is asked again at once; the time it has left is kept.
            trouble.sale_by, trouble.due = trouble.due, 0.0
        if row.reason == ON_HOLD:
            trouble.on_hold, trouble.due = True, inf


def _trouble(fates: Fates, row: DeliveryRow) -> Trouble:
    """Return the history of a row; a wait is cut to what was left of it, and to the longest.

    What a person sends again at a target of class B may have been in doubt: it is looked up first.
    """
    traffic, horizon = fates.traffic, fates.policy.horizon_seconds
    now, monotonic = traffic.clock.now(), traffic.clock.monotonic()
    age = 0.0 if row.replayed or not row.first_at else (now - row.first_at) / MICROSECONDS
    # A clock that was set back since must not make the wait any longer than it was.
    wait = (row.next_at - max(now, row.updated_at)) / MICROSECONDS
    sent_again = row.reason == "operator" and row.attempts > 0
    return Trouble(
        attempts=row.attempts,
        first_at=row.first_at,
        release=row.release,
        due=monotonic + min(max(wait, 0.0), LONGEST_RETRY_AFTER_SECONDS),
        deadline=monotonic + min(max(horizon - age, 0.0), horizon),
        doubtful=row.state == "in_doubt" or (fates.delivery_class == "B" and sent_again),
        asked=row.reason == "operator",
        replayed=row.replayed,
    )
