"""When something counts as late or silent on the status page."""

from __future__ import annotations

import msgspec


class Thresholds(msgspec.Struct, frozen=True):
    """Seconds. late: an accepted message that has not reached its target for so long.

    silent: a store that sent nothing for so long while another store did; generous by default,
    because a shop that sends files by the hour is not silent in between.
    """

    late_seconds: int = 60
    silent_seconds: int = 4 * 3600
