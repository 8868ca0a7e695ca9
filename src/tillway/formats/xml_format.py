"""Reads XML as a stream of record elements, and POSLog with `Transaction` as the record.

Surprising: the bytes before the root element are looked at before the parser sees any: a document
type declaration is refused there, whatever it says, and so is an encoding that could hide one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec
from lxml import etree

from tillway.errors import ConfigurationError, Refused
from tillway.formats.base import Record, Unreadable
from tillway.formats.limits import XmlLimits
from tillway.formats.refusals import empty_input, malformed, too_large, unreadable
from tillway.formats.xml_prolog import read_prolog
from tillway.formats.xml_reading import XmlReading, free
from tillway.formats.xml_tree import Names, NoTree, tree_of, written

NCR_NAMESPACE = "http://www.ncr.com/rsd/acs/tlog/markup/poslog/2.1"
POSLOG_PREFIXES = {"acs": NCR_NAMESPACE}
POSLOG_RECORD = "Transaction"
POSLOG_ROOT = "POSLog"


class XmlOptions(XmlLimits, frozen=True, kw_only=True):
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


class _Reading(XmlReading):
    """One document of record elements; one inside another belongs to the outer one."""

    def __init__(self, options: XmlOptions, names: Names, empty_root: str) -> None:
        super().__init__(options, (options.record,))
        self._options = options
        self._names = names
        self._empty_root = empty_root
        self._found = False

    def taken(self, element: Any) -> Iterator[Record | Unreadable]:
        """Return the record of a record element."""
        if next(element.iterancestors(element.tag), None) is not None:
            return
        self._found = True
        yield self._record(element)
        free(element)
        self.count_anew()

    def lacking(self, root: str) -> Refused | None:
        """Refuse a document without records, unless its root may be empty."""
        if self._found or root == self._empty_root:
            return None
        detail = f'The document has no element "{self._options.record}".'
        return malformed("TW-3032", detail, value=root)

    def _record(self, element: Any) -> Record | Unreadable:
        raw = etree.tostring(element, encoding="utf-8", with_tail=False)
        offset, line = self.place.offset, element.sourceline or 1
        limit = self._options.record_bytes
        if len(raw) > limit:
            error = too_large("TW-3010", f"The record is longer than {limit} bytes.", line=line)
            return unreadable(raw, error, offset=offset, line=line, fatal=False)
        try:
            value = tree_of(element, self._names, self._options)
        except NoTree as fault:
            error = fault.refusal(line)
            return unreadable(raw, error, offset=offset, line=line, fatal=False)
        if isinstance(value, str):
            value = {"#text": value}
        return Record(raw, value, offset, line)
