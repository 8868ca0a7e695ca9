"""One balanced example of every message type, for tests and for the reference pages.

They belong together: one shop, one register, one business day, numbers without a gap. Pass changes
to a builder to break one thing at a time.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from msgspec.structs import replace

from tillway.model import Part, money, percent, quantity
from tillway.model.cash import (
    BusinessDayClosed,
    BusinessDayOpened,
    CashMovement,
    DayTotals,
    TenderCount,
    TenderTotal,
    TillSettlement,
    VoidCount,
    VoidCounts,
    WorkstationCount,
)
from tillway.model.retail import (
    CardReference,
    ControlRecord,
    ItemReference,
    Line,
    LineTax,
    PriceModifier,
    RetailTransaction,
    Tender,
    Totals,
    VoidedTransaction,
)
from tillway.testing.office_examples import DAY, OFFICE_EXAMPLES, SALE_KEY, STORE, example_payout

__all__ = [
    "DAY",
    "EXAMPLES",
    "REGISTER",
    "SALE_KEY",
    "STORE",
    "example_cash",
    "example_control",
    "example_day_closed",
    "example_day_opened",
    "example_payout",
    "example_return",
    "example_sale",
    "example_settlement_of_till",
    "example_void",
]

REGISTER = "03"
_ZONE = timezone(timedelta(hours=1))


def example_sale(**changes: Any) -> RetailTransaction:
    """Return a sale of 17.48 EUR, tax included: two lines, paid by card and cash."""
    sale = RetailTransaction(
        **_header(1043),
        transaction_type="sale",
        transaction_status="finished",
        currency="EUR",
        tax_included=True,
        receipt_number="0003-1043",
        channel="store",
        lines=(_oil(), _bananas()),
        tenders=(
            Tender(
                tender_type="debit",
                amount=money("10.00"),
                auth_code="A71882",
                card=CardReference(scheme="maestro", last4="1188", entry_mode="chip"),
            ),
            Tender(
                tender_type="cash",
                amount=money("7.48"),
                tendered_amount=money("10.00"),
                change_amount=money("2.52"),
            ),
        ),
        taxes=(
            _tax("20", taxable="12.48", amount="2.08"),
            _tax("5", taxable="5.00", amount="0.24"),
        ),
        totals=Totals(
            gross=money("17.98"),
            discount=money("0.50"),
            net=money("17.48"),
            tax=money("2.32"),
            grand=money("17.48"),
            item_count=3,
        ),
    )
    return replace(sale, **changes)


def example_return(**changes: Any) -> RetailTransaction:
    """Return a return of the bananas for 5.00 EUR in cash."""
    line = replace(
        _bananas(),
        line_number=1,
        line_type="return",
        quantity=quantity("-2.5"),
        gross_amount=money("-5.00"),
        net_amount=money("-5.00"),
        tax=(_tax("5", taxable="-5.00", amount="-0.24"),),
        reason_code="spoilt",
        disposition="waste",
    )
    returned = replace(
        example_sale(),
        sequence_number=1044,
        receipt_number="0003-1044",
        transaction_type="return",
        lines=(line,),
        tenders=(Tender(tender_type="cash", amount=money("-5.00")),),
        taxes=(_tax("5", taxable="-5.00", amount="-0.24"),),
        totals=Totals(
            gross=money("-5.00"), net=money("-5.00"), tax=money("-0.24"), grand=money("-5.00")
        ),
    )
    return replace(returned, **changes)


def example_void(**changes: Any) -> VoidedTransaction:
    """Return the post-void of the example sale."""
    void = VoidedTransaction(
        **_header(1045),
        voided_natural_key=SALE_KEY,
        void_type="post_void",
        currency="EUR",
        tax_included=True,
        reason_code="wrong_customer",
        approver_id="op-7",
        tenders=(
            Tender(tender_type="debit", amount=money("-10.00")),
            Tender(tender_type="cash", amount=money("-7.48")),
        ),
        totals=Totals(
            gross=money("-17.98"),
            discount=money("-0.50"),
            net=money("-17.48"),
            tax=money("-2.32"),
            grand=money("-17.48"),
            item_count=-3,
        ),
    )
    return replace(void, **changes)


def example_control(**changes: Any) -> ControlRecord:
    """Return a no-sale: the drawer opened, a number used up."""
    return replace(ControlRecord(**_header(1046), control_type="no_sale"), **changes)


def example_cash(**changes: Any) -> CashMovement:
    """Return a pick-up of 200.00 EUR from the till."""
    pickup = CashMovement(
        **_header(1047),
        movement_type="pickup",
        tender_type="cash",
        amount=money("-200.00"),
        currency="EUR",
        envelope_id="E-55",
    )
    return replace(pickup, **changes)


def example_settlement_of_till(**changes: Any) -> TillSettlement:
    """Return a till counted 0.30 EUR short."""
    settled = TillSettlement(
        **_day_header(),
        till_id="D3",
        session_id="2026-11-20-1",
        currency="EUR",
        closed_at=datetime(2026, 11, 20, 21, 10, tzinfo=_ZONE),
        first_sequence_number=1043,
        last_sequence_number=1047,
        tenders=(
            TenderCount(
                tender_type="cash",
                opening=money("250.00"),
                sales=money("7.48"),
                returns=money("12.48"),
                pickups=money("200.00"),
                expected=money("45.00"),
                counted=money("44.70"),
                over_short=money("-0.30"),
            ),
        ),
        voids=VoidCounts(post=VoidCount(count=1, amount=money("17.48"))),
    )
    return replace(settled, **changes)


def example_day_opened(**changes: Any) -> BusinessDayOpened:
    """Return the opening of the example day."""
    opened = BusinessDayOpened(
        **_day_header(), opened_at=datetime(2026, 11, 20, 7, 55, tzinfo=_ZONE)
    )
    return replace(opened, **changes)


def example_day_closed(**changes: Any) -> BusinessDayClosed:
    """Return the close of the example day: five numbers of one register."""
    closed = BusinessDayClosed(
        **_day_header(),
        closed_at=datetime(2026, 11, 20, 21, 30, tzinfo=_ZONE),
        currency="EUR",
        workstations=(
            WorkstationCount(
                workstation_id=REGISTER,
                first_sequence=1043,
                last_sequence=1047,
                transaction_count=5,
            ),
        ),
        totals=DayTotals(
            gross=money("-5.00"),
            discount=money("0"),
            net=money("-5.00"),
            tax=money("-0.24"),
            grand=money("-5.00"),
            returns=money("-5.00"),
            taxes=(_tax("5", taxable="-5.00", amount="-0.24"),),
        ),
        tenders=(
            TenderTotal(tender_type="cash", amount=money("-5.00"), count=3),
            TenderTotal(tender_type="debit", amount=money("0"), count=2),
        ),
    )
    return replace(closed, **changes)


def _oil() -> Line:
    return Line(
        line_number=1,
        line_type="sale",
        item=ItemReference(
            item_id="04006381333931",
            id_type="gtin",
            gtin="04006381333931",
            pos_item_id="4006381333931",
        ),
        description="Olive oil 750 ml",
        merchandise_hierarchy="FOOD-OIL",
        quantity=quantity("2"),
        uom="EA",
        regular_unit_price=money("6.49"),
        gross_amount=money("12.98"),
        discount_amount=money("0.50"),
        net_amount=money("12.48"),
        price_modifiers=(
            PriceModifier(amount=money("0.50"), method_code="promotion", promotion_id="OIL-2"),
        ),
        tax=(_tax("20", taxable="12.48", amount="2.08"),),
        entry_method="scanned",
    )


def _bananas() -> Line:
    return Line(
        line_number=2,
        line_type="sale",
        item=ItemReference(item_id="94011", id_type="plu", pos_item_id="00000000940115"),
        description="Bananas",
        merchandise_hierarchy="FOOD-FRUIT",
        quantity=quantity("2.5"),
        uom="KGM",
        regular_unit_price=money("2.00"),
        gross_amount=money("5.00"),
        net_amount=money("5.00"),
        tax=(_tax("5", taxable="5.00", amount="0.24"),),
        entry_method="weighed",
    )


def _tax(rate: str, *, taxable: str, amount: str) -> LineTax:
    return LineTax(
        tax_type="vat",
        tax_code=f"V{rate}",
        rate=percent(rate),
        taxable_amount=money(taxable),
        tax_amount=money(amount),
        included=True,
    )


def _header(sequence_number: int) -> dict[str, Any]:
    begin = datetime(2026, 11, 20, 12, 30, tzinfo=_ZONE) + timedelta(minutes=sequence_number - 1043)
    return {
        "business_unit_id": STORE,
        "workstation_id": REGISTER,
        "business_date": DAY,
        "sequence_number": sequence_number,
        "begin_at": begin,
        "end_at": begin + timedelta(seconds=40),
        "operator_id": "op-3",
        "till_id": "D3",
    }


def _day_header() -> dict[str, Any]:
    return {"business_unit_id": STORE, "business_date": DAY, "operator_id": "op-7"}


# One message of every type in the catalogue, by its name.
EXAMPLES: dict[str, Part] = {
    "retail_transaction.completed": example_sale(),
    "retail_transaction.voided": example_void(),
    "control.recorded": example_control(),
    "cash.moved": example_cash(),
    "till.settled": example_settlement_of_till(),
    "business_day.opened": example_day_opened(),
    "business_day.closed": example_day_closed(),
    **OFFICE_EXAMPLES,
}
