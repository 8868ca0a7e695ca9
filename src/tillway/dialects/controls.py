"""Reads what a till does without selling: controls, cash moved, tills settled, days ended.

Surprising: the record that ends a day carries the first and the last number of each register;
completeness of a day rests on it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tillway.dialects.links import links_of, plain_number
from tillway.dialects.tenders import CASH
from tillway.dialects.tree import (
    ZERO,
    Node,
    Problems,
    as_node,
    child,
    nodes,
    text,
    without_blanks,
    word,
)
from tillway.dialects.vocabulary import CASH_MOVEMENTS, CONTROL_TYPES, TENDER_TYPES, said

_DAY_STARTS = ("BusinessSOD",)
_DAY_ENDS = ("BusinessEOD",)
_LEDGER = {
    "opening": "Beginning",
    "sales": "Sales",
    "returns": "Returns",
    "paid_in": "PaidIn",
    "paid_out": "PaidOut",
    "loans": "Loan",
    "pickups": "Pickup",
    "deposits": "Deposit",
    "counted": "Ending",
}
_VOIDS = {
    "line": "LineItemVoids",
    "transaction": "TransactionVoids",
    "post": "PostTransactionVoids",
}


def control(body: Node, problems: Problems) -> dict[str, Any]:
    """Return the neutral fields of a ControlTransaction."""
    names = [name for name in body if name[:1] not in ("@", "#", "")]
    for name in (*_DAY_STARTS, *_DAY_ENDS):
        if name in names:
            return _day(body, name)
    known = next((name for name in names if name in CONTROL_TYPES), None)
    links, _ = links_of(body)
    if known is None:
        described = ", ".join(names) or "nothing"
        problems.add("ControlTransaction", "control_type", described, "a known kind of control")
    return without_blanks(
        {
            "kind": "control",
            "control_type": CONTROL_TYPES.get(known or "", "other"),
            "source_code": known,
            "reason_code": text(body, "ReasonCode"),
            "links": links,
        }
    )


def tender_control(body: Node, problems: Problems) -> dict[str, Any]:
    """Return the neutral fields of a TenderControlTransaction."""
    for name in ("TillSettle", "SafeSettle"):
        if name in body:
            return _settlement(child(body, name), problems)
    known = next((name for name in body if name in CASH_MOVEMENTS), None)
    if known is None:
        described = ", ".join(name for name in body if name[:1] not in ("@", "#", "")) or "nothing"
        expected = "a known kind of movement"
        problems.add("TenderControlTransaction", "movement_type", described, expected)
        return {"kind": "cash_movement"}
    movement_type, sign = CASH_MOVEMENTS[known]
    moved = child(body, known)
    holder = child(moved, "Tender") if "Tender" in moved else moved
    amount = _first_amount(moved, holder, f"TenderControlTransaction.{known}", problems)
    return without_blanks(
        {
            "kind": "cash_movement",
            "movement_type": movement_type,
            "tender_type": said(TENDER_TYPES, word(holder, "TenderType")) or CASH,
            "amount": abs(amount) * sign,
            "safe_id": text(moved, "SafeID"),
            "envelope_id": text(moved, "EnvelopeID"),
            "reason_code": text(moved, "ReasonCode") or text(moved, "Reason"),
            "account_code": text(moved, "AccountCode"),
        }
    )


def _first_amount(moved: Node, holder: Node, path: str, problems: Problems) -> Decimal:
    for node, name in ((holder, "Amount"), (moved, "DropAmount"), (moved, "Amount")):
        amount = problems.decimal(node, name, path)
        if amount is not None:
            return amount
    return problems.required(holder, "Amount", path)


def _day(body: Node, name: str) -> dict[str, Any]:
    session = child(body, name)
    opened = name in _DAY_STARTS
    moments = (
        ("StartDateTimestamp", "EndDateTimestamp")
        if opened
        else (
            "EndDateTimestamp",
            "StartDateTimestamp",
        )
    )
    moment = next((at for field in moments if (at := text(session, field))), None)
    if opened:
        return without_blanks({"kind": "business_day_opened", "opened_at": moment})
    counts = [_workstation(node) for node in map(as_node, nodes(session, "WorkstationSummary"))]
    numbers = {
        "first_sequence": _number(text(session, "OpenTransactionSequenceNumber")),
        "last_sequence": _number(
            text(session, "LastTransactionSequenceNumber")
            or text(session, "CloseTransactionSequenceNumber")
        ),
        "transaction_count": _number(text(session, "TransactionCount")),
    }
    return without_blanks(
        {
            "kind": "business_day_closed",
            "closed_at": moment,
            "workstations": counts,
            "session": without_blanks(numbers),
        }
    )


def _workstation(node: Node) -> dict[str, Any]:
    return without_blanks(
        {
            "workstation_id": _number(text(node, "WorkstationID")),
            "first_sequence": _number(text(node, "OpenTransactionSequenceNumber")),
            "last_sequence": _number(text(node, "LastTransactionSequenceNumber")),
            "transaction_count": _number(text(node, "TransactionCount")),
        }
    )


def _settlement(settle: Node, problems: Problems) -> dict[str, Any]:
    path = "TillSettle"
    voids = {
        kind: without_blanks(
            {
                "count": _number(text(child(settle, name), "Count")),
                "amount": problems.decimal(child(settle, name), "Amount", f"{path}.{name}"),
            }
        )
        for kind, name in _VOIDS.items()
        if name in settle
    }
    return without_blanks(
        {
            "kind": "till_settle",
            "session_id": text(settle, "SessionID"),
            "opened_at": text(settle, "StartDateTimestamp"),
            "closed_at": text(settle, "EndDateTimestamp"),
            "first_sequence_number": _number(text(settle, "OpenTransactionSequenceNumber")),
            "last_sequence_number": _number(text(settle, "LastTransactionSequenceNumber")),
            "settled": [_ledger(node, problems) for node in map(as_node, _ledgers(settle))],
            "voids": {kind: void for kind, void in voids.items() if "count" in void},
        }
    )


def _ledgers(settle: Node) -> list[Any]:
    return nodes(settle, "TenderSummary") or nodes(child(settle, "TenderSummaries"), "Ledger")


def _ledger(node: Node, problems: Problems) -> dict[str, Any]:
    ledger = child(node, "Ledger") if "Ledger" in node else node
    path = "TillSettle.TenderSummary"
    amounts = {field: _amount(ledger, name, path, problems) for field, name in _LEDGER.items()}
    over = _amount(ledger, "Over", path, problems) or ZERO
    short = _amount(ledger, "Short", path, problems) or ZERO
    over_short = abs(over) - abs(short)
    counted = amounts["counted"]
    expected = None if counted is None else counted - over_short
    stated = word(ledger, "TenderType") or word(node, "TenderType")
    return without_blanks(
        {
            "tender_type": said(TENDER_TYPES, stated) or CASH,
            **amounts,
            "expected": expected,
            "over_short": over_short if counted is not None else None,
        }
    )


def _amount(node: Node, name: str, path: str, problems: Problems) -> Decimal | None:
    inner = child(node, name)
    if "Amount" in inner:
        return problems.decimal(inner, "Amount", f"{path}.{name}")
    return problems.decimal(node, name, path)


def _number(written: str | None) -> str | None:
    return None if written is None else plain_number(written)
