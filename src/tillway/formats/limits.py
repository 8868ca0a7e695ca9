"""How much one record may hold: every size a format refuses to exceed, in one place.

Surprising: the limits are per record and not per file; a file may be as long as it likes.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

RECORD_BYTES = 16 * 1024 * 1024
"""One record in bytes; for `json` the whole document. The option `record_bytes` changes it."""

NESTING_DEPTH = 64
"""Levels inside one record. The option `nesting_depth` changes it."""

CHILDREN = 20_000
"""Members of one list, or lines of one receipt. The option `children` changes it."""

ATTRIBUTES = 256
"""Attributes of one XML element. The option `attributes` changes it."""

COLUMNS = 1_024
"""Columns of one CSV row. The option `columns` changes it."""

FIELD_CHARACTERS = 65_536
"""Characters of one CSV field. The option `field_characters` changes it."""

EXCERPT_BYTES = 64 * 1024
"""Bytes kept of a place that could not be read."""

CHUNK_BYTES = 64 * 1024
"""Bytes read from a file at once."""

PROLOG_BYTES = 64 * 1024
"""What may stand before the first element of an XML document."""

Positive = Annotated[int, msgspec.Meta(ge=1)]


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limits every format takes as options; each must be at least 1.

    record_bytes is the size of one record (for `json`: of the document), nesting_depth the levels
    inside it, children the members of one list (or lines of one receipt).
    """

    record_bytes: Positive = RECORD_BYTES
    nesting_depth: Positive = NESTING_DEPTH
    children: Positive = CHILDREN


class XmlLimits(Limits, frozen=True, kw_only=True):
    """The limits of every format that is XML; attributes: of one element."""

    attributes: Positive = ATTRIBUTES
