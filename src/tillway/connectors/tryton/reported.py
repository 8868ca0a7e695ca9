"""A posted move as the record that the mapping table of the source sees.

Surprising: the amount is not the debit side, which differs with every netting of lines, but what
the tender and over/short lines come to: the amount that the hub asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tillway.connectors.tryton.ledger import ORIGIN
from tillway.connectors.tryton.moves import REVERSAL, REVISION, TAKES_BACK
from tillway.connectors.tryton.wire import amount

MOVE_FIELDS = [
    "number",
    "description",
    "origin",
    "date",
    "post_date",
    "create_date",
    "write_date",
    "journal.code",
    "company.currency.code",
    "lines.account.code",
    "lines.debit",
    "lines.credit",
    "lines.description",
]
KEY_PATTERN = "%:____-__-__:%"
"""SQL pattern of the descriptions that may be keys of ours: all of them hold a business date."""
PAID_LINES = ("tender", "over_short")
"""How the texts of the lines begin that make up the amount of a posting."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def record_of(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a move (a row with MOVE_FIELDS and id) as a record; name is the system's.

    Amounts are text. debit: all of its debit side. tendered: what the lines come to whose
    description begins with `tender` or `over_short`, debit less credit; absent where there are
    none. key_parts: the parts of a key of ours, with a date among them, empty for any other
    description. store, business_date: those of the key, "" without one. reverses: id of the move
    it takes back, 0 for none; reverses_key: key of the posting it takes back, "" for none. key: the
    description, "" for a move with which a person cancelled one of ours: Tryton copies the
    description along, and two documents would seem to have one key.
    revision: when Tryton last wrote it, microseconds since 1970. created_at: when the draft was
    made; of the posting itself Tryton keeps the day alone (post_date).
    """
    sides = [_side(line) for line in row["lines."]]
    tendered = [side for side, line in sides if line["description"].startswith(PAID_LINES)]
    description, origin = row["description"] or "", row["origin"] or ""
    parts = _key_parts(description)
    reverses = int(origin.removeprefix(ORIGIN)) if origin.startswith(ORIGIN) else 0
    is_cancelled = reverses > 0 and not description.endswith(REVERSAL)
    record = {
        "erp": name,
        "id": row["id"],
        "number": row["number"],
        "revision": (row["write_date"] - _EPOCH) // _MICROSECOND,
        "description": description,
        "key": "" if is_cancelled else description,
        "key_parts": parts,
        "store": parts[0] if parts else "",
        "business_date": next((part for part in parts if _is_date(part)), ""),
        "reverses": reverses,
        "reverses_key": description if is_cancelled else _reverses_key(row["lines."]),
        "journal": row["journal."]["code"],
        "date": row["date"].isoformat(),
        "post_date": row["post_date"].isoformat() if row["post_date"] else None,
        "created_at": row["create_date"].astimezone(UTC).isoformat(),
        "currency": row["company."]["currency."]["code"],
        "debit": format(sum((side for side, _ in sides if side > 0), Decimal(0)), "f"),
        "lines": [line for _, line in sides],
    }
    if tendered:
        record["tendered"] = format(sum(tendered, Decimal(0)), "f")
    return record


def _side(line: Mapping[str, Any]) -> tuple[Decimal, dict[str, Any]]:
    debit, credit = amount(line["debit"]), amount(line["credit"])
    shown = {
        "account": line["account."]["code"],
        "debit": format(debit, "f"),
        "credit": format(credit, "f"),
        "description": line["description"] or "",
    }
    return debit - credit, shown


def _key_parts(description: str) -> list[str]:
    """Return the parts of `system/store:workstation:date:number` or of a posting key."""
    parts = description.partition(REVISION)[0].rpartition("/")[2].split(":")
    return parts if any(_is_date(part) for part in parts[1:]) else []


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _reverses_key(lines: list[dict[str, Any]]) -> str:
    texts = [line["description"] or "" for line in lines]
    return next((text.partition(TAKES_BACK)[2] for text in texts if TAKES_BACK in text), "")
