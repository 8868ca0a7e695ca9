"""`tillway access approvals`, `approve` and `reject`: what waits for a second person."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from tillway.access.approvals import Approval
from tillway.access.tables import rows
from tillway.api.client import client_of
from tillway.cli import exit_codes
from tillway.cli.acting import need_reason, person
from tillway.cli.options import HERE, Json, Project, Reason
from tillway.cli.output import emit, table
from tillway.cli.reading import opened
from tillway.clock import utc_text

if TYPE_CHECKING:
    from rich.console import Console


def approvals(*, project: Project = HERE, json: Json = False) -> int:
    """List what waits, or waited, for a second person. Leaves with 2 when something waits.

    Example: tillway access approvals
    """
    found = asyncio.run(_found(project))
    data = {"approvals": [one.as_json() for one in found]}
    emit("approvals", data, lambda console: _draw_approvals(console, found), json)
    waits = any(one.state == "waiting" for one in found)
    return exit_codes.ATTENTION if waits else exit_codes.DONE


def approve(
    number: int, /, *, reason: Reason = "", project: Project = HERE, json: Json = False
) -> int:
    """Approve what another person asked for; it is carried out at once.

    Example: tillway approve 3 --reason "checked the plan with the ERP team"

    Parameters
    ----------
    number
        The number of the request, as `tillway access approvals` shows it.
    """
    return _decide("approve", number, reason, project, json=json)


def reject(
    number: int, /, *, reason: Reason = "", project: Project = HERE, json: Json = False
) -> int:
    """Reject what another person asked for; nothing is done.

    Example: tillway reject 3 --reason "wrong week"

    Parameters
    ----------
    number
        The number of the request, as `tillway access approvals` shows it.
    """
    return _decide("reject", number, reason, project, json=json)


def _decide(verb: str, number: int, reason: str, project: Path, *, json: bool) -> int:
    need_reason(reason)
    asked = {"id": number, "reason": reason, "who": person()}
    done = client_of(project).post(f"/api/v1/approvals/{verb}", asked)
    told = f"request {number} is {done['approval']['state']}"
    emit(verb, done, lambda console: console.print(told), json)
    return exit_codes.DONE


async def _found(project: Path) -> list[Approval]:
    async with opened(project) as journal:
        return [Approval(*row) for row in await rows(journal.reader, "approvals")][::-1]


def _draw_approvals(console: Console, found: list[Approval]) -> None:
    made = table("Number", "What", "Asked by", "At", "Reason", "State")
    for one in found:
        what, at = f"{one.kind} {one.subject}", utc_text(one.asked_at)
        made.add_row(str(one.approval_id), what, one.asked_by, at, one.reason, one.state)
    console.print(made if found else "nothing waits for a second person")
