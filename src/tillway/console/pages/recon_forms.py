"""The forms of a store-day: approve, open again, account for a finding, give it to somebody."""

from __future__ import annotations

from tillway.api.asgi import Reply
from tillway.console.forms import back, fields_of
from tillway.console.pages.recon import day_address
from tillway.console.view import View
from tillway.errors import ConfigurationError
from tillway.reconcile import Decision, business_date

APART = " "
"""Between rule and subject in one field of the form; the name of a rule holds none."""


async def approve(view: View, store: str, when: str) -> Reply:
    """Release a balanced day for the ERP."""
    place, fields = await _decided(view, store, when)
    await view.console.operations.desk.approve(*place, _decision(view, fields))
    return back(day_address(store, when), "approve")


async def reopen(view: View, store: str, when: str) -> Reply:
    """Open a posted day again."""
    place, fields = await _decided(view, store, when)
    await view.console.operations.desk.reopen(*place, _decision(view, fields))
    return back(day_address(store, when), "reopen")


async def override(view: View, store: str, when: str) -> Reply:
    """Account for one finding."""
    place, fields = await _decided(view, store, when)
    finding = _finding(fields)
    await view.console.operations.desk.override(*place, [finding], _decision(view, fields))
    return back(day_address(store, when), "override")


async def assign(view: View, store: str, when: str) -> Reply:
    """Give one finding to somebody."""
    place, fields = await _decided(view, store, when)
    owner = fields.get("owner", "").strip()
    by = Decision(view.caller.name, f"to {owner}", view.console.clock.now())
    await view.console.operations.desk.assign(*place, *_finding(fields), owner=owner, by=by)
    return back(day_address(store, when), "assigned")


async def _decided(view: View, store: str, when: str) -> tuple[tuple[str, str], dict[str, str]]:
    fields = await fields_of(view)
    view.caller.need_store(store)
    return (store, business_date(when, field="date")), fields


def _decision(view: View, fields: dict[str, str]) -> Decision:
    return Decision(view.caller.name, fields.get("reason", ""), view.console.clock.now())


def _finding(fields: dict[str, str]) -> tuple[str, str]:
    rule, _, subject = fields.get("finding", "").partition(APART)
    if not rule:
        raise ConfigurationError("TW-7010", "choose the finding", path="finding")
    return rule, subject
