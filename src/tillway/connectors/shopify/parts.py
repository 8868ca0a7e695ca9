"""The parts of an answer of the Admin API: read without being taken apart, and made safe to keep.

Members stay the bytes they came in, so that no number changes on the way. Surprising: what tells
who bought is left out here already, before masking.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

Part = Mapping[str, msgspec.Raw]
"""One object of the Admin API; its members are kept as the bytes they came in."""

PERSONAL_FIELDS = frozenset({"properties"})
"""What a line may hold of its buyer: an engraving, a name for the parcel."""
CARD_FIELDS = frozenset({"credit_card_company"})
"""What is kept of the card behind a transaction; the rest names its holder or the card itself."""
_decode_parts = msgspec.json.Decoder(list[dict[str, msgspec.Raw]]).decode


def text(part: Part, name: str) -> str:
    """Return a member that is a text or a number as text, "" where there is none."""
    raw = part.get(name)
    value: Any = None if raw is None else msgspec.json.decode(raw)
    return "" if value is None else str(value)


def parts(part: Part, name: str) -> list[dict[str, msgspec.Raw]]:
    """Return a member that is a list of objects, empty where there is none."""
    raw = part.get(name)
    return _decode_parts(raw) if raw is not None and bytes(raw) != b"null" else []


def members_of(
    part: Part, name: str, without: frozenset[str] = frozenset()
) -> dict[str, msgspec.Raw]:
    """Return the members of an object inside a part; none where it is null."""
    found = msgspec.json.decode(part[name], type=dict[str, msgspec.Raw] | None) or {}
    return {name: value for name, value in found.items() if name not in without}


def one_line(record: dict[str, Any]) -> bytes:
    """Return a record as one line; what came in may have been written over several."""
    return msgspec.json.format(msgspec.json.encode(record), indent=-1)


def line_of(kind: str, part: Part) -> dict[str, Any]:
    """Return a line with what kind of line it is, without what it says of the buyer."""
    line: dict[str, Any] = {"line_kind": kind, **part}
    if "line_item" in part:
        line["line_item"] = members_of(part, "line_item", without=PERSONAL_FIELDS)
    return {name: value for name, value in line.items() if name not in PERSONAL_FIELDS}


def numbered(part: Part, number: str) -> dict[str, Any]:
    """Return a part with its number under a name that masking leaves alone."""
    return {**({"item_id": number} if number else {}), **without_card(part)}


def without_card(part: Part) -> dict[str, Any]:
    """Return a transaction with nothing of its card but the scheme."""
    if "payment_details" not in part:
        return dict(part)
    details = members_of(part, "payment_details")
    kept = {name: value for name, value in details.items() if name in CARD_FIELDS}
    return {**part, "payment_details": kept}


def successful(transactions: Iterable[Part], kinds: frozenset[str]) -> list[dict[str, Any]]:
    """Return the transactions of these kinds that moved money."""
    return [
        numbered(one, text(one, "id"))
        for one in transactions
        if text(one, "status") == "success" and text(one, "kind") in kinds
    ]


def name_of(kind: str, part: Part) -> str:
    """Return what an object is called in the hub, for example `Order/450789469`."""
    return f"{kind}/{text(part, 'id')}"
