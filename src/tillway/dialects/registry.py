"""Finds a dialect by the name a project gives it.

Surprising: all POSLog dialects are one class with different profiles.
"""

from __future__ import annotations

from tillway.dialects.adyen_settlement import AdyenSettlement
from tillway.dialects.base import Dialect, Identity
from tillway.dialects.poslog import PosLogDialect
from tillway.dialects.profiles import PROFILES
from tillway.errors import ConfigurationError
from tillway.spelling import nearest

_DIALECTS: dict[str, Dialect] = {"none": Identity(), AdyenSettlement.name: AdyenSettlement()}
_DIALECTS.update({profile.name: PosLogDialect(profile) for profile in PROFILES})


def dialect_names() -> list[str]:
    """Return the names of all dialects, in order."""
    return sorted(_DIALECTS)


def dialect_named(name: str) -> Dialect:
    """Return a dialect; raise ConfigurationError with the nearest known name for one unknown."""
    try:
        return _DIALECTS[name]
    except KeyError:
        advice = f"{nearest(name, _DIALECTS)}Known dialects: {', '.join(dialect_names())}."
        detail = f'There is no dialect "{name}".'
        raise ConfigurationError("TW-3202", detail, value=name, advice=advice) from None
