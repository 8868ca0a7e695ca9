"""After a restore: what a target may already hold is never sent blindly.

A backup does not know what was delivered after it was taken. Targets of class A and C get it again
under the same key; class B is asked first; at class D it stays in doubt for a person. The same goes
for what stores send again: the lost journal may have delivered it.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from tillway.clock import MICROSECONDS
from tillway.delivery.fates import Fates
from tillway.delivery.jobs import Trouble
from tillway.delivery.outbound import Opened
from tillway.errors import InDoubt
from tillway.journal.base import StoredMessage
from tillway.journal.keeping import Restored

RESTORED_CODE = "TW-5210"


def restored_doubt() -> InDoubt:
    """Return why the outcome of a delivery is unknown after a restore."""
    return InDoubt(RESTORED_CODE, "the journal was restored, and the target may hold this message")


class AfterRestore(msgspec.Struct):
    """Which messages the lost journal may have delivered.

    That is what the backup held, for ever; and what happened before the restore and came again
    after it, until a person acknowledged the restore.
    """

    restored: Restored
    acknowledged: bool = False

    def concerns(self, message: StoredMessage) -> bool:
        """Whether a target may already hold this message."""
        if message.position <= self.restored.position:
            return True
        return not self.acknowledged and self._happened_before(message.envelope.occurred_at)

    def _happened_before(self, occurred_at: str) -> bool:
        try:
            moment = datetime.fromisoformat(occurred_at)
        except ValueError:
            return True
        if moment.tzinfo is None:
            return True
        return moment.timestamp() * MICROSECONDS < self.restored.restored_at


class RestoredDoubts:
    """Puts messages of one route in doubt instead of letting them go."""

    def __init__(self, fates: Fates, after: AfterRestore) -> None:
        self._fates = fates
        self._after = after

    def takes(self, opened: Opened, name: str) -> bool:
        """Put a message in doubt in its lane; False for one that may simply be sent."""
        if not self._after.concerns(opened.message):
            return False
        traffic, fates = self._fates.traffic, self._fates
        position = opened.message.position
        now, monotonic = traffic.clock.now(), traffic.clock.monotonic()
        trouble = Trouble(first_at=now, deadline=monotonic + fates.policy.horizon_seconds)
        row = traffic.rows.of(position, "in_doubt", name, trouble, restored_doubt())
        row.reason = "in_doubt"
        if fates.delivery_class == "B":
            # A call of the lost process may still take effect for so long.
            since = (now - self._after.restored.restored_at) / MICROSECONDS
            wait = min(max(fates.settle_seconds - since, 0.0), fates.settle_seconds)
            trouble.doubtful, trouble.due = True, monotonic + wait
            row.next_at = now + round(wait * MICROSECONDS)
            self._wait_in_lane(name, position, trouble)
        traffic.settler.write(row)
        return True

    def _wait_in_lane(self, name: str, position: int, trouble: Trouble) -> None:
        traffic = self._fates.traffic
        lane = traffic.lanes.open(name)
        lane.add(position)
        traffic.troubles[position] = trouble
        traffic.hold(lane)
        if lane.head == position:
            traffic.advance(lane)
