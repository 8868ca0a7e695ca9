"""The answers a format gives to input it cannot read, each with its code and HTTP status.

Surprising: these are built and handed on inside `Unreadable`; no format raises them. A sentence
may quote the input or a parser that quotes it, so long runs of digits are cut to their last four.
"""

from __future__ import annotations

import re

from tillway.errors import Refused
from tillway.formats.base import Unreadable
from tillway.formats.limits import EXCERPT_BYTES

MALFORMED_STATUS = 400
TOO_LARGE_STATUS = 413
_LONG_DIGITS = re.compile(r"\d(?:[ -]?\d){11,}")


def malformed(code: str, detail: str, **where: object) -> Refused:
    """Return a refusal of input that is not what its format says."""
    return Refused(code, _masked(detail), status=MALFORMED_STATUS, **where)  # type: ignore[arg-type]


def too_large(code: str, detail: str, **where: object) -> Refused:
    """Return a refusal of input that exceeds a limit."""
    return Refused(code, _masked(detail), status=TOO_LARGE_STATUS, **where)  # type: ignore[arg-type]


def unreadable(
    raw: bytes, error: Refused, *, offset: int = 0, line: int = 1, fatal: bool = True
) -> Unreadable:
    """Return the place that could not be read, with an excerpt of its bytes."""
    return Unreadable(raw[:EXCERPT_BYTES], offset, line, error, fatal)


def empty_input() -> Unreadable:
    """Return the answer to input that holds nothing at all."""
    return unreadable(b"", malformed("TW-3023", "The input is empty."))


def _masked(detail: str) -> str:
    return _LONG_DIGITS.sub(lambda run: "****" + run.group()[-4:], detail)
