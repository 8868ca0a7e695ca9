"""The audit rules this room can test, with their default severity and stable code.

A contract may change severity and tolerance for its source; the numbers never change meaning.
Rules that need the journal, master data or the other side belong to the rooms that have them.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from tillway.model.findings import Severity

Level = Literal[
    "line",
    "tender",
    "transaction",
    "operator-day",
    "till",
    "workstation-day",
    "store-day",
    "settlement",
    "posting",
]


class AuditRule(msgspec.Struct, frozen=True):
    """One rule: where it looks, how grave a breach is by default, its code, what it finds.

    off: it is asked only where a project gives it a severity.
    """

    id: str
    level: Level
    severity: Severity
    code: str
    finds: str
    off: bool = False


RULES: dict[str, AuditRule] = {
    rule.id: rule
    for rule in (
        AuditRule(
            "SEQ_GAP", "workstation-day", "error", "TW-6001", "a number missing in the sequence"
        ),
        AuditRule(
            "TRAN_OUT_OF_BALANCE",
            "transaction",
            "error",
            "TW-6101",
            "lines, added tax, tips and rounding differ from the grand total, or that from tenders",
        ),
        AuditRule(
            "HEADER_NET", "transaction", "error", "TW-6102", "the net total is not that of lines"
        ),
        AuditRule(
            "HEADER_GROSS",
            "transaction",
            "error",
            "TW-6103",
            "the gross total is not that of lines",
        ),
        AuditRule(
            "HEADER_DISCOUNT",
            "transaction",
            "error",
            "TW-6104",
            "the discount total is not that of lines",
        ),
        AuditRule(
            "LINE_DISCOUNT_SUM",
            "line",
            "error",
            "TW-6105",
            "net is not gross minus discount, or the discount is not the sum of its modifiers",
        ),
        AuditRule(
            "LINE_TAX_SUM",
            "transaction",
            "error",
            "TW-6106",
            "taxes do not add up to the tax total",
        ),
        AuditRule(
            "CURRENCY_ROUNDING",
            "tender",
            "warn",
            "TW-6107",
            "an amount off the minor unit, or rounding or tip that differ from those of tenders",
        ),
        AuditRule(
            "SIGN_CONTRADICTION",
            "line",
            "error",
            "TW-6108",
            "quantity and net amount of different sign",
        ),
        AuditRule("NEGATIVE_PRICE", "line", "error", "TW-6109", "a unit price below zero"),
        AuditRule("ZERO_QUANTITY", "line", "warn", "TW-6110", "a quantity of zero"),
        AuditRule(
            "HEADER_NET_PLUS_TAX",
            "transaction",
            "error",
            "TW-6113",
            "without lines: net, added tax, tip and rounding do not make the grand total",
        ),
        AuditRule(
            "UNDER_OVER_PAYMENT",
            "tender",
            "warn",
            "TW-6114",
            "what was handed over less the change is not what was paid",
        ),
        AuditRule("EMPTY_TRANSACTION", "transaction", "warn", "TW-6111", "no lines and no tenders"),
        AuditRule(
            "CURRENCY_UNKNOWN",
            "transaction",
            "error",
            "TW-6301",
            "a currency ISO 4217 does not list, or one the shop does not take",
        ),
        AuditRule(
            "OVER_SHORT",
            "till",
            "error",
            "TW-6401",
            "a till is over or short, or its settlement does not add up",
        ),
        AuditRule(
            "PAYOUT_DIFF",
            "settlement",
            "error",
            "TW-6601",
            "net is not gross minus fee, or the entries do not add up to the payout",
        ),
    )
}
