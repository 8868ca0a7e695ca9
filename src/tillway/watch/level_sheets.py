"""Service levels as CSV: one row a route, the formulas below; no cell is taken for a formula."""

from __future__ import annotations

import csv
import io

from tillway.watch.service_levels import COLUMNS, Levels, level_as_json

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def levels_csv(found: Levels) -> str:
    """Return the table as CSV with a header row."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for one in found.routes:
        row = {**level_as_json(one), "breaches": "; ".join(one.breaches)}
        writer.writerow([_cell(row[name]) for name in COLUMNS])
    writer.writerow([])
    writer.writerow(["uptime_percent", found.uptime_percent])
    consistency = found.consistency_percent
    writer.writerow(["consistency_percent", "" if consistency is None else consistency])
    for name, text in found.formulas.items():
        writer.writerow([f"how {name} is made", _cell(text)])
    return out.getvalue()


def _cell(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula; numbers stay as they are."""
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(FORMULA_SIGNS):
        return f"'{value}"
    return value
