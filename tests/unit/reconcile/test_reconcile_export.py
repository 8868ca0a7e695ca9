"""Exports hold what the tables hold: numbers as numbers, dates as dates, and never a formula."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tillway.reconcile import KINDS, Amount, Sheet, sheets, write_csv, write_xlsx
from unit.reconcile.days import DAY, STORE
from unit.reconcile.told_days import GAP_DAY, minor_amounts, told_days

NAMES = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
DAY_ZERO = date(1899, 12, 30)
TODAY = "2026-11-21"


def cells_of(book: zipfile.ZipFile, number: int) -> dict[str, tuple[str, str, str]]:
    """Return place -> (type, text, number format) of a sheet; texts stand in the cell itself."""
    styles = ET.fromstring(book.read("xl/styles.xml"))
    codes = {
        one.get("numFmtId"): one.get("formatCode") for one in styles.iter() if "numFmt" in one.tag
    }
    formats = styles.find("x:cellXfs", NAMES)
    assert formats is not None
    page = ET.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))
    found = {}
    for cell in page.iter(f"{{{NAMES['x']}}}c"):
        assert cell.find("x:f", NAMES) is None, "a formula"
        value = cell.find("x:v", NAMES)
        text = "".join(cell.itertext()) if value is None else value.text or ""
        form = formats[int(cell.get("s", "0"))].get("numFmtId") or ""
        found[cell.get("r") or ""] = (cell.get("t", "n"), text, codes.get(form) or form)
    return found


def opened(tables: list[Sheet], folder: Path) -> zipfile.ZipFile:
    """Write a workbook and open it again."""
    write_xlsx(folder / "book.xlsx", tables)
    return zipfile.ZipFile(folder / "book.xlsx")


@pytest.mark.parametrize(("amount", "currency", "shown"), minor_amounts())
def test_amounts_have_the_digits_of_their_currency(amount: str, currency: str, shown: str) -> None:
    """JPY has none, KWD three; what is finer keeps every digit."""
    assert str(Amount(Decimal(amount), currency)) == shown


def test_a_workbook_holds_numbers_dates_and_texts(tmp_path: Path) -> None:
    """Read back from its XML: types, values, number formats; a formula stays text."""
    row = (
        "=1+1",
        7,
        Amount(Decimal(1200), "JPY"),
        Amount(Decimal("1.5"), "KWD"),
        date(2026, 11, 20),
    )
    with opened([Sheet("Days", ("text", "count", "yen", "dinar", "day"), [row])], tmp_path) as book:
        cells = cells_of(book, 1)
    assert cells["A2"][:2] == ("inlineStr", "=1+1")
    assert cells["B2"][:2] == ("n", "7")
    assert cells["C2"] == ("n", "1200", "#,##0")
    assert cells["D2"] == ("n", "1.5", "#,##0.000")
    assert cells["E2"] == ("n", str((date(2026, 11, 20) - DAY_ZERO).days), "yyyy-mm-dd")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_csv_neutralises_formulas(start: str) -> None:
    """A text gets an apostrophe, a negative amount does not."""
    text = write_csv(Sheet("x", ("a", "b"), [(f"{start}cmd", Amount(Decimal(-1), "EUR"))]))
    assert list(csv.reader(io.StringIO(text, newline="")))[1] == [f"'{start}cmd", "-1.00"]


async def test_every_table_is_there_with_its_rows(tmp_path: Path) -> None:
    """Days, figures, findings, postings and open items, each under its columns."""
    books = await told_days()
    tables = await sheets(books.journal, today=TODAY)
    assert [one.name for one in tables] == [kind.capitalize() for kind in KINDS]
    rows = {
        one.name: [dict(zip(one.columns, row, strict=True)) for row in one.rows] for one in tables
    }
    day = next(row for row in rows["Days"] if row["business_date"] == date.fromisoformat(DAY))
    assert (day["store"], day["state"], day["currency"]) == (STORE, "balanced", "EUR")
    gaps = [row for row in rows["Findings"] if row["rule"] == "SEQ_GAP"]
    assert [(row["subject"], row["state"]) for row in gaps] == [("03:2", "open")]
    figures = {row["figure"] for row in rows["Figures"]}
    assert {"receipts", "grand", "tax"} <= figures
    assert any(name.startswith("tender ") for name in figures)
    assert [row["posting_key"] for row in rows["Postings"]] == [
        f"{STORE}:{GAP_DAY}:store_day:EUR:0"
    ]
    assert [(row["kind"], row["overdue"]) for row in rows["Items"]] == [
        ("credit", "no"),
        ("tender", "yes"),
    ]
    with opened(tables, tmp_path) as book:
        names = ET.fromstring(book.read("xl/workbook.xml"))
        listed = [one.get("name") for one in names.iter(f"{{{NAMES['x']}}}sheet")]
        assert listed == [one.name for one in tables]
        items = cells_of(book, len(tables))
    assert ("inlineStr", "=PSP1") in [cell[:2] for cell in items.values()]


async def test_a_range_leaves_the_rest_out() -> None:
    """Dates are both included; another shop has nothing."""
    books = await told_days()
    [days] = await sheets(books.journal, ("days",), today=TODAY, first=DAY, last=DAY)
    assert {row[1] for row in days.rows} == {date.fromisoformat(DAY)}
    [none] = await sheets(books.journal, ("days",), today=TODAY, store="9999")
    assert none.rows == []
