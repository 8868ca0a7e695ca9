"""The business rules of the stand-in ERP: what a document must hold before it is booked."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

import msgspec

from tillway.model.exact import to_minor
from tillway.simulator.erp_moods import Mood

SUSPENSE_ACCOUNT = "1990"
"""Where a tender of the type `other` waits until bookkeeping knows where it belongs."""
ACCOUNTS = {
    "cash": "1000",
    "credit": "1210",
    "debit": "1220",
    "check": "1230",
    "gift_card": "2310",
    "store_credit": "2320",
    "voucher": "2330",
    "coupon": "2340",
    "loyalty": "2350",
    "mobile_wallet": "1240",
    "bank_transfer": "1250",
    "house_account": "1400",
    "meal_voucher": "1260",
    "on_delivery": "1270",
    "other": SUSPENSE_ACCOUNT,
}


class DocumentTender(msgspec.Struct, gc=False):
    """How part of a document was paid; amount is signed text."""

    type: str
    amount: str


class Document(msgspec.Struct, gc=False):
    """What the ERP reads of a document; further fields are kept and not read.

    key is the receipt's natural key; amount is text in the currency and is the sum of the tenders
    (an even exchange has none).
    """

    key: str
    document_type: str
    store: str
    business_date: str
    currency: str
    amount: str
    tenders: list[DocumentTender] = []


class Booking(msgspec.Struct, frozen=True):
    """A document that may be booked. minor: its amount in minor units; digest tells content."""

    key: str
    receipt_key: str
    document_type: str
    store: str
    business_date: str
    currency: str
    minor: int
    digest: bytes
    body: bytes


class BusinessRefusal(Exception):
    """The ERP will not book it; problems says why, in sentences."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


_read = msgspec.json.Decoder(Document).decode
_read_any = msgspec.json.Decoder().decode
_write_sorted = msgspec.json.Encoder(order="sorted").encode


def booking(key: str, body: bytes, mood: Mood) -> Booking:
    """Check a document and return it ready to book; the mood refuses some on purpose.

    Raises BusinessRefusal.
    """
    if mood.mode == "reject":
        raise BusinessRefusal(["the ERP refuses everything, on purpose"])
    if not key:
        raise BusinessRefusal(["the call has no idempotency key"])
    try:
        document = _read(body)
        plain = _write_sorted(_read_any(body))
    except msgspec.DecodeError as error:
        raise BusinessRefusal([f"not a document: {error}"]) from None
    problems = _problems(document, mood.reject_tender_types)
    if key in mood.reject_keys or document.key in mood.reject_keys:
        problems.append(f"{document.key} is refused on purpose")
    if problems:
        raise BusinessRefusal(problems)
    return Booking(
        key=key,
        receipt_key=document.key,
        document_type=document.document_type,
        store=document.store,
        business_date=document.business_date,
        currency=document.currency,
        minor=to_minor(document.amount, document.currency),
        digest=hashlib.blake2b(plain, digest_size=16).digest(),
        body=body,
    )


def _problems(document: Document, rejected: Collection[str]) -> list[str]:
    problems = [
        f"{name} is empty"
        for name in ("key", "document_type", "store", "business_date")
        if not getattr(document, name)
    ]
    for tender in document.tenders:
        if tender.type not in ACCOUNTS:
            problems.append(f'no account for tender "{tender.type}"')
        elif tender.type in rejected:
            problems.append(f'tender "{tender.type}" is closed for booking')
    try:
        amount = to_minor(document.amount, document.currency)
        paid = sum(to_minor(tender.amount, document.currency) for tender in document.tenders)
    except ValueError as error:
        return [*problems, str(error)]
    if paid != amount:
        problems.append(f"the tenders sum to {paid}, the amount is {amount} minor units")
    return problems
