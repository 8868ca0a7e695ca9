"""Reconciliation in the console: the matrix of shops and days, and one store-day in full.

The matrix draws only the shops that have most at risk, because a page for 600 is no help; the
others are counted, and reached by their number.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from urllib.parse import quote, urlencode

from tillway.api.asgi import Reply
from tillway.clock import utc_text
from tillway.console.view import Console, View
from tillway.errors import ConfigurationError, TillwayError
from tillway.observe.moments import seconds_since
from tillway.reconcile import (
    LEGEND,
    DayInFull,
    alike_by_rule,
    alike_findings,
    business_date,
    day_in_full,
    in_runs,
    last_days,
    local_date,
    matrix_of,
    ready,
    store_days,
)
from tillway.reconcile.store_day import MEANINGS

MATRIX_DAYS = 14
SHOWN_STORES = 60
SHOWN_FINDINGS = 200
LOOKS = {
    "·": "dim",
    "…": "dim",
    "!": "bad",
    "#": "bad",
    "?": "bad",
    "=": "good",
    "✓": "good",
    "P": "good",
    "R": "warn",
}
"""Sign -> colour class; the word is always there too."""


async def matrix(view: View) -> Reply:
    """Show fourteen days of the shops with most at risk, or of the one that was asked for."""
    nothing = await not_kept(view)
    if nothing is not None:
        return view.html("recon_none.html", {"error": nothing})
    console = view.console
    today = _today(console)
    store = view.query("store")
    if store:
        view.caller.need_store(store)
    to = business_date(view.query("to"), today, field="to")
    first, last = last_days(to, MATRIX_DAYS)
    listed = await store_days(console.reader, first=first, last=last, store=store)
    days = [one for one in listed if view.caller.sees(one.store)]
    found = matrix_of(days)
    alike = await alike_findings(console.reader, first=first, last=last, store=store)
    if not store:
        # What belongs to no day, such as card money without a receipt, is in no range of them.
        alike += await alike_findings(console.reader, first="", last="")
    groups = alike_by_rule([one for one in alike if view.caller.sees(one.store)])
    values = {
        "matrix": found,
        "rows": found.rows[:SHOWN_STORES],
        "dates": found.dates,
        "states": {name: found.states[name] for name in MEANINGS if name in found.states},
        "wrong": sum(1 for row in found.rows if row.wrong),
        "groups_": groups,
        "ages": {one.rule: seconds_since(one.oldest, console.clock.now()) for one in groups},
        "legend": LEGEND,
        "looks": LOOKS,
        "store": store,
        "to": to,
        "earlier": _address(store, _moved(first, -1)),
        "later": _address(store, min(today, _moved(to, MATRIX_DAYS))) if to < today else "",
        "first": first,
        "words": {sign: view.speech.text(word) for sign, word in LEGEND.items()},
        "names": {name: one.name for name, one in console.release.stores.items()},
        "day_address": day_address,
    }
    return view.html("recon.html", values)


async def day(view: View, store: str, when: str) -> Reply:
    """Show one store-day: figures side by side, findings with their forms, postings, its life."""
    view.caller.need_store(store)
    console = view.console
    await ready(console.reader, wanted=console.release.reconciliation is not None)
    found = await day_in_full(
        console.reader, store, business_date(when, field="date"), today=_today(console)
    )
    if found is None:
        raise ConfigurationError("TW-6910", f"there is no store-day {store} {when}")
    now = console.clock.now()
    listed = [one for one in found.findings if one.state != "gone"]
    shown = in_runs(one for one in listed if one.state == "open")[:SHOWN_FINDINGS]
    names = [f"{told.finding.rule} {told.finding.subject}" for told in shown]
    values = {
        "found": found,
        "day": found.day,
        "meaning": MEANINGS[found.day.state],
        "figures": _figures(found),
        "open": shown,
        "choices": [(name, name) for name in names],
        "decided": in_runs(one for one in listed if one.state == "overridden"),
        "moves": [(utc_text(one.at), one) for one in found.moves],
        "may_decide": view.may("recon.decide"),
        "age": lambda one: seconds_since(one.first_seen, now),
        "address_": day_address(store, when),
        "store_name": getattr(console.release.stores.get(store), "name", ""),
    }
    return view.html("recon_day.html", values)


def day_address(store: str, when: str) -> str:
    """Return the address of the page of a store-day."""
    return f"/recon/{quote(store, safe='')}/{when}"


def _figures(found: DayInFull) -> list[tuple[str, str, str, str, str, str]]:
    """Return (name, currency, till, hub, ERP, difference) of each figure, "" where unknown."""
    rows = []
    for one in found.measures:
        booked = found.in_erp.get(one.currency, "") if one.name == "grand" else ""
        apart = one.difference if one.difference and Decimal(one.difference) else ""
        rows.append((one.name, one.currency, one.declared or "", one.received, booked, apart))
    return rows


async def not_kept(view: View) -> TillwayError | None:
    """Return why there is nothing to show: no recon/store-day.toml, or no hub ran with it yet."""
    try:
        await ready(view.console.reader, wanted=view.release.reconciliation is not None)
    except ConfigurationError as error:
        return error
    return None


def _today(console: Console) -> str:
    return local_date(console.clock.now(), console.release.hub.time_zone).isoformat()


def _moved(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def _address(store: str, to: str) -> str:
    fields = {"to": to, "store": store} if store else {"to": to}
    return f"/recon?{urlencode(fields)}"
