"""The seam of the formats: bytes come in, records come out, one at a time.

Surprising: bad input is an answer and not an exception. A format yields `Unreadable` where it could
not read, and goes on where it can, so that one bad line costs one line.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, Protocol

import msgspec

from tillway.errors import TillwayError


class Record(msgspec.Struct):
    """One record as it was sent: its own bytes, and the tree of values they spell.

    offset is the byte where it starts (for XML: the best known), line is 1-based. compact is the
    tree as the format's `encode` writes it, b"" where reading it did not need that. plain: no name
    below the top one needs masking, and no number is a float.
    """

    raw: bytes
    value: dict[str, Any]
    offset: int
    line: int
    compact: bytes = b""
    plain: bool = False


class Unreadable(msgspec.Struct):
    """A place that could not be read. Its bytes may hold card data: mask them before keeping.

    raw is an excerpt of at most `EXCERPT_BYTES`; fatal means nothing after this place was read.
    """

    raw: bytes
    offset: int
    line: int
    error: TillwayError
    fatal: bool


class Format(Protocol):
    """Reads a stream into records and writes one record back."""

    @property
    def name(self) -> str:
        """Return the name a project uses for this format."""
        ...

    def records(self, stream: BinaryIO) -> Iterator[Record | Unreadable]:
        """Read a stream record by record, in bounded memory; never raise for bad input."""
        ...

    def encode(self, value: dict[str, Any]) -> bytes:
        """Write one record back to bytes, as `Record.raw` holds it."""
        ...
