"""What must hold inside one message: its numbers agree with one another.

These are the invariants a, b, c, d, g, h and i of the retail model (e and f need the journal).
Voided lines are left out of every sum. Discounts are compared with their modifiers, and rounding
and tip with those of the tenders, only where the source lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from operator import attrgetter
from typing import Any

from tillway.model.cash import TillSettlement
from tillway.model.currencies import MINOR_DIGITS
from tillway.model.findings import Finding
from tillway.model.lines import Line, LineTax
from tillway.model.payments import Settlement
from tillway.model.retail import RetailTransaction, VoidedTransaction
from tillway.model.rules import RULES
from tillway.model.tenders import Tender

MAX_FINDINGS = 100  # of one message: a receipt wrong in all its lines is wrong once
_ZERO = Decimal("0.00")
_CENT = Decimal("0.01")
_NET, _GROSS, _DISCOUNT = map(attrgetter, ("net_amount", "gross_amount", "discount_amount"))
_AMOUNT, _TAX_AMOUNT = attrgetter("amount"), attrgetter("tax_amount")
_CARRIED = {name: attrgetter(f"{name}_amount") for name in ("rounding", "tip")}
_UNITS = {currency: Decimal(1).scaleb(-digits) for currency, digits in MINOR_DIGITS.items()}


def findings(message: object, tolerance: Decimal | None = None) -> tuple[Finding, ...]:
    """Return what is wrong with the numbers of a message, or () for one whose numbers agree.

    tolerance, in the currency of the message, replaces the default of every sum. The default is
    exact where all amounts are on the minor unit; half a minor unit for each finer amount in the
    sum; and, for taxes against the tax total, half a minor unit for each tax.
    """
    check = _CHECKS.get(type(message))
    if check is None:
        return ()
    found = check(message, tolerance)
    return tuple(found[:MAX_FINDINGS]) if found else ()


def _check_receipt(message: Any, tolerance: Decimal | None) -> list[Finding]:
    unit = _UNITS.get(message.currency, _CENT)
    found = _check_currency(message.currency)
    lines: list[Line] = [line for line in message.lines if not line.voided]
    if lines:
        _check_lines(message, unit, tolerance, found)
        _check_totals(message, lines, unit, tolerance, found)
    elif message.totals.net is not None and message.tax_included is not None:
        _check_header(message, unit, tolerance, found)
    if message.taxes or lines:
        _check_taxes(message, lines, unit, tolerance, found)
    if message.tenders:
        _check_tenders(message, unit, tolerance, found)
    elif type(message) is RetailTransaction:
        if not message.lines:
            found.append(_finding("EMPTY_TRANSACTION", "", "lines or tenders", "none"))
        _agree("TRAN_OUT_OF_BALANCE", "tenders", message.totals.grand, _ZERO, tolerance, found)
    return found


def _check_lines(
    message: Any, unit: Decimal, tolerance: Decimal | None, found: list[Finding]
) -> None:
    """Test invariants b and d on every live line, and its prices."""
    for index, line in enumerate(message.lines):
        if line.voided:
            continue
        net, quantity = line.net_amount, line.quantity
        # Numbers in normal form have no negative zero, so the sign tells as much as a comparison.
        if not quantity or (net and quantity.is_signed() is not net.is_signed()):
            _judge_sign(index, line, found)
        discount = line.discount_amount
        expected = line.gross_amount - discount if discount else line.gross_amount
        if net != expected:
            slack = _slack(unit, tolerance, (line.gross_amount, discount or _ZERO, net))
            path = f"lines[{index}].net_amount"
            _agree("LINE_DISCOUNT_SUM", path, expected, net, slack, found)
        if line.price_modifiers:
            _check_modifiers(index, line, unit, tolerance, found)
        actual, regular = line.actual_unit_price, line.regular_unit_price
        if actual is not None and actual.is_signed():
            found.append(_negative(f"lines[{index}].actual_unit_price", actual))
        if regular is not None and regular.is_signed():
            found.append(_negative(f"lines[{index}].regular_unit_price", regular))


def _negative(path: str, price: Decimal) -> Finding:
    return _finding("NEGATIVE_PRICE", path, "0", price)


def _judge_sign(index: int, line: Line, found: list[Finding]) -> None:
    path = f"lines[{index}].quantity"
    if not line.quantity:
        found.append(_finding("ZERO_QUANTITY", path, "not 0", line.quantity))
    if line.net_amount:
        sign = "above 0" if line.net_amount > 0 else "below 0"
        expected = f"{sign}, as net_amount {line.net_amount}"
        found.append(_finding("SIGN_CONTRADICTION", path, expected, line.quantity))


def _check_modifiers(
    index: int, line: Line, unit: Decimal, tolerance: Decimal | None, found: list[Finding]
) -> None:
    amounts = [modifier.amount for modifier in line.price_modifiers]
    expected, discount = sum(amounts, _ZERO), line.discount_amount or _ZERO
    if expected != discount:
        slack = _slack(unit, tolerance, (*amounts, discount))
        path = f"lines[{index}].discount_amount"
        _agree("LINE_DISCOUNT_SUM", path, expected, discount, slack, found)


def _check_totals(
    message: Any,
    lines: list[Line],
    unit: Decimal,
    tolerance: Decimal | None,
    found: list[Finding],
) -> None:
    """Test the lines' side of invariant a, and each stated total against the lines."""
    totals = message.totals
    net = sum(map(_NET, lines), _ZERO)
    due = net + _added_tax(message, lines)
    if totals.rounding is not None:
        due += totals.rounding
    if totals.tip is not None:
        due += totals.tip
    if due != totals.grand:
        finer = (*map(_NET, lines), *(tax.tax_amount for line in lines for tax in line.tax))
        slack = _slack(unit, tolerance, finer)
        _agree("TRAN_OUT_OF_BALANCE", "totals.grand", due, totals.grand, slack, found)
    if totals.net is not None and totals.net != net:
        slack = _slack(unit, tolerance, map(_NET, lines))
        _agree("HEADER_NET", "totals.net", net, totals.net, slack, found)
    if totals.gross is not None:
        amounts = list(map(_GROSS, lines))
        _check_total("HEADER_GROSS", "totals.gross", totals.gross, amounts, unit, tolerance, found)
    if totals.discount is not None:
        amounts = list(filter(None, map(_DISCOUNT, lines)))
        path = "totals.discount"
        _check_total("HEADER_DISCOUNT", path, totals.discount, amounts, unit, tolerance, found)


def _check_header(
    message: Any, unit: Decimal, tolerance: Decimal | None, found: list[Finding]
) -> None:
    """Test the totals of a receipt that lists no lines against one another."""
    totals = message.totals
    added = _added_tax(message, [])
    due = _total(totals.net, added, totals.rounding, totals.tip)
    slack = _slack(unit, tolerance, (totals.net, added))
    _agree("HEADER_NET_PLUS_TAX", "totals.grand", due, totals.grand, slack, found)


def _check_total(
    rule: str,
    path: str,
    stated: Decimal,
    amounts: list[Decimal],
    unit: Decimal,
    tolerance: Decimal | None,
    found: list[Finding],
) -> None:
    total = sum(amounts, _ZERO)
    if total != stated:
        _agree(rule, path, total, stated, _slack(unit, tolerance, amounts), found)


def _added_tax(message: Any, lines: list[Line]) -> Decimal:
    """Return the tax that comes on top of the lines.

    The receipt's own taxes say it best, being rounded as printed; then the lines' taxes; and where
    the source lists neither, the tax total of a receipt with prices before tax.
    """
    included = bool(message.tax_included)
    if message.taxes:
        return _sum_of_added(message.taxes, included)
    taxes = [tax for line in lines for tax in line.tax]
    if taxes:
        return _sum_of_added(taxes, included)
    return _ZERO if included else message.totals.tax or _ZERO


def _sum_of_added(taxes: Iterable[LineTax], included: bool) -> Decimal:
    return sum(
        [
            tax.tax_amount
            for tax in taxes
            if not (included if tax.included is None else tax.included)
        ],
        _ZERO,
    )


def _check_taxes(
    message: Any,
    lines: list[Line],
    unit: Decimal,
    tolerance: Decimal | None,
    found: list[Finding],
) -> None:
    """Test invariant c: the lines' taxes, and the receipt's, each against the tax total."""
    stated = message.totals.tax
    if stated is None:
        return
    of_lines = [tax.tax_amount for line in lines for tax in line.tax]
    for path, amounts in (("lines", of_lines), ("taxes", list(map(_TAX_AMOUNT, message.taxes)))):
        total = sum(amounts, _ZERO)
        if amounts and total != stated:
            slack = unit / 2 * len(amounts) if tolerance is None else tolerance
            _agree("LINE_TAX_SUM", path, stated, total, slack, found)


def _check_tenders(
    message: Any, unit: Decimal, tolerance: Decimal | None, found: list[Finding]
) -> None:
    """Test the tenders' side of invariant a, invariant h, and that amounts can be paid."""
    totals, tenders = message.totals, message.tenders
    paid = sum(map(_AMOUNT, tenders), _ZERO)
    if paid != totals.grand:
        _agree("TRAN_OUT_OF_BALANCE", "tenders", totals.grand, paid, tolerance, found)
    for name, carried_by in _CARRIED.items():
        carried = [amount for amount in map(carried_by, tenders) if amount is not None]
        if carried:
            stated = getattr(totals, name) or _ZERO
            total = sum(carried, _ZERO)
            _agree("CURRENCY_ROUNDING", f"totals.{name}", total, stated, tolerance, found)
    for index, tender in enumerate(tenders):
        if tender.tendered_amount is not None and paid == totals.grand:
            _check_payment(index, tender, tolerance, found)
        if tender.amount % unit:
            found.append(_off_unit(f"tenders[{index}].amount", tender.amount, unit))
    if totals.grand % unit:
        found.append(_off_unit("totals.grand", totals.grand, unit))


def _check_payment(
    index: int, tender: Tender, tolerance: Decimal | None, found: list[Finding]
) -> None:
    """Test what was handed over against what was paid, in the receipt's own money."""
    if tender.foreign is None and tender.amount > 0:
        kept = (tender.tendered_amount or _ZERO) - (tender.change_amount or _ZERO)
        path = f"tenders[{index}].amount"
        _agree("UNDER_OVER_PAYMENT", path, kept, tender.amount, tolerance, found)


def _off_unit(path: str, amount: Decimal, unit: Decimal) -> Finding:
    return _finding("CURRENCY_ROUNDING", path, f"a multiple of {unit}", amount)


def _check_settlement(message: TillSettlement, tolerance: Decimal | None) -> list[Finding]:
    """Test invariant g. That a till is short is no breach; that it says so wrongly is."""
    found = _check_currency(message.currency)
    for index, count in enumerate(message.tenders):
        path = f"tenders[{index}]"
        if count.expected is not None and count.opening is not None and count.sales is not None:
            added = _total(count.opening, count.sales, count.paid_in, count.loans)
            taken = _total(count.returns, count.paid_out, count.pickups, count.deposits)
            due = added - taken
            _agree("OVER_SHORT", f"{path}.expected", due, count.expected, tolerance, found)
        if count.counted is not None and count.expected is not None:
            over = count.counted - count.expected
            stated = count.over_short
            if stated is not None:
                _agree("OVER_SHORT", f"{path}.over_short", over, stated, tolerance, found)
    return found


def _check_payout(message: Settlement, tolerance: Decimal | None) -> list[Finding]:
    """Test invariant i: each entry, and the entries against the payout."""
    found = _check_currency(message.currency)
    for index, entry in enumerate(message.entries):
        due = entry.gross - (entry.fee or _ZERO)
        _agree("PAYOUT_DIFF", f"entries[{index}].net", due, entry.net, tolerance, found)
    if message.entries:
        total = _total(*(entry.net for entry in message.entries))
        _agree("PAYOUT_DIFF", "net", total, message.net, tolerance, found)
    return found


def _check_currency(currency: str) -> list[Finding]:
    if currency in _UNITS:
        return []
    return [_finding("CURRENCY_UNKNOWN", "currency", "a currency of ISO 4217", currency)]


def _total(*amounts: Decimal | None) -> Decimal:
    return sum((amount for amount in amounts if amount is not None), _ZERO)


def _slack(unit: Decimal, tolerance: Decimal | None, amounts: Iterable[Decimal]) -> Decimal:
    """Return what rounding may explain: half a minor unit for each amount finer than that."""
    if tolerance is not None:
        return tolerance
    return unit / 2 * sum(1 for amount in amounts if amount % unit)


def _agree(
    rule: str,
    path: str,
    expected: Decimal,
    found: Decimal,
    slack: Decimal | None,
    into: list[Finding],
) -> None:
    difference = found - expected
    if difference and abs(difference) > (slack or _ZERO):
        into.append(
            Finding(
                rule=rule,
                severity=RULES[rule].severity,
                path=path,
                expected=str(expected),
                found=str(found),
                difference=difference,
            )
        )


def _finding(rule: str, path: str, expected: str, found: object) -> Finding:
    return Finding(
        rule=rule,
        severity=RULES[rule].severity,
        path=path,
        expected=expected,
        found=str(found),
    )


_CHECKS: dict[type, Callable[[Any, Decimal | None], list[Finding]]] = {
    RetailTransaction: _check_receipt,
    VoidedTransaction: _check_receipt,
    TillSettlement: _check_settlement,
    Settlement: _check_payout,
}
