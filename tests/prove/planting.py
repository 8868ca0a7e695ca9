"""Card numbers, tracks, secrets and personal data made up from a seed, and the search for them.

Surprising: what is planted by name carries a mark of its own, so that one pass over everything
that was kept finds any of thousands, however often it is encoded or spaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

MARK = re.compile(rb"zq[0-9a-f]{14}")
DIGITS = re.compile(rb"[0-9]{13,}")
SEPARATED = re.compile(rb"(?<=[0-9])[ -](?=[0-9])")
WINDOW = 12
"""So many of the first digits of a card are looked for: a masked one keeps its last four only."""
ISSUERS = ("4", "51", "55", "2221", "2720", "34", "37", "6011", "62", "36", "50")
SECRET_NAMES = (
    *("Password", "api_key", "ApiKey", "access_token", "RefreshToken", "acs:SessionToken"),
    *("ClientSecret", "checkout-token", "receipt_url", "InvoiceUrl"),
)
PERSON_NAMES = (
    *("CustomerName", "first_name", "LastName", "Telephone", "phone2", "EMail", "email_private"),
    *("HomeAddress", "BirthDate", "NationalIdNumber", "BuyerTaxId", "CashierName", "IpAddress"),
)
CARD_NAMES = ("CardNumber", "PAN", "PrimaryAccountNumber", "card_number", "Track2Data", "cvv")


@dataclass(frozen=True, slots=True)
class Planted:
    """What one sale carries: two texts that are found by their look, two that have a name."""

    card: str
    track: str
    secret: str
    person: str

    @property
    def keys(self) -> set[bytes]:
        """Return what the search reports for each of the four."""
        tracked = re.sub(r"\D", "", self.track.split("^")[0].split("=")[0])
        card = re.sub(r"\D", "", self.card)
        texts = (card[:WINDOW], tracked[:WINDOW], self.secret, self.person)
        return {one.encode() for one in texts}


def planted(rng: Random) -> Planted:
    """Make up four."""
    number, tracked = card_number(rng), card_number(rng)
    groups = [number[at : at + 4] for at in range(0, len(number), 4)]
    card = rng.choice([number, " ".join(groups), "-".join(groups)])
    track = rng.choice(
        [
            f"%B{tracked}^EXAMPLE/ANN^2912101{rng.randrange(10**10):010}?",
            f";{tracked}=2912101{rng.randrange(10**10):010}?",
        ]
    )
    return Planted(card, track, _marked(rng), _marked(rng))


def card_number(rng: Random) -> str:
    """Return a card number with an issuer's first digits and a valid check digit."""
    issuer = rng.choice(ISSUERS)
    length = 15 if issuer in ("34", "37") else 16
    digits = issuer + "".join(rng.choices("0123456789", k=length - 1 - len(issuer)))
    return next(full for full in (f"{digits}{n}" for n in range(10)) if _luhn(full))


def found_in(content: bytes) -> set[bytes]:
    """Return the marks and the beginnings of cards that a text may hold."""
    plain = content.replace(b"\x00", b"")
    found = set(MARK.findall(plain))
    for run in DIGITS.findall(SEPARATED.sub(b"", plain)):
        found.update(run[at : at + WINDOW] for at in range(len(run) - WINDOW + 1))
    return found


def leaked(texts: Iterable[tuple[str, bytes]], keys: set[bytes]) -> dict[str, int]:
    """Return where something planted was found, and how much of it."""
    counted = ((where, len(found_in(content) & keys)) for where, content in texts)
    return {where: count for where, count in counted if count}


def _marked(rng: Random) -> str:
    return f"zq{rng.getrandbits(56):014x}"


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
