"""Names the cause of a failure, so that a thousand failures of one cause are one line.

A fingerprint is target, stage, kind, code and the error text with numbers, ids and dates replaced.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

import msgspec

GROUP_DIGITS = 8
_PLACES = re.compile(r"\[\d+\]")
_IDS = re.compile(r"\b(?=[0-9a-f-]*\d)[0-9a-f]{8,}(?:-[0-9a-f]{4,})*\b", re.IGNORECASE)
_NUMBERS = re.compile(r"\d+(?:[.,:/-]\d+)*")
_STAND_IN = "#"
SHOWN_VIOLATIONS = 3
REMEMBERED_TEXTS = 1024


def cause_text(text: str) -> str:
    """Return an error text with ids, dates and numbers replaced by `#`."""
    return _NUMBERS.sub(_STAND_IN, _IDS.sub(_STAND_IN, text)).strip()


def group_name(*parts: str) -> str:
    """Return the short name of a group of failures: 8 hex digits, the same in every process."""
    digest = hashlib.blake2b("\x1f".join(parts).encode(), digest_size=GROUP_DIGITS // 2)
    return digest.hexdigest()


@lru_cache(REMEMBERED_TEXTS)
def violations_text(violations: bytes) -> str:
    """Return stored violations in one sentence, places left out: `lines.uom (enum): found LB`.

    The found value stays when it is a word (an unknown code is the cause) and goes when it is a
    number, because numbers differ from receipt to receipt.
    """
    breaches = _decoded(violations)
    told = [_breach_text(breach) for breach in breaches]
    distinct = list(dict.fromkeys(told))
    text = "; ".join(distinct[:SHOWN_VIOLATIONS])
    hidden = len(distinct) - SHOWN_VIOLATIONS
    return f"{text}; and {hidden} more" if hidden > 0 else text


def _decoded(violations: bytes) -> list[dict[str, str]]:
    try:
        return msgspec.json.decode(violations, type=list[dict[str, str]])
    except msgspec.DecodeError:
        return []


def _breach_text(breach: dict[str, str]) -> str:
    path = _PLACES.sub("", breach.get("path", ""))
    value = breach.get("value", "")
    found = f": found {value}" if value and not any(sign.isdigit() for sign in value) else ""
    return f"{path} ({breach.get('rule', '')}){found}"
