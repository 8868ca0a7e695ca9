"""`tillway verify`: check that the books balance, in count and in money, and the audit chain."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
from rich.console import Console

from tillway.access import AuditFiles, AuditVerdict, check_audit, read_public
from tillway.api.questions import resets_of
from tillway.assembly import open_queries
from tillway.cli import exit_codes
from tillway.cli.counting import counted
from tillway.cli.options import HERE, Json, Project
from tillway.cli.output import emit, money_text, table
from tillway.cli.reading import opened
from tillway.observe import Books, Gap, books_as_json, carried_by_route, gaps
from tillway.observe import verify as check_books
from tillway.observe.books import BooksRow, Equation, Figures

SHOWN_GAPS = 10


class Found(msgspec.Struct, frozen=True):
    """What was checked: the books, the numbers that are missing, the audit chain."""

    books: Books
    missing: list[Gap]
    audit: AuditVerdict


def verify(*, project: Project = HERE, audit_key: tuple[Path, ...] = (), json: Json = False) -> int:
    """Check the books and the audit chain, beside a running hub or without one.

    Everything received has one outcome, everything accepted one fate per route; what people did is
    recorded without a change or a hole, as it was signed. Missing receipt numbers are listed too;
    they are a matter between till and hub and do not unbalance the books. Leaves with 1 when
    something is wrong, 75 when the hub never paused.

    Example: tillway verify --json

    Parameters
    ----------
    audit_key
        A public key (PEM) that was kept elsewhere; believed instead of the one in the state folder.
    """
    found = asyncio.run(_check(project, audit_key))
    data = {
        **books_as_json(found.books),
        "gaps": found.missing,
        "audit": found.audit.as_json(),
    }
    emit("verify", data, lambda console: _draw(console, found), json)
    return exit_codes.DONE if found.books.balanced and found.audit.holds else exit_codes.FAILED


async def _check(project: Path, audit_keys: tuple[Path, ...]) -> Found:
    async with opened(project) as journal:
        audit = await _check_audit(project, audit_keys)
        books = await check_books(journal.reader, carried_by_route(journal.release))
        return Found(books, await gaps(journal.reader, resets_of(journal.release)), audit)


async def _check_audit(project: Path, audit_keys: tuple[Path, ...]) -> AuditVerdict:
    trusted = [read_public(path) for path in audit_keys]
    queries = open_queries(project)
    try:
        return await check_audit(queries, AuditFiles.beside(queries.path), trusted)
    finally:
        await queries.close()


def _draw(console: Console, found: Found) -> None:
    books, missing = found.books, found.missing
    verdict = "The books balance." if books.balanced else "The books do NOT balance."
    console.print(verdict, style="bold green" if books.balanced else "bold red")
    for equation in books.equations:
        _draw_equation(console, equation)
    for total in books.unrouted:
        console.print(
            f"on no route: {total.count:,} {total.message_type} {total.currency}".rstrip()
        )
    if missing:
        numbers = sum(gap.count for gap in missing)
        verb = "is" if numbers == 1 else "are"
        console.print(f"\n{counted(numbers, 'receipt number')} {verb} not accounted for:")
        for gap in missing[:SHOWN_GAPS]:
            span = f"{gap.first}" if gap.first == gap.last else f"{gap.first} to {gap.last}"
            run = f" (run e{gap.register_epoch} of its counter)" if gap.register_epoch else ""
            console.print(f"  {gap.store}-{gap.workstation} {gap.business_date}{run}: {span}")
        if len(missing) > SHOWN_GAPS:
            console.print(f"  and {counted(len(missing) - SHOWN_GAPS, 'more gap')}")
    _draw_audit(console, found.audit)


def _draw_audit(console: Console, audit: AuditVerdict) -> None:
    entries = counted(audit.entries, "entry", "entries")
    if audit.holds:
        console.print(f"\nThe audit chain holds: {entries}, {_signed(audit)}.", style="bold green")
    else:
        verdict = f"The audit chain does NOT hold: it is wrong at entry {audit.first_bad}"
        console.print(
            f"\n{verdict} ({entries}, signed and whole up to {audit.signed:,}).", style="bold red"
        )
    for finding in audit.findings:
        console.print(f"  {finding.text}; see tillway explain {finding.code}")
    if audit.strangers:
        keys = ", ".join(audit.strangers)
        console.print(f"  older checkpoints are signed with {keys}; to check them: --audit-key")


def _signed(audit: AuditVerdict) -> str:
    if not audit.key:
        return "none checked against a signature: no key is here before the hub has started"
    if audit.signed == audit.entries:
        return f"all signed with {audit.key}"
    waiting = audit.entries - audit.signed
    return f"{waiting:,} not signed yet, the others with {audit.key}"


def _draw_equation(console: Console, equation: Equation) -> None:
    if not equation.rows:
        return
    sign = "=" if equation.balanced else "!"
    drawn = table(
        "type",
        equation.whole,
        "is",
        "difference",
        title=f"\n{sign} {equation.name}",
        right=(equation.whole, "difference"),
    )
    for row in equation.rows:
        parts = (
            f"{name.replace('_', ' ')} {_cell(row, figures)}" for name, figures in row.parts.items()
        )
        difference = "-" if row.balanced else _cell(row, row.difference)
        name = f"{row.message_type or 'not readable'} {row.currency}".strip()
        drawn.add_row(name, _cell(row, row.whole), ", ".join(parts), difference)
    console.print(drawn)


def _cell(row: BooksRow, figures: Figures) -> str:
    unknown = f", {figures.unknown:,} unknown" if figures.unknown else ""
    if not row.states_money:
        return f"{figures.count:,}"
    return f"{figures.count:,} ({money_text({row.currency: row.amount(figures)})}{unknown})"
