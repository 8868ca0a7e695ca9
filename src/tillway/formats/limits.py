"""How much one record may hold: every size a format refuses to exceed, in one place.

Surprising: the limits are per record and not per file; a file may be as long as it likes.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

RECORD_BYTES = 16 * 1024 * 1024
NESTING_DEPTH = 64
CHILDREN = 20_000
ATTRIBUTES = 256
COLUMNS = 1_024
FIELD_CHARACTERS = 65_536
EXCERPT_BYTES = 64 * 1024
CHUNK_BYTES = 64 * 1024
PROLOG_BYTES = 64 * 1024

Positive = Annotated[int, msgspec.Meta(ge=1)]


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limits every format takes as options; each must be at least 1.

    record_bytes is the size of one record (for `json`: of the document), nesting_depth the levels
    inside it, children the members of one list (or lines of one receipt).
    """

    record_bytes: Positive = RECORD_BYTES
    nesting_depth: Positive = NESTING_DEPTH
    children: Positive = CHILDREN
