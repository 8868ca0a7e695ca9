"""Names the fields of CSV rows: from the first row, from the declaration, or by kind of row.

Surprising: numbers with a declared decimal comma are rewritten here, before any mapping sees them,
so that `1.234,50` and `1234.50` are the same text everywhere after.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tillway.errors import Refused
from tillway.formats.csv_rows import Row, plain_encoding
from tillway.formats.refusals import malformed

if TYPE_CHECKING:
    from tillway.formats.csv_format import CsvOptions

_COMMA_NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+)?(?:,\d+)?-?", re.ASCII)
_LONG_NUMBER = re.compile(r"\d(?:[ -]?\d){11}")


class Heading:
    """Says that a row named the columns and is no record."""


class Columns:
    """The names of the columns, learned from the first row where the source has a header.

    lead holds what has to stand before a row for it to be read again by itself: a blank line for
    each line passed over, and the header row.
    """

    def __init__(self, options: CsvOptions) -> None:
        self._options = options
        self.lead = b""
        header = options.header
        self._names: list[str] | Refused | None = header if isinstance(header, list) else None
        self._by_kind = header if isinstance(header, dict) else {}
        if options.skip_lines:
            self.lead = ("\n" * options.skip_lines).encode(plain_encoding(options.encoding))
        self._comma = set(options.decimal_columns) if options.decimal == "," else set()

    @property
    def unknown(self) -> bool:
        """Tell whether the header could not be read, so that no row can."""
        return isinstance(self._names, Refused)

    def named(self, row: Row) -> dict[str, str] | Refused | Heading:
        """Return the fields by name, or why the row cannot be read."""
        if self._options.header is True and self._names is None:
            return self._learn(row)
        names = self._names_for(row)
        if isinstance(names, Refused):
            return names
        if len(names) != len(row.fields):
            detail = f"The row has {len(row.fields)} fields; {len(names)} are declared."
            return malformed("TW-3041", detail, line=row.line)
        fields = dict(zip(names, row.fields, strict=True))
        for name in self._comma & fields.keys():
            text = fields[name].strip()
            if not _COMMA_NUMBER.fullmatch(text):
                detail = f'The column "{name}" is no number with a decimal comma.'
                return malformed("TW-3043", detail, line=row.line, path=name, value=text)
            fields[name] = text.replace(".", "").replace(",", ".")
        return fields

    def key_of(self, row: Row, answer: dict[str, str] | Refused) -> tuple[str, ...] | None:
        """Return the values of the group_by columns, or None when the row does not tell them."""
        wanted = self._options.group_by
        if not isinstance(answer, Refused):
            return tuple(answer.get(name, "") for name in wanted)
        names = self._names_for(row) if row.fields else None
        if names is None or isinstance(names, Refused):
            return None
        places = [names.index(name) for name in wanted if name in names]
        # The last field of a row that is too short may itself be cut, and tells nothing.
        if len(places) < len(wanted) or max(places) >= len(row.fields) - 1:
            return None
        return tuple(row.fields[place] for place in places)

    def _names_for(self, row: Row) -> list[str] | Refused:
        if self._by_kind:
            kind = row.fields[0]
            if kind not in self._by_kind:
                detail = f'No columns are declared for rows of kind "{kind[:20]}".'
                return malformed("TW-3044", detail, line=row.line)
            return [self._options.record_type, *self._by_kind[kind]]
        if self._names is None:
            return [f"c{place}" for place in range(1, len(row.fields) + 1)]
        return self._names

    def _learn(self, row: Row) -> Heading | Refused:
        names = [name.strip() for name in row.fields]
        wanted = [*self._options.group_by, *self._comma]
        missing = [name for name in wanted if name not in names]
        if missing:
            detail = f'The header has no column "{missing[0]}".'
        elif len(set(names)) < len(names) or not all(names):
            detail = "The header has an empty name, or the same name twice."
        elif any(map(_LONG_NUMBER.search, names)):
            # It is kept with every row, and a card number that stands there would be too.
            detail = "The header has a long number where a name should be; is the first row data?"
        else:
            self._names = names
            self.lead += row.raw
            return Heading()
        self._names = malformed("TW-3042", detail, line=row.line)
        return self._names
