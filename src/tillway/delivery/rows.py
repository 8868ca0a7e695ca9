"""Builds the ledger rows of one route, with the history of a message kept in them."""

from __future__ import annotations

from tillway.clock import Clock
from tillway.delivery.jobs import Answer, Outcome, Trouble
from tillway.delivery.outbound import sentence
from tillway.errors import TillwayError
from tillway.journal.base import AttemptRow, DeliveryRow, DeliveryState


class Rows:
    """Rows for one route; release is the digest noted at the first attempt of a message."""

    def __init__(self, route: str, release: str, clock: Clock) -> None:
        self.route = route
        self.release = release
        self.clock = clock

    def at_once(self, answer: Answer, reference: str) -> DeliveryRow:
        """Return the row of a message that its first call delivered."""
        return DeliveryRow(
            route=self.route,
            position=answer.job.position,
            state="delivered",
            lane=answer.job.lane.name,
            attempts=1,
            updated_at=answer.ended_at,
            first_at=answer.started_at,
            target_reference=reference,
            release=self.release,
        )

    def waiting(self, position: int, lane: str, reason: str, code: str = "") -> DeliveryRow:
        """Return the row of a message that is held and was never tried."""
        row = DeliveryRow(self.route, position, "held", lane, 0, self.clock.now())
        row.reason = reason
        row.code = code
        return row

    def unroutable(self, position: int, lane: str, detail: str) -> DeliveryRow:
        """Return the dead letter of a message whose route could not be worked out."""
        now = self.clock.now()
        row = DeliveryRow(self.route, position, "dead", lane, 0, now, first_at=now)
        row.release = self.release
        row.code = "TW-4007"
        row.detail = detail
        return row

    def of(
        self,
        position: int,
        state: DeliveryState,
        lane: str,
        trouble: Trouble,
        error: TillwayError | None = None,
    ) -> DeliveryRow:
        """Return the row of a message that had trouble."""
        return DeliveryRow(
            route=self.route,
            position=position,
            state=state,
            lane=lane,
            attempts=trouble.attempts,
            updated_at=self.clock.now(),
            first_at=trouble.first_at,
            code=error.code if error else "",
            detail=sentence(error) if error else "",
            release=trouble.release,
            replayed=trouble.replayed,
        )

    def attempt(
        self, answer: Answer, trouble: Trouble, outcome: Outcome, error: TillwayError | None = None
    ) -> AttemptRow:
        """Return the record of one call."""
        return AttemptRow(
            route=self.route,
            position=answer.job.position,
            number=trouble.attempts,
            started_at=answer.started_at,
            ended_at=answer.ended_at,
            outcome=outcome,
            code=error.code if error else "",
            detail=sentence(error) if error else "",
            kind=answer.kind,
        )
