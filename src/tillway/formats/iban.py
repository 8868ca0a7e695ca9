"""Finds bank account numbers (IBAN, ISO 13616) in free text and leaves their last four characters.

Surprising: length by country and the check digits must both fit, so that the reference of a payment
is not taken for an account; a masked reference could never be matched again.
"""

from __future__ import annotations

import re

_LENGTHS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 "
    "EE20 EG29 ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 "
    "IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 "
    "NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SV28 TL23 "
    "TN24 TR26 UA29 VA22 VG24 XK20"
)
_LENGTH = {entry[:2]: int(entry[2:]) for entry in _LENGTHS.split()}
_START = re.compile(r"(?<![A-Z0-9])[A-Z]{2}[0-9]{2}", re.IGNORECASE)
_LONGEST = 42
_RIGHT = 1
_MODULUS = 97


def without_ibans(text: str) -> str:
    """Return a text with `****1234` for every IBAN, written in one piece or in groups of four.

    >>> without_ibans("from GB33 BUKB 2020 1555 5555 55, thanks")
    'from ****5555, thanks'
    """
    kept: list[str] = []
    position = 0
    for start in _START.finditer(text):
        if start.start() < position:
            continue
        end = _end_of(text, start.start())
        if end:
            kept += [text[position : start.start()], "****", _compact(text[position:end])[-4:]]
            position = end
    return "".join(kept) + text[position:] if kept else text


def _end_of(text: str, start: int) -> int:
    """Return where the IBAN that starts here ends, 0 for none."""
    length = _LENGTH.get(text[start : start + 2].upper())
    if length is None:
        return 0
    found = 0
    for place in range(start, min(len(text), start + _LONGEST)):
        if text[place].isascii() and text[place].isalnum():
            found += 1
            if found == length:
                after = text[place + 1 : place + 2]
                whole = not (after.isascii() and after.isalnum())
                return place + 1 if whole and _checks(_compact(text[start : place + 1])) else 0
        elif text[place] != " " or found % 4:
            return 0
    return 0


def _compact(text: str) -> str:
    return text.replace(" ", "").upper()


def _checks(iban: str) -> bool:
    digits = "".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])
    return int(digits) % _MODULUS == _RIGHT
