"""Reads CSV in a declared dialect: a row is a record, or the rows that share columns are one.

Surprising: bytes are decoded first and rows are cut after, so a record's bytes are its text encoded
again; with the strict decoders used here these are the bytes that were sent. The bytes of a record
begin with the header row, if there is one, so that the record can be read again by itself.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any, BinaryIO, Literal

from tillway.errors import ConfigurationError, Refused
from tillway.formats.base import Record, Unreadable
from tillway.formats.csv_columns import Columns, Heading
from tillway.formats.csv_rows import Row, cut_rows, plain_encoding
from tillway.formats.limits import COLUMNS, FIELD_CHARACTERS, Limits
from tillway.formats.refusals import empty_input, malformed, too_large, unreadable

# Problems that, in the last row, mean that the file goes on somewhere else.
_ENDINGS = ("TW-3010", "TW-3021", "TW-3022", "TW-3041")


class CsvOptions(Limits, frozen=True, kw_only=True):
    """The dialect of a CSV file, as declared by its source.

    * `delimiter` and `quote` are one character each.
    * `encoding` is the encoding of the file, such as `utf-8`, `iso-8859-1` or `cp1252`.
    * `header` is true (the first row names the columns), false (columns are `c1`, `c2` ...), a list
      of names, or with `record_type` a list of names for each kind of row, told by its first field.
    * `decimal` is the sign before the decimals; the `decimal_columns` are rewritten from it (and
      from thousands) to `1234.50`.
    * `skip_lines` lines before the first row are passed over.
    * `group_by` names the columns whose consecutive equal values make rows one record.
    * `gather` makes rows one record wherever they stand in the file, not only when they follow one
      another: for reports that are sorted otherwise. `record_bytes` then limits the whole file.
    * `record_type` names the first field of every row, which tells its kind.
    * `record_bytes`, `children` (rows of one record), `columns` and `field_characters` are limits;
      what exceeds one is refused. A row has no levels, so `nesting_depth` says nothing here.
    """

    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    header: bool | list[str] | dict[str, list[str]] = True
    decimal: Literal[".", ","] = "."
    decimal_columns: tuple[str, ...] = ()
    skip_lines: int = 0
    group_by: tuple[str, ...] = ()
    gather: bool = False
    record_type: str = ""
    columns: int = COLUMNS
    field_characters: int = FIELD_CHARACTERS


class Csv:
    """Rows of text in a declared dialect.

    Without group_by a record is one row, by column name. With it, consecutive rows with the same
    values there (or all of them, with gather) are one record: those columns, and `rows` with every
    column of every row.
    """

    name = "csv"

    def __init__(self, options: CsvOptions) -> None:
        _check(options)
        self._options = options

    def records(self, stream: BinaryIO) -> Iterator[Record | Unreadable]:
        """Yield the records of a file of any length; a bad row costs its own record."""
        options = self._options
        columns = Columns(options)
        groups = _Groups(options, columns)
        anything = False
        for row in cut_rows(stream, options):
            anything = True
            answer = self._read(row, columns)
            if answer is None:
                continue
            if isinstance(answer, Refused) and columns.unknown:
                yield unreadable(row.raw, answer, offset=row.offset, line=row.line)
                return
            if not options.group_by:
                yield _alone(row, answer, columns.lead)
                continue
            yield from groups.take(row, answer, columns.key_of(row, answer))
        yield from groups.rest()
        if not anything:
            yield empty_input()

    def encode(self, value: dict[str, Any]) -> bytes:
        """Write one record back as rows, under their names where the source has a header."""
        options = self._options
        text = io.StringIO()
        text.write("\n" * options.skip_lines)
        writer = csv.writer(
            text,
            delimiter=options.delimiter,
            quotechar=options.quote,
            lineterminator="\r\n",
        )
        rows = value["rows"] if options.group_by else [value]
        if options.header is True:
            writer.writerow(rows[0])
        for row in rows:
            writer.writerow([self._written(name, field) for name, field in row.items()])
        return text.getvalue().encode(plain_encoding(options.encoding), errors="replace")

    def _written(self, name: str, field: Any) -> Any:
        comma = self._options.decimal == "," and name in self._options.decimal_columns
        return field.replace(".", ",") if comma and isinstance(field, str) else field

    def _read(self, row: Row, columns: Columns) -> dict[str, str] | Refused | None:
        """Return the row by column name, what is wrong with it, or None for a heading."""
        if row.problem is not None:
            return row.problem
        options = self._options
        if len(row.fields) > options.columns:
            detail = f"A row has {len(row.fields)} columns; {options.columns} are allowed."
            return too_large("TW-3013", detail, line=row.line)
        longest = max(map(len, row.fields), default=0)
        if longest > options.field_characters:
            detail = f"A field has {longest} characters; {options.field_characters} are allowed."
            return too_large("TW-3014", detail, line=row.line)
        named = columns.named(row)
        if isinstance(named, Heading):
            return None
        if isinstance(named, Refused) and row.last and not row.ended:
            return malformed("TW-3021", "The last row is cut off.", line=row.line)
        return named


class _Groups:
    """The groups of rows that are not whole yet: one, or with `gather` all of the file."""

    def __init__(self, options: CsvOptions, columns: Columns) -> None:
        self._options = options
        self._columns = columns
        self._open: dict[tuple[str, ...], _Group] = {}
        self._last: tuple[str, ...] = ()
        self._held = 0

    def take(
        self, row: Row, answer: dict[str, str] | Refused, told: tuple[str, ...] | None
    ) -> Iterator[Record | Unreadable]:
        """Add a row; one too broken to tell its group belongs to the group before it."""
        key = self._last if told is None else told
        if key not in self._open and not self._options.gather:
            yield from self.rest()
        self._last = key
        group = self._open.setdefault(key, _Group(key, self._options))
        if self._options.gather:
            self._held += len(row.raw)
            if self._held > self._options.record_bytes and not isinstance(answer, Refused):
                detail = f"The file is longer than {self._options.record_bytes} bytes."
                answer = too_large("TW-3010", detail, line=row.line)
        group.add(row, answer)

    def rest(self) -> Iterator[Record | Unreadable]:
        """Close what is open, in the order of its first rows; only the last one may be fatal."""
        groups, self._open = list(self._open.values()), {}
        for group in groups:
            record = group.close(self._columns.lead)
            if isinstance(record, Unreadable) and group is not groups[-1]:
                record.fatal = False
            yield record


class _Group:
    """Rows that make one record; a bad row among them spoils the record as a whole."""

    def __init__(self, key: tuple[str, ...], options: CsvOptions) -> None:
        self.key = key
        self.options = options
        self.size = 0
        self.rows: list[Row] = []
        self.values: list[dict[str, str]] = []
        self.problem: Refused | None = None

    def add(self, row: Row, answer: dict[str, str] | Refused) -> None:
        self.size += len(row.raw)
        problem = answer if isinstance(answer, Refused) else self._too_large(row.line)
        if problem is None:
            self.rows.append(row)
            self.values.append(answer)  # type: ignore[arg-type]
            return
        if self.problem is None or row.last:
            self.rows.append(row)
        self.problem = self.problem or problem

    def _too_large(self, line: int) -> Refused | None:
        options = self.options
        if len(self.values) >= options.children:
            detail = f"More than {options.children} rows in one record."
            return too_large("TW-3012", detail, line=line)
        if self.size > options.record_bytes:
            detail = f"The record is longer than {options.record_bytes} bytes."
            return too_large("TW-3010", detail, line=line)
        return None

    def close(self, lead: bytes) -> Record | Unreadable:
        names = self.options.group_by
        raw = lead + b"".join(row.raw for row in self.rows)
        first, last = self.rows[0], self.rows[-1]
        if self.problem is not None:
            offset, line = first.offset, first.line
            fatal = _cut_off(last, self.problem)
            return unreadable(raw, self.problem, offset=offset, line=line, fatal=fatal)
        value = {**dict(zip(names, self.key, strict=True)), "rows": self.values}
        return Record(raw, value, first.offset, first.line)


def _alone(row: Row, answer: dict[str, str] | Refused, lead: bytes) -> Record | Unreadable:
    raw = lead + row.raw
    if isinstance(answer, Refused):
        fatal = _cut_off(row, answer)
        return unreadable(raw, answer, offset=row.offset, line=row.line, fatal=fatal)
    return Record(raw, answer, row.offset, row.line)


def _cut_off(row: Row, problem: Refused) -> bool:
    return row.last and problem.code in _ENDINGS


def _check(options: CsvOptions) -> None:
    for name in ("delimiter", "quote"):
        if len(getattr(options, name)) != 1:
            detail = f'The CSV option "{name}" must be one character.'
            raise ConfigurationError("TW-3002", detail, value=getattr(options, name))
    try:
        "".encode(options.encoding)
    except LookupError as fault:
        detail = f'There is no encoding "{options.encoding}".'
        raise ConfigurationError("TW-3002", detail, value=options.encoding) from fault
    by_kind = isinstance(options.header, dict)
    if by_kind != bool(options.record_type):
        detail = "The CSV option record_type goes with a header that lists columns for each kind."
        raise ConfigurationError("TW-3002", detail, value=options.record_type)
