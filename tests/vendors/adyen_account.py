"""An Adyen account for tests: signed notifications, and a settlement report of our own making."""

from __future__ import annotations

import json
from typing import Any

from tillway.connect import Request
from tillway.security.signatures import signature_of
from tillway.security.vendor_signatures import ADYEN_FIELDS

KEY, OLD_KEY = "0f" * 32, "1e" * 32
PERSON = "Ada Example"
COLUMNS = (
    "Company Account", "Merchant Account", "Psp Reference", "Merchant Reference",
    "Payment Method", "Creation Date", "TimeZone", "Type", "Modification Reference",
    "Gross Currency", "Gross Debit (GC)", "Gross Credit (GC)", "Exchange Rate", "Net Currency",
    "Net Debit (NC)", "Net Credit (NC)", "Commission (NC)", "Markup (NC)", "Scheme Fees (NC)",
    "Interchange (NC)", "Payment Method Variant", "Modification Merchant Reference",
    "Batch Number", "Reserved4",
)  # fmt: skip
Json = dict[str, Any]


def item(event: str = "AUTHORISATION", reference: str = "PSP1", **more: Any) -> Json:
    """Return an unsigned item with a shopper in several places."""
    return {
        "pspReference": reference,
        "merchantAccountCode": "MapleStreetEU",
        "merchantReference": "0101-1-17",
        "amount": {"value": 4250, "currency": "EUR"},
        "eventCode": event,
        "eventDate": "2026-11-20T10:15:00+01:00",
        "success": "true",
        "paymentMethod": "visa",
        "reason": "076181:1111:03/2030",
        "additionalData": {"cardHolderName": PERSON, "shopperEmail": PERSON, "store": "0101"},
        **more,
    }


def signed(one: Json, key: str = KEY) -> Json:
    """Return an item with its signature."""
    values = []
    for path in ADYEN_FIELDS:
        value: Any = one
        for step in path.split("."):
            value = value.get(step, "") if isinstance(value, dict) else ""
        values.append(str(value))
    right = signature_of(key, ":".join(values).encode(), "base64", "hex")
    data = {**one.get("additionalData", {}), "hmacSignature": right}
    return {**one, "additionalData": data}


def notification(*items: Json) -> bytes:
    """Return the body of a call."""
    wrapped = [{"NotificationRequestItem": one} for one in items]
    return json.dumps({"live": "false", "notificationItems": wrapped}).encode()


def call(body: bytes) -> Request:
    """Return a call to the door."""
    return Request("POST", "/in/adyen", {"content-type": "application/json"}, body)


def report(*rows: Json) -> bytes:
    """Return a settlement details report; each row names the columns that are not empty."""
    lines = [",".join(COLUMNS)]
    for row in rows:
        full = {
            "Company Account": "MapleStreet",
            "Merchant Account": "MapleStreetEU",
            "Creation Date": "2026-11-20 10:15:02",
            "TimeZone": "CET",
            "Net Currency": "EUR",
            "Batch Number": "42",
            **row,
        }
        lines.append(",".join(f'"{full.get(name, "")}"' for name in COLUMNS))
    return "\n".join([*lines, ""]).encode()


def row(kind: str, gross: str = "", net: str = "", **more: str) -> Json:
    """Return a row; a minus before an amount makes it a debit."""
    told: Json = {"Type": kind, **more}
    for amount, place, currency in ((gross, "Gross", "GC"), (net, "Net", "NC")):
        if amount:
            side = "Debit" if amount.startswith("-") else "Credit"
            told[f"{place} {side} ({currency})"] = amount.removeprefix("-")
    if gross:
        told.setdefault("Gross Currency", "EUR")
    return told
