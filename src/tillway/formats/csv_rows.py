"""Cuts a CSV stream into rows, each with its bytes, place, fields or problem.

Surprising: each row knows whether it is the last, because a row cut off at the end of a file means
a file cut off, and a bad row in the middle does not.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from tillway.errors import Refused
from tillway.formats.limits import CHUNK_BYTES
from tillway.formats.refusals import malformed, too_large

if TYPE_CHECKING:
    from tillway.formats.csv_format import CsvOptions

_WITHOUT_MARK = {"utf-16": "utf-16-le", "utf-32": "utf-32-le", "utf-8-sig": "utf-8"}


class Row(msgspec.Struct):
    """One row of a CSV file; ended tells whether a line feed followed it."""

    raw: bytes
    offset: int
    line: int
    fields: list[str]
    problem: Refused | None = None
    ended: bool = True
    last: bool = False


def plain_encoding(encoding: str) -> str:
    """Return the encoding that writes the same bytes without a byte order mark of its own."""
    name = codecs.lookup(encoding).name
    return _WITHOUT_MARK.get(name, name)


class _Stop(Exception):
    """The stream cannot be read further; carries why, and what was left."""

    def __init__(self, problem: Refused, left: str) -> None:
        super().__init__()
        self.problem = problem
        self.left = left


def cut_rows(stream: BinaryIO, options: CsvOptions) -> Iterator[Row]:
    """Yield every row; blank lines and the declared skip_lines are left out."""
    held: Row | None = None
    for row in _rows(stream, options):
        if held is not None:
            yield held
        held = row
    if held is not None:
        held.last = True
        yield held


def _rows(stream: BinaryIO, options: CsvOptions) -> Iterator[Row]:
    source = _Source(stream, options)
    for _ in range(options.skip_lines):
        next(source, None)
    source.take()
    reader = csv.reader(source, delimiter=options.delimiter, quotechar=options.quote, strict=True)
    while True:
        fields: list[str] = []
        problem: Refused | None = None
        stop = False
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as fault:
            problem = _refusal(fault, source.line_taken + 1)
        except _Stop as fault:
            problem, stop = fault.problem, True
            source.lines.append(fault.left)
        text, offset, line = source.take()
        if fields or problem is not None:
            raw = text.encode(source.encoding, errors="replace")
            yield Row(raw, offset, line, fields, problem, ended=text.endswith("\n"))
        if stop:
            return


def _mark_of(stream: BinaryIO, encoding: str) -> tuple[bytes, str]:
    """Return the first bytes read and the encoding they show; only UTF-16 has to look."""
    plain = plain_encoding(encoding)
    head = b""
    if plain == "utf-16-le" and codecs.lookup(encoding).name == "utf-16":
        while len(head) < len(codecs.BOM_UTF16) and (piece := stream.read(1)):
            head += piece
    return head, "utf-16-be" if head == codecs.BOM_UTF16_BE else plain


def _refusal(fault: csv.Error, line: int) -> Refused:
    if "unexpected end" in str(fault):
        return malformed("TW-3021", "The last row is cut off inside quotation marks.", line=line)
    return malformed("TW-3040", f"Not CSV: {fault}.", line=line)


class _Source:
    """The physical lines of the stream as text; remembers those a row has used up."""

    def __init__(self, stream: BinaryIO, options: CsvOptions) -> None:
        self._stream = stream
        self._head, self.encoding = _mark_of(stream, options.encoding)
        self._decoder = codecs.getincrementaldecoder(self.encoding)("strict")
        self._limit = options.record_bytes
        self._waiting: list[str] = []
        self._tail = ""
        self._at_start = True
        self._done = False
        self._problem: Refused | None = None
        self._offset = 0
        self._size = 0
        self.line_taken = 0
        self.lines: list[str] = []

    def __iter__(self) -> _Source:
        return self

    def __next__(self) -> str:
        while not self._waiting and not self._done:
            self._fill()
        if not self._waiting and self._problem is not None:
            raise _Stop(self._problem, self._tail)
        if not self._waiting:
            raise StopIteration
        line = self._waiting.pop()
        self._size += len(line)
        if self._size > self._limit:
            raise _Stop(self._too_long(), line)
        self.lines.append(line)
        return line

    def take(self) -> tuple[str, int, int]:
        """Return the text used since the last call, and where it began."""
        text = "".join(self.lines)
        offset, line = self._offset, self.line_taken + 1
        self._offset += len(text.encode(self.encoding, errors="replace"))
        self.line_taken += len(self.lines)
        self.lines.clear()
        self._size = 0
        return text, offset, line

    def _fill(self) -> None:
        chunk = self._head or self._stream.read(CHUNK_BYTES)
        self._head = b""
        self._done = not chunk
        try:
            text = self._decoder.decode(chunk, final=self._done)
        except UnicodeDecodeError as fault:
            text = fault.object[: fault.start].decode(self.encoding, errors="ignore")
            detail = f"The bytes are not {self.encoding}, which the source declares."
            line = self.line_taken + len(self.lines) + text.count("\n") + 1
            self._problem = malformed("TW-3022", detail, line=line)
            self._done = True
        if self._at_start and text:
            self._at_start = False
            if text.startswith("\ufeff"):
                text = text[1:]
                self._offset = len("\ufeff".encode(self.encoding))
        pieces = (self._tail + text).split("\n")
        self._tail = pieces.pop()
        self._waiting = [piece + "\n" for piece in reversed(pieces)]
        if self._done and self._tail and self._problem is None:
            self._waiting.insert(0, self._tail)
        elif len(self._tail) > self._limit:
            raise _Stop(self._too_long(), self._tail)

    def _too_long(self) -> Refused:
        detail = f"The row is longer than {self._limit} characters."
        return too_large("TW-3010", detail, line=self.line_taken + 1)
