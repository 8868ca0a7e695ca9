"""Code tables: what a source calls a thing, and what Tillway calls it (`codes/uom.csv`).

An unknown code is a violation, never a guess; only a row with the source `*` makes a fallback.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tillway.errors import ConfigurationError
from tillway.mapping.faults import RowFault

FALLBACK = "*"
COLUMNS = ("source", "canonical", "label")
_NAMES_SHOWN = 8


@dataclass(frozen=True, slots=True)
class CodeTable:
    """One code table: rows maps each source code to its canonical code, `*` to the fallback.

    >>> CodeTable("tender", {"CC": "credit", "NK": "cash"}).canonical("CC")
    'credit'
    """

    name: str
    rows: dict[str, str]
    digest: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        text = json.dumps([self.name, sorted(self.rows.items())])
        object.__setattr__(self, "digest", hashlib.sha256(text.encode()).hexdigest())

    def learn(self, source: str, canonical: str) -> None:
        """Take in a row that was added to the file; whatever uses the table knows it at once."""
        self.rows[source] = canonical
        self.__post_init__()

    def canonical(self, value: Any) -> str | None:
        """Return the canonical code; None for None; an unlisted code is a RowFault `code`.

        A number is looked up by its digits, so that the code 7 and the code "7" are one.
        """
        if value is None:
            return None
        plain = value.__class__ in (int, Decimal) or isinstance(value, str)
        code = str(value) if plain else None
        found = self.rows.get(code) if code is not None else None
        if found is None and code is not None:
            found = self.rows.get(FALLBACK)
        if found is None:
            raise RowFault("code", f"a code of codes/{self.name}.csv: {self._some_names()}")
        return found

    def _some_names(self) -> str:
        names = [name for name in self.rows if name != FALLBACK]
        more = ", ..." if len(names) > _NAMES_SHOWN else ""
        return ", ".join(names[:_NAMES_SHOWN]) + more or "(the table is empty)"


def load_code_table(name: str, text: str) -> CodeTable:
    """Read a code table from CSV with the header `source,canonical[,label]`.

    Empty lines and lines that start with `#` are skipped. Raises ConfigurationError TW-3309 with
    file and line for a wrong header, an empty cell or a source code listed twice.
    """
    rows: dict[str, str] = {}
    lines = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    seen_header = False
    try:
        for cells in lines:
            at = f"codes/{name}.csv:{lines.line_num}"
            stripped = [cell.strip() for cell in cells]
            if not any(stripped) or stripped[0].startswith("#"):
                continue
            if not seen_header:
                _check_header(stripped, at)
                seen_header = True
                continue
            source, canonical = _check_row(stripped, rows, at)
            rows[source] = canonical
    except csv.Error as problem:
        raise _malformed(f"{problem}", f"codes/{name}.csv:{lines.line_num}") from problem
    if not seen_header:
        raise _malformed("the table has no header", f"codes/{name}.csv:1")
    return CodeTable(name, rows)


def _check_header(cells: list[str], at: str) -> None:
    if cells != list(COLUMNS[: len(cells)]) or len(cells) < 2:
        raise _malformed("the first line must be source,canonical or source,canonical,label", at)


def _check_row(cells: list[str], rows: Mapping[str, str], at: str) -> tuple[str, str]:
    if not 2 <= len(cells) <= len(COLUMNS):
        raise _malformed(f"the row has {len(cells)} cells, not 2 or 3", at)
    if not cells[0] or not cells[1]:
        raise _malformed("source and canonical must not be empty", at)
    if cells[0] in rows:
        raise _malformed(f'the source code "{cells[0]}" is listed twice', at)
    return cells[0], cells[1]


def _malformed(problem: str, at: str) -> ConfigurationError:
    return ConfigurationError(
        "TW-3309",
        f"{problem} ({at})",
        at=at,
        advice="write one row for each source code: source,canonical,label",
    )
