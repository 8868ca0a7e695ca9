"""Findings one by one: those of a rule in all stores, and those that belong to no store at all.

Card money without a receipt, or a statement that the bank did not send, has no store-day whose page
could show it: here it is accounted for, or given to somebody.
"""

from __future__ import annotations

from tillway.api.asgi import Reply
from tillway.console.forms import back, fields_of
from tillway.console.pages.recon import SHOWN_FINDINGS, day_address, not_kept
from tillway.console.view import View
from tillway.errors import ConfigurationError
from tillway.observe.moments import seconds_since
from tillway.reconcile import Decision, Finding, business_date, findings, in_runs
from tillway.reconcile.rules import known_rule

ADDRESS = "/recon/findings"
NO_DATE = "-"
Choice = tuple[str, str, str]
"""Business date or "", rule and subject of a finding that belongs to no store."""


async def show(view: View) -> Reply:
    """List what is open of a rule, or of all, oldest day first."""
    nothing = await not_kept(view)
    if nothing is not None:
        return view.html("recon_none.html", {"error": nothing})
    rule = view.query("rule")
    asked = known_rule(rule) if rule else None
    found = await findings(view.console.reader, rule=rule)
    told = in_runs(one for one in found if view.caller.sees(one.store))
    listed = told[:SHOWN_FINDINGS]
    now = view.console.clock.now()
    loose = [one.finding for one in listed if not one.finding.store]
    values = {
        "rule": asked,
        "count": len(told),
        "listed": listed,
        "choices": [_choice(one) for one in loose] if view.may("recon.decide") else [],
        "age": lambda one: seconds_since(one.first_seen, now),
        "day_address": day_address,
    }
    return view.html("findings.html", values)


async def override(view: View) -> Reply:
    """Account for one finding that belongs to no store."""
    fields, (day, rule, subject) = await _chosen(view)
    decision = Decision(view.caller.name, fields.get("reason", ""), view.console.clock.now())
    await view.console.operations.desk.override("", day, [(rule, subject)], decision)
    return back(ADDRESS, "override", rule=rule)


async def assign(view: View) -> Reply:
    """Give one finding that belongs to no store to somebody."""
    fields, (day, rule, subject) = await _chosen(view)
    owner = fields.get("owner", "").strip()
    by = Decision(view.caller.name, f"to {owner}", view.console.clock.now())
    await view.console.operations.desk.assign("", day, rule, subject, owner=owner, by=by)
    return back(ADDRESS, "assigned", rule=rule)


def _choice(one: Finding) -> tuple[str, str]:
    """Return what a form sends of a finding, and what people read."""
    day = one.business_date or NO_DATE
    return f"{day} {one.rule} {one.subject}", f"{one.rule} {one.subject}"


async def _chosen(view: View) -> tuple[dict[str, str], Choice]:
    fields = await fields_of(view)
    view.caller.need_store("")
    day, _, rest = fields.get("finding", "").partition(" ")
    rule, _, subject = rest.partition(" ")
    if not rule:
        raise ConfigurationError("TW-7010", "choose the finding", path="finding")
    date = "" if day == NO_DATE else business_date(day, field="finding")
    return fields, (date, rule, subject)
