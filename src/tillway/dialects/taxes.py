"""Reads taxes, in the lines of goods or as lines of their own.

Surprising: some products compute Percent back from rounded amounts; where the profile says so the
rate is left out, to be looked up by the tax code.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from tillway.dialects.profiles import Profile
from tillway.dialects.tree import Node, Problems, as_node, child, nodes, text, without_blanks, word
from tillway.dialects.vocabulary import TAX_TYPES, said


class Tax(msgspec.Struct, frozen=True):
    """One tax; amounts are signed, included tells whether the price contains it."""

    amount: Decimal
    taxable: Decimal | None
    tax_type: str
    code: str | None
    rate: Decimal | None
    included: bool
    exempt_reason: str | None = None

    def turned(self) -> Tax:
        """Return the tax with its signs reversed."""
        taxable = None if self.taxable is None else -self.taxable
        return msgspec.structs.replace(self, amount=-self.amount, taxable=taxable)

    def record(self) -> dict[str, Any]:
        """Return the tax as it stands in the neutral record."""
        return without_blanks(
            {
                "tax_type": self.tax_type,
                "tax_code": self.code,
                "rate": self.rate,
                "taxable_amount": self.taxable,
                "tax_amount": self.amount,
                "included": self.included,
                "exempt_reason": self.exempt_reason,
            }
        )


def taxes_in(
    node: Node, path: str, profile: Profile, problems: Problems, negative: bool = False
) -> list[Tax]:
    """Return the Tax children of a node; negative turns unsigned amounts of a return."""
    found = []
    for tax in map(as_node, nodes(node, "Tax")):
        at = f"{path}.Tax"
        amount = problems.required(tax, "Amount", at)
        taxable = problems.decimal(tax, "TaxableAmount", at)
        if negative:
            amount, taxable = -abs(amount), None if taxable is None else -abs(taxable)
        found.append(
            Tax(
                amount=amount,
                taxable=taxable,
                tax_type=said(TAX_TYPES, word(tax, "TaxType")) or "sales",
                code=word(tax, "acs:TaxID") or text(tax, "TaxGroupID") or text(tax, "TaxRuleID"),
                rate=_rate(tax, at, profile, problems),
                included=_included(tax, profile),
                exempt_reason=text(tax, "TaxExemption.ReasonCode"),
            )
        )
    return found


def summed(taxes: list[Tax]) -> list[Tax]:
    """Return one tax per type, code, rate and inclusion, in the order they first appear."""
    sums: dict[tuple[Any, ...], Tax] = {}
    for tax in taxes:
        key = (tax.tax_type, tax.code, tax.rate, tax.included)
        known = sums.get(key)
        if known is None:
            sums[key] = tax
            continue
        both = known.taxable is not None and tax.taxable is not None
        taxable = known.taxable + tax.taxable if both else None  # type: ignore[operator]
        sums[key] = msgspec.structs.replace(
            known, amount=known.amount + tax.amount, taxable=taxable
        )
    return list(sums.values())


def _rate(tax: Node, path: str, profile: Profile, problems: Problems) -> Decimal | None:
    return problems.decimal(tax, "Percent", path) if profile.tax_rate_source == "percent" else None


def _included(tax: Node, profile: Profile) -> bool:
    stated = child(tax, "TaxableAmount").get("@TaxIncludedInTaxableAmountFlag")
    if stated is None:
        return profile.tax_included
    return str(stated).strip().lower() in {"true", "1"}
