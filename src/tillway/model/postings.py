"""The messages between hub and ERP: a posting asked for, confirmed, and reported back.

A posting is never changed: a correction is a reversal and a new revision under a new key.
"""

from typing import Annotated, Any

from msgspec import Meta, field

from tillway.model.enumerations import PostingLineType, PostingType, TenderType
from tillway.model.part import Part
from tillway.model.scalars import (
    BusinessDate,
    Count,
    Currency,
    Identifier,
    KeyText,
    Moment,
    Money,
    Percent,
    Text,
)


class PostingLine(Part, frozen=True, kw_only=True):
    """One line of a posting; debit is positive, credit negative, and all add up to zero."""

    posting_line_type: Annotated[PostingLineType, Meta(description="What it stands for.")]
    amount: Annotated[Money, Meta(description="Debit positive, credit negative.")]
    account_code: Annotated[Identifier | None, Meta(description="Ledger account.")] = None
    tender_type: Annotated[TenderType | None, Meta(description="Tender, on tender lines.")] = None
    tax_code: Annotated[Identifier | None, Meta(description="Tax code of the ERP.")] = None
    tax_rate: Annotated[Percent | None, Meta(description="Rate in percent.")] = None
    merchandise_hierarchy: Annotated[
        Identifier | None, Meta(description="The merchandise group.")
    ] = None
    description: Annotated[Text | None, Meta(description="Text of the line.")] = None


class PostingRequested(Part, frozen=True, kw_only=True):
    """A document the hub wants in the ERP (`posting.requested`)."""

    erp: Annotated[Identifier, Meta(description="The target system.")]
    posting_key: Annotated[
        KeyText, Meta(description="store:business_date:posting_type:currency:revision.")
    ]
    posting_type: Annotated[PostingType, Meta(description="Kind of posting.")]
    business_unit_id: Annotated[Identifier, Meta(description="The shop.")]
    business_date: Annotated[BusinessDate, Meta(description="The business day posted.")]
    currency: Annotated[Currency, Meta(description="Currency of every amount, ISO 4217.")]
    amount: Annotated[
        Money, Meta(description="Grand total of what it covers: its tender and over/short lines.")
    ]
    revision: Annotated[Count, Meta(description="Revision of the store-day.")] = 0
    reverses_posting_key: Annotated[
        KeyText | None, Meta(description="The posting a reversal takes back.")
    ] = None
    natural_keys_count: Annotated[
        Count | None, Meta(description="How many messages it covers.")
    ] = None
    lines: Annotated[tuple[PostingLine, ...], Meta(description="The journal lines.")] = ()
    requested_at: Annotated[Moment | None, Meta(description="When it was asked for.")] = None


class PostingConfirmed(Part, frozen=True, kw_only=True):
    """The ERP has the document (`posting.confirmed`)."""

    erp: Annotated[Identifier, Meta(description="The target system.")]
    posting_key: Annotated[KeyText, Meta(description="The key it was asked for under.")]
    document_number: Annotated[Identifier, Meta(description="Its number in the ERP.")]
    document_type: Annotated[Identifier | None, Meta(description="Its kind in the ERP.")] = None
    business_unit_id: Annotated[Identifier | None, Meta(description="The shop.")] = None
    revision: Annotated[Count, Meta(description="Revision of the store-day.")] = 0
    amount: Annotated[Money | None, Meta(description="Amount the ERP booked.")] = None
    currency: Annotated[Currency | None, Meta(description="Currency of the amount.")] = None
    natural_keys_count: Annotated[
        Count | None, Meta(description="How many messages it covers.")
    ] = None
    posted_at: Annotated[Moment | None, Meta(description="When the ERP booked it.")] = None


class PostingReported(Part, frozen=True, kw_only=True):
    """What the ERP says it holds (`posting.reported`): read back, or from a report."""

    erp: Annotated[Identifier, Meta(description="The system that reports.")]
    document_number: Annotated[Identifier, Meta(description="Number of the document.")]
    document_type: Annotated[Identifier | None, Meta(description="Its kind in the ERP.")] = None
    posting_key: Annotated[
        KeyText | None, Meta(description="Our key, if the document carries it.")
    ] = None
    business_unit_id: Annotated[Identifier | None, Meta(description="The shop, if known.")] = None
    business_date: Annotated[
        BusinessDate | None, Meta(description="The business day, if known.")
    ] = None
    amount: Annotated[
        Money | None, Meta(description="Its tender and over/short lines, debit less credit.")
    ] = None
    currency: Annotated[Currency | None, Meta(description="Currency of the amount.")] = None
    revision: Annotated[
        Count | None, Meta(description="Version of the document in the ERP; rises when it changes.")
    ] = None
    reverses_posting_key: Annotated[
        KeyText | None, Meta(description="The posting a reversal takes back, if it says so.")
    ] = None
    posted_at: Annotated[Moment | None, Meta(description="When the ERP booked it.")] = None
    reported_at: Annotated[Moment | None, Meta(description="When the ERP was asked.")] = None
    extensions: Annotated[
        dict[str, Any], Meta(description="What the ERP sent beyond the model.")
    ] = field(default_factory=dict)
