"""`tillway replay`: deliver a stretch of history again on one route: a plan first, then the run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter
from rich.console import Console

from tillway.api.actions import check_count, plan_replay, replay_plan_as_json
from tillway.api.client import HubClient
from tillway.api.operations import Operations, PlannedReplay, Selection
from tillway.cli import exit_codes
from tillway.cli.acting import act, need_reason, person
from tillway.cli.confirm import agreed
from tillway.cli.counting import counted
from tillway.cli.options import HERE, ConfirmCount, DryRun, Json, Project, Reason, Yes
from tillway.cli.output import emit, money_text, note
from tillway.cli.reading import readable_release
from tillway.clock import SystemClock, utc_text
from tillway.observe.moments import age_text, parse_moment
from tillway.project.records import Release

PLAN_FIELDS = PlannedReplay.__struct_fields__

Route = Annotated[str, Parameter(name="--route", help="The route, and so the one target.")]
From = Annotated[
    str,
    Parameter(
        name="--from", allow_leading_hyphen=True, help="Accepted at or after: 2026-11-20, -2h ..."
    ),
]
To = Annotated[
    str,
    Parameter(name="--to", allow_leading_hyphen=True, help="Accepted before: 2026-11-21, now ..."),
]
StoreName = Annotated[str, Parameter(name="--store", help="Only this store.")]
TypeName = Annotated[str, Parameter(name="--type", help="Only this message type.")]
Stop = Annotated[bool, Parameter(name="--stop", negative=(), help="End the one that runs.")]
Key = Annotated[str, Parameter(name="--key", help="Only this natural key.")]


def replay(
    *,
    route: Route,
    from_: From = "",
    to: To = "",
    store: StoreName = "",
    message_type: TypeName = "",
    key: Key = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    confirm_count: ConfirmCount = None,
    reason: Reason = "",
    stop: Stop = False,
    project: Project = HERE,
    json: Json = False,
) -> int:
    """Deliver messages of the past again on one route, under the same keys and at a capped rate.

    It shows count, money, lanes and duration first and asks; --dry-run stops there and needs no
    running hub, --stop ends one that runs. Where the route asks for two people, the second one
    gives the same command. What a newer revision superseded is named and left out. Leaves with 2
    when a message failed.

    Example: tillway replay --route pos-to-erp --from 2026-11-20 --to 2026-11-21 --dry-run
    """
    if not dry_run:
        need_reason(reason)
    if stop:
        return _stop(project, route, reason, json=json)
    release = readable_release(project)
    selection = _selection(release, route, from_, to, store, message_type, key)
    plan = _plan(project, release, selection)
    data: dict[str, Any] = {"selection": _told(selection), "dry_run": dry_run, **plan}
    if dry_run or not plan["count"]:
        emit("replay", data, lambda console: _draw_plan(console, selection, plan), json)
        return exit_codes.DONE
    _draw_plan_for_asking(selection, plan)
    if not agreed(plan["count"], yes=yes, confirm_count=confirm_count):
        note("nothing was sent")
        return exit_codes.FAILED
    done = _run(project, selection, plan["count"], reason)
    emit("replay", {**data, "done": done}, lambda console: _draw_done(console, done), json)
    return exit_codes.ATTENTION if done["failed"] or done["stopped"] else exit_codes.DONE


def _selection(
    release: Release | None,
    route: str,
    from_: str,
    to: str,
    store: str,
    message_type: str,
    key: str,
) -> Selection:
    zone = release.hub.time_zone if release else "UTC"
    now = SystemClock().now()
    return Selection(
        route=route,
        from_at=parse_moment(from_, now=now, zone=zone) if from_ else 0,
        to_at=parse_moment(to, now=now, zone=zone) if to else 0,
        store=store,
        message_type=message_type,
        natural_key=key,
    )


def _plan(project: Path, release: Release | None, selection: Selection) -> dict[str, Any]:
    async def here(operations: Operations) -> dict[str, Any]:
        return replay_plan_as_json(await plan_replay(operations, release, selection))

    def there(client: HubClient) -> dict[str, Any]:
        answer = client.post("/api/v1/replay", {**_request(selection), "dry_run": True})
        return {name: answer[name] for name in PLAN_FIELDS}

    return act(project, here, there)


def _run(project: Path, selection: Selection, count: int, reason: str) -> dict[str, Any]:
    async def here(operations: Operations) -> dict[str, Any]:
        check_count((await operations.plan_replay(selection)).count, count)
        done: dict[str, Any] = msgspec.to_builtins(
            await operations.replay(selection, person(), reason)
        )
        return done

    def there(client: HubClient) -> dict[str, Any]:
        request = {**_request(selection), "reason": reason, "agreed": count}
        done: dict[str, Any] = client.post("/api/v1/replay", request)["done"]
        return done

    return act(project, here, there)


def _stop(project: Path, route: str, reason: str, *, json: bool) -> int:
    async def here(operations: Operations) -> dict[str, Any]:
        return {"stopped": await operations.stop_replay(route, person(), reason)}

    def there(client: HubClient) -> dict[str, Any]:
        request = {"route": route, "who": person(), "reason": reason}
        return client.post("/api/v1/replay/stop", request)

    data = {"route": route, "stopped": act(project, here, there)["stopped"]}
    told = "it ends after the calls under way" if data["stopped"] else "no replay runs there"
    emit("replay.stop", data, lambda console: console.print(told), json)
    return exit_codes.DONE if data["stopped"] else exit_codes.FAILED


def _request(selection: Selection) -> dict[str, Any]:
    return {**msgspec.to_builtins(selection), "who": person()}


def _told(selection: Selection) -> dict[str, Any]:
    """Return the selection with its moments in RFC 3339."""
    fields: dict[str, Any] = msgspec.to_builtins(selection)
    for name in ("from_at", "to_at"):
        fields[name] = utc_text(fields[name]) if fields[name] else ""
    return fields


def _draw_plan_for_asking(selection: Selection, plan: Mapping[str, Any]) -> None:
    for line in _plan_lines(selection, plan):
        note(line)


def _draw_plan(console: Console, selection: Selection, plan: Mapping[str, Any]) -> None:
    for line in _plan_lines(selection, plan):
        console.print(line, soft_wrap=True)


def _plan_lines(selection: Selection, plan: Mapping[str, Any]) -> list[str]:
    left_out = _left_out_lines(plan)
    if not plan["count"] and left_out:
        return [f"Nothing would be sent again on {selection.route}", *left_out]
    if not plan["count"]:
        return [f"Nothing delivered on {selection.route} matches."]
    head = f"{counted(plan['count'], 'message')} would be sent again on {selection.route}"
    money = [f"  {kind}: {money_text(sums)}" for kind, sums in sorted(plan["money"].items())]
    lasting = age_text(plan["expected_seconds"])
    lanes = counted(plan["lanes"], "lane")
    return [head, *money, f"  {lanes}, about {lasting}, same keys as before", *left_out]


def _left_out_lines(plan: Mapping[str, Any]) -> list[str]:
    lines = [
        f"  {one['natural_key']}: superseded by revision {one['superseded_by']}, left out"
        for one in plan["left_out"]
    ]
    more = plan["superseded"] - len(lines)
    return (
        [*lines, f"  and {counted(more, 'more superseded message')}, left out"] if more else lines
    )


def _draw_done(console: Console, done: Mapping[str, Any]) -> None:
    console.print(f"{done['delivered']:,} delivered again, {done['failed']:,} failed")
    if done["superseded"]:
        left_out = counted(done["superseded"], "message")
        console.print(f"{left_out} superseded by a newer revision meanwhile, left out")
    for failure in done["failures"]:
        console.print(f"  {failure}", soft_wrap=True)
    if done["stopped"]:
        console.print("it was stopped before the end")
