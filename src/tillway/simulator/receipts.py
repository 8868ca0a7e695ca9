"""The arithmetic of a receipt: totals from lines, cash rounding, reversal, and a changed copy."""

from __future__ import annotations

from copy import deepcopy

import msgspec

from tillway.simulator.facts import LineKind, Receipt, SoldLine, TaxSum

_OPPOSITE: dict[LineKind, LineKind] = {
    "sale": "return",
    "return": "sale",
    "deposit": "deposit_return",
    "deposit_return": "deposit",
    "gift_card_sale": "gift_card_sale",
}
UNTAXED: frozenset[LineKind] = frozenset({"gift_card_sale"})
"""Money taken on account: a liability of the shop, not a sale, so no tax is due on it."""
FULL = 10_000  # hundredths of a percent in a whole


def half_up(numerator: int, denominator: int) -> int:
    """Return numerator / denominator rounded half away from zero; denominator is positive."""
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


def total(receipt: Receipt) -> None:
    """Fill in taxes and totals from the live lines, before tenders are chosen."""
    live = [line for line in receipt.lines if not line.voided]
    receipt.gross = sum(line.gross for line in live)
    receipt.discount = sum(line.discount for line in live)
    if receipt.store.habits.tax_included:
        receipt.taxes = _included(live)
        receipt.grand = receipt.net
    else:
        receipt.taxes = _added(live)
        receipt.grand = receipt.net + sum(tax.tax for tax in receipt.taxes)
    receipt.tax = sum(tax.tax for tax in receipt.taxes)
    receipt.rounding = receipt.tip = 0
    receipt.item_count = sum(_units(line) for line in live)


def round_cash(receipt: Receipt) -> None:
    """Round the grand total to the shop's smallest coin; paid wholly in cash only."""
    step = receipt.store.habits.cash_step
    rounded = half_up(receipt.grand, step) * step
    receipt.rounding = rounded - receipt.grand
    receipt.grand = rounded


def reversed_copy(receipt: Receipt) -> Receipt:
    """Return the receipt with every sign changed; voided lines are left out."""
    lines = [_negated(line) for line in receipt.lines if not line.voided]
    return msgspec.structs.replace(
        receipt,
        lines=[msgspec.structs.replace(line, number=at) for at, line in enumerate(lines, 1)],
        tenders=[
            msgspec.structs.replace(
                paid,
                amount=-paid.amount,
                rounding=-paid.rounding,
                tip=-paid.tip,
                cashback=0,
                tendered=0,
                change=0,
            )
            for paid in receipt.tenders
        ],
        taxes=[
            msgspec.structs.replace(tax, taxable=-tax.taxable, tax=-tax.tax)
            for tax in receipt.taxes
        ],
        gross=-receipt.gross,
        discount=-receipt.discount,
        tax=-receipt.tax,
        rounding=-receipt.rounding,
        tip=-receipt.tip,
        grand=-receipt.grand,
    )


def altered_copy(receipt: Receipt, by: int = 100) -> Receipt:
    """Return the same receipt with one line and one tender dearer: balanced, other content."""
    copy = deepcopy(receipt)
    line = next(line for line in copy.lines if line.kind == "sale" and not line.voided)
    line.gross += by
    total(copy)
    copy.rounding, copy.tip = receipt.rounding, receipt.tip
    copy.grand += copy.rounding + copy.tip
    paid = copy.tenders[0]
    paid.amount += copy.grand - receipt.grand
    if paid.tendered:
        paid.tendered = paid.amount + paid.change
    return copy


def _included(live: list[SoldLine]) -> list[TaxSum]:
    sums: dict[int, TaxSum] = {}
    for line in live:
        if line.kind in UNTAXED:
            continue
        line.tax = half_up(line.net * line.tax_rate, FULL + line.tax_rate)
        tax = sums.setdefault(line.tax_rate, TaxSum(line.tax_rate, 0, 0))
        tax.taxable += line.net
        tax.tax += line.tax
    return [sums[rate] for rate in sorted(sums)]


def _added(live: list[SoldLine]) -> list[TaxSum]:
    taxable: dict[int, int] = {}
    for line in live:
        if line.tax_rate:
            taxable[line.tax_rate] = taxable.get(line.tax_rate, 0) + line.net
    return [
        TaxSum(rate, taxable[rate], half_up(taxable[rate] * rate, FULL)) for rate in sorted(taxable)
    ]


def _units(line: SoldLine) -> int:
    if line.item.weighed:
        return 1 if line.thousandths > 0 else -1
    return line.thousandths // 1000


def _negated(line: SoldLine) -> SoldLine:
    return msgspec.structs.replace(
        line,
        kind=_OPPOSITE[line.kind],
        thousandths=-line.thousandths,
        gross=-line.gross,
        discount=-line.discount,
        tax=-line.tax,
    )
