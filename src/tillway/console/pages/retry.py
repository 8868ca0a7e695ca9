"""The forms of the retry ladder: one, ten, all, and the stop of the job that sends all."""

from __future__ import annotations

from tillway.api.actions import check_count, plan_letters
from tillway.api.asgi import Reply
from tillway.api.fields import number_of
from tillway.console.forms import back, fields_of
from tillway.console.view import View
from tillway.errors import ConfigurationError

TYPED_ABOVE = 100


async def send(view: View, group: str) -> Reply:
    """Send the oldest one, ten or all messages of a problem again.

    `all` needs the count the page showed; above 100 the person types it.
    """
    fields = await fields_of(view)
    step = fields.get("step", "1")
    sample = 0 if step == "all" else number_of(step, "the step")
    plan = await plan_letters(view.reader, view.release, group, sample=sample)
    who, reason = view.caller.name, fields.get("reason", "")
    jobs, shops = view.console.models.jobs, view.caller.stores
    if sample:
        done = await jobs.step(plan, who=who, reason=reason, stores=shops)
        return back(f"/problems/{plan.group}", "retried" if "retried" in done else "reprocessed")
    check_count(plan.count, _agreed(plan.count, fields))
    await jobs.start(plan, who=who, reason=reason, stores=shops)
    return back(f"/problems/{plan.group}", "started")


async def stop(view: View, group: str) -> Reply:
    """End the job of a problem."""
    await fields_of(view)
    view.console.models.jobs.stop(group, view.caller.stores)
    return back(f"/problems/{group}", "stopped")


def _agreed(count: int, fields: dict[str, str]) -> int:
    """Return the count the person agreed to: the page's, above 100 the typed one."""
    name = "typed" if count > TYPED_ABOVE else "shown"
    text = fields.get(name, "")
    if not text:
        raise ConfigurationError(
            "TW-7006", f"{count} messages need their number typed", advice=f"Type {count}."
        )
    return number_of(text, "the count")
