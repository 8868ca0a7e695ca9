"""A Shopify shop that sells: seeded orders with their lives, and what must be in the books of it.

Written from the vendor's documentation of the REST Admin API. Surprising: `updated_at` counts whole
seconds, as Shopify's does, so an order may change twice under one time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Literal

import msgspec

Action = Literal["pay", "capture", "void", "fulfil", "note", "refund_part", "refund_all"]
Told = Callable[[str, dict[str, Any]], None]
"""Called with a topic and the object, for every change that a webhook would tell of."""

FIRST_ORDER = 5_600_000_000_017
FIRST_CHILD = 14_700_000_000_003
NUMBER_STEP = 32_769
OPEN_ORDERS = 400
TAX_PERCENT = 8
SHIPPING = Decimal("4.95")
TIP = Decimal("2.00")
LOCATION = 487_838_322
PRICES = tuple(Decimal(text) for text in ("3.50", "7.25", "12.00", "19.99", "48.00", "129.95"))
CENT = Decimal("0.01")
LIVES: tuple[tuple[int, str, tuple[Action, ...]], ...] = (
    (42, "paid", ("fulfil",)),
    (8, "paid", ("note", "note", "fulfil")),
    (8, "paid", ("fulfil", "refund_part", "note")),
    (4, "paid", ("refund_all",)),
    (3, "paid", ("fulfil", "refund_part", "refund_part")),
    (14, "authorized", ("capture", "fulfil")),
    (4, "authorized", ("note", "capture", "refund_part")),
    (5, "authorized", ("void",)),
    (6, "pending", ("pay", "fulfil")),
    (3, "pending", ("note",)),
    (3, "pending", ("void",)),
)
"""Of a hundred orders: how many begin in this state, and what happens to them."""


class _Life(msgspec.Struct):
    order: dict[str, Any]
    actions: list[Action]


@dataclass(slots=True)
class ShopifyShop:
    """One shop. now gives seconds since 1970; tell hears of every change.

    truth: what a set of books must hold in the end, name of the object -> amount as text; an order
    that came to nothing stands there with 0.00, one that is not paid does not.
    """

    seed: int
    now: Callable[[], float]
    tell: Told
    orders: dict[int, dict[str, Any]] = field(default_factory=dict)
    transactions: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    payouts: list[dict[str, Any]] = field(default_factory=list)
    balance: list[dict[str, Any]] = field(default_factory=list)
    _rng: Random = field(init=False)
    _open: list[_Life] = field(default_factory=list)
    _numbers: int = 0

    def __post_init__(self) -> None:
        self._rng = Random(self.seed)

    @property
    def truth(self) -> dict[str, str]:
        """Return what the books must hold."""
        found: dict[str, str] = {}
        for number, order in self.orders.items():
            status = order["financial_status"]
            if status == "voided":
                found[f"Order/{number}"] = "0.00"
            elif status != "pending":
                found[f"Order/{number}"] = order["total_price"]
            for refund in order["refunds"]:
                paid = sum(Decimal(one["amount"]) for one in refund["transactions"])
                found[f"Refund/{refund['id']}"] = str(-paid)
        return found

    def step(self, orders: int) -> bool:
        """Let one thing happen; False when so many orders were sold and all their lives ended."""
        more = len(self.orders) < orders
        if more and (len(self._open) < OPEN_ORDERS or self._rng.random() < 1 / 3):
            self._sell()
        elif self._open:
            life = self._open[self._rng.randrange(len(self._open))]
            self._act(life)
        else:
            return False
        return True

    def pay_out(self, payout_day: str) -> dict[str, Any]:
        """Pay out everything that was captured and not paid out yet; returns the payout."""
        number = self._next(FIRST_CHILD)
        paid = {one["source_order_transaction_id"] for one in self.balance}
        entries = [
            self._entry(number, one)
            for transactions in self.transactions.values()
            for one in transactions
            if one["kind"] in {"sale", "capture", "refund"} and one["id"] not in paid
        ]
        charges = [one for one in entries if one["type"] == "charge"]
        refunds = [one for one in entries if one["type"] == "refund"]
        net = _sum(entries, "net")
        payout = {
            "id": number,
            "status": "paid",
            "date": payout_day,
            "currency": "USD",
            "amount": net,
            "summary": {
                "charges_gross_amount": _sum(charges, "amount"),
                "charges_fee_amount": _sum(charges, "fee"),
                "refunds_gross_amount": _sum(refunds, "amount"),
                "refunds_fee_amount": _sum(refunds, "fee"),
            },
        }
        self.balance += entries
        self.payouts.append(payout)
        return payout

    def _sell(self) -> None:
        _, status, actions = self._rng.choices(LIVES, [share for share, _, _ in LIVES])[0]
        order = self._new_order(status)
        number = order["id"]
        self.orders[number] = order
        self.transactions[number] = []
        if status == "paid":
            self._transact(order, "sale", order["total_price"])
        elif status == "authorized":
            self._transact(order, "authorization", order["total_price"])
        self._open.append(_Life(order, list(actions)))
        self.tell("orders/create", order)

    def _act(self, life: _Life) -> None:
        order, action = life.order, life.actions.pop(0)
        if not life.actions:
            self._open.remove(life)
        match action:
            case "pay":
                self._transact(order, "sale", order["total_price"])
                order["financial_status"] = "paid"
            case "capture":
                self._transact(order, "capture", order["total_price"])
                order["financial_status"] = "paid"
            case "void":
                if order["financial_status"] == "authorized":
                    self._transact(order, "void", order["total_price"])
                order["financial_status"] = "voided"
                order["cancelled_at"] = self._time()
            case "fulfil":
                order["fulfillment_status"] = "fulfilled"
            case "note":
                order["note"] = f"note {self._rng.randrange(1000)}"
            case _:
                self._refund(order, whole=action == "refund_all")
        order["updated_at"] = self._time()
        self.tell("orders/updated", order)

    def _refund(self, order: dict[str, Any], *, whole: bool) -> None:
        """Give goods back, and with the whole order its shipping and its tip."""
        given = {
            line["line_item_id"]
            for refund in order["refunds"]
            for line in refund["refund_line_items"]
        }
        left = [line for line in order["line_items"] if line["id"] not in given]
        if not left:
            return
        lines = [self._refund_line(line) for line in (left if whole else left[:1])]
        amount = sum(
            (Decimal(one["subtotal"]) + Decimal(one["total_tax"]) for one in lines), Decimal()
        )
        extra = Decimal(order["total_price"]) - amount if whole else Decimal()
        adjustments = []
        if extra:
            adjustments = [
                {
                    "id": self._next(FIRST_CHILD),
                    "amount": str(-extra),
                    "tax_amount": "0.00",
                    "kind": "shipping_refund",
                    "reason": "Shipping refund",
                }
            ]
        transaction = self._transact(order, "refund", str(amount + extra))
        refund = {
            "id": self._next(FIRST_CHILD),
            "order_id": order["id"],
            "created_at": self._time(),
            "processed_at": self._time(),
            "note": "the customer, Bob Norman, changed his mind",
            "refund_line_items": lines,
            "order_adjustments": adjustments,
            "transactions": [transaction],
        }
        order["refunds"].append(refund)
        order["financial_status"] = "refunded" if whole else "partially_refunded"
        self.tell("refunds/create", refund)

    def _new_order(self, status: str) -> dict[str, Any]:
        rng = self._rng
        number, at_till = self._next(FIRST_ORDER), rng.random() < 0.2
        lines = [self._new_line() for _ in range(rng.randint(1, 4))]
        shipping = Decimal() if at_till else SHIPPING
        tip = TIP if at_till and rng.random() < 0.3 else Decimal()
        goods = sum((Decimal(one["price"]) * one["quantity"] for one in lines), Decimal())
        discount = sum((Decimal(one["total_discount"]) for one in lines), Decimal())
        tax = sum((Decimal(one["tax_lines"][0]["price"]) for one in lines), Decimal())
        net = goods - discount
        moment = self._time()
        return {
            "id": number,
            "order_number": 1000 + len(self.orders) + 1,
            "name": f"#{1000 + len(self.orders) + 1}",
            "created_at": moment,
            "processed_at": moment,
            "updated_at": moment,
            "cancelled_at": None,
            "currency": "USD",
            "financial_status": status,
            "fulfillment_status": None,
            "location_id": LOCATION if at_till else None,
            "source_name": "pos" if at_till else "web",
            "taxes_included": False,
            "test": False,
            "total_line_items_price": str(goods),
            "total_discounts": str(discount),
            "subtotal_price": str(net),
            "total_tax": str(tax),
            "total_tip_received": str(tip),
            "total_price": str(net + shipping + tax + tip),
            "tax_lines": [{"title": "State Tax", "rate": TAX_PERCENT / 100, "price": str(tax)}],
            "line_items": lines,
            "shipping_lines": []
            if at_till
            else [
                {
                    "id": self._next(FIRST_CHILD),
                    "title": "Parcel",
                    "price": str(shipping),
                    "discounted_price": str(shipping),
                    "discount_allocations": [],
                    "tax_lines": [],
                }
            ],
            "discount_applications": [],
            "refunds": [],
            "note": None,
            "email": "bob.norman@example.com",
            "customer": {"first_name": "Bob", "last_name": "Norman", "phone": "555-625-1199"},
        }

    def _new_line(self) -> dict[str, Any]:
        rng = self._rng
        price, quantity = PRICES[rng.randrange(len(PRICES))], rng.randint(1, 3)
        discount = Decimal("1.00") if rng.random() < 0.2 else Decimal("0.00")
        tax = ((price * quantity - discount) * TAX_PERCENT / 100).quantize(CENT)
        return {
            "id": self._next(FIRST_CHILD),
            "variant_id": 39072856 + PRICES.index(price),
            "title": f"Lantern No {PRICES.index(price)}",
            "sku": f"LAN-{PRICES.index(price)}",
            "price": str(price),
            "quantity": quantity,
            "gift_card": False,
            "total_discount": str(discount),
            "discount_allocations": [{"amount": str(discount)}] if discount else [],
            "tax_lines": [{"title": "State Tax", "rate": TAX_PERCENT / 100, "price": str(tax)}],
            "properties": [{"name": "Engraving", "value": "For Bob Norman"}],
        }

    def _refund_line(self, line: dict[str, Any]) -> dict[str, Any]:
        subtotal = Decimal(line["price"]) * line["quantity"] - Decimal(line["total_discount"])
        return {
            "id": self._next(FIRST_CHILD),
            "line_item_id": line["id"],
            "quantity": line["quantity"],
            "restock_type": "return",
            "subtotal": str(subtotal),
            "total_tax": line["tax_lines"][0]["price"],
            "line_item": line,
        }

    def _transact(self, order: dict[str, Any], kind: str, amount: str) -> dict[str, Any]:
        transaction = {
            "id": self._next(FIRST_CHILD),
            "order_id": order["id"],
            "kind": kind,
            "status": "success",
            "gateway": "shopify_payments",
            "amount": amount,
            "currency": "USD",
            "created_at": self._time(),
            "processed_at": self._time(),
            "payment_details": {
                "credit_card_company": "Visa",
                "credit_card_number": "•••• •••• •••• 4242",
            },
        }
        self.transactions[order["id"]].append(transaction)
        self.tell("order_transactions/create", transaction)
        return transaction

    def _entry(self, payout: int, transaction: dict[str, Any]) -> dict[str, Any]:
        refund = transaction["kind"] == "refund"
        amount = Decimal(transaction["amount"]) * (-1 if refund else 1)
        fee = Decimal("0.00") if refund else (amount * 29 / 1000 + Decimal("0.30")).quantize(CENT)
        return {
            "id": self._next(FIRST_CHILD),
            "type": "refund" if refund else "charge",
            "payout_id": payout,
            "payout_status": "paid",
            "currency": "USD",
            "amount": str(amount),
            "fee": str(fee),
            "net": str(amount - fee),
            "source_order_id": transaction["order_id"],
            "source_order_transaction_id": transaction["id"],
            "processed_at": self._time(),
        }

    def _next(self, first: int) -> int:
        self._numbers += 1
        return first + self._numbers * NUMBER_STEP

    def _time(self) -> str:
        """Return the time as Shopify writes it: whole seconds with the shop's offset."""
        moment = datetime.fromtimestamp(int(self.now()), UTC) - timedelta(hours=5)
        return moment.replace(tzinfo=None).isoformat() + "-05:00"


def _sum(entries: list[dict[str, Any]], name: str) -> str:
    return str(sum((Decimal(one[name]) for one in entries), Decimal("0.00")))
