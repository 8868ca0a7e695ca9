"""`tillway verify`: check that the books of the hub balance, in count and in money."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rich.console import Console

from tillway.api.questions import resets_of
from tillway.cli import exit_codes
from tillway.cli.counting import counted
from tillway.cli.options import HERE, Json, Project
from tillway.cli.output import emit, money_text, table
from tillway.cli.reading import opened
from tillway.observe import Books, Gap, books_as_json, carried_by_route, gaps
from tillway.observe import verify as check_books
from tillway.observe.books import BooksRow, Equation, Figures

SHOWN_GAPS = 10


def verify(*, project: Project = HERE, json: Json = False) -> int:
    """Check the books: everything received has one outcome, everything accepted one fate per route.

    Missing receipt numbers are listed too; they are a matter between till and hub and do not
    unbalance the books. Leaves with 1 when something does not add up, 75 when the hub never paused.

    Example: tillway verify --json
    """
    books, missing = asyncio.run(_check(project))
    data = {**books_as_json(books), "gaps": missing}
    emit("verify", data, lambda console: _draw(console, books, missing), json)
    return exit_codes.DONE if books.balanced else exit_codes.FAILED


async def _check(project: Path) -> tuple[Books, list[Gap]]:
    async with opened(project) as journal:
        books = await check_books(journal.reader, carried_by_route(journal.release))
        return books, await gaps(journal.reader, resets_of(journal.release))


def _draw(console: Console, books: Books, missing: list[Gap]) -> None:
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
