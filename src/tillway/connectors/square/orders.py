"""Normalises one Square order: sale and return lines, charges, taxes and tenders in one shape each.

Amounts stay integers in minor units; what is returned or paid out is negative. Surprising: the net
amount of a line is what Square collects for it without the tax that comes on top, since Square's
gross holds an inclusive tax in Europe and Australia and leaves it out elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Json = Mapping[str, Any]
_NOT_PAID = frozenset({"VOIDED", "FAILED"})
_NOT_REFUNDED = frozenset({"REJECTED", "FAILED"})
_APPORTIONED = "APPORTIONED_TREATMENT"
REFUND_TENDER = "REFUND"
"""Kind of a tender paid back, as far as the order alone tells."""
_UNITS = ("weight", "volume", "length", "area", "time", "generic")


def normalised(order: Json) -> dict[str, Any]:
    """Return lines, taxes, tenders, totals and links of an order, and what kind of sale it is."""
    returns = _tables(order, "returns")
    lines = _sold(order)
    for returned in returns:
        lines += _returned(returned)
    for number, line in enumerate(lines, 1):
        line["line_number"] = number
    taxes = [_tax_total(tax, 1) for tax in _tables(order, "taxes")]
    for returned in returns:
        taxes += [_tax_total(tax, -1) for tax in _tables(returned, "return_taxes")]
    return {
        "transaction_type": _kind(order, returns),
        "currency": _currency(order),
        "tax_included": any(tax["included"] for tax in taxes),
        "lines": lines,
        "taxes": [tax for tax in taxes if tax["amount"] is not None],
        "tenders": _tenders(order, bool(returns)),
        "totals": _totals(order, returns, taxes),
        "origins": [
            {"order_id": returned["source_order_id"]}
            for returned in returns
            if returned.get("source_order_id")
        ],
    }


def minor(record: Json, name: str, sign: int = 1) -> int | None:
    """Return the minor units of one money field, None where it is absent or no whole number."""
    amount = _table(record, name).get("amount")
    return sign * amount if isinstance(amount, int) and not isinstance(amount, bool) else None


def currency_of(money: Json) -> str | None:
    """Return the currency of an amount; payouts call the field `currency_code`."""
    found = money.get("currency") or money.get("currency_code")
    return found if isinstance(found, str) else None


def _kind(order: Json, returns: list[Json]) -> str:
    if not returns:
        return "sale"
    if _tables(order, "line_items"):
        return "exchange"
    return "return" if any(r.get("source_order_id") for r in returns) else "no_receipt_return"


def _currency(order: Json) -> str | None:
    for name in ("net_amounts", "return_amounts"):
        found = currency_of(_table(_table(order, name), "total_money"))
        if found:
            return found
    return currency_of(_table(order, "total_money"))


def _sold(order: Json) -> list[dict[str, Any]]:
    taxes, discounts = _by_uid(order, "taxes"), _by_uid(order, "discounts")
    lines = [_line(line, taxes, discounts, 1) for line in _tables(order, "line_items")]
    return lines + _charges(order, "service_charges", taxes, 1)


def _returned(returned: Json) -> list[dict[str, Any]]:
    taxes, discounts = _by_uid(returned, "return_taxes"), _by_uid(returned, "return_discounts")
    lines = [_line(line, taxes, discounts, -1) for line in _tables(returned, "return_line_items")]
    lines += _charges(returned, "return_service_charges", taxes, -1)
    for line in lines:
        line["origin"] = returned.get("source_order_id")
    return lines


def _line(
    line: Json, taxes: Mapping[str, Json], discounts: Mapping[str, Json], sign: int
) -> dict[str, Any]:
    applied = _applied_taxes(line, taxes, sign)
    discount = minor(line, "total_discount_money", sign) or 0
    net = _less(minor(line, "total_money", sign), _added(applied))
    quantity = line.get("quantity")
    is_card = line.get("item_type") == "GIFT_CARD"
    return {
        "line_type": ("gift_card_sale" if is_card else "sale") if sign > 0 else "return",
        "item_id": line.get("catalog_object_id"),
        "name": _name(line),
        "quantity": f"-{quantity}" if sign < 0 and quantity is not None else quantity,
        "unit": _unit(line),
        "unit_price": minor(line, "base_price_money"),
        "gross": None if net is None else net + discount,
        "discount": discount,
        "net": net,
        "taxes": applied,
        "modifiers": _modifiers(line, discounts, sign),
    }


def _charges(record: Json, name: str, taxes: Mapping[str, Json], sign: int) -> list[dict[str, Any]]:
    """Return service charges as lines; one spread over the items is in their amounts already."""
    charges = []
    for charge in _tables(record, name):
        if charge.get("treatment_type") == _APPORTIONED:
            continue
        applied = _applied_taxes(charge, taxes, sign)
        total = minor(charge, "total_money", sign)
        net = minor(charge, "applied_money", sign) if total is None else total - _added(applied)
        charges.append(
            {
                "line_type": "fee",
                "item_id": charge.get("catalog_object_id"),
                "name": charge.get("name"),
                "quantity": str(sign),
                "gross": net,
                "discount": 0,
                "net": net,
                "taxes": applied,
                "modifiers": [],
            }
        )
    return charges


def _applied_taxes(line: Json, taxes: Mapping[str, Json], sign: int) -> list[dict[str, Any]]:
    """Return the taxes of a line with their rates; a total without a list is one added tax."""
    found = [
        _tax(taxes.get(str(applied.get("tax_uid")), {}), minor(applied, "applied_money", sign))
        for applied in _tables(line, "applied_taxes")
    ]
    found = [tax for tax in found if tax["amount"] is not None]
    total = minor(line, "total_tax_money", sign)
    return found if found or not total else [_tax({}, total)]


def _tax_total(tax: Json, sign: int) -> dict[str, Any]:
    return _tax(tax, minor(tax, "applied_money", sign))


def _tax(tax: Json, amount: int | None) -> dict[str, Any]:
    return {
        "code": tax.get("catalog_object_id"),
        "rate": tax.get("percentage"),
        "included": tax.get("type") == "INCLUSIVE",
        "amount": amount,
    }


def _added(taxes: Iterable[Json]) -> int:
    return sum(tax["amount"] or 0 for tax in taxes if not tax["included"])


def _modifiers(line: Json, discounts: Mapping[str, Json], sign: int) -> list[dict[str, Any]]:
    found = []
    for applied in _tables(line, "applied_discounts"):
        discount = discounts.get(str(applied.get("discount_uid")), {})
        found.append(
            {
                "amount": minor(applied, "applied_money", sign),
                "kind": "reward" if discount.get("reward_ids") else discount.get("type"),
                "id": discount.get("pricing_rule_id") or discount.get("catalog_object_id"),
            }
        )
    return found


def _tenders(order: Json, has_returns: bool) -> list[dict[str, Any]]:
    """Return what was received, and in an order that returns goods what was paid out.

    The order of a plain sale may list later refunds too; their money belongs to the order of the
    return, so it is not counted here.
    """
    found = [_tender(tender) for tender in _tables(order, "tenders") if _is_paid(tender)]
    if has_returns:
        kinds = {str(tender["id"]): tender["type"] for tender in found}
        found += [
            {
                "id": refund.get("id"),
                "type": kinds.get(str(refund.get("tender_id")), REFUND_TENDER),
                "amount": minor(refund, "amount_money", -1),
                "payment_ref": refund.get("id"),
            }
            for refund in _tables(order, "refunds")
            if refund.get("status") not in _NOT_REFUNDED
        ]
    return found


def _is_paid(tender: Json) -> bool:
    return _table(tender, "card_details").get("status") not in _NOT_PAID


def _tender(tender: Json) -> dict[str, Any]:
    card = _table(tender, "card_details")
    details, cash = _table(card, "card"), _table(tender, "cash_details")
    kind = tender.get("type")
    if kind == "CARD" and details.get("card_type") == "DEBIT":
        kind = "CARD_DEBIT"
    return {
        "id": tender.get("id"),
        "type": kind,
        "amount": minor(tender, "amount_money"),
        "tip": minor(tender, "tip_money"),
        "given": minor(cash, "buyer_tendered_money"),
        "change": minor(cash, "change_back_money"),
        "payment_ref": tender.get("payment_id") or tender.get("id"),
        "brand": details.get("card_brand"),
        "last4": details.get("last_4"),
        "entry": card.get("entry_method"),
    }


def _totals(order: Json, returns: list[Json], taxes: list[dict[str, Any]]) -> dict[str, int | None]:
    """Return the totals Square states, sale less return; gross and net follow from them."""
    names = ("total", "tax", "discount", "tip", "service_charge")
    net = _table(order, "net_amounts")
    back = _table(order, "return_amounts")
    stated: dict[str, int | None] = {}
    for name in names:
        amount = minor(net, f"{name}_money")
        if amount is None:
            whole = "total_money" if name == "total" else f"total_{name}_money"
            sale, given_back = minor(order, whole), minor(back, f"{name}_money")
            if sale is not None or given_back is not None:
                amount = (sale or 0) - (given_back or 0)
        stated[name] = amount
    rounding = minor(_table(order, "rounding_adjustment"), "amount_money") or 0
    for returned in returns:
        rounding -= minor(_table(returned, "rounding_adjustment"), "amount_money") or 0
    grand, discount = stated["total"], stated["discount"] or 0
    goods = _less(grand, (stated["tip"] or 0) + rounding + _added(taxes))
    return {
        "grand": grand,
        "tax": stated["tax"] or 0,
        "tip": stated["tip"] or 0,
        "rounding": rounding,
        "discount": discount,
        "net": goods,
        "gross": None if goods is None else goods + discount,
    }


def _name(line: Json) -> str | None:
    names = [line.get("name"), line.get("variation_name")]
    return ", ".join(name for name in names if isinstance(name, str) and name) or None


def _unit(line: Json) -> str:
    """Return the measurement unit as Square spells it; a count of pieces is UNIT."""
    unit = _table(_table(line, "quantity_unit"), "measurement_unit")
    if unit.get("custom_unit"):
        return "CUSTOM"
    return next((unit[f"{kind}_unit"] for kind in _UNITS if unit.get(f"{kind}_unit")), "UNIT")


def _less(amount: int | None, other: int) -> int | None:
    return None if amount is None else amount - other


def _by_uid(record: Json, name: str) -> dict[str, Json]:
    return {str(member.get("uid")): member for member in _tables(record, name)}


def _table(record: Json, name: str) -> Json:
    value = record.get(name)
    return value if isinstance(value, Mapping) else {}


def _tables(record: Json, name: str) -> list[Json]:
    """Return a list of objects; a member that is none becomes empty, which the contract tells."""
    value = record.get(name)
    if not isinstance(value, list):
        return []
    return [member if isinstance(member, Mapping) else {} for member in value]
