"""Sells with Square: orders that open, are paid, are corrected and come back, with their payments.

Amounts follow Square's rules: integers in minor units, taxes on top in one shop and inside the
price in the other, a discount on the whole order spread over its lines.
"""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec

from tillway.simulator.goods import GOODS
from tillway.simulator.receipts import half_up
from tillway.simulator.square_account import Json, Location, SquareAccount

TAX_PERCENT = "8.25"
TAX_PER_10_000 = 825
DISCOUNT_PERCENT = 10
TIPS = (0, 0, 0, 100, 250)
CARD_FEE_PER_10_000 = 260


class Shares(msgspec.Struct, frozen=True):
    """How often something out of the ordinary happens to a sale."""

    discounted: float = 0.15
    charged: float = 0.08
    corrected: float = 0.1
    returned: float = 0.05
    cancelled: float = 0.03
    cash: float = 0.3


class SquareTill:
    """The tills of an account; every call makes one more sale or slip."""

    def __init__(self, account: SquareAccount, rng: Random, shares: Shares | None = None) -> None:
        self._account = account
        self._rng = rng
        self._shares = shares or Shares()
        self._open: list[Json] = []
        self._fees: list[Json] = []

    def sell(self, location: Location) -> Json:
        """Make one sale: an open order, its payment, the completed order, and what comes after."""
        rng, shares = self._rng, self._shares
        order = self._account.put("order", self._basket(location))
        if rng.random() < shares.cancelled:
            self._account.put("order", {**order, "state": "CANCELED", "closed_at": self._now()})
            return self.sell(location)
        paid = self._pay(order, location)
        if rng.random() < shares.corrected:
            paid = self._account.put(
                "order", {**paid, "ticket_name": f"pick-up {rng.randint(1, 99)}"}
            )
        if rng.random() < shares.returned:
            self._give_back(paid, location)
        return paid

    def close_drawer(self, location: Location) -> Json:
        """Count the drawer of a shop: 0.30 short."""
        money = _money(location)
        shift = {
            "id": self._account.new_id("SHIFT"),
            "location_id": location.id,
            "state": "CLOSED",
            "opened_at": self._now(),
            "ended_at": self._now(),
            "closed_at": self._now(),
            "opened_cash_money": money(10000),
            "cash_payment_money": money(4350),
            "cash_refunds_money": money(-350),
            "cash_paid_in_money": money(2000),
            "cash_paid_out_money": money(-1000),
            "expected_cash_money": money(15000),
            "closed_cash_money": money(14970),
            "device": {"name": "Counter"},
        }
        return self._account.put("cash_drawer_shift", shift)

    def pay_out(self, location: Location) -> Json:
        """Pay out what the cards of a shop brought since the last time."""
        own = [one for one in self._fees if one["location_id"] == location.id]
        self._fees = [one for one in self._fees if one["location_id"] != location.id]
        payout_id = self._account.new_id("po_")
        self._account.entries[payout_id] = [_entry(one, payout_id, self._account) for one in own]
        net = sum(one["gross"] - one["fee"] for one in own)
        payout = {
            "id": payout_id,
            "location_id": location.id,
            "status": "SENT",
            "amount_money": {"amount": net, "currency_code": location.currency},
            "arrival_date": self._now()[:10],
            "type": "BATCH",
        }
        sent = self._account.put("payout", payout)
        return self._account.put("payout", {**sent, "status": "PAID"})

    def _basket(self, location: Location) -> Json:
        rng = self._rng
        discounted = rng.random() < self._shares.discounted
        lines = [self._line(location, discounted=discounted) for _ in range(rng.randint(1, 5))]
        charges = [_charge(location)] if rng.random() < self._shares.charged else []
        order: Json = {
            "id": self._account.new_id(),
            "location_id": location.id,
            "state": "OPEN",
            "source": {"name": "Point of Sale"},
            "line_items": lines,
            "taxes": [_tax("tax", location, _sum(lines, "total_tax_money"))],
        }
        if charges:
            order["service_charges"] = charges
        if discounted:
            order["discounts"] = [_discount(location, _sum(lines, "total_discount_money"))]
        return {**order, **_totals(order, location, 0)}

    def _line(self, location: Location, *, discounted: bool) -> Json:
        rng, money = self._rng, _money(location)
        item = GOODS[rng.randrange(len(GOODS))]
        pieces = rng.randint(1, 3)
        gross = item.price * pieces
        discount = half_up(gross * DISCOUNT_PERCENT, 100) if discounted else 0
        base = gross - discount
        if location.included:
            tax = base - half_up(base * 10_000, 10_000 + TAX_PER_10_000)
        else:
            tax = half_up(base * TAX_PER_10_000, 10_000)
        line: Json = {
            "uid": self._account.new_id("u"),
            "catalog_object_id": f"CAT{item.code}",
            "name": item.name,
            "item_type": "ITEM",
            "quantity": str(pieces),
            "base_price_money": money(item.price),
            "gross_sales_money": money(gross),
            "total_discount_money": money(discount),
            "total_tax_money": money(tax),
            "total_money": money(base if location.included else base + tax),
            "applied_taxes": [{"uid": "at", "tax_uid": "tax", "applied_money": money(tax)}],
        }
        if discounted:
            line["applied_discounts"] = [
                {"uid": "ad", "discount_uid": "discount", "applied_money": money(discount)}
            ]
        return line

    def _pay(self, order: Json, location: Location) -> Json:
        rng, money = self._rng, _money(location)
        cash = rng.random() < self._shares.cash
        due = order["total_money"]["amount"]
        tip = 0 if cash else rng.choice(TIPS)
        payment = self._account.put("payment", self._payment(order, due, tip, location, cash=cash))
        tender: Json = {
            "id": payment["id"],
            "payment_id": payment["id"],
            "location_id": location.id,
            "type": "CASH" if cash else "CARD",
            "amount_money": money(due + tip),
            "tip_money": money(tip),
        }
        if cash:
            given = (due // 500 + 1) * 500
            tender["cash_details"] = {
                "buyer_tendered_money": money(given),
                "change_back_money": money(given - due),
            }
        else:
            tender["card_details"] = {**payment["card_details"], "status": "CAPTURED"}
            self._fees.append(_share(payment, location))
        closed = {"state": "COMPLETED", "closed_at": self._now(), "tenders": [tender]}
        done = self._account.put("order", {**order, **closed, **_totals(order, location, tip)})
        self._account.put("payment", {**payment, "status": "COMPLETED"})
        return done

    def _payment(self, order: Json, due: int, tip: int, location: Location, *, cash: bool) -> Json:
        money = _money(location)
        payment: Json = {
            "id": self._account.new_id("pay"),
            "location_id": location.id,
            "order_id": order["id"],
            "status": "APPROVED",
            "source_type": "CASH" if cash else "CARD",
            "amount_money": money(due),
            "tip_money": money(tip),
            "total_money": money(due + tip),
            "receipt_number": order["id"][:4],
        }
        if not cash:
            payment["card_details"] = {
                "status": "AUTHORIZED",
                "entry_method": self._rng.choice(["EMV", "CONTACTLESS", "SWIPED"]),
                "card": {
                    "card_brand": self._rng.choice(["VISA", "MASTERCARD"]),
                    "card_type": self._rng.choice(["CREDIT", "DEBIT"]),
                    "last_4": f"{self._rng.randrange(10_000):04d}",
                    "bin": "541333",
                    "exp_month": 11,
                    "exp_year": 2030,
                    "fingerprint": "sq-1-fake-fingerprint",
                },
            }
        return payment

    def _give_back(self, sold: Json, location: Location) -> None:
        """Return the first line of a sale in an order of its own, with its refund."""
        money, line = _money(location), sold["line_items"][0]
        back = line["total_money"]["amount"]
        tax = line["total_tax_money"]["amount"]
        discount = line["total_discount_money"]["amount"]
        order_id = self._account.new_id()
        amounts = _amounts(location, back, tax, discount)
        refund = {
            "id": f"{sold['tenders'][0]['id']}_{self._account.new_id('r')}",
            "location_id": location.id,
            "payment_id": sold["tenders"][0]["id"],
            "order_id": order_id,
            "status": "PENDING",
            "destination_type": sold["tenders"][0]["type"],
            "amount_money": money(back),
        }
        pending = self._account.put("refund", refund)
        returned = {
            **{
                name: value
                for name, value in line.items()
                if name not in {"uid", "gross_sales_money"}
            },
            "uid": self._account.new_id("u"),
            "source_line_item_uid": line["uid"],
            "gross_return_money": line["gross_sales_money"],
        }
        order: Json = {
            "id": order_id,
            "location_id": location.id,
            "state": "COMPLETED",
            "closed_at": self._now(),
            "returns": [
                {
                    "uid": self._account.new_id("u"),
                    "source_order_id": sold["id"],
                    "return_line_items": [returned],
                    "return_taxes": [_tax("tax", location, tax)],
                    "return_discounts": [_discount(location, discount)],
                    "return_amounts": amounts,
                }
            ],
            "return_amounts": amounts,
            "net_amounts": _amounts(location, -back, -tax, -discount),
            "total_money": money(0),
            "refunds": [
                {
                    "id": refund["id"],
                    "tender_id": sold["tenders"][0]["id"],
                    "amount_money": money(back),
                    "status": "APPROVED",
                }
            ],
        }
        self._account.put("order", order)
        self._account.put("refund", {**pending, "status": "COMPLETED"})

    def _now(self) -> str:
        return self._account.now()


def _share(payment: Json, location: Location) -> Json:
    gross = payment["total_money"]["amount"]
    fee = half_up(gross * CARD_FEE_PER_10_000, 10_000)
    return {"location_id": location.id, "payment_id": payment["id"], "gross": gross, "fee": fee}


def _entry(share: Json, payout_id: str, account: SquareAccount) -> Json:
    def money(amount: int) -> Json:
        return {"amount": amount, "currency_code": "USD"}

    return {
        "id": account.new_id("poe_"),
        "payout_id": payout_id,
        "effective_at": account.now(),
        "type": "CHARGE",
        "gross_amount_money": money(share["gross"]),
        "fee_amount_money": money(share["fee"]),
        "net_amount_money": money(share["gross"] - share["fee"]),
        "type_charge_details": {"payment_id": share["payment_id"]},
    }


def _charge(location: Location) -> Json:
    money = _money(location)
    return {
        "uid": "charge",
        "name": "Gift wrapping",
        "amount_money": money(150),
        "applied_money": money(150),
        "total_money": money(150),
        "total_tax_money": money(0),
        "calculation_phase": "TOTAL_PHASE",
        "treatment_type": "LINE_ITEM_TREATMENT",
        "taxable": False,
    }


def _tax(uid: str, location: Location, amount: int) -> Json:
    return {
        "uid": uid,
        "catalog_object_id": "CATTAX",
        "name": "Sales tax",
        "type": "INCLUSIVE" if location.included else "ADDITIVE",
        "percentage": TAX_PERCENT,
        "scope": "ORDER",
        "applied_money": _money(location)(amount),
    }


def _discount(location: Location, amount: int) -> Json:
    return {
        "uid": "discount",
        "name": "Regulars",
        "type": "FIXED_PERCENTAGE",
        "percentage": str(DISCOUNT_PERCENT),
        "scope": "ORDER",
        "applied_money": _money(location)(amount),
    }


def _totals(order: Json, location: Location, tip: int) -> Json:
    lines, charges = order["line_items"], order.get("service_charges", [])
    service = _sum(charges, "total_money")
    tax, discount = _sum(lines, "total_tax_money"), _sum(lines, "total_discount_money")
    total = _sum(lines, "total_money") + service + tip
    money = _money(location)
    return {
        "total_money": money(total),
        "total_tax_money": money(tax),
        "total_discount_money": money(discount),
        "total_tip_money": money(tip),
        "total_service_charge_money": money(service),
        "net_amounts": _amounts(location, total, tax, discount, tip, service),
    }


def _amounts(
    location: Location, total: int, tax: int, discount: int, tip: int = 0, service: int = 0
) -> Json:
    money = _money(location)
    return {
        "total_money": money(total),
        "tax_money": money(tax),
        "discount_money": money(discount),
        "tip_money": money(tip),
        "service_charge_money": money(service),
    }


def _sum(lines: list[Json], name: str) -> int:
    return sum(line[name]["amount"] for line in lines)


def _money(location: Location) -> Any:
    def of(amount: int) -> Json:
        return {"amount": amount, "currency": location.currency}

    return of
