"""Receipts as the books read them: the same facts as from the whole message, no field astray."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from tillway.model import lines, message_type, retail, tenders
from tillway.reconcile import receipts
from tillway.reconcile.facts import fact_of
from tillway.reconcile.receipts import read_message

PAIRS: list[tuple[type[msgspec.Struct], type[msgspec.Struct]]] = [
    (receipts.Receipt, retail.RetailTransaction),
    (receipts.PostVoid, retail.VoidedTransaction),
    (receipts.ReceiptTotals, tenders.Totals),
    (receipts.ReceiptTender, tenders.Tender),
    (receipts.ReceiptLine, lines.Line),
    (receipts.Tax, lines.LineTax),
    (receipts.Modifier, lines.PriceModifier),
]


@pytest.mark.parametrize(("ours", "whole"), PAIRS, ids=lambda one: one.__name__)
def test_every_field_is_one_of_the_message_with_its_default(
    ours: type[msgspec.Struct], whole: type[msgspec.Struct]
) -> None:
    """Stored messages leave defaults out, so a default that differs would change what is read."""
    known = {one.name: one for one in msgspec.structs.fields(whole)}
    for field in msgspec.structs.fields(ours):
        assert field.name in known
        assert field.default == known[field.name].default, field.name


def test_a_receipt_read_in_part_gives_the_same_fact() -> None:
    """With tax, a price override, a voided line and a card, as the whole message does."""
    name = "retail_transaction.completed"
    told = message_type(name).encode(_receipt())
    read, whole = read_message(name, told), message_type(name).decode(told)
    assert isinstance(read, receipts.Receipt)
    assert fact_of(read, "k", "tills", 1) == fact_of(whole, "k", "tills", 1)


def test_other_messages_are_read_whole() -> None:
    """Only receipts and post-voids are read in part."""
    with pytest.raises(msgspec.ValidationError, match="required"):
        read_message("cash.moved", b"{}")


def _receipt() -> retail.RetailTransaction:
    tax = lines.LineTax(tax_amount=Decimal("1.60"), rate=Decimal("19.0"), included=True)
    sold = lines.Line(
        line_number=1,
        line_type="sale",
        quantity=Decimal(2),
        gross_amount=Decimal("12.00"),
        net_amount=Decimal("10.00"),
        merchandise_hierarchy="food",
        tax=(tax,),
        price_modifiers=(
            lines.PriceModifier(amount=Decimal("-2.00"), method_code="price_override"),
        ),
    )
    return retail.RetailTransaction(
        business_unit_id="0001",
        business_date=date(2026, 11, 20),
        workstation_id="01",
        sequence_number=7,
        operator_id="op",
        transaction_type="sale",
        currency="EUR",
        tax_included=True,
        totals=tenders.Totals(grand=Decimal("10.00"), discount=Decimal("2.00")),
        lines=(sold, msgspec.structs.replace(sold, line_number=2, voided=True)),
        tenders=(tenders.Tender(tender_type="credit", amount=Decimal("10.00"), payment_ref="P1"),),
    )


def test_a_post_void_read_in_part_is_still_one() -> None:
    """Without a reason it is marked as a void without one, not as a return."""
    name, sale = "retail_transaction.voided", _receipt()
    shared = {one: getattr(sale, one) for one in ("business_unit_id", "business_date", "currency")}
    void = retail.VoidedTransaction(
        **shared,
        workstation_id="01",
        sequence_number=8,
        voided_natural_key="0001:01:2026-11-20:7",
        void_type="post_void",
        totals=sale.totals,
        tax_included=True,
        lines=tuple(msgspec.structs.replace(one, line_type="return") for one in sale.lines),
    )
    told = message_type(name).encode(void)
    read, whole = read_message(name, told), message_type(name).decode(told)
    assert isinstance(read, receipts.PostVoid)
    fact = fact_of(read, "k", "tills", 1)
    assert fact == fact_of(whole, "k", "tills", 1)
    assert fact is not None
    assert fact.marks == ("void_without_reason", "override_without_reason")
