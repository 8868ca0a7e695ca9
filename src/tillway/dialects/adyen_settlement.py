"""Adyen's settlement details report: the rows of one batch become one payout with its entries.

Surprising: the report states the gross amount in the currency of the payment and fees in that of
the payout, so an entry's gross is its net plus its fees; where both currencies are one, the gross
is taken as stated, and an entry that does not add up is found as such later.

The tree is a record of the format `csv` with `group_by` Merchant Account, Batch Number and Net
Currency, and `gather`. The neutral record (amounts are text, seen from the merchant):
  kind             settlement
  merchant_account, batch, currency, payout_id (the three, joined)
  gross, fee, net, refund, chargeback, period_from, period_to (of the payments), paid_on, posted_at
  bank_reference   what Adyen writes on the payout, once
  entries[]        type, gross, fee, net, psp_reference (of the refund or dispute, if it has its
                   own), original_reference, merchant_reference, description, created_at
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from tillway.dialects.tree import Node, Problems, as_node, nodes, text, without_blanks
from tillway.errors import ContractViolation

FEES = ("Commission (NC)", "Markup (NC)", "Scheme Fees (NC)", "Interchange (NC)")
PAYOUTS = frozenset({"MerchantPayout", "MerchantPayin"})
_KEY = ("Merchant Account", "Batch Number", "Net Currency")
_MODIFICATION = re.compile(r"Refunded|.*Chargeback", re.IGNORECASE)
_REFUND = re.compile(r"Refunded", re.IGNORECASE)
_DISPUTE = re.compile(r".*Chargeback", re.IGNORECASE)
_CREATED = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})", re.ASCII)
_OFFSETS = {
    "UTC": "+00:00", "GMT": "+00:00", "WET": "+00:00", "BST": "+01:00", "CET": "+01:00",
    "CEST": "+02:00", "EET": "+02:00", "EEST": "+03:00", "EST": "-05:00", "EDT": "-04:00",
    "CDT": "-05:00", "MST": "-07:00", "MDT": "-06:00", "PST": "-08:00", "PDT": "-07:00",
    "AEST": "+10:00", "AEDT": "+11:00", "JST": "+09:00", "SGT": "+08:00", "HKT": "+08:00",
}  # fmt: skip
"""Without CST and IST, which are several zones: a time there is left out, its day stays."""


class AdyenSettlement:
    """Reads the rows of one batch."""

    name = "adyen-settlement"
    volatile: frozenset[str] = frozenset()

    def normalise(self, tree: Node) -> dict[str, Any]:
        """Return the payout of one batch.

        Raises ContractViolation TW-3201 with everything that cannot be read.
        """
        problems = Problems()
        for name in _KEY:
            if text(tree, name) is None:
                problems.add(name, "required", "", "a value: it is part of the key of the payout")
        rows = [as_node(row) for row in nodes(tree, "rows")]
        entries, payouts = [], []
        for index, row in enumerate(rows):
            if text(row, "Type") in PAYOUTS:
                payouts.append((_net(row, f"rows[{index}]", problems), row))
            else:
                entries.append(_entry(row, f"rows[{index}]", problems))
        if problems.found:
            detail = f"Batch {text(tree, 'Batch Number') or '?'} cannot be read."
            raise ContractViolation("TW-3201", detail, problems.found, dialect=self.name)
        return _settlement(tree, entries, payouts)


def _settlement(
    tree: Node, entries: list[dict[str, Any]], payouts: list[tuple[Decimal, Node]]
) -> dict[str, Any]:
    """Add the entries up; a batch without a payout moved its balance, if any, to the next."""
    key = [text(tree, name) or "" for name in _KEY]
    dated = [one for one in entries if one["psp_reference"]]
    days = sorted(day for one in dated or entries if (day := (one["created_at"] or "")[:10]))
    paid = [row for _, row in payouts]
    paid_on, posted_at = _moment(paid[-1]) if paid else (None, None)
    net = -_sum(amount for amount, _ in payouts) if payouts else _sum(one["net"] for one in entries)
    return without_blanks(
        {
            "kind": "settlement",
            "merchant_account": key[0],
            "batch": key[1],
            "currency": key[2],
            "payout_id": "/".join(key),
            "gross": _sum(one["gross"] for one in entries),
            "fee": _sum(one["fee"] for one in entries),
            "net": net,
            "refund": _sum(one["gross"] for one in entries if _REFUND.match(one["type"])),
            "chargeback": _sum(one["gross"] for one in entries if _DISPUTE.match(one["type"])),
            "period_from": days[0] if days else None,
            "period_to": days[-1] if days else None,
            "paid_on": paid_on,
            "posted_at": posted_at,
            "bank_reference": text(paid[-1], "Modification Reference") if paid else None,
            "entries": [without_blanks(one) for one in entries],
        }
    )


def _entry(row: Node, path: str, problems: Problems) -> dict[str, Any]:
    kind = text(row, "Type")
    if kind is None:
        problems.add(f"{path}.Type", "required", "", "what the row is, such as Settled")
    net = _net(row, path, problems)
    fee = _sum(problems.decimal(row, name, path) or Decimal(0) for name in FEES)
    gross = _stated_gross(row, path, problems)
    payment, own = text(row, "Psp Reference"), text(row, "Modification Reference")
    modified = bool(kind and payment and own and _MODIFICATION.match(kind))
    day, moment = _moment(row)
    return {
        "type": kind or "",
        "gross": net + fee if gross is None else gross,
        "fee": fee,
        "net": net,
        "psp_reference": own if modified else payment,
        "original_reference": payment if modified else None,
        "merchant_reference": text(row, "Merchant Reference"),
        "description": own if payment is None else None,
        "created_at": moment or day,
    }


def _stated_gross(row: Node, path: str, problems: Problems) -> Decimal | None:
    """Return the gross amount where it is in the currency of the payout, None where it is not."""
    if text(row, "Gross Currency") != text(row, "Net Currency"):
        return None
    if text(row, "Gross Credit (GC)") is None and text(row, "Gross Debit (GC)") is None:
        return None
    return _difference(row, "Gross Credit (GC)", "Gross Debit (GC)", path, problems)


def _net(row: Node, path: str, problems: Problems) -> Decimal:
    if text(row, "Net Credit (NC)") is None and text(row, "Net Debit (NC)") is None:
        problems.add(f"{path}.Net Credit (NC)", "required", "", "a credit or a debit")
    return _difference(row, "Net Credit (NC)", "Net Debit (NC)", path, problems)


def _difference(row: Node, credit: str, debit: str, path: str, problems: Problems) -> Decimal:
    plus, minus = problems.decimal(row, credit, path), problems.decimal(row, debit, path)
    return (plus or Decimal(0)) - (minus or Decimal(0))


def _moment(row: Node) -> tuple[str | None, str | None]:
    """Return the day of a row, and its time where the zone is known beyond doubt."""
    found = _CREATED.match(text(row, "Creation Date") or "")
    if found is None:
        return None, None
    offset = _OFFSETS.get((text(row, "TimeZone") or "").upper())
    return found[1], f"{found[1]}T{found[2]}{offset}" if offset else None


def _sum(amounts: Any) -> Decimal:
    return sum(amounts, Decimal(0))
