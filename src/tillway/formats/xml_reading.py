"""Feeds an XML document to a hardened parser piece by piece, and says where it breaks.

Surprising: the parser is made without network, DTD and entities, and the bytes before the root
element were looked at before (`xml_prolog`); what an ended element means is told by a subclass.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import msgspec
from lxml import etree

from tillway.errors import Refused
from tillway.formats.base import Record, Unreadable
from tillway.formats.limits import CHUNK_BYTES, Limits
from tillway.formats.refusals import malformed, too_large, unreadable
from tillway.formats.xml_tree import local_name

_BEFORE = 200


class XmlReading(ABC):
    """One document being read; a subclass may say what becomes of each element that ends.

    tags are the local names whose end is told; attributes of limits other than `record_bytes` are
    the business of whoever makes a tree of an element.
    """

    def __init__(self, limits: Limits, tags: Sequence[str]) -> None:
        self._limits = limits
        self._since_record = 0
        self.place = Place()
        self._parser = etree.XMLPullParser(
            events=("end",),
            tag=["{*}" + tag for tag in tags],
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )

    @abstractmethod
    def taken(self, element: Any) -> Iterator[Record | Unreadable]:
        """Return what an element that has ended is; whatever is no longer needed is freed here."""

    @abstractmethod
    def lacking(self, root: str) -> Refused | None:
        """Return what a whole document lacks, or None. root: local name of the root element."""

    def run(self, first: bytes, stream: BinaryIO) -> Iterator[Record | Unreadable]:
        """Yield what the elements of a document are, from its first bytes to its end."""
        chunk = first
        while chunk:
            self._since_record += len(chunk)
            self.place.enter(chunk)
            fault = self._feed(chunk)
            yield from self._finished()
            if fault is not None:
                yield self._broken(fault)
                return
            if self._since_record > self._limits.record_bytes + CHUNK_BYTES:
                detail = f"The record is longer than {self._limits.record_bytes} bytes."
                yield self._unreadable(too_large("TW-3010", detail, line=self.place.line))
                return
            chunk = stream.read(CHUNK_BYTES)
        yield from self._end()

    def count_anew(self) -> None:
        """Say that what was read so far is no longer held: the next record begins here."""
        self._since_record = 0

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
            yield from self.taken(element)

    def _broken(self, fault: _Fault) -> Unreadable:
        offset = self.place.offset_of(fault.line, fault.column)
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
        noted = list(self._parser.feed_error_log)
        if noted:
            # A namespace that is no URI, for one: the parser reads on, and in the end refuses.
            yield self._broken(_Fault(noted[0].message, noted[0].line, noted[0].column))
            return
        try:
            root = self._parser.close()
        except etree.XMLSyntaxError as fault:
            line, column = fault.position
            offset = self.place.end
            detail = "The XML is cut off."
            cut = malformed("TW-3021", detail, line=line, column=column, offset=offset)
            yield self._unreadable(cut, offset)
            return
        lacking = self.lacking(local_name(root))
        if lacking is not None:
            yield self._unreadable(lacking)

    def _unreadable(self, error: Refused, offset: int | None = None) -> Unreadable:
        place = self.place
        at = place.offset if offset is None else offset
        return unreadable(place.around(at), error, offset=at, line=place.line)


class _Fault(msgspec.Struct, frozen=True):
    message: str
    line: int
    column: int


class Place:
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
        """Go on to the next chunk of the stream."""
        newest = self.chunk.rfind(b"\n")
        if newest >= 0:
            self.line += self.chunk.count(b"\n")
            self._line_start = self.offset + newest + 1
        self.offset = self.end
        self.chunk = chunk

    def offset_of(self, line: int, column: int) -> int:
        """Return the offset of a place in the chunk at hand, as near as can be told."""
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


def free(element: Any) -> None:
    """Let go of an element and of everything before it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
