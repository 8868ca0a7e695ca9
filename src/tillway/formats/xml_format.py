"""Reads XML as a stream of record elements, and POSLog with `Transaction` as the record.

Surprising: the bytes before the root element are looked at before the parser sees any: a document
type declaration is refused there, whatever it says, and so is an encoding that could hide one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec
from lxml import etree

from tillway.errors import ConfigurationError, Refused
from tillway.formats.base import Record, Unreadable
from tillway.formats.limits import ATTRIBUTES, CHUNK_BYTES, Limits
from tillway.formats.refusals import empty_input, malformed, too_large, unreadable
from tillway.formats.xml_prolog import read_prolog
from tillway.formats.xml_tree import Names, TooLarge, tree_of, written

NCR_NAMESPACE = "http://www.ncr.com/rsd/acs/tlog/markup/poslog/2.1"
POSLOG_PREFIXES = {"acs": NCR_NAMESPACE}
POSLOG_RECORD = "Transaction"
POSLOG_ROOT = "POSLog"
_BEFORE = 200


class XmlOptions(Limits, frozen=True, kw_only=True):
    """Options of `xml` and `poslog`.

    * `record` is the local name of the record element.
    * `namespace` is read without a prefix, as the ARTS one always is.
    * `prefixes` gives other namespaces a prefix that does not depend on the document.
    * `record_bytes`, `nesting_depth`, `children` (elements inside one element) and `attributes` (of
      one element) are limits; what exceeds one is refused.
    """

    record: str = ""
    namespace: str = ""
    prefixes: dict[str, str] = msgspec.field(default_factory=dict)
    attributes: int = ATTRIBUTES


class Xml:
    """A document whose record elements are read one by one and freed after use.

    A record is the tree of its element: a child is an entry by name (a list when it repeats), an
    attribute `@name`, the text beside either `#text`; an element with text alone is that text.
    """

    name = "xml"
    _empty_root = ""

    def __init__(self, options: XmlOptions) -> None:
        if not options.record:
            raise ConfigurationError("TW-3002", 'The format "xml" needs the option "record".')
        self._options = options
        self._names = Names(options.namespace, options.prefixes)

    def records(self, stream: BinaryIO) -> Iterator[Record | Unreadable]:
        """Yield the record elements of a document of any length."""
        prolog = read_prolog(stream)
        if isinstance(prolog, Refused):
            yield unreadable(b"", prolog)
        elif not prolog.strip():
            yield empty_input()
        else:
            yield from _Reading(self._options, self._names, self._empty_root).run(prolog, stream)

    def encode(self, value: dict[str, Any]) -> bytes:
        """Write one record as an element of its own, in UTF-8."""
        return written(self._options.record, value, self._names)


class PosLog(Xml):
    """ARTS POSLog of any version; which product wrote it is the business of its dialect."""

    name = "poslog"
    _empty_root = POSLOG_ROOT

    def __init__(self, options: XmlOptions) -> None:
        prefixes = {**POSLOG_PREFIXES, **options.prefixes}
        record = options.record or POSLOG_RECORD
        super().__init__(msgspec.structs.replace(options, record=record, prefixes=prefixes))


class _Reading:
    """One document being read."""

    def __init__(self, options: XmlOptions, names: Names, empty_root: str) -> None:
        self._options = options
        self._names = names
        self._empty_root = empty_root
        self._found = False
        self._since_record = 0
        self._place = _Place()
        self._parser = etree.XMLPullParser(
            events=("end",),
            tag="{*}" + options.record,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )

    def run(self, first: bytes, stream: BinaryIO) -> Iterator[Record | Unreadable]:
        chunk = first
        while chunk:
            self._since_record += len(chunk)
            self._place.enter(chunk)
            fault = self._feed(chunk)
            yield from self._finished()
            if fault is not None:
                yield self._broken(fault)
                return
            if self._since_record > self._options.record_bytes + CHUNK_BYTES:
                detail = f"The record is longer than {self._options.record_bytes} bytes."
                yield self._unreadable(too_large("TW-3010", detail, line=self._place.line))
                return
            chunk = stream.read(CHUNK_BYTES)
        yield from self._end()

    def _feed(self, chunk: bytes) -> _Fault | None:
        """Feed the parser; some faults it only notes, and then reads no further."""
        try:
            self._parser.feed(chunk)
        except etree.XMLSyntaxError as raised:
            line, column = raised.position
            return _Fault(raised.msg or "", line, column)
        for entry in self._parser.feed_error_log:
            if entry.level == etree.ErrorLevels.FATAL:
                return _Fault(entry.message, entry.line, entry.column)
        return None

    def _finished(self) -> Iterator[Record | Unreadable]:
        events: Iterator[tuple[str, Any]] = self._parser.read_events()
        for _, element in events:
            if next(element.iterancestors(element.tag), None) is not None:
                continue
            self._found = True
            yield self._record(element)
            _free(element)
            self._since_record = 0

    def _record(self, element: Any) -> Record | Unreadable:
        raw = etree.tostring(element, encoding="utf-8", with_tail=False)
        offset, line = self._place.offset, element.sourceline or 1
        limit = self._options.record_bytes
        if len(raw) > limit:
            error = too_large("TW-3010", f"The record is longer than {limit} bytes.", line=line)
            return unreadable(raw, error, offset=offset, line=line, fatal=False)
        try:
            value = tree_of(element, self._names, self._options)
        except TooLarge as fault:
            error = too_large(fault.code, str(fault), line=line)
            return unreadable(raw, error, offset=offset, line=line, fatal=False)
        if isinstance(value, str):
            value = {"#text": value}
        return Record(raw, value, offset, line)

    def _broken(self, fault: _Fault) -> Unreadable:
        offset = self._place.offset_of(fault.line, fault.column)
        text = (fault.message or "not well formed").splitlines()[0]
        where = {"line": fault.line, "column": fault.column, "offset": offset}
        lowered = text.lower()
        if "excessive depth" in lowered:
            return self._unreadable(too_large("TW-3011", "The XML is nested too deep.", **where))
        if "huge" in lowered or "too long" in lowered:
            detail = "A text or a name in the XML is too long."
            return self._unreadable(too_large("TW-3010", detail, **where))
        if "encod" in lowered or "conversion" in lowered:
            detail = "The bytes are not in the encoding the XML declares (UTF-8 when it is silent)."
            return self._unreadable(malformed("TW-3022", detail, **where), offset)
        return self._unreadable(malformed("TW-3030", f"Not XML: {text}", **where), offset)

    def _end(self) -> Iterator[Unreadable]:
        try:
            root = self._parser.close()
        except etree.XMLSyntaxError as fault:
            line, column = fault.position
            offset = self._place.end
            detail = "The XML is cut off."
            cut = malformed("TW-3021", detail, line=line, column=column, offset=offset)
            yield self._unreadable(cut, offset)
            return
        if not self._found and etree.QName(root).localname != self._empty_root:
            detail = f'The document has no element "{self._options.record}".'
            yield self._unreadable(malformed("TW-3032", detail, value=etree.QName(root).localname))

    def _unreadable(self, error: Refused, offset: int | None = None) -> Unreadable:
        place = self._place
        at = place.offset if offset is None else offset
        return unreadable(place.around(at), error, offset=at, line=place.line)


@dataclass(frozen=True, slots=True)
class _Fault:
    message: str
    line: int
    column: int


class _Place:
    """Where in the stream the reading stands: offset is the start of the chunk at hand."""

    def __init__(self) -> None:
        self.chunk = b""
        self.offset = 0
        self.line = 1
        self._line_start = 0

    @property
    def end(self) -> int:
        """Return the offset after the chunk at hand."""
        return self.offset + len(self.chunk)

    def enter(self, chunk: bytes) -> None:
        newest = self.chunk.rfind(b"\n")
        if newest >= 0:
            self.line += self.chunk.count(b"\n")
            self._line_start = self.offset + newest + 1
        self.offset = self.end
        self.chunk = chunk

    def offset_of(self, line: int, column: int) -> int:
        start = self._line_start
        if line > self.line:
            at = -1
            for _ in range(line - self.line):
                at = self.chunk.find(b"\n", at + 1)
                if at < 0:
                    return self.end
            start = self.offset + at + 1
        return max(self.offset, min(start + column - 1, self.end))

    def around(self, offset: int) -> bytes:
        """Return the bytes of the chunk from a little before an offset."""
        return self.chunk[max(0, offset - self.offset - _BEFORE) :]


def _free(element: Any) -> None:
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
