"""The forms that change something, retry and the demo buttons: only POST, only from our pages."""

from __future__ import annotations

import hmac
from urllib.parse import parse_qsl, urlencode

from tillway.api.actions import check_count, plan_letters, retry_letters
from tillway.api.asgi import Call, Reply
from tillway.api.fields import number_of
from tillway.console.dev_control import ACTIONS
from tillway.console.pages import Console
from tillway.errors import ConfigurationError, Refused

TYPED_ABOVE = 100
WHO = "console"


async def fields_of(call: Call, console: Console) -> dict[str, str]:
    """Return the fields of a form. Raises Refused TW-7012 for a form that is not of our pages."""
    fields = dict(parse_qsl((await call.body()).decode("utf-8", "replace")))
    token = fields.pop("form_token", "")
    genuine = hmac.compare_digest(token.encode(), console.form_token.encode())
    if not genuine or not call.own_origin:
        raise Refused("TW-7012", "the form is not from a page of this hub", status=403)
    return fields


async def retry(call: Call, console: Console) -> Reply:
    """Send the oldest one, ten or all messages of a problem again.

    `all` needs the count the page showed; above 100 the person types it.
    """
    fields = await fields_of(call, console)
    group = call.path.split("/")[2]
    step = fields.get("step", "1")
    sample = 0 if step == "all" else number_of(step, "the step")
    plan = await plan_letters(console.reader, console.release, group, sample=sample)
    if not sample:
        check_count(plan.count, _agreed(plan.count, fields))
    reason = fields.get("reason", "")
    done = await retry_letters(console.operations, plan, who=WHO, reason=reason)
    return _back(f"/problems/{plan.group}", "retried" if "retried" in done else "reprocessed")


def _agreed(count: int, fields: dict[str, str]) -> int:
    """Return the count the person agreed to: the page's, above 100 the typed one."""
    name = "typed" if count > TYPED_ABOVE else "shown"
    text = fields.get(name, "")
    if not text:
        raise ConfigurationError(
            "TW-7006", f"{count} messages need their number typed", advice=f"Type {count}."
        )
    return number_of(text, "the count")


async def dev(call: Call, console: Console) -> Reply:
    """Ask the simulated world for something."""
    action = call.path.removeprefix("/dev/")
    if console.dev is None or action not in ACTIONS:
        raise Refused("TW-7010", "there is no such button here", status=404)
    fields = await fields_of(call, console)
    await console.dev(action, fields)
    return _back("/", action, store=fields.get("store", ""))


def _back(path: str, done: str, *, store: str = "") -> Reply:
    """Return to a page by GET, so that reloading it repeats nothing; the store stays chosen."""
    query = urlencode({"done": done, "store": store} if store else {"done": done})
    return Reply(303, b"", headers={"location": f"{path}?{query}"})
