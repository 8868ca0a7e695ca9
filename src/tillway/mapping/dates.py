"""Dates and times in the mapping language, after ISO 8601 and RFC 3339.

A till's clock has no offset as a rule; it takes the zone of its store, and a time that the clock
shows twice in autumn is read as the earlier one.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from tillway.mapping.faults import RowFault

_ZONES_KEPT = 128
# What isoformat() would write again, letter for letter.
_AS_WRITTEN = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?!-00:00)[+-][0-9]{2}:[0-5][0-9]"
).fullmatch


def date(value: Any) -> str | None:
    """Return an ISO date; of a time it is the date that its clock shows.

    >>> date("20261120"), date("2026-11-20T23:30:00+01:00")
    ('2026-11-20', '2026-11-20')
    """
    if value is None:
        return None
    if isinstance(value, dt.datetime):
        return value.date().isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    try:
        return _moment(value).date().isoformat()
    except ValueError:
        raise RowFault("date", "an ISO 8601 date such as 2026-11-20") from None


def timestamp(value: Any, zone: Any = "") -> str | None:
    """Return an RFC 3339 time with offset; zone is used only where the source has no offset.

    >>> timestamp("2026-11-20 10:12:00", "Europe/Berlin")
    '2026-11-20T10:12:00+01:00'
    """
    if value is None or zone is None:
        return None
    try:
        if value.__class__ is str and _AS_WRITTEN(value):
            dt.datetime.fromisoformat(value)
            return value
        moment = value if isinstance(value, dt.datetime) else _moment(value)
    except ValueError:
        raise RowFault("timestamp", "a time such as 2026-11-20T10:12:00+01:00") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=_zone_of(zone))
    return moment.isoformat()


def is_time_zone(name: object) -> bool:
    """Tell whether a name is one of the IANA time zones."""
    return isinstance(name, str) and _zone(name) is not None


@lru_cache(maxsize=_ZONES_KEPT)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # an unknown zone is a KeyError, a folder an OSError
        return None


def _zone_of(name: Any) -> ZoneInfo:
    if name == "":
        raise RowFault("timestamp", "a time with offset, or timestamp(x, zone)")
    zone = _zone(name) if isinstance(name, str) else None
    if zone is None:
        raise RowFault("time_zone", 'a time zone such as "Europe/Berlin"')
    return zone


def _moment(value: Any) -> dt.datetime:
    if not isinstance(value, str) or len(value) < len("20261120"):
        raise ValueError("not a date")
    return dt.datetime.fromisoformat(value.strip())
