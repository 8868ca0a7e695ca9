"""`tillway find`: the search box; no hit is an answer that says why."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rich.console import Console

from tillway.cli import exit_codes
from tillway.cli.options import HERE, Json, Project
from tillway.cli.output import emit, money_text, table
from tillway.cli.reading import Opened, opened
from tillway.observe import Found, Hit
from tillway.observe import find as search
from tillway.observe.latest import superseded_text


def find(text: str, /, *, project: Project = HERE, json: Json = False) -> int:
    """Find a message by any number it has, and say why it may be absent when there is none.

    Leaves with 1 when nothing was found.

    Example: tillway find 0003-01-000042

    Parameters
    ----------
    text
        Receipt number, store-till-number, natural key, a vendor's object id, message id, or #7 for
        a kept copy.
    """
    found = asyncio.run(_search(project, text))
    data = {"text": found.text, "hits": found.hits, "copies": found.copies, "absent": found.absent}
    emit("find", data, lambda console: draw_found(console, found), json)
    return exit_codes.DONE if found.hits or found.copies else exit_codes.FAILED


async def found_for(journal: Opened, text: str) -> Found:
    """Search an opened journal."""
    stores = journal.release.stores if journal.release else {}
    return await search(journal.reader, text, now=journal.now, stores=stores)


def draw_found(console: Console, found: Found) -> None:
    """Print hits, kept copies, and why there may be none."""
    if found.hits:
        drawn = table(
            "position", "message", "type", "money", "received", "fate", right=("position", "money")
        )
        for hit in found.hits:
            drawn.add_row(
                f"@{hit.position}",
                hit.natural_key,
                hit.message_type,
                _money(hit),
                hit.received_at,
                _fate(hit),
            )
        console.print(drawn)
    for copy in found.copies:
        closed = f", corrected by @{copy.closed_by}" if copy.closed_by else ""
        first = f", the first one stands at @{copy.first_position}" if copy.first_position else ""
        console.print(
            f"{copy.name} {copy.outcome} {copy.natural_key} ({copy.code}) "
            f"{copy.received_at}: {copy.why or 'see tillway dlq'}{closed}{first}"
        )
    for sentence in found.absent:
        console.print(sentence)


def _fate(hit: Hit) -> str:
    if hit.superseded_by is not None:
        return superseded_text(hit.superseded_by)
    return ", ".join(f"{route} {state}" for route, state in hit.fates.items()) or "accepted"


def _money(hit: Hit) -> str:
    return (
        money_text({hit.currency: hit.amount}) if hit.amount is not None and hit.currency else "-"
    )


async def _search(project: Path, text: str) -> Found:
    async with opened(project) as journal:
        return await found_for(journal, text)
