"""Neutral records of Square: what no mapping table can work out, and orders in one shape."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tillway.connectors.square.handing import encode_record
from tillway.connectors.square.orders import normalised
from tillway.connectors.square.records import (
    business_date,
    milliseconds,
    order_record,
    payment_record,
    payout_record,
    refund_record,
    shift_record,
)
from tillway.simulator.square_account import LOCATIONS, SquareAccount
from tillway.simulator.square_till import Shares, SquareTill
from vendors.square_seller import Ticks


def usd(amount: int) -> dict[str, Any]:
    """Return an amount as Square writes it."""
    return {"amount": amount, "currency": "USD"}


def line(total: int, tax: int = 0, discount: int = 0, **more: Any) -> dict[str, Any]:
    """Return a line item under the one tax and the one discount of the order."""
    return {
        "uid": "l",
        "name": "Tea",
        "quantity": "2",
        "total_money": usd(total),
        "total_tax_money": usd(tax),
        "total_discount_money": usd(discount),
        "applied_taxes": [{"tax_uid": "t", "applied_money": usd(tax)}],
        "applied_discounts": [{"discount_uid": "d", "applied_money": usd(discount)}],
        **more,
    }


def order(total: int, kind: str = "ADDITIVE", **more: Any) -> dict[str, Any]:
    """Return an order with one tax."""
    tax = {"uid": "t", "type": kind, "percentage": "10", "applied_money": usd(100)}
    discount = {"uid": "d", "type": "FIXED_AMOUNT", "pricing_rule_id": "RULE"}
    return {"id": "O1", "taxes": [tax], "discounts": [discount], "total_money": usd(total), **more}


def test_a_tax_on_top_is_outside_the_line() -> None:
    """ADDITIVE: net is the total without the tax, gross is net and discount."""
    made = normalised(order(1100, line_items=[line(1100, 100, 200)]))
    [first] = made["lines"]
    assert (first["gross"], first["discount"], first["net"]) == (1200, 200, 1000)
    assert first["taxes"] == [{"code": None, "rate": "10", "included": False, "amount": 100}]
    assert first["modifiers"] == [{"amount": 200, "kind": "FIXED_AMOUNT", "id": "RULE"}]
    assert (made["tax_included"], made["totals"]["net"], made["totals"]["grand"]) == (
        False,
        1000,
        1100,
    )


def test_a_tax_inside_the_price_stays_inside() -> None:
    """INCLUSIVE: net is what is collected, whatever Square calls gross in that country."""
    item = line(1100, 100, gross_sales_money=usd(1000))
    made = normalised(order(1100, "INCLUSIVE", line_items=[item]))
    assert (made["lines"][0]["net"], made["lines"][0]["taxes"][0]["included"]) == (1100, True)
    assert (made["tax_included"], made["totals"]["net"]) == (True, 1100)


def test_returned_goods_and_paid_out_money_are_negative() -> None:
    """A return names the order it comes from; its refund is a tender paid out."""
    returned = {
        "source_order_id": "O0",
        "return_line_items": [line(1100, 100)],
        "return_taxes": [{"uid": "t", "type": "ADDITIVE", "applied_money": usd(100)}],
        "rounding_adjustment": {"amount_money": usd(2)},
    }
    refund = {"id": "R1", "tender_id": "T0", "amount_money": usd(1102), "status": "APPROVED"}
    rejected = {**refund, "id": "R2", "status": "REJECTED"}
    amounts = {"total_money": usd(1102), "tax_money": usd(100)}
    made = normalised(
        {"returns": [returned], "refunds": [refund, rejected], "return_amounts": amounts,
         "total_money": usd(0)}
    )  # fmt: skip
    assert (made["transaction_type"], made["origins"]) == ("return", [{"order_id": "O0"}])
    [back] = made["lines"]
    assert (back["line_type"], back["quantity"], back["net"], back["origin"]) == (
        "return", "-2", -1000, "O0",
    )  # fmt: skip
    assert made["tenders"] == [{"id": "R1", "type": "REFUND", "amount": -1102, "payment_ref": "R1"}]
    assert made["totals"] == {
        "grand": -1102, "tax": -100, "tip": 0, "rounding": -2, "discount": 0, "net": -1000,
        "gross": -1000,
    }  # fmt: skip


def test_an_order_that_sells_and_takes_back_is_an_exchange() -> None:
    """Both sides are lines of one receipt; a return without its order is one without receipt."""
    returned = {"return_line_items": [line(500)]}
    assert normalised(order(0, returns=[returned]))["transaction_type"] == "no_receipt_return"
    sold = order(0, returns=[returned], line_items=[line(500)])
    assert normalised(sold)["transaction_type"] == "exchange"


def test_a_refund_listed_on_the_order_of_the_sale_is_not_counted_there() -> None:
    """The money belongs to the order of the return; the sale stays balanced."""
    tender = {"id": "T", "type": "CASH", "amount_money": usd(500)}
    sold = order(
        500, line_items=[line(500)], tenders=[tender], refunds=[{"amount_money": usd(500)}]
    )
    assert [one["amount"] for one in normalised(sold)["tenders"]] == [500]


def test_tips_charges_and_rounding_add_up() -> None:
    """A service charge is a fee line, one spread over the items is not; rounding keeps its sign."""
    charge = {"name": "Wrapping", "applied_money": usd(150), "total_money": usd(150)}
    spread = {**charge, "treatment_type": "APPORTIONED_TREATMENT"}
    made = normalised(
        order(
            1348,
            line_items=[line(1100, 100)],
            service_charges=[charge, spread],
            total_tip_money=usd(100),
            rounding_adjustment={"amount_money": usd(-2)},
        )
    )
    assert [(one["line_type"], one["net"]) for one in made["lines"]] == [
        ("sale", 1000),
        ("fee", 150),
    ]
    totals = made["totals"]
    assert (totals["tip"], totals["rounding"], totals["net"]) == (100, -2, 1150)


def test_tenders_keep_scheme_last_digits_and_change_and_nothing_else() -> None:
    """Debit cards have a code of their own; a voided card brought no money."""
    plastic = {"card_brand": "VISA", "last_4": "1111", "card_type": "DEBIT", "bin": "411111"}
    card = {"status": "CAPTURED", "entry_method": "EMV", "card": plastic}
    cash = {"buyer_tendered_money": usd(1000), "change_back_money": usd(500)}
    made = normalised(
        order(
            1000,
            tenders=[
                {"id": "A", "type": "CARD", "amount_money": usd(500), "card_details": card},
                {"id": "B", "type": "CASH", "amount_money": usd(500), "cash_details": cash},
                {"id": "C", "type": "CARD", "card_details": {"status": "VOIDED"}},
            ],
        )
    )
    paid, coins = made["tenders"]
    assert (paid["type"], paid["brand"], paid["last4"], paid["entry"]) == (
        "CARD_DEBIT", "VISA", "1111", "EMV",
    )  # fmt: skip
    assert "411111" not in str(paid)
    assert (coins["given"], coins["change"]) == (1000, 500)


def test_units_and_gift_cards_are_told_apart() -> None:
    """A weight keeps Square's name for its unit; a gift card that was sold is no goods."""
    unit = {"measurement_unit": {"type": "TYPE_WEIGHT", "weight_unit": "METRIC_KILOGRAM"}}
    custom = {"measurement_unit": {"custom_unit": {"name": "slice"}}}
    items = [
        line(1, quantity_unit=unit),
        line(1, quantity_unit=custom),
        line(1, item_type="GIFT_CARD"),
    ]
    made = normalised(order(3, line_items=items))["lines"]
    assert [one["unit"] for one in made] == ["METRIC_KILOGRAM", "CUSTOM", "UNIT"]
    assert [one["line_type"] for one in made] == ["sale", "sale", "gift_card_sale"]


@pytest.mark.parametrize("share", [Shares(), Shares(1, 1, 1, 1, 0, 0)])
def test_every_order_of_the_fake_adds_up(share: Shares) -> None:
    """Lines, added taxes, tip and rounding are the grand total, and so are the tenders."""
    account = SquareAccount(Random(7), Ticks())
    till = SquareTill(account, Random(8), share)
    for turn in range(80):
        till.sell(LOCATIONS[turn % 2])
    done = [one for one in account.all("order") if one["state"] == "COMPLETED"]
    assert any("returns" in one for one in done)
    for made in map(normalised, done):
        totals = made["totals"]
        assert sum(one["net"] for one in made["lines"]) == totals["net"]
        assert sum(one["gross"] for one in made["lines"]) == totals["gross"]
        assert sum(one["amount"] for one in made["tenders"]) == totals["grand"]


NAMES = (
    "id", "location_id", "line_items", "taxes", "discounts", "service_charges", "returns",
    "refunds", "tenders", "total_money", "net_amounts", "amount", "currency", "uid", "tax_uid",
    "applied_taxes", "quantity", "quantity_unit", "measurement_unit", "card_details",
    "return_line_items", "state", "source_order_id", "closed_at", "updated_at", "version", "type",
    "device", "processing_fee", "tender_id", "gross_amount_money", "type_charge_details",
    "rounding_adjustment",
)  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.datetimes().map(str)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6)
    ),
    max_leaves=30,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), TREES, max_size=10))
def test_whatever_square_sends_becomes_a_record(thing: dict[str, Any]) -> None:
    """No shape of an object makes the poller fall over: the contract is what judges it."""
    for record in (
        order_record(thing, "Europe/Berlin", 4),
        payment_record(thing),
        refund_record(thing),
        payout_record(thing, [thing]),
        shift_record(thing, "L1", "America/New_York"),
    ):
        assert record["kind"]
        encode_record(record)


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"line_items": [None], "taxes": "x", "tenders": [1]},
        {"total_money": {"amount": "12"}, "returns": [[]]},
    ],
)
def test_an_order_of_any_shape_gives_a_record(broken: dict[str, Any]) -> None:
    """Nothing raises: what is missing is left out, and the contract says so."""
    record = order_record(broken, "UTC")
    assert record["totals"]["grand"] is None
    assert record["phase"] == "open"


def test_the_business_day_is_the_shops_own() -> None:
    """The day on the shop's clock, and before the hour at which it begins the day before."""
    night = "2026-11-21T07:30:00Z"
    assert business_date(night, "America/New_York") == "2026-11-21"
    assert business_date(night, "America/New_York", 4) == "2026-11-20"
    assert business_date("soon", "UTC") is None


def test_times_become_versions_that_can_be_ordered() -> None:
    """Milliseconds since 1970, also from times with nine decimals; anything else has none."""
    assert milliseconds("2022-07-13T20:30:59.037339943Z") == 1657744259037
    assert milliseconds(None) is None
    assert (
        order_record({"version": 3, "updated_at": "2026-01-01T00:00:00Z"}, "UTC")["revision"] == 3
    )
    older = order_record({"updated_at": "2026-01-01T00:00:00Z"}, "UTC")["revision"]
    assert older == 1767225600000


def test_names_and_addresses_of_people_are_left_out() -> None:
    """The recipient of a delivery does not leave the connector; the rest of the object does."""
    recipient = {"display_name": "Jane Doe", "phone_number": "555"}
    fulfillment = {"uid": "f", "shipment_details": {"recipient": recipient, "carrier": "post"}}
    record = order_record({"fulfillments": [fulfillment]}, "UTC")
    assert "Jane" not in str(record)
    assert record["order"]["fulfillments"][0]["shipment_details"] == {"carrier": "post"}


def test_a_payout_takes_its_sums_from_its_entries() -> None:
    """Gross, fees, refunds and the period come from the entries, in either spelling of currency."""
    entries = [
        {"type": "CHARGE", "effective_at": "2026-11-19T10:00:00Z",
         "gross_amount_money": {"amount": 100, "currency_code": "EUR"},
         "fee_amount_money": usd(19), "net_amount_money": usd(81),
         "type_charge_details": {"payment_id": "P"}},
        {"type": "REFUND", "effective_at": "2026-11-20T10:00:00Z",
         "gross_amount_money": usd(-50), "fee_amount_money": usd(-2), "net_amount_money": usd(-48),
         "type_refund_details": {"payment_id": "P", "refund_id": "R"}},
    ]  # fmt: skip
    amount = {"amount": 33, "currency_code": "EUR"}
    record = payout_record({"id": "po", "version": 2, "amount_money": amount}, entries)
    assert (record["gross"], record["fee"], record["net"], record["refunded"]) == (50, 17, 33, -50)
    assert (record["currency"], record["period_from"], record["period_to"]) == (
        "EUR", "2026-11-19", "2026-11-20",
    )  # fmt: skip
    assert [entry["about"] for entry in record["entries"]] == ["P", "R"]
    assert payout_record({"amount_money": amount}, [])["gross"] == 33


def test_a_drawer_is_short_by_what_is_not_there() -> None:
    """Over or short is counted less due; what was paid out has no sign."""
    shift = {"expected_cash_money": usd(10000), "closed_cash_money": usd(9970),
             "cash_paid_out_money": usd(-500), "opened_at": "2026-11-20T02:00:00Z"}  # fmt: skip
    record = shift_record(shift, "L1", "America/New_York")
    assert (record["over_short"], record["paid_out"]) == (-30, 500)
    assert (record["business_date"], record["location_id"], record["till"]) == (
        "2026-11-19", "L1", "drawer",
    )  # fmt: skip


def test_the_fees_of_a_payment_are_added_up() -> None:
    """Fees come later than the payment; until then there is no fee, not a fee of nothing."""
    fees = [{"amount_money": usd(30)}, {"amount_money": usd(-5)}]
    assert payment_record({"processing_fee": fees})["fee"] == 25
    assert payment_record({})["fee"] is None
