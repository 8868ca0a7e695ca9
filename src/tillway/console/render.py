"""Renders the pages: Jinja2 with escaping always on, and the few words and signs pages need.

Payloads are text here, never markup; a name that a template does not know is an error, not a blank.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from tillway.observe.amounts import amount_text, money_text
from tillway.observe.moments import age_text
from tillway.reconcile import Amount

SIGNS: Mapping[str, tuple[str, str, str]] = {
    "ok": ("✓", "on time", "good"),
    "late": ("…", "late", "warn"),
    "stuck": ("!", "stuck", "bad"),
    "silent": ("?", "silent", "warn"),
    "unseen": ("·", "not heard yet", "dim"),
    "delivered": ("✓", "delivered", "good"),
    "pending": ("→", "on its way", "dim"),
    "sending": ("→", "being sent", "dim"),
    "held": ("‖", "held", "warn"),
    "in_doubt": ("?", "in doubt", "bad"),
    "dead": ("!", "could not be delivered", "bad"),
    "abandoned": ("×", "given up", "dim"),
    "quarantined": ("!", "in quarantine", "bad"),
    "conflict": ("≠", "conflict", "bad"),
    "closed": ("✓", "answering", "good"),
    "half_open": ("…", "trying again (breaker half open)", "warn"),
    "open": ("!", "not answering (breaker open)", "bad"),
    "balanced": ("✓", "balanced", "good"),
    "unbalanced": ("!", "differs", "bad"),
    "good": ("✓", "done", "good"),
    "waiting": ("→", "waiting", "warn"),
    "bad": ("!", "failed", "bad"),
    "note": ("·", "note", "dim"),
}
"""state -> (sign, word, colour class): a sign never stands without its word, nor colour alone."""


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("tillway.console", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        age=age_text,
        money=money_text,
        amount=_amount,
        local=_local,
        clock=_clock,
        short=_short,
        currency_digits=_currency_digits,
    )
    made.globals["sign"] = _sign
    return made


def page(template: str, values: Mapping[str, Any]) -> bytes:
    """Return a page as UTF-8."""
    return _environment().get_template(template).render(values).encode()


def _sign(state: str) -> tuple[str, str, str]:
    return SIGNS.get(state, ("·", state.replace("_", " "), "dim"))


def _amount(amount: Decimal | None, currency: str) -> str:
    return "" if amount is None or not currency else amount_text(amount, currency)


def _currency_digits(text: str | None, currency: str) -> str:
    """Return an amount kept as text in the digits of its currency, "" for none."""
    return str(Amount(Decimal(text), currency)) if text else ""


def _local(moment: str, zone: str) -> str:
    """Return RFC 3339 in UTC as local date and time with its offset."""
    if not moment:
        return ""
    local = _in_zone(moment, zone).isoformat(sep=" ", timespec="seconds")
    return f"{local[:19]} {local[19:]}"


def _short(moment: str, zone: str) -> str:
    """Return RFC 3339 in UTC as local date and time, without the offset."""
    return _in_zone(moment, zone).strftime("%Y-%m-%d %H:%M:%S") if moment else ""


def _clock(moment: str, zone: str) -> str:
    """Return RFC 3339 in UTC as local time of day."""
    return _in_zone(moment, zone).strftime("%H:%M:%S") if moment else ""


def _in_zone(moment: str, zone: str) -> datetime:
    return datetime.fromisoformat(moment).astimezone(ZoneInfo(zone))
