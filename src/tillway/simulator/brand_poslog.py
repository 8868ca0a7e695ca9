"""Writes what happens in a northgate shop: ARTS POSLog as NCR ACS 2.1 has it, traps and all.

A struck-out line is a second, negative line; change is a tender line below zero; a discount is told
twice as a reward, once in detail and once summarised; a deposit is a linked line; a bottle given
back is a positive quantity with a negative amount. A post-void repeats the receipt as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import count
from xml.sax.saxutils import escape

from tillway.simulator.brand_poslog_office import office_body
from tillway.simulator.facts import (
    Control,
    Fact,
    Paid,
    PostVoid,
    Receipt,
    SoldLine,
    amount_text,
    quantity_text,
)
from tillway.simulator.goods import Item, with_check_digit
from tillway.simulator.receipts import reversed_copy

TENDER_TYPES = {
    "cash": ("Cash", "1"),
    "credit": ("CreditDebit", "11"),
    "debit": ("CreditDebit", "12"),
    "voucher": ("Voucher", "31"),
    "gift_card": ("GiftCard", "32"),
    "unknown": ("acs:MoonCoin", "99"),
}
TAX_IDS = {700: "1", 925: "2"}
ENTRY_METHODS = {
    "scanned": "Scanned",
    "keyed": "Keyed",
    "weighed": "Scanned",
    "automatic": "acs:Linked",
}
CONTROL_STATUSES = {
    "cancelled": "Canceled",
    "suspended": "Suspended",
    "resumed": "SuspendedRetrieved",
}
LINE_ELEMENTS = {"return": "Return", "gift_card_sale": "SaleOfGiftCard"}
_HEAD = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b'<POSLog xmlns="http://www.nrf-arts.org/IXRetail/namespace/"'
    b' xmlns:acs="http://www.ncr.com/rsd/acs/tlog/markup/poslog/2.1">\n'
)
_TAIL = b"</POSLog>\n"


def render(fact: Fact) -> bytes:
    """Return one fact as one Transaction element and a line end."""
    moment = fact.end.isoformat(timespec="seconds")
    practice = ' TrainingModeFlag="true"' if _is_practice(fact) else ""
    return (
        f"<Transaction{practice}><RetailStoreID>{fact.store.business_unit_id}</RetailStoreID>"
        f"<WorkstationID>{fact.till}</WorkstationID>"
        f"<SequenceNumber>{fact.number}</SequenceNumber>"
        f"<BusinessDayDate>{fact.day.isoformat()}</BusinessDayDate>"
        f"<BeginDateTime>{fact.begin.isoformat(timespec='seconds')}</BeginDateTime>"
        f"<EndDateTime>{moment}</EndDateTime>"
        f'<OperatorID OperatorName="OPERATOR {fact.operator}">{fact.operator or "0"}</OperatorID>'
        f"<CurrencyCode>{fact.store.currency}</CurrencyCode>{_counter_run(fact.epoch)}"
        f"{_body(fact, moment)}</Transaction>\n"
    ).encode()


def pack(documents: Sequence[bytes]) -> bytes:
    """Return transactions as one POSLog file."""
    return b"".join((_HEAD, *documents, _TAIL))


def _is_practice(fact: Fact) -> bool:
    return isinstance(fact, Control) and fact.kind == "training"


def _counter_run(epoch: int) -> str:
    """Return how often the register's counter started again, as an addition of the vendor."""
    return f"<acs:CounterRun>{epoch}</acs:CounterRun>" if epoch else ""


def _body(fact: Fact, moment: str) -> str:
    match fact:
        case Receipt():
            return _receipt(fact, "")
        case PostVoid():
            repeated = reversed_copy(fact.reversed_receipt)
            link = _link("Voided", fact.voided_key)
            return _receipt(repeated, ' TransactionStatus="PostVoided"', link)
        case Control(kind="sign_on" | "sign_off" as kind):
            name = "OperatorSignOn" if kind == "sign_on" else "OperatorSignOff"
            return (
                f'<ControlTransaction Version="2.1"><{name}>'
                f"<StartDateTimestamp>{moment}</StartDateTimestamp>"
                f"<EndDateTimestamp>{moment}</EndDateTimestamp></{name}></ControlTransaction>"
            )
        case Control(kind="no_sale" | "training"):
            return (
                '<ControlTransaction Version="2.1"><ReasonCode>Procedure 21</ReasonCode>'
                f"<NoSale>{moment}</NoSale></ControlTransaction>"
            )
        case Control(kind=kind):
            status = CONTROL_STATUSES[kind]
            return f'<RetailTransaction Version="2.1" TransactionStatus="{status}"/>'
    return office_body(fact, moment)


def _receipt(receipt: Receipt, status: str, link: str = "") -> str:
    numbers = count(len(receipt.lines) + 1)
    lines = "".join(
        (
            *map(_sale, receipt.lines),
            *(_void(next(numbers), line) for line in receipt.lines if line.voided),
            *(_tax(next(numbers), tax.rate, tax.taxable, tax.tax) for tax in receipt.taxes),
            *(part for paid in receipt.tenders for part in _tender(numbers, paid)),
            *(part for line in receipt.lines for part in _reward(numbers, line)),
        )
    )
    return (
        f'<RetailTransaction Version="2.1"{status}>{lines}'
        f'<Total TotalType="TransactionGrandAmount">{amount_text(receipt.grand)}</Total>'
        f'<Total TotalType="TransactionTaxAmount">{amount_text(receipt.tax)}</Total>'
        f'<Total TotalType="acs:DiscountTotal">0.00</Total>{link}'
        f"<acs:ItemCount>{receipt.item_count}</acs:ItemCount></RetailTransaction>"
    )


def _sale(line: SoldLine) -> str:
    attributes = f' EntryMethod="{ENTRY_METHODS[line.entry]}"'
    if line.item.weighed:
        attributes += ' acs:weightItem="true"'
    return _goods(line.number, line, attributes, sign=1)


def _void(number: int, line: SoldLine) -> str:
    """Return the negative line that takes a struck-out one back; nothing links the two."""
    weighed = ' acs:weightItem="true"' if line.item.weighed else ""
    return _goods(number, line, f' VoidFlag="true" EntryMethod="Keyed"{weighed}', sign=-1)


def _goods(number: int, line: SoldLine, attributes: str, sign: int) -> str:
    element = LINE_ELEMENTS.get(line.kind, "Sale")
    item_type = "acs:NegativeItem" if line.kind == "deposit_return" else "Stock"
    shown_thousandths = line.thousandths * sign
    if line.kind == "deposit_return":
        shown_thousandths = abs(shown_thousandths)
    return (
        f"<LineItem{attributes}><SequenceNumber>{number}</SequenceNumber>"
        f'<{element} ItemType="{item_type}">{_item(line.item)}'
        f"<RegularSalesUnitPrice>{amount_text(line.unit_price)}</RegularSalesUnitPrice>"
        f"<ExtendedAmount>{amount_text(line.gross * sign)}</ExtendedAmount>"
        "<DiscountAmount>0.00</DiscountAmount>"
        "<ExtendedDiscountAmount>0.00</ExtendedDiscountAmount>"
        f"<Quantity>{quantity_text(shown_thousandths)}</Quantity>{_original(line)}"
        f"<acs:OperatorSequence>{number}</acs:OperatorSequence></{element}></LineItem>"
    )


@lru_cache(maxsize=1024)
def _item(item: Item) -> str:
    code = with_check_digit(item.code) if item.is_plu else item.code
    padded = code.zfill(14)
    department = item.department
    return (
        f'<POSIdentity POSIDType="GTIN"><POSItemID>{padded}</POSItemID>'
        f"<Qualifier>{department}</Qualifier></POSIdentity><ItemID>{padded}</ItemID>"
        f'<MerchandiseHierarchy Level="Department">{department}</MerchandiseHierarchy>'
        f"<Description>{escape(item.name.upper())[:20]:<20}</Description>"
    )


def _original(line: SoldLine) -> str:
    if line.original is None:
        return ""
    key, number = line.original
    return _link("Return", key.split(":"), number)


def _link(reason: str, key: Sequence[str], line: int | None = None) -> str:
    """Return a link to a receipt by the parts of its key, its run of the counter included."""
    store, till, day, number, *epoch = key
    line_number = "" if line is None else f"<LineItemSequenceNumber>{line}</LineItemSequenceNumber>"
    return (
        f'<TransactionLink ReasonCode="{reason}"><RetailStoreID>{store}</RetailStoreID>'
        f"<WorkstationID>{till}</WorkstationID><SequenceNumber>{number}</SequenceNumber>"
        f"<BusinessDayDate>{day}</BusinessDayDate>{line_number}"
        f"{_counter_run(int(epoch[0].removeprefix('e')) if epoch else 0)}</TransactionLink>"
    )


def _tax(number: int, rate: int, taxable: int, tax: int) -> str:
    # The till computes the percentage back from rounded amounts, so it is never quite the rate.
    rough = tax * 100_000 // taxable if taxable else 0
    return (
        f'<LineItem EntryMethod="acs:Auto"><SequenceNumber>{number}</SequenceNumber>'
        f'<Tax acs:TaxID="{TAX_IDS[rate]}" acs:TaxDescription="TaxID{TAX_IDS[rate]}">'
        f"<TaxableAmount>{amount_text(taxable)}</TaxableAmount><Amount>{amount_text(tax)}</Amount>"
        f"<Percent>{quantity_text(rough)}</Percent><Reason>Charged</Reason></Tax></LineItem>"
    )


def _tender(numbers: Iterator[int], paid: Paid) -> Iterator[str]:
    tender_type, tender_id = TENDER_TYPES[paid.kind]
    if paid.kind == "cash":
        given = paid.tendered or paid.amount
        if given >= 0 and paid.tendered:
            yield _cash(next(numbers), given, change=False)
        if paid.change:
            yield _cash(next(numbers), -paid.change, change=True)
        if not paid.tendered:
            yield _cash(next(numbers), paid.amount, change=paid.amount < 0)
        return
    number = next(numbers)
    type_code = "Refund" if paid.amount < 0 else "Sale"
    cashback = f"<Cashback>{amount_text(paid.cashback)}</Cashback>" if paid.cashback else ""
    cashback += f"<Tip>{amount_text(paid.tip)}</Tip>" if paid.tip else ""
    yield (
        f'<LineItem EntryMethod="{_card_entry(paid)}"><SequenceNumber>{number}</SequenceNumber>'
        f'<Tender TenderType="{tender_type}" TypeCode="{type_code}"><TenderID>{tender_id}'
        f"</TenderID><Amount>{amount_text(paid.amount)}</Amount>{cashback}{_authorised(paid)}"
        f"<acs:OperatorSequence>{number}</acs:OperatorSequence></Tender></LineItem>"
    )


def _cash(number: int, amount: int, *, change: bool) -> str:
    given_back = f"<TenderChange><Amount>{amount_text(amount)}</Amount></TenderChange>"
    return (
        f'<LineItem EntryMethod="Keyed"><SequenceNumber>{number}</SequenceNumber>'
        '<Tender TenderType="Cash" TypeCode="Sale"><TenderID>1</TenderID>'
        f"<Amount>{amount_text(amount)}</Amount>{given_back if change else ''}"
        "<acs:OperatorSequence>0</acs:OperatorSequence></Tender></LineItem>"
    )


def _card_entry(paid: Paid) -> str:
    if not paid.scheme:
        return "Keyed"
    return "IntegratedChipCard" if paid.entry_mode == "chip" else "Tapped"


def _authorised(paid: Paid) -> str:
    if not paid.scheme:
        return ""
    card_type = "Debit" if paid.kind == "debit" else "Credit"
    return (
        f'<Authorization HostAuthorized="true"><AuthorizationCode>{paid.auth_code}'
        f"</AuthorizationCode><ReferenceNumber>{paid.payment_ref}</ReferenceNumber>"
        "</Authorization>"
        f'<CreditDebit CardType="{card_type}" acs:CreditDescription="{paid.scheme.upper()}"/>'
    )


def _reward(numbers: Iterator[int], line: SoldLine) -> Iterator[str]:
    """Yield both views of a reward; adding them up would give the discount twice."""
    if line.reason is None or not line.discount or line.voided:
        return
    for view, pointer in (("acs:detailedData", line.number), ("acs:summarizedActivity", 0)):
        yield (
            f'<LineItem EntryMethod="acs:Auto"><SequenceNumber>{next(numbers)}</SequenceNumber>'
            f'<LoyaltyReward {view}="true"><PromotionID>{line.reason.code}</PromotionID>'
            "<ReasonCode>0</ReasonCode><acs:RewardLevel>Item</acs:RewardLevel>"
            "<acs:RewardCategory>Monetary</acs:RewardCategory>"
            f"<acs:ExtendedRewardAmount>{amount_text(-line.discount)}</acs:ExtendedRewardAmount>"
            f"<acs:OperatorSequenceReference>{pointer}</acs:OperatorSequenceReference>"
            "</LoyaltyReward></LineItem>"
        )
