"""`tillway trace`: the life of one message, with its payload at every stage."""

from __future__ import annotations

import asyncio
import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter
from rich.console import Console

from tillway.api.sent import sent_by
from tillway.cli import exit_codes
from tillway.cli.find import draw_found, found_for
from tillway.cli.options import HERE, Json, Project
from tillway.cli.output import emit, money_text, note, table
from tillway.cli.reading import Opened, opened
from tillway.errors import ConfigurationError
from tillway.observe import Found, Trace
from tillway.observe import trace as read_trace
from tillway.observe.moments import local_text, parse_moment
from tillway.observe.register import SampleRow, sample_rows
from tillway.observe.trace import trace_as_json

_record = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode
_POSITION = re.compile(r"@(\d{1,18})")
StageName = Annotated[
    str,
    Parameter(name="--stage", help="Print only this payload: raw, canonical, or sent."),
]
Explain = Annotated[
    bool,
    Parameter(name="--explain", negative=(), help="Only the mapping of each route, row by row."),
]


def trace(
    key: str,
    /,
    *,
    stage: StageName = "",
    explain: Explain = False,
    project: Project = HERE,
    json: Json = False,
) -> int:
    """Show everything that happened to one message, and what it looked like on the way.

    Leaves with 2 when the key names several messages (they are listed), with 1 when there is none.

    Example: tillway trace 0003-01-000042 --stage sent

    Parameters
    ----------
    key
        Natural key, receipt number, store-till-number, message id, or @position.
    """
    found, traced, zone = asyncio.run(_read(project, key))
    if traced is None:
        data = {"hits": found.hits, "copies": found.copies, "absent": found.absent}
        emit("trace", data, lambda console: draw_found(console, found), json)
        if len(found.hits) > 1:
            note("several messages match: name one by its natural key or @position")
        return exit_codes.ATTENTION if found.hits or found.copies else exit_codes.FAILED
    if stage:
        return _print_stage(traced, stage, json=json)
    if explain:
        return _explain(project, traced, json=json)
    emit("trace", trace_as_json(traced), lambda console: _draw(console, traced, zone), json)
    return exit_codes.DONE


async def _read(project: Path, key: str) -> tuple[Found, Trace | None, str]:
    async with opened(project) as journal:
        position = _POSITION.fullmatch(key.strip())
        if position:
            traced = await _traced(journal, int(position[1]))
            if traced is None:
                raise ConfigurationError("TW-7008", f"nothing stands at position {position[1]}")
            return Found(key), traced, journal.zone
        found = await found_for(journal, key)
        if len(found.hits) != 1:
            return found, None, journal.zone
        return found, await _traced(journal, found.hits[0].position), journal.zone


async def _traced(journal: Opened, position: int) -> Trace | None:
    release = journal.release
    return await read_trace(journal.reader, position, release, sent_by(release))


def _print_stage(traced: Trace, wanted: str, *, json: bool) -> int:
    """Print one payload as it is, so that it can be piped on."""
    chosen = [stage for stage in traced.stages if stage.name.startswith(wanted)]
    if not chosen:
        known = ", ".join(stage.name for stage in traced.stages)
        raise ConfigurationError(
            "TW-7008", f'there is no stage "{wanted}"', value=wanted, advice=f"Stages: {known}."
        )
    data: dict[str, Any] = {"natural_key": traced.hit.natural_key, "stages": chosen}

    def draw(console: Console) -> None:
        for stage in chosen:
            if stage.note:
                note(f"{stage.name}: {stage.note}")
            console.print(stage.text, soft_wrap=True)

    emit("trace", data, draw, json)
    return exit_codes.DONE


def _explain(project: Path, traced: Trace, *, json: bool) -> int:
    """Print what each row of the mappings that carry this message does with it now."""
    explained = asyncio.run(_explained(project, traced))
    data = {"natural_key": traced.hit.natural_key, "explained": explained}

    def draw(console: Console) -> None:
        for route, rows in explained.items():
            drawn = table("field", "expression", "read", "result", title=f"\n{route}")
            for row in rows:
                read = ", ".join(f"{path} = {value}" for path, value in row.sources)
                drawn.add_row(row.target, row.expression, read, row.fault or row.result)
            console.print(drawn)
        if not explained:
            console.print("no route maps this message")

    emit("trace", data, draw, json)
    return exit_codes.DONE


async def _explained(project: Path, traced: Trace) -> dict[str, list[SampleRow]]:
    async with opened(project) as journal:
        [message] = await journal.reader.load([traced.hit.position])
    if journal.release is None or not message.canonical:
        return {}
    tables, record = journal.release.mappings, _record(message.canonical)
    return {
        name: sample_rows(tables[route.mapping], record)
        for name, route in journal.release.routes.items()
        if route.mapping in tables and traced.hit.message_type in route.messages
    }


def _draw(console: Console, traced: Trace, zone: str) -> None:
    hit = traced.hit
    money = money_text({hit.currency: hit.amount}) if hit.amount is not None else "no money"
    console.print(f"{hit.natural_key}  {hit.message_type}  {money}", style="bold")
    version = "" if traced.revision is None else f", revision {traced.revision}"
    console.print(
        f"position @{hit.position}, message {traced.message_id}, came by {traced.door}{version}"
    )
    console.print(f"content {traced.content_hash}\n")
    width = max(len(step.what) for step in traced.steps)
    for step in traced.steps:
        when = local_text(parse_moment(step.at, now=0), zone) if step.at else "not yet"
        told = "  ".join(filter(None, [step.route, step.detail, step.code]))
        console.print(f"{when:<27} {step.what:<{width}}  {told}", soft_wrap=True)
    for finding in traced.findings:
        console.print(f"finding {finding.get('rule')}: {finding}", soft_wrap=True)
    names = ", ".join(stage.name for stage in traced.stages)
    console.print(f"\npayloads: {names}  (--stage NAME prints one)")
