"""Moments and ages in words: what people type (`-2h`, `yesterday`) and what they read (`3 min`).

Days begin at midnight in the zone of the project, not in the zone of the machine.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tillway.clock import MICROSECONDS
from tillway.errors import ConfigurationError

_AGO = re.compile(r"-(\d{1,6})([smhd])")
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DAY_WORDS = {"today": 0, "yesterday": 1}


def parse_moment(text: str, *, now: int, zone: str = "UTC") -> int:
    """Return the moment a person typed, in microseconds UTC.

    Takes `2026-11-20` (its midnight), RFC 3339, `-2h` (also s, m, d), `now`, `today`, `yesterday`;
    a time without offset is read in the zone. Raises ConfigurationError TW-7002.
    """
    typed = text.strip()
    if typed == "now":
        return now
    ago = _AGO.fullmatch(typed)
    if ago:
        return now - int(ago[1]) * _UNIT_SECONDS[ago[2]] * MICROSECONDS
    local = ZoneInfo(zone)
    if typed in _DAY_WORDS:
        day = datetime.fromtimestamp(now / MICROSECONDS, local).date()
        midnight = datetime.combine(day, datetime.min.time(), local)
        return _microseconds(midnight - timedelta(days=_DAY_WORDS[typed]))
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError:
        raise ConfigurationError(
            "TW-7002", f'"{typed}" is not a moment', value=typed, advice=_KNOWN_FORMS
        ) from None
    return _microseconds(moment if moment.tzinfo else moment.replace(tzinfo=local))


_KNOWN_FORMS = (
    "Write 2026-11-20, 2026-11-20T14:00:00+01:00, -2h (s, m, h, d), now, today or yesterday."
)


def age_text(seconds: float) -> str:
    """Return a length of time as people say it: `8 s`, `3 min`, `2 h 05 min`, `4 d 01 h`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 86400} d {whole % 86400 // 3600:02} h"


def seconds_since(then: int, now: int) -> int:
    """Return whole seconds between two moments in microseconds, never below 0."""
    return max(0, (now - then) // MICROSECONDS)


def local_text(microseconds: int, zone: str = "UTC") -> str:
    """Return a moment in a zone with its offset: `2026-11-20 14:02:07 +01:00`."""
    moment = datetime.fromtimestamp(microseconds / MICROSECONDS, ZoneInfo(zone))
    return moment.isoformat(sep=" ", timespec="seconds").replace("+", " +", 1)


def _microseconds(moment: datetime) -> int:
    return round(moment.astimezone(UTC).timestamp() * MICROSECONDS)
