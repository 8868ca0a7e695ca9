"""Store-days and findings as tables that finance opens in a spreadsheet.

Amounts are numbers in XLSX and text with a point in CSV, always with their currency beside them. A
text that a spreadsheet would take for a formula gets an apostrophe in front (CSV), or is written
as text (XLSX).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from tillway.clock import utc_text
from tillway.reconcile.findings import Finding
from tillway.reconcile.store_day import StoreDay

Cell = str | int | Decimal | date | None
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
WIDEST = 60


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table. rows hold text, whole numbers, amounts and dates."""

    name: str
    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]]


def sheets(days: Iterable[StoreDay], findings: Iterable[Finding]) -> list[Sheet]:
    """Return the tables of an export: the store-days by currency, and the findings."""
    day_columns = (
        "store",
        "business_date",
        "state",
        "revision",
        "messages",
        "currency",
        "grand_total",
        "open_findings",
        "missing_numbers",
        "largest_difference",
        "approved_by",
        "since",
    )
    finding_columns = (
        "store",
        "business_date",
        "rule",
        "subject",
        "severity",
        "state",
        "currency",
        "expected",
        "found",
        "difference",
        "detail",
        "owner",
        "first_seen",
        "decided_by",
        "reason",
    )
    return [
        Sheet("Store-days", day_columns, [row for day in days for row in _day_rows(day)]),
        Sheet("Findings", finding_columns, [_finding_row(one) for one in findings]),
    ]


def write_csv(sheet: Sheet) -> str:
    """Return a table as CSV with a header line."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(sheet.columns)
    for row in sheet.rows:
        writer.writerow([_csv_cell(cell) for cell in row])
    return text.getvalue()


def write_xlsx(path: Path, tables: Sequence[Sheet]) -> None:
    """Write a workbook with one sheet for each table."""
    import xlsxwriter

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        bold = book.add_format({"bold": True})
        money = book.add_format({"num_format": "#,##0.00"})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for table in tables:
            sheet = book.add_worksheet(table.name)
            sheet.freeze_panes(1, 0)
            for column, name in enumerate(table.columns):
                width = max([len(name), *(len(str(row[column] or "")) for row in table.rows)])
                sheet.set_column(column, column, min(WIDEST, width + 2))
            sheet.write_row(0, 0, table.columns, bold)
            for at, row in enumerate(table.rows, 1):
                for column, cell in enumerate(row):
                    if isinstance(cell, Decimal):
                        sheet.write_number(at, column, float(cell), money)
                    elif isinstance(cell, int):
                        sheet.write_number(at, column, cell)
                    elif isinstance(cell, date):
                        sheet.write_datetime(at, column, cell, day)
                    elif cell:
                        sheet.write_string(at, column, cell)


def _day_rows(day: StoreDay) -> list[tuple[Cell, ...]]:
    money = day.money or {"": ""}
    return [
        (
            day.store,
            date.fromisoformat(day.business_date),
            day.state,
            day.revision,
            day.messages,
            currency,
            Decimal(amount) if amount else None,
            day.findings,
            day.gaps,
            Decimal(day.difference[currency]) if currency in day.difference else None,
            day.approved_by,
            utc_text(day.since) if day.since else "",
        )
        for currency, amount in sorted(money.items())
    ]


def _finding_row(one: Finding) -> tuple[Cell, ...]:
    return (
        one.store,
        date.fromisoformat(one.business_date) if one.business_date else None,
        one.rule,
        one.subject,
        one.severity,
        one.state,
        one.currency,
        one.expected,
        one.found,
        Decimal(one.difference) if one.currency and one.difference else one.difference,
        one.detail,
        one.owner,
        utc_text(one.first_seen),
        one.decided_by,
        one.reason,
    )


def _csv_cell(cell: Cell) -> str:
    if cell is None:
        return ""
    text = str(cell)
    if isinstance(cell, str) and text.startswith(FORMULA_STARTS):
        return f"'{text}"
    return text
