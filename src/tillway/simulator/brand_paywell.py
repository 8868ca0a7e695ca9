"""Writes the payouts of the acquirer: one line of JSON for each, money in minor units.

The sign is the shop's: a refund is negative, a fee is positive and is taken off.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tillway.simulator.finance_facts import Payout, PayoutEntry

_encode = msgspec.json.Encoder().encode


def render(payout: Payout) -> bytes:
    """Return one payout as one JSON document, without a line end."""
    return _encode(
        {
            "payoutId": payout.payout_id,
            "merchant": payout.store.business_unit_id,
            "salesDate": payout.day.isoformat(),
            "bankDate": payout.bank_day.isoformat(),
            "currency": payout.store.currency,
            "gross": payout.gross,
            "fee": payout.fee,
            "refunds": sum(entry.gross for entry in payout.entries if entry.gross < 0),
            "net": payout.net,
            "payments": [_payment(entry) for entry in payout.entries],
        }
    )


def pack(documents: Sequence[bytes]) -> bytes:
    """Return payouts as one file, a line for each."""
    return b"\n".join(documents) + b"\n"


def _payment(entry: PayoutEntry) -> dict[str, Any]:
    return {
        "ref": entry.reference,
        "kind": "PAYMENT" if entry.gross > 0 else "REFUND",
        "merchant": entry.store,
        "gross": entry.gross,
        "fee": entry.fee,
        "net": entry.net,
    }
