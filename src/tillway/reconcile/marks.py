"""What rules about returns, voids, overrides and exemptions ask of a receipt.

Its figures do not say it, so it is noted once, when the message is cut down to its fact.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Literal

from tillway.model.currencies import MINOR_DIGITS
from tillway.model.lines import Line
from tillway.model.retail import VoidedTransaction
from tillway.reconcile.receipts import PostVoid

Mark = Literal[
    "late",
    "closed_period",
    "return_without_reason",
    "void_without_reason",
    "override_without_reason",
    "return_without_receipt",
    "gift_card_return",
]
"""What a rule asks of a message that its figures do not say; the first two are of its arrival."""
POST_VOIDS = (VoidedTransaction, PostVoid)
RETURNED = ("return", "gift_card_sale")


def marked(message: Any, lines: Iterable[Line]) -> tuple[tuple[Mark, ...], int, Decimal]:
    """Return the marks of a receipt or post-void from its live lines.

    With them how many lines had their price changed by hand, and what was sold at a rate and taxed
    with nothing, no reason given.
    """
    marks: list[Mark] = []
    overrides, untaxed = 0, Decimal(0)
    taken_back = isinstance(message, POST_VOIDS)
    if taken_back and message.reason_code is None:
        marks.append("void_without_reason")
    linked = bool(getattr(message, "links", ()))
    for line in lines:
        if line.line_type in RETURNED and not taken_back:
            marks += _of_return(line, linked=linked)
        for modifier in line.price_modifiers:
            if modifier.method_code == "price_override":
                overrides += 1
                if modifier.reason_code is None and line.reason_code is None:
                    marks.append("override_without_reason")
        for tax in line.tax:
            if not tax.tax_amount and tax.rate and tax.exempt_reason is None:
                untaxed += _worth_taxing(line.net_amount, Decimal(tax.rate), message.currency)
    return tuple(dict.fromkeys(marks)) if marks else (), overrides, untaxed


def _worth_taxing(amount: Decimal, rate: Decimal, currency: str) -> Decimal:
    """Return the amount, 0 where its tax rounds to nothing anyway."""
    half = Decimal(5).scaleb(-1 - MINOR_DIGITS.get(currency, 2))
    return amount if abs(amount) * rate / (100 + rate) >= half else Decimal(0)


def _of_return(line: Line, *, linked: bool) -> Iterator[Mark]:
    if line.line_type == "return" and line.reason_code is None:
        yield "return_without_reason"
    if line.line_type == "return" and line.original is None and not linked:
        yield "return_without_receipt"
    if line.line_type == "gift_card_sale" and line.net_amount < 0:
        yield "gift_card_return"
