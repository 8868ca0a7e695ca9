"""Small sales as the three brands of the template send them, written by hand for these tests."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

DAY = "2026-11-20"
POSLOG = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<POSLog xmlns="http://www.nrf-arts.org/IXRetail/namespace/"'
    ' xmlns:acs="http://www.ncr.com/rsd/acs/tlog/markup/poslog/2.1">\n'
)


def quayside(number: int, store: str = "0002", amount: str = "4.00", **more: Any) -> dict[str, Any]:
    """Return a sale of one article as a JSON till sends it; paid in cash."""
    tax = str((Decimal(amount) * 19 / 119).quantize(Decimal("0.01")))
    article = {
        "seq": 1,
        "kind": "ITEM",
        "plu": "4711",
        "codeType": "PLU",
        "label": "Notebook",
        "group": "30",
        "qty": "1",
        "unit": "PCS",
        "unitPrice": amount,
        "gross": amount,
        "rebate": "0.00",
        "net": amount,
        "vat": "19.00",
        "vatAmt": tax,
        "input": "S",
    }
    totals = {"gross": amount, "rebate": "0.00", "net": amount, "vat": tax, "toPay": amount}
    return {
        "storeNo": store,
        "tillNo": "01",
        "bizDate": DAY,
        "docNo": number,
        "cashierNo": "7",
        "openedAt": f"{DAY}T10:00:00+01:00",
        "closedAt": f"{DAY}T10:00:30+01:00",
        "currency": "EUR",
        "docType": "SALE",
        "taxMode": "incl",
        "items": [article],
        "vatSums": [{"vat": "19.00", "base": amount, "amt": tax}],
        "payments": [{"method": "CASH", "amt": amount}],
        "totals": {**totals, "pieces": 1},
        **more,
    }


def long_receipt(number: int, lines: int) -> dict[str, Any]:
    """Return a sale with so many articles of one cent each."""
    amount = f"{Decimal(lines) / 100:.2f}"
    sale = quayside(number, amount=amount)
    cent = {"unitPrice": "0.01", "gross": "0.01", "net": "0.01", "vatAmt": "0.00"}
    sale["items"] = [{**sale["items"][0], **cent, "seq": seq} for seq in range(1, lines + 1)]
    sale["vatSums"] = [{"vat": "19.00", "base": amount, "amt": "0.00"}]
    sale["totals"] |= {"vat": "0.00", "pieces": lines}
    return sale


def millrace(number: int, amount: str = "4,00", tender: str = "10", name: str = "Schrift") -> str:
    """Return a sale of one article as a CSV till writes it: header, line, tax and tender row."""
    key = f"0003;01;{DAY};{number}"
    times = f"{DAY}T10:00:00;{DAY}T10:00:30"
    sums = f"{amount};{amount};0,00;{amount}"
    rows = [
        f"H;{key};SALE;{times};8;EUR;{amount};0,00;{amount};0,00;0,00;{amount};1;",
        f"L;{key};1;ART;4711;P;{name};30;1,000;st;{sums};0,00;0,00;1;;;;;",
        f"V;{key};0,00;{amount};0,00",
        f"T;{key};{tender};{amount};{amount};0,00;0,00;;;",
    ]
    return "".join(f"{row}\r\n" for row in rows)


def northgate(number: int, amount: str = "4.00", *, note: str = "", tender: str = "") -> str:
    """Return a sale of one article as a POSLog till writes it; tender holds more elements."""
    tendered = f'<Tender TenderType="Cash" TypeCode="Sale"><TenderID>1</TenderID><Amount>{amount}'
    return f"""<Transaction>
<RetailStoreID>0001</RetailStoreID><WorkstationID>11</WorkstationID>
<SequenceNumber>{number}</SequenceNumber><BusinessDayDate>{DAY}</BusinessDayDate>
<EndDateTime>{DAY}T10:00:30</EndDateTime><OperatorID>9</OperatorID>
<CurrencyCode>USD</CurrencyCode><RetailTransaction Version="2.1">
<LineItem EntryMethod="Keyed"><SequenceNumber>1</SequenceNumber><Sale ItemType="Stock">
<POSIdentity POSIDType="GTIN"><POSItemID>00000000047111</POSItemID></POSIdentity>
<ItemID>00000000047111</ItemID><Description>Notebook{note}</Description>
<RegularSalesUnitPrice>{amount}</RegularSalesUnitPrice><ExtendedAmount>{amount}</ExtendedAmount>
<DiscountAmount>0.00</DiscountAmount><Quantity>1</Quantity></Sale></LineItem>
<LineItem EntryMethod="Keyed"><SequenceNumber>2</SequenceNumber>
{tendered}</Amount>{tender}</Tender></LineItem>
<Total TotalType="TransactionGrandAmount">{amount}</Total>
<Total TotalType="TransactionTaxAmount">0.00</Total>
</RetailTransaction></Transaction>
"""


def poslog(*transactions: str) -> bytes:
    """Return transactions as one POSLog document."""
    return (POSLOG + "".join(transactions) + "</POSLog>\n").encode()
