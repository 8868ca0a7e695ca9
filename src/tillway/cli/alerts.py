"""`tillway alerts`: what is wrong right now, who looks after it, and whether the channels work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.console import Console

from tillway.api.client import HubClient
from tillway.api.operations import Operations
from tillway.api.watch import alerts_as_json, mute_as_json
from tillway.assembly.operations import HubOperations
from tillway.cli import exit_codes
from tillway.cli.acting import act, need_reason, person
from tillway.cli.options import HERE, Json, Project, Reason
from tillway.cli.output import emit, money_text, table
from tillway.observe.moments import parse_moment
from tillway.watch import Watch, alert_as_json

alerts = App(
    name="alerts",
    help="Alerts: list what is open, acknowledge, mute for a while, test the channels.",
    result_action="return_value",
)
API = "/api/v1/alerts"
Rule = Annotated[str, Parameter(name="--rule", help="Only this rule: StoreSilent.")]
Subject = Annotated[str, Parameter(name="--subject", help="Only this store, route or target.")]


@alerts.command(name="list")
def list_(
    *,
    all_: Annotated[
        bool, Parameter(name="--all", negative=(), help="Also what ended lately, and the rules.")
    ] = False,
    project: Project = HERE,
    json: Json = False,
) -> int:
    """Show what is open: the most urgent first.

    Leaves with 2 when something is open.

    Example: tillway alerts list
    """

    async def here(operations: Operations) -> dict[str, Any]:
        return alerts_as_json(_watch(operations))

    found = act(project, here, lambda hub: hub.get(API))
    found.pop("schema", None)
    emit("alerts.list", found, lambda console: _draw(console, found, all_=all_), json)
    return exit_codes.ATTENTION if found["open"] else exit_codes.DONE


@alerts.command
def ack(name: str, *, reason: Reason = "", project: Project = HERE, json: Json = False) -> int:
    """Say that you look after an alert: it is not repeated; escalations still come.

    Example: tillway alerts ack 560535a6 --reason "calling the ERP people"
    """
    need_reason(reason)

    async def here(operations: Operations) -> dict[str, Any]:
        alert = await _watch(operations).acknowledge(name, person(), reason)
        return {"alert": alert_as_json(alert)}

    def there(hub: HubClient) -> dict[str, Any]:
        return hub.post(f"{API}/ack", {"name": name, "who": person(), "reason": reason})

    found = act(project, here, there)
    alert = found["alert"]
    told = f"{alert['name']} {alert['rule']} {alert['subject']}: acknowledged by {person()}"
    emit("alerts.ack", {"alert": alert}, lambda console: console.print(told), json)
    return exit_codes.DONE


@alerts.command
def mute(
    *,
    until: Annotated[str, Parameter(name="--until", help="When it ends: 2026-11-20T18:00.")],
    rule: Rule = "",
    subject: Subject = "",
    reason: Reason = "",
    project: Project = HERE,
    json: Json = False,
) -> int:
    """Hold notices back until a moment: of a rule, of one store, route or target, or all.

    What is open stays listed, and is told when the mute ends.

    Example: tillway alerts mute --rule StoreSilent --subject 0145 --until 2026-11-20T18:00
    --reason "the shop is being painted"
    """
    need_reason(reason)

    async def here(operations: Operations) -> dict[str, Any]:
        watch = _watch(operations)
        moment = parse_moment(until, now=watch.now, zone=watch.release.hub.time_zone)
        return {"mute": mute_as_json(await watch.mute(rule, subject, moment, person(), reason))}

    def there(hub: HubClient) -> dict[str, Any]:
        body = {"rule": rule, "subject": subject, "until": until, "who": person(), "reason": reason}
        return hub.post(f"{API}/mute", body)

    found = act(project, here, there)["mute"]
    what = " ".join(filter(None, [found["rule"] or "everything", found["subject"]]))
    told = f"{what} is muted until {found['until']}"
    emit("alerts.mute", {"mute": found}, lambda console: console.print(told), json)
    return exit_codes.DONE


@alerts.command(name="test")
def try_channels(*receivers: str, project: Project = HERE, json: Json = False) -> int:
    """Send a marked message through every channel, or through those that are named.

    Leaves with 1 when one of them did not take it.

    Example: tillway alerts test
    """

    async def here(operations: Operations) -> dict[str, Any]:
        return {"receivers": await _watch(operations).test(receivers, person())}

    def there(hub: HubClient) -> dict[str, Any]:
        return hub.post(f"{API}/test", {"receivers": list(receivers), "who": person()})

    found: Mapping[str, str] = act(project, here, there)["receivers"]

    def draw(console: Console) -> None:
        for name, why in sorted(found.items()):
            console.print(f"{name}: {why or 'took it'}")

    emit("alerts.test", {"receivers": found}, draw, json)
    return exit_codes.FAILED if any(found.values()) else exit_codes.DONE


def _watch(operations: Operations) -> Watch:
    """Return the watch of the hub that was opened for one action."""
    assert isinstance(operations, HubOperations)
    return operations.hub.watch


def _draw(console: Console, found: Mapping[str, Any], *, all_: bool) -> None:
    if not found["open"]:
        console.print("Nothing is open.", style="bold")
    _draw_alerts(console, found["open"], "Open alerts")
    if found["mutes"]:
        drawn = table("rule", "subject", "until", "who", "why", title="\nMuted")
        for one in found["mutes"]:
            drawn.add_row(
                one["rule"] or "all",
                one["subject"] or "all",
                one["until"],
                one["who"],
                one["reason"],
            )
        console.print(drawn)
    if found["unsent"]:
        console.print(f"\n{found['unsent']} notices are not sent yet: tillway alerts test")
    if not all_:
        return
    _draw_alerts(console, found["closed"], "\nEnded lately")
    drawn = table("rule", "priority", "threshold", "measured over", title="\nRules")
    for one in found["rules"]:
        threshold = f"{one['threshold']:g} {one['unit']}" if one["unit"] else "-"
        drawn.add_row(one["rule"], one["priority"] if one["on"] else "off", threshold, one["over"])
    console.print(drawn)


def _draw_alerts(console: Console, rows: list[dict[str, Any]], title: str) -> None:
    if not rows:
        return
    drawn = table("alert", "priority", "rule", "what", "money", "since", "who", title=title)
    for one in rows:
        who = one["acknowledged_by"] or ("muted" if one["muted"] else "-")
        drawn.add_row(
            one["name"],
            one["priority"],
            one["rule"],
            one["headline"],
            money_text(one["money"]),
            one["since"] or "-",
            who,
        )
    console.print(drawn)
