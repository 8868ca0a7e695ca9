"""Reads JSON: one document with one record, or with an array of them; and NDJSON, one per line.

Surprising: a name that stands twice in one object is refused. Parsers differ on which one counts,
and for money that is not a matter of taste.
"""

from __future__ import annotations

import json as strict_json
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, BinaryIO, Literal

import msgspec

from tillway.errors import Refused
from tillway.formats.base import Record, Unreadable
from tillway.formats.limits import Limits
from tillway.formats.lines import UTF8_BOM, Line, lines_of
from tillway.formats.plain_names import PlainNames
from tillway.formats.refusals import empty_input, malformed, too_large, unreadable

_POSITION = re.compile(r"\(byte (\d+)\)")
_NO_NUMBER = re.compile(rb"(?<![\w\"])-?(?:NaN|Infinity)\b")
_NEXT_MEMBER = re.compile(r"[\s,]*")
_MEMBER_ENDS = re.compile(r"\s*[,\]]")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_encode = msgspec.json.Encoder(decimal_format="number").encode


class JsonOptions(Limits, frozen=True, kw_only=True):
    """Options of `json` and `ndjson`.

    * `items` is the dotted path of the array whose members are the records (`json` only); empty
      means that the document is the record, or the array of them.
    * `numbers` says whether `12.50` is read as a float (which money refuses) or an exact decimal.
    * `record_bytes` (for `json` of the document), `nesting_depth` and `children` (members of one
      object or array) are limits; what exceeds one is refused.
    """

    items: str = ""
    numbers: Literal["float", "decimal"] = "float"


class _Reader:
    """Decodes one record and finds what is wrong with it."""

    def __init__(self, options: JsonOptions, names: PlainNames | None) -> None:
        self.options = options
        self._names = names
        exact = options.numbers == "decimal"
        self.decode = msgspec.json.Decoder(float_hook=Decimal if exact else None).decode

    def read(self, raw: bytes, offset: int, line: int) -> Record | Refused:
        value = self._names.read(raw) if self._names else None
        plain = value is not None
        if value is None:
            try:
                value = self.decode(raw)
            except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as fault:
                return _refusal(raw, fault, line)
            if not isinstance(value, dict):
                return malformed("TW-3026", "A record must be a JSON object.", line=line)
        compact = _encode(value)
        if compact == raw:
            raw = compact
        problem = self.check(raw, value, compact, line)
        if problem is None and self._names and not plain:
            self._names.learn(value)
        return problem or Record(raw, value, offset, line, compact, plain)

    def check(self, raw: bytes, value: Any, compact: bytes, line: int) -> Refused | None:
        # Decoding keeps the last of two equal names, so a quotation mark too few gives it away.
        if raw is not compact and (
            raw.count(b'"') != compact.count(b'"') or (b"\\" in raw and b"\\u0022" in raw)
        ):
            twice = _name_given_twice(raw)
            if twice is not None:
                detail = f'The name "{twice}" stands twice in one object.'
                return malformed("TW-3024", detail, line=line)
        options = self.options
        # As many brackets as levels allowed cannot nest deeper: most records end here.
        if _brackets(raw) > options.nesting_depth or (
            len(raw) > options.children and raw.count(b",") >= options.children
        ):
            return _shape_refusal(value, options, line)
        return None


class Json:
    """One JSON document: an object is one record, an array holds one record per member."""

    name = "json"

    def __init__(self, options: JsonOptions, names: PlainNames | None = None) -> None:
        self._options = options
        self._reader = _Reader(options, names)

    def records(self, stream: BinaryIO) -> Iterator[Record | Unreadable]:
        """Yield the records of one document, which must fit into `record_bytes`."""
        limit = self._options.record_bytes
        raw = _read(stream, limit + 1)
        if len(raw) > limit:
            yield unreadable(raw, _too_long(limit))
            return
        start = len(UTF8_BOM) if raw.startswith(UTF8_BOM) else 0
        document = raw[start:]
        if not document.strip():
            yield empty_input()
            return
        if self._options.items or document.lstrip()[:1] == b"[":
            yield from self._members(document, start)
            return
        answer = self._reader.read(document, start, 1)
        yield answer if isinstance(answer, Record) else unreadable(document, answer)

    def encode(self, value: dict[str, Any]) -> bytes:
        """Write one record as compact JSON."""
        return _encode(value)

    def _members(self, document: bytes, start: int) -> Iterator[Record | Unreadable]:
        members = self._array(document)
        broken: Refused | None = None
        if isinstance(members, Refused):
            broken, members = members, []
            if not self._options.items:
                members = _good_prefix(document)
        position, line, counted = 0, 1, 0
        for member in members:
            raw = bytes(member)
            position = document.index(raw, position)
            line += document.count(b"\n", counted, position)
            counted = position
            answer = self._reader.read(raw, start + position, line)
            if isinstance(answer, Record):
                yield answer
            else:
                at = start + position
                yield unreadable(raw, answer, offset=at, line=line, fatal=False)
            position += len(raw)
        if broken is not None:
            line += document.count(b"\n", counted, position)
            yield unreadable(document[position:], broken, offset=start + position, line=line)

    def _array(self, document: bytes) -> Sequence[msgspec.Raw | bytes] | Refused:
        steps = self._options.items.split(".") if self._options.items else []
        current: bytes | msgspec.Raw = document
        try:
            for step in steps:
                level = msgspec.json.decode(current, type=dict[str, msgspec.Raw])
                twice = (
                    self._reader.check(bytes(current), level, _encode(level), 1) if level else None
                )
                if twice is not None and twice.code == "TW-3024":
                    return twice
                if step not in level:
                    where = self._options.items
                    return malformed("TW-3027", f'The document has no array at "{where}".')
                current = level[step]
            return msgspec.json.decode(current, type=list[msgspec.Raw])
        except msgspec.ValidationError:
            where = self._options.items or "the top"
            return malformed("TW-3027", f'The document has no array at "{where}".')
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as fault:
            return _refusal(document, fault, 1)


class NdJson:
    """One JSON object per line; a bad line costs that line, blank lines are skipped."""

    name = "ndjson"

    def __init__(self, options: JsonOptions, names: PlainNames | None = None) -> None:
        self._options = options
        self._reader = _Reader(options, names)

    def records(self, stream: BinaryIO) -> Iterator[Record | Unreadable]:
        """Yield the records of a stream of lines, of any length."""
        anything = False
        for line in lines_of(stream, self._options.record_bytes):
            if not line.raw.strip() and not line.oversize:
                continue
            anything = True
            yield self._record(line)
        if not anything:
            yield empty_input()

    def encode(self, value: dict[str, Any]) -> bytes:
        """Write one record as compact JSON, without a line feed."""
        return _encode(value)

    def _record(self, line: Line) -> Record | Unreadable:
        if line.oversize:
            answer: Record | Refused = _too_long(self._options.record_bytes, line.number)
        else:
            answer = self._reader.read(line.raw.removesuffix(b"\r"), line.offset, line.number)
        if isinstance(answer, Record):
            return answer
        return unreadable(line.raw, answer, offset=line.offset, line=line.number, fatal=False)


def _read(stream: BinaryIO, size: int) -> bytes:
    """Return up to size bytes; a stream may give them in small pieces."""
    pieces: list[bytes] = []
    while size > 0 and (piece := stream.read(size)):
        pieces.append(piece)
        size -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _good_prefix(document: bytes) -> list[bytes]:
    """Return the whole members of an array that breaks off further on."""
    # Latin-1 keeps one character per byte, so that places in the text are places in the bytes.
    text = document.decode("latin-1")
    decoder = strict_json.JSONDecoder()
    members: list[bytes] = []
    position = text.index("[") + 1
    try:
        while True:
            position = _NEXT_MEMBER.match(text, position).end()  # type: ignore[union-attr]
            _, end = decoder.raw_decode(text, position)
            if not _MEMBER_ENDS.match(text, end):
                return members
            members.append(document[position:end])
            position = end
    except (ValueError, RecursionError):
        return members


def _too_long(limit: int, line: int = 1) -> Refused:
    return too_large("TW-3010", f"The record is longer than {limit} bytes.", line=line)


def _refusal(raw: bytes, fault: Exception, line: int) -> Refused:
    text = str(fault)
    if isinstance(fault, RecursionError):
        return too_large("TW-3011", "The record is nested too deep.", line=line)
    if raw.startswith(_UTF16_MARKS) or b"\x00" in raw[:4] or not _is_utf8(raw):
        return malformed("TW-3022", "JSON must be encoded in UTF-8; this is not.", line=line)
    if "truncated" in text:
        return malformed("TW-3021", "The JSON is cut off.", line=line, offset=len(raw))
    if _NO_NUMBER.search(raw):
        return malformed("TW-3025", "JSON has no NaN and no Infinity.", line=line)
    found = _POSITION.search(text)
    at = int(found.group(1)) if found else 0
    before = raw[:at]
    column = at - (before.rfind(b"\n") + 1) + 1
    line += before.count(b"\n")
    return malformed("TW-3020", f"Not JSON: {text}.", line=line, column=column, offset=at)


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _name_given_twice(raw: bytes) -> str | None:
    repeated: list[str] = []

    def note(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                repeated.append(name)
            seen.add(name)

    try:
        strict_json.loads(raw, object_pairs_hook=note)
    except (ValueError, RecursionError):
        return "?"
    return repeated[0] if repeated else None


def _brackets(raw: bytes) -> int:
    # Leaving a byte out jumps from one to the next; counting it looks at every byte, six times
    # as long.
    return len(raw) - len(raw.replace(b"{", b"").replace(b"[", b""))


def _shape_refusal(value: Any, options: JsonOptions, line: int) -> Refused | None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > options.nesting_depth:
            detail = f"The record is nested deeper than {options.nesting_depth} levels."
            return too_large("TW-3011", detail, line=line)
        below: list[Any] = []
        for node in level:
            if len(node) > options.children:
                detail = f"{len(node)} members in one place; {options.children} are allowed."
                return too_large("TW-3012", detail, line=line)
            inside = node.values() if isinstance(node, dict) else node
            below.extend(child for child in inside if isinstance(child, (dict, list)) and child)
        level = below
    return None
