"""Tables that finance opens in a spreadsheet: written as CSV or as a workbook.

Amounts are numbers in XLSX and text with a point in CSV, in the digits of their currency and with
the currency beside them. A text that a spreadsheet would take for a formula gets an apostrophe in
front (CSV), or is written as text (XLSX).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from tillway.model import minor_digits

if TYPE_CHECKING:
    from xlsxwriter.worksheet import Worksheet

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
WIDEST = 60
LONGEST = 32_767
"""What one cell of a workbook holds; longer text is cut there, and never lost in CSV."""
USUAL_DIGITS = 2


class Amount(msgspec.Struct, frozen=True):
    """Money in one currency."""

    value: Decimal
    currency: str

    @property
    def digits(self) -> int:
        """Return how many digits it is shown with: its currency's, or more when it is finer."""
        try:
            usual = minor_digits(self.currency)
        except ValueError:
            usual = USUAL_DIGITS
        exponent = self.value.normalize().as_tuple().exponent
        return max(usual, -exponent if isinstance(exponent, int) else 0)

    def __str__(self) -> str:
        return f"{self.value:.{self.digits}f}"


Cell = str | int | Amount | date | None


class Sheet(msgspec.Struct, frozen=True):
    """One table. rows hold text, whole numbers, amounts and dates."""

    name: str
    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]]


def write_csv(sheet: Sheet) -> str:
    """Return a table as CSV with a header line."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(sheet.columns)
    for row in sheet.rows:
        writer.writerow([_csv_cell(cell) for cell in row])
    return text.getvalue()


def write_xlsx(target: Path | BinaryIO, tables: Sequence[Sheet]) -> None:
    """Write a workbook with one sheet for each table."""
    import xlsxwriter

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    place = str(target) if isinstance(target, Path) else target
    with xlsxwriter.Workbook(place, options) as book:
        formats = _Formats(book)
        for table in tables:
            _write_sheet(book.add_worksheet(table.name), table, formats)


class _Formats:
    """The cell formats of one workbook, made when they are first needed."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self.bold = book.add_format({"bold": True})
        self.day = book.add_format({"num_format": "yyyy-mm-dd"})
        self._money: dict[int, Any] = {}

    def money(self, digits: int) -> Any:
        """Return the format of an amount with so many digits."""
        if digits not in self._money:
            pattern = "#,##0" + ("." + "0" * digits if digits else "")
            self._money[digits] = self._book.add_format({"num_format": pattern})
        return self._money[digits]


def _write_sheet(sheet: Worksheet, table: Sheet, formats: _Formats) -> None:
    sheet.freeze_panes(1, 0)
    for column, name in enumerate(table.columns):
        width = max([len(name), *(len(_shown(row[column])) for row in table.rows)])
        sheet.set_column(column, column, min(WIDEST, width + 2))
    sheet.write_row(0, 0, table.columns, formats.bold)
    for at, row in enumerate(table.rows, 1):
        for column, cell in enumerate(row):
            if isinstance(cell, Amount):
                sheet.write_number(at, column, float(cell.value), formats.money(cell.digits))
            elif isinstance(cell, int):
                sheet.write_number(at, column, cell)
            elif isinstance(cell, date):
                sheet.write_datetime(at, column, cell, formats.day)
            elif cell:
                sheet.write_string(at, column, cell[:LONGEST])


def _shown(cell: Cell) -> str:
    return "" if cell is None else str(cell)


def _csv_cell(cell: Cell) -> str:
    text = _shown(cell)
    if isinstance(cell, str) and text.startswith(FORMULA_STARTS):
        return f"'{text}"
    return text
