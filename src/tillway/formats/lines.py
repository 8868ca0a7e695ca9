"""Cuts a stream of bytes into lines, in bounded memory, and knows where each one starts.

Surprising: a line above the limit is skipped to its end and given back cut, marked `oversize`, so
that a reader can refuse it and go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from tillway.formats.limits import CHUNK_BYTES

UTF8_BOM = b"\xef\xbb\xbf"


class Line(msgspec.Struct, gc=False):
    """One line without its line feed; number counts from 1, ended: a line feed followed."""

    raw: bytes
    offset: int
    number: int
    ended: bool
    oversize: bool = False


def lines_of(stream: BinaryIO, line_bytes: int) -> Iterator[Line]:
    """Yield every line of a stream; a UTF-8 byte order mark at the start is left out."""
    offset = 0
    for number, (raw, length) in enumerate(_pieces(stream, line_bytes), 1):
        ended = length > len(raw) or raw.endswith(b"\n")
        oversize = length > line_bytes + 1
        text = raw.removesuffix(b"\n")
        start = offset
        offset += length
        if number == 1 and text.startswith(UTF8_BOM):
            text, start = text.removeprefix(UTF8_BOM), start + len(UTF8_BOM)
        if text or ended:
            yield Line(text, start, number, ended, oversize)


def _pieces(stream: BinaryIO, line_bytes: int) -> Iterator[tuple[bytes, int]]:
    while piece := stream.readline(line_bytes + 1):
        length = len(piece)
        if length > line_bytes and not piece.endswith(b"\n"):
            while rest := stream.readline(CHUNK_BYTES):
                length += len(rest)
                if rest.endswith(b"\n"):
                    break
            length = max(length, line_bytes + 2)
        yield piece, length
