"""Finds card numbers and magnetic track data in text.

Surprising: a number counts as a card only with a valid check digit and the first digits of a card
issuer. Barcodes pass the check digit once in ten; without that rule no retail file would survive.
"""

from __future__ import annotations

import re
from functools import lru_cache

SHORTEST_CARD = 13
LONGEST_CARD = 19
ZERO = ord("0")
TRACK_MARK = "[track data removed]"

_TEXT_RUN = re.compile(r"[0-9](?:[ -]?[0-9]){12,}")
_GROUP = re.compile(r"[0-9]+")
# ISO/IEC 7813: track 1 is %B<number>^<name>^<data>?, track 2 is ;<number>=<data>?
_TRACK = re.compile(
    r"%?[A-Za-z]?[0-9](?:[ -]?[0-9]){12,18}\^[^^]*(?:\^[^?]*\??)?"
    r"|;?[0-9](?:[ -]?[0-9]){12,18}[=D][0-9]{4,}\??"
)
# Every character a card number can be written with looks the same; so many in a row may be one.
_FLAT = bytes.maketrans(b"0123456789 -", b"0" * 12)
_FLAT_RUN = b"0" * SHORTEST_CARD
_REMEMBERED_RUNS, _REMEMBERED_BYTES = 16_384, 64
_DOUBLED = str.maketrans("0123456789", "0246813579")


def may_change(text: str) -> bool:
    """Tell quickly whether `without_cards` could change a text; False is a promise."""
    return _TEXT_RUN.search(text) is not None


def json_may_hold_cards(text: bytes) -> bool:
    """Tell quickly whether a name or a value of a JSON text could be changed by `without_cards`.

    False is a promise. Barcodes look like cards and repeat all day, so each run is judged once.
    """
    # An escape can spell a digit; where there is one, the values themselves must be looked at.
    if b"\\" in text:
        return True
    flat = text.translate(_FLAT)
    start = flat.find(_FLAT_RUN)
    while start >= 0:
        end = text.find(b'"', start)
        piece = text[start : end if end > 0 else len(text)]
        judge = _may_change_remembered if len(piece) <= _REMEMBERED_BYTES else _may_change
        if judge(piece):
            return True
        start = flat.find(_FLAT_RUN, end) if end > 0 else -1
    return False


def _may_change(piece: bytes) -> bool:
    text = piece.decode("latin-1")
    return without_cards(text) != text


_may_change_remembered = lru_cache(_REMEMBERED_RUNS)(_may_change)


def without_cards(text: str) -> str:
    """Return text with every card number cut to its last four digits and every track removed."""
    if len(text) < SHORTEST_CARD:
        return text
    text = _TRACK.sub(TRACK_MARK, text)
    return _TEXT_RUN.sub(_mask_run, text)


def is_card_number(digits: str) -> bool:
    """Tell whether a run of digits is a card number: length, issuer and check digit.

    Issuers begin with 3 to 6, or 2221 to 2720 with 16 digits (ISO/IEC 7812).
    """
    if not SHORTEST_CARD <= len(digits) <= LONGEST_CARD:
        return False
    newer_mastercard = len(digits) == 16 and "2221" <= digits[:4] <= "2720"
    return ("3" <= digits[0] <= "6" or newer_mastercard) and _luhn(digits)


def _luhn(digits: str) -> bool:
    # Doubling every second digit and adding its digits is a fixed permutation of the ten digits.
    mixed = digits[-1::-2] + digits[-2::-2].translate(_DOUBLED)
    return (sum(mixed.encode()) - ZERO * len(mixed)) % 10 == 0


def _mask_run(run: re.Match[str]) -> str:
    text = run.group()
    for start, end in reversed(_card_spans(text)):
        text = f"{text[:start]}****{text[end - 4 : end]}{text[end:]}"
    return text


def _card_spans(run: str) -> list[tuple[int, int]]:
    """Return where the card numbers of a run are: whole groups of digits, from left to right.

    Leading zeros of a group are looked past; a longer run is never searched for a number inside.
    """
    if run.isdigit():
        bare = run.lstrip("0")
        return [(len(run) - len(bare), len(run))] if is_card_number(bare) else []
    groups = [group.span() for group in _GROUP.finditer(run)]
    spans: list[tuple[int, int]] = []
    first = 0
    while first < len(groups):
        found = _card_at(run, groups, first)
        if found is None:
            first += 1
            continue
        last, start = found
        spans.append((start, groups[last][1]))
        first = last + 1
    return spans


def _card_at(run: str, groups: list[tuple[int, int]], first: int) -> tuple[int, int] | None:
    start, end = groups[first]
    bare = run[start:end].lstrip("0")
    if is_card_number(bare):
        return first, end - len(bare)
    digits = ""
    for last in range(first, len(groups)):
        digits += run[slice(*groups[last])]
        if len(digits) > LONGEST_CARD:
            return None
        if is_card_number(digits):
            return last, start
    return None
