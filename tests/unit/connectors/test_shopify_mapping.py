"""What becomes of Shopify's objects, on orders of our own and on everything the fake shop does."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tillway.connectors.shopify.records import lost_record, order_records, payout_record
from tillway.journal.base import Candidate, Invalid
from tillway.simulator.shopify_shop import FIRST_ORDER
from vendors.shopify_desk import Desk, parts_of
from vendors.shopify_fake import FakeShopify


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Give a desk with the tables of the template."""
    return Desk(tmp_path / "project")


def sold(**changes: Any) -> dict[str, Any]:
    """Return one paid order of the web shop: 20.00 for goods, 1.60 tax, 4.95 for shipping."""
    tax = [{"title": "State Tax", "rate": 0.08, "price": "1.60"}]
    line = {
        "id": 1,
        "title": "Lantern",
        "sku": "LAN-1",
        "price": "10.00",
        "quantity": 2,
        "total_discount": "0.00",
        "discount_allocations": [],
        "tax_lines": tax,
    }
    shipping = {"id": 2, "title": "Parcel", "price": "4.95", "tax_lines": []}
    return {
        "id": FIRST_ORDER,
        "order_number": 1001,
        "created_at": "2026-11-20T23:30:00-05:00",
        "updated_at": "2026-11-21T10:00:00-05:00",
        "currency": "USD",
        "financial_status": "paid",
        "location_id": None,
        "source_name": "web",
        "taxes_included": False,
        "test": False,
        "total_line_items_price": "20.00",
        "total_discounts": "0.00",
        "subtotal_price": "20.00",
        "total_tax": "1.60",
        "total_price": "26.55",
        "tax_lines": tax,
        "line_items": [line],
        "shipping_lines": [shipping],
        "refunds": [],
        **changes,
    }


def paid(kind: str = "sale", amount: str = "26.55", **changes: Any) -> dict[str, Any]:
    """Return one transaction."""
    return {
        "id": 14_700_000_000_003,
        "kind": kind,
        "status": "success",
        "gateway": "shopify_payments",
        "amount": amount,
        "currency": "USD",
        "created_at": "2026-11-20T23:30:01-05:00",
        **changes,
    }


def records(order: dict[str, Any], *transactions: dict[str, Any]) -> list[bytes]:
    """Return the records of an order."""
    return order_records(parts_of(order), [parts_of(one) for one in transactions])


def test_everything_the_fake_shop_does_adds_up(desk: Desk, tmp_path: Path) -> None:
    """Every life of an order gives messages without a finding, and their sum is the shop's own."""
    fake = FakeShopify(tmp_path)
    while fake.shop.step(200):
        pass
    amounts: dict[str, str] = {}
    types = set()
    for number, order in fake.shop.orders.items():
        for record in records(order, *fake.shop.transactions[number]):
            kind, message, findings = desk.message(record)
            types.add(kind)
            assert findings == [], (kind, message)
            if kind == "retail_transaction.completed":
                amounts[message["object_id"]] = message["totals"]["grand"]
    truth = {name: Decimal(amount) for name, amount in fake.shop.truth.items()}
    assert {name: Decimal(amount) for name, amount in amounts.items()} == truth
    assert types == {"retail_transaction.completed", "control.recorded", "payment.updated"}


def test_a_payout_of_the_fake_shop_adds_up(desk: Desk, tmp_path: Path) -> None:
    """Gross minus fee is net for every entry and for the payout, and charges name payments."""
    fake = FakeShopify(tmp_path)
    while fake.shop.step(30):
        pass
    payout = fake.shop.pay_out("2026-11-21")
    record = payout_record(parts_of(payout), [parts_of(one) for one in fake.shop.balance])
    _, message, findings = desk.message(record)
    assert findings == []
    assert Decimal(message["gross"]) - Decimal(message["fee"]) == Decimal(message["net"])
    payments = {str(one["id"]) for many in fake.shop.transactions.values() for one in many}
    assert {one["psp_reference"] for one in message["entries"]} <= payments


def test_long_numbers_stay_whole(desk: Desk) -> None:
    """Numbers of today's length pass a card's check digit once in ten, and must not be cut."""
    for number in range(FIRST_ORDER, FIRST_ORDER + 50):
        transaction = paid(id=number)
        first, last = records(sold(id=number), transaction)
        _, order, _ = desk.message(first)
        _, payment, _ = desk.message(last)
        assert order["object_id"] == f"Order/{number}"
        assert order["tenders"][0]["payment_ref"] == payment["psp_reference"] == str(number)
        assert payment["natural_key"] == f"Order/{number}"


def test_an_order_is_mapped_field_by_field(desk: Desk) -> None:
    """Date, unit, lines, fee line, tax and tender of a plain order of the web shop."""
    kind, message, findings = desk.message(records(sold(), paid())[0])
    assert (kind, findings) == ("retail_transaction.completed", [])
    assert message["business_unit_id"] == "web"
    assert message["business_date"] == "2026-11-20"
    assert message["revision"] == 1_795_273_200
    assert message["channel"] == "web"
    assert message["totals"] == {
        "grand": "26.55",
        "gross": "24.95",
        "discount": "0.00",
        "net": "24.95",
        "tax": "1.60",
    }
    goods, fee = message["lines"]
    assert (goods["line_type"], goods["net_amount"], goods["quantity"]) == ("sale", "20.00", "2")
    assert goods["tax"][0]["rate"] == "8"
    assert (fee["line_type"], fee["net_amount"], fee["item"]["item_id"]) == (
        "fee",
        "4.95",
        "shipping",
    )
    assert message["tenders"][0]["tender_type"] == "credit"


def test_an_order_of_a_till_belongs_to_its_shop(desk: Desk) -> None:
    """The location is looked up; one that is not listed is quarantined with its number."""
    order = sold(location_id=487838322, source_name="pos")
    _, message, _ = desk.message(records(order, paid())[0])
    assert (message["business_unit_id"], message["channel"]) == ("0007", "store")
    item = desk.take(records(sold(location_id=99), paid())[0])
    assert isinstance(item, Invalid)
    assert b"shopify_store" in item.violations


def test_a_discount_stands_on_its_line_with_its_reason(desk: Desk) -> None:
    """What is allocated to a line is its discount, and the parts of it are its modifiers."""
    order = sold(total_discounts="2.00", subtotal_price="18.00", total_price="24.55")
    order["line_items"][0]["discount_allocations"] = [{"amount": "1.50"}, {"amount": "0.50"}]
    _, message, findings = desk.message(records(order, paid(amount="24.55"))[0])
    line = message["lines"][0]
    assert findings == []
    assert (line["discount_amount"], line["net_amount"]) == ("2.00", "18.00")
    assert [one["amount"] for one in line["price_modifiers"]] == ["1.50", "0.50"]


def test_tips_rounding_and_change(desk: Desk) -> None:
    """A tip is no goods, rounding is what the customer pays less, change is handed back."""
    order = sold(
        total_tip_received="2.00",
        total_price="28.55",
        total_cash_rounding_payment_adjustment_set={
            "shop_money": {"amount": "-0.05", "currency_code": "USD"}
        },
    )
    tip = {"title": "Tip", "price": "2.00", "quantity": 1, "tip_payment_gateway": "cash"}
    order["line_items"].append(tip)
    _, message, findings = desk.message(
        records(
            order, paid(amount="30.00", gateway="cash"), paid("change", "1.50", gateway="cash")
        )[0]
    )
    assert findings == []
    assert len(message["lines"]) == 2
    assert message["totals"]["tip"] == "2.00"
    assert (message["totals"]["rounding"], message["totals"]["grand"]) == ("-0.05", "28.50")
    assert [one["amount"] for one in message["tenders"]] == ["30.00", "-1.50"]


def test_prices_that_hold_their_tax(desk: Desk) -> None:
    """With `taxes_included` the tax is inside, on the line and on the whole."""
    order = sold(taxes_included=True, total_price="24.95")
    _, message, findings = desk.message(records(order, paid(amount="24.95"))[0])
    assert findings == []
    assert message["tax_included"] is True
    assert (message["taxes"][0]["tax_type"], message["taxes"][0]["included"]) == ("vat", True)


@pytest.mark.parametrize("status", ["pending", "partially_paid"])
def test_an_order_that_is_not_paid_is_no_sale(desk: Desk, status: str) -> None:
    """It is known, with its revision, and stands for no money."""
    kind, message, _ = desk.message(records(sold(financial_status=status))[0])
    assert kind == "control.recorded"
    assert (message["object_id"], message["control_type"]) == (f"Order/{FIRST_ORDER}", "suspended")
    assert message["revision"] == 1_795_273_200


def test_an_order_that_came_to_nothing_takes_itself_back(desk: Desk) -> None:
    """The same object, higher revision, lines voided, amounts zero."""
    order = sold(financial_status="voided")
    kind, message, findings = desk.message(records(order, paid("authorization"), paid("void"))[0])
    assert (kind, findings) == ("retail_transaction.completed", [])
    assert message["object_id"] == f"Order/{FIRST_ORDER}"
    assert message["totals"]["grand"] == "0.00"
    assert all(line["voided"] for line in message["lines"])
    assert "tenders" not in message


def test_a_later_transaction_waits_for_the_version_it_belongs_to(desk: Desk) -> None:
    """What is younger than the order's last change is not in this version of it."""
    later = paid(id=2, created_at="2026-11-21T10:00:01-05:00")
    assert len(records(sold(), paid(), later)) == 2
    _, message, _ = desk.message(records(sold(), paid(), later)[0])
    assert len(message["tenders"]) == 1


def refund(**changes: Any) -> dict[str, Any]:
    """Return a refund of one of the two pieces of the order."""
    line = sold()["line_items"][0]
    return {
        "id": 9,
        "created_at": "2026-11-21T09:00:00-05:00",
        "refund_line_items": [
            {
                "id": 8,
                "quantity": 1,
                "restock_type": "return",
                "subtotal": "10.00",
                "total_tax": "0.80",
                "line_item": line,
            }
        ],
        "order_adjustments": [],
        "transactions": [paid("refund", "10.80", id=7)],
        **changes,
    }


def test_a_refund_is_a_document_of_its_own(desk: Desk) -> None:
    """It is negative, linked to its order, and balances by itself."""
    order = sold(financial_status="partially_refunded", refunds=[refund()])
    _, message, findings = desk.message(records(order, paid())[1])
    assert findings == []
    assert message["object_id"] == "Refund/9"
    assert message["totals"] == {"grand": "-10.80", "net": "-10.00", "tax": "-0.80"}
    line = message["lines"][0]
    assert (line["quantity"], line["net_amount"]) == ("-1", "-10.00")
    assert line["original"]["natural_key"] == f"Order/{FIRST_ORDER}"
    assert line["disposition"] == "return_to_stock"


def test_adjustments_of_a_refund_are_lines(desk: Desk) -> None:
    """Shipping given back is a fee that is negative, goods kept one that is not."""
    adjustments = [
        {"id": 1, "amount": "-4.95", "tax_amount": "0.00", "kind": "shipping_refund"},
        {"id": 2, "amount": "3.00", "tax_amount": "0.00", "kind": "refund_discrepancy"},
    ]
    back = refund(order_adjustments=adjustments, transactions=[paid("refund", "12.75", id=7)])
    _, message, findings = desk.message(records(sold(refunds=[back]), paid())[1])
    assert findings == []
    assert [(one["line_type"], one["net_amount"], one["quantity"]) for one in message["lines"]] == [
        ("return", "-10.00", "-1"),
        ("fee", "-4.95", "-1"),
        ("fee", "3.00", "1"),
    ]


def money_set(amount: str) -> dict[str, Any]:
    """Return an amount as newer answers write it, in two currencies."""
    return {"shop_money": {"amount": amount}, "presentment_money": {"amount": "999.00"}}


def test_shipping_that_is_said_twice_counts_once(desk: Desk) -> None:
    """Newer answers list it beside the adjustments, amounts only as sets, without the goods."""
    line = {
        "id": 8,
        "line_item_id": 1,
        "quantity": 1,
        "subtotal_set": money_set("10.00"),
        "total_tax_set": money_set("0.80"),
    }
    shipping = {"id": 5, "subtotal_amount_set": money_set("4.95")}
    adjustment = {"id": 1, "reason": "Shipping refund", "amount_set": money_set("-4.95")}
    for adjustments in ([adjustment], [{**adjustment, "kind": "shipping_refund"}], []):
        back = refund(
            refund_line_items=[line],
            refund_shipping_lines=[shipping],
            order_adjustments=adjustments,
            transactions=[paid("refund", "15.75", id=7)],
        )
        _, message, findings = desk.message(records(sold(refunds=[back]), paid())[1])
        assert findings == []
        assert [one["net_amount"] for one in message["lines"]] == ["-10.00", "-4.95"]
        assert message["lines"][0]["item"]["item_id"] == "LAN-1"


def test_more_than_the_goods_may_come_back(desk: Desk) -> None:
    """A sum given back for damage, without any goods, is an adjustment alone."""
    adjustment = {"id": 1, "reason": "damage", "amount_set": money_set("-5.00")}
    back = refund(
        refund_line_items=[],
        refund_shipping_lines=[],
        order_adjustments=[adjustment],
        transactions=[paid("refund", "5.00", id=7)],
    )
    _, message, findings = desk.message(records(sold(refunds=[back]), paid())[1])
    assert findings == []
    assert message["totals"]["grand"] == "-5.00"
    assert message["lines"][0]["reason_code"] == "refund_discrepancy"


def test_a_refund_waits_for_its_money(desk: Desk) -> None:
    """While one of its transactions is pending it is not taken; when it failed it is no return."""
    pending = refund(transactions=[paid("refund", "10.80", id=7, status="pending")])
    assert len(records(sold(refunds=[pending]), paid())) == 2
    failed = refund(transactions=[paid("refund", "10.80", id=7, status="failure")])
    kind, message, _ = desk.message(records(sold(refunds=[failed]), paid())[1])
    assert (kind, message["control_type"]) == ("control.recorded", "other")
    assert message["link"]["natural_key"] == f"Order/{FIRST_ORDER}"


@pytest.mark.parametrize(
    ("kind", "status", "expected", "amount"),
    [
        ("authorization", "success", "authorized", "26.55"),
        ("capture", "success", "captured", "26.55"),
        ("void", "success", "cancelled", "26.55"),
        ("refund", "success", "refunded", "-26.55"),
        ("sale", "failure", "declined", "26.55"),
    ],
)
def test_each_transaction_is_a_step_of_a_payment(
    desk: Desk, kind: str, status: str, expected: str, amount: str
) -> None:
    """Kind and status together say which step it is; what goes out is negative."""
    _, message, _ = desk.message(records(sold(), paid(kind, status=status))[-1])
    assert (message["status"], message["amount"]) == (expected, amount)


def test_an_unknown_gateway_is_quarantined(desk: Desk) -> None:
    """The answer names the table; a row there lets the order through."""
    item = desk.take(records(sold(), paid(gateway="mooncoin"))[0])
    assert isinstance(item, Invalid)
    assert b"shopify_tender" in item.violations
    assert item.natural_key == f"Order/{FIRST_ORDER}"


def test_what_is_lost_stands_in_quarantine(desk: Desk) -> None:
    """No table takes it, so it stays in sight until somebody decides."""
    item = desk.take(lost_record("Order/7", "Shopify no longer knows it"))
    assert isinstance(item, Invalid)
    assert b"no_mapping" in item.violations


def test_a_test_order_has_no_money(desk: Desk) -> None:
    """Orders of Shopify's test gateway count as training."""
    item = desk.take(records(sold(test=True), paid())[0])
    assert isinstance(item, Candidate)
    assert (item.envelope.training, item.envelope.amount_minor) == (True, None)
