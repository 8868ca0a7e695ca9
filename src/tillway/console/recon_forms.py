"""The forms of a store-day: approve, open again, account for findings. Each needs a reason."""

from __future__ import annotations

from tillway.api.asgi import Call, Reply
from tillway.console.forms import WHO, fields_of
from tillway.console.pages import Console
from tillway.console.recon import day_address
from tillway.errors import ConfigurationError
from tillway.reconcile import Decision, business_date

APART = " "
"""Between rule and subject in one field of the form; the name of a rule holds none."""


async def decide(call: Call, console: Console, store: str, when: str, verb: str) -> Reply:
    """Carry out what finance decided and go back to the day."""
    fields = await fields_of(call, console)
    place = (store, business_date(when, field="date"))
    decision = Decision(WHO, fields.get("reason", ""), console.clock.now())
    desk = console.operations.desk
    if verb == "override":
        rule, _, subject = fields.get("finding", "").partition(APART)
        if not rule:
            raise ConfigurationError("TW-7010", "choose the finding", path="finding")
        await desk.override(*place, [(rule, subject)], decision)
    elif verb == "approve":
        await desk.approve(*place, decision)
    else:
        await desk.reopen(*place, decision)
    return Reply(303, b"", headers={"location": f"{day_address(store, when)}?done={verb}"})
