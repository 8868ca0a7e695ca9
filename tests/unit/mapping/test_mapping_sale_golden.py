"""A receipt of a POS with JSON over HTTP, mapped to the canonical message and on to an ERP."""

import copy
from decimal import Decimal

import msgspec
import pytest

from tillway.errors import ContractViolation
from tillway.mapping import load_code_table, load_table
from tillway.model.catalogue import message_type
from tillway.model.invariants import findings

TYPE = message_type("retail_transaction.completed")
CODES = {
    "uom": load_code_table("uom", "source,canonical,label\nST,EA,piece\nKG,KGM,kilogram\n"),
    "tender": load_code_table("tender", "source,canonical\nCASH,cash\nCARD,credit\n"),
}
SALE_TABLE = """
#:schema mapping
message_type = "retail_transaction.completed"
version = 1
description = "Receipts of the quay POS."

[map]
business_unit_id = 'branch.code'
workstation_id = 'pad(posId, 2)'
business_date = 'date(businessDay)'
sequence_number = 'integer(receiptNo)'
begin_at = 'timestamp(openedAt, "Europe/Berlin")'
end_at = 'timestamp(closedAt, "Europe/Berlin")'
time_source = '"store_zone"'
operator_id = 'cashier'
transaction_type = 'choose(docType == "SALE", "sale", "return")'
transaction_status = '"finished"'
channel = '"store"'
currency = 'upper(cur)'
tax_included = 'True'
receipt_number = 'concat("-", branch.code, posId, receiptNo)'
"totals.gross" = 'money(sum.gross)'
"totals.discount" = 'money(sum.discount)'
"totals.net" = 'money(sum.net)'
"totals.tax" = 'total_of(items, "vatAmount")'
"totals.grand" = 'money(sum.total)'
"totals.item_count" = 'count(items)'

[each.lines]
from = 'items'
line_number = 'seq'
line_type = 'choose(root.docType == "SALE", "sale", "return")'
description = 'name'
"item.item_id" = 'sku'
"item.pos_item_id" = 'sku'
"item.id_type" = '"sku"'
quantity = 'quantity(qty)'
uom = 'code("uom", unit)'
regular_unit_price = 'money(price)'
gross_amount = 'money(gross)'
discount_amount = 'coalesce(money(discount), 0.00)'
net_amount = 'money(net)'
voided = 'boolean(cancelled)'

[each."lines.price_modifiers"]
from = 'promotions'
method_code = '"promotion"'
amount = 'money(amount)'
promotion_id = 'id'

[each."lines.tax"]
from = 'list_of(this)'
tax_type = '"vat"'
rate = 'percent(vatRate)'
tax_amount = 'money(vatAmount)'
included = 'True'

[each.tenders]
from = 'payments'
tender_id = 'text(position)'
tender_type = 'code("tender", kind)'
amount = 'money(amount)'
tendered_amount = 'money(given)'
change_amount = 'money(change)'
"card.scheme" = 'lower(scheme)'
"card.last4" = 'last4(maskedPan)'

[group.taxes]
from = 'items'
by = 'percent(vatRate)'
tax_type = '"vat"'
rate = 'key'
tax_amount = 'total_of(rows, "vatAmount")'
taxable_amount = 'total_of(rows, "net")'
included = 'True'
"""
ERP_TABLE = """
output = "erp.document"
version = 1
[map]
key = 'concat(":", business_unit_id, workstation_id, business_date, text(sequence_number))'
document_type = 'transaction_type'
store = 'business_unit_id'
business_date = 'business_date'
currency = 'currency'
amount = 'text(money(totals.grand))'
tax = 'text(money(totals.tax))'
[each.tenders]
from = 'tenders'
type = 'tender_type'
amount = 'text(money(amount))'
[each.lines]
from = 'lines'
where = 'not voided'
item = 'item.item_id'
amount = 'text(money(net_amount))'
"""
SALE = {
    "docType": "SALE",
    "branch": {"code": "0145", "name": "Quay"},
    "posId": 3,
    "businessDay": "2026-11-20",
    "receiptNo": "1043",
    "openedAt": "2026-11-20T10:11:02",
    "closedAt": "2026-11-20T10:12:40",
    "cashier": "op-7",
    "cur": "eur",
    "sum": {"gross": "9.47", "discount": "0.50", "net": "8.97", "total": "8.97"},
    "items": [
        {
            "seq": 1,
            "sku": "4006381333931",
            "name": "Pen",
            "qty": "2",
            "unit": "ST",
            "price": "1.99",
            "gross": "3.98",
            "discount": "0.50",
            "net": "3.48",
            "vatRate": "19.00",
            "vatAmount": "0.56",
            "promotions": [{"id": "P1", "amount": "0.50"}],
        },
        {
            "seq": 2,
            "sku": "94011",
            "name": "Bananas",
            "qty": "1.250",
            "unit": "KG",
            "price": "4.39",
            "gross": "5.49",
            "net": "5.49",
            "vatRate": "7",
            "vatAmount": "0.36",
        },
    ],
    "payments": [
        {"kind": "CASH", "amount": "5.00", "given": "10.00", "change": "5.00"},
        {"kind": "CARD", "amount": "3.97", "scheme": "VISA", "maskedPan": "****1111"},
    ],
}


def mapped(record):
    """Return the canonical dict of a record."""
    return load_table(SALE_TABLE, name="quay-sale", codes=CODES).apply(record)


def test_sale_becomes_a_message_of_the_model_without_findings():
    """The receipt is a RetailTransaction, its sums agree, and its numbers are in normal form."""
    message = TYPE.convert(mapped(SALE))
    assert TYPE.key_parts(message) == ("0145", "03", "2026-11-20", "1043")
    assert findings(message) == ()
    assert [str(line.quantity) for line in message.lines] == ["2", "1.25"]
    assert [str(tax.tax_amount) for tax in message.taxes] == ["0.56", "0.36"]
    assert str(message.totals.tax) == "0.92"
    assert message.begin_at.isoformat() == "2026-11-20T10:11:02+01:00"
    assert message.tenders[1].card.last4 == "1111"


def test_sale_reads_back_from_its_stored_form_into_the_erp_document():
    """The target table maps the canonical JSON, as the journal holds it, to text amounts."""
    body = msgspec.json.decode(TYPE.encode(TYPE.convert(mapped(SALE))))
    document = load_table(ERP_TABLE, name="erp-document", codes={}).apply(body)
    assert document == {
        "key": "0145:03:2026-11-20:1043",
        "document_type": "sale",
        "store": "0145",
        "business_date": "2026-11-20",
        "currency": "EUR",
        "amount": "8.97",
        "tax": "0.92",
        "tenders": [{"type": "cash", "amount": "5.00"}, {"type": "credit", "amount": "3.97"}],
        "lines": [
            {"item": "4006381333931", "amount": "3.48"},
            {"item": "94011", "amount": "5.49"},
        ],
    }


def test_every_source_field_but_the_shop_name_is_read():
    """Coverage tells which fields of the source the table leaves alone."""
    read = load_table(SALE_TABLE, name="quay-sale", codes=CODES).sources()
    assert "items[].promotions[].amount" in read
    assert "payments[].maskedPan" in read
    assert "branch.name" not in read


@pytest.mark.parametrize(
    ("path", "value", "where", "rule"),
    [
        (("items", 1, "unit"), "LB", "lines[1].uom", "code"),
        (("items", 0, "net"), 3.48, "lines[0].net_amount", "float_money"),
        (("payments", 1, "kind"), "CHEQUE", "tenders[1].tender_type", "code"),
        (("closedAt",), "yesterday", "end_at", "timestamp"),
        (("receiptNo",), "10-43", "sequence_number", "decimal"),
    ],
)
def test_one_bad_field_is_told_at_its_target(path, value, where, rule):
    """A single bad source field is a violation at the target it was meant for."""
    record = copy.deepcopy(SALE)
    owner = record
    for step in path[:-1]:
        owner = owner[step]
    owner[path[-1]] = value
    with pytest.raises(ContractViolation) as error:
        mapped(record)
    assert (where, rule) in [(breach.path, breach.rule) for breach in error.value.violations]


def test_missing_source_field_leaves_the_target_out():
    """A source that does not send a field makes a message without it, not an empty one."""
    record = copy.deepcopy(SALE)
    del record["cashier"], record["items"][0]["promotions"]
    made = mapped(record)
    assert "operator_id" not in made
    assert "price_modifiers" not in made["lines"][0]
    assert made["totals"]["item_count"] == 2
    assert made["lines"][1]["discount_amount"] == Decimal("0.00")
