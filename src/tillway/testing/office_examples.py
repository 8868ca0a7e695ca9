"""Balanced examples of the messages that do not come from a till; `examples.py` has them all."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from msgspec.structs import replace

from tillway.model import Part, money, percent, quantity
from tillway.model.hints import SourceHint
from tillway.model.merchandise import InventoryAdjustment, ItemChange, PriceChange
from tillway.model.payments import BankStatementLine, PaymentUpdate, Settlement, SettlementEntry
from tillway.model.postings import (
    PostingConfirmed,
    PostingLine,
    PostingReported,
    PostingRequested,
)

STORE = "0145"
DAY = date(2026, 11, 20)
SALE_KEY = "0145:03:2026-11-20:1043"
_POSTING_KEY = "0145:2026-11-20:store_day:EUR:1"


def example_payout(**changes: Any) -> Settlement:
    """Return a payout of 9.75 EUR: one card payment of 10.00 less its fee."""
    payout = Settlement(
        psp="acquirer",
        payout_id="po-1",
        currency="EUR",
        gross=money("10.00"),
        fee=money("0.25"),
        net=money("9.75"),
        expected_bank_date=date(2026, 11, 23),
        entries=(
            SettlementEntry(
                entry_type="charge",
                psp_reference="pay-1",
                gross=money("10.00"),
                fee=money("0.25"),
                net=money("9.75"),
            ),
        ),
    )
    return replace(payout, **changes)


OFFICE_EXAMPLES: dict[str, Part] = {
    "payment.updated": PaymentUpdate(
        psp="acquirer",
        psp_reference="pay-1",
        status="captured",
        amount=money("10.00"),
        currency="EUR",
        natural_key=SALE_KEY,
        business_unit_id=STORE,
        fee=money("0.25"),
        captured_at=datetime(2026, 11, 20, 11, 31, tzinfo=UTC),
    ),
    "settlement.posted": example_payout(),
    "bank.statement_line": BankStatementLine(
        account="acc-main",
        statement_id="2026-221",
        line_no=1,
        value_date=date(2026, 11, 23),
        booking_date=date(2026, 11, 23),
        amount=money("9.75"),
        currency="EUR",
        reference="PAYOUT po-1",
        counterparty="Acquirer",
    ),
    "inventory.adjusted": InventoryAdjustment(
        document_ref="waste-1",
        item_id="94011",
        location_id=STORE,
        stock_state="on_hand",
        quantity_delta=quantity("-2.5"),
        uom="KGM",
        reason="waste",
        business_unit_id=STORE,
    ),
    "item.changed": ItemChange(
        item_id="4006381",
        version=7,
        gtins=("04006381333931",),
        description="Olive oil 750 ml",
        merchandise_hierarchy="FOOD-OIL",
        tax_group="V20",
        uom="EA",
        status="active",
    ),
    "price.changed": PriceChange(
        item_id="4006381",
        price_type="regular",
        store_scope="all",
        version=12,
        amount=money("6.49"),
        currency="EUR",
        tax_included=True,
        effective_from=datetime(2026, 11, 20, tzinfo=UTC),
    ),
    "posting.requested": PostingRequested(
        erp="erp",
        posting_key=_POSTING_KEY,
        posting_type="store_day",
        business_unit_id=STORE,
        business_date=DAY,
        currency="EUR",
        amount=money("-5.00"),
        revision=1,
        natural_keys_count=5,
        lines=(
            PostingLine(posting_line_type="sales", amount=money("4.76")),
            PostingLine(
                posting_line_type="tax", amount=money("0.24"), tax_code="V5", tax_rate=percent("5")
            ),
            PostingLine(posting_line_type="tender", amount=money("-5.00"), tender_type="cash"),
        ),
    ),
    "posting.confirmed": PostingConfirmed(
        erp="erp",
        posting_key=_POSTING_KEY,
        document_number="J-2026-0081",
        document_type="journal",
        business_unit_id=STORE,
        revision=1,
        amount=money("-5.00"),
        currency="EUR",
        natural_keys_count=5,
        posted_at=datetime(2026, 11, 21, 2, 0, tzinfo=UTC),
    ),
    "posting.reported": PostingReported(
        erp="erp",
        document_number="J-2026-0081",
        document_type="journal",
        posting_key=_POSTING_KEY,
        business_unit_id=STORE,
        business_date=DAY,
        amount=money("-5.00"),
        currency="EUR",
        reported_at=datetime(2026, 11, 21, 6, 0, tzinfo=UTC),
    ),
    "source.hint": SourceHint(
        event_id="ev-77",
        object_type="order",
        object_id="or-1043",
        revision=2,
        occurred_at="2026-11-20T11:31:00Z",
        store="loc-1",
    ),
}
