"""Where a route that was never seen before begins: beginning, now, or a date."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from tillway.clock import MICROSECONDS
from tillway.errors import ConfigurationError
from tillway.journal.base import Journal


async def start_position(journal: Journal, start: str, time_zone: str = "UTC") -> int:
    """Return the position after which a new route begins.

    start is `beginning`, `now`, or an ISO date or date-time (without offset it is in time_zone):
    then the first message received at or after it is the first one carried. Raises
    ConfigurationError TW-4021 for anything else.
    """
    if start == "beginning":
        return 0
    if start == "now":
        return await journal.last_position()
    try:
        moment = datetime.fromisoformat(start)
    except ValueError:
        raise ConfigurationError(
            "TW-4021", f'a route cannot start at "{start}"', path="start", value=start
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(time_zone))
    return await position_before(journal, round(moment.timestamp() * MICROSECONDS))


async def position_before(journal: Journal, at: int) -> int:
    """Return the last position received before a moment (microseconds UTC), by bisection."""
    low, high = 0, await journal.last_position()
    while low < high:
        middle = (low + high) // 2
        found = await journal.read(middle, 1)
        if found and found[0].envelope.received_at < at:
            low = found[0].position
        else:
            high = middle
    return low
