"""The messages about card money after the till: payments, payouts, bank lines.

Amounts are signed from the merchant's side: a refund, a chargeback and a debit are negative; fees
are positive and are subtracted.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from tillway.model.enumerations import PaymentStatus, SettlementEntryType
from tillway.model.part import Part
from tillway.model.scalars import (
    BusinessDate,
    Count,
    Currency,
    Identifier,
    KeyText,
    Moment,
    Money,
    Position,
    Text,
)

StatementDocument = Literal["statement", "intraday", "notification"]
EntryStatus = Literal["booked", "pending", "information"]


class PaymentUpdate(Part, frozen=True, kw_only=True):
    """One step in the life of a payment at its provider (`payment.updated`)."""

    psp: Annotated[Identifier, Meta(description="The payment provider.")]
    psp_reference: Annotated[
        Identifier, Meta(description="Its reference: of the modification, if that has its own.")
    ]
    status: Annotated[PaymentStatus, Meta(description="What happened to the payment.")]
    amount: Annotated[Money, Meta(description="Amount of this step.")]
    currency: Annotated[Currency, Meta(description="Currency of the amounts, ISO 4217.")]
    merchant_reference: Annotated[
        Identifier | None, Meta(description="The reference the shop gave.")
    ] = None
    original_reference: Annotated[
        Identifier | None,
        Meta(description="The payment that was captured, refunded or disputed, if it is another."),
    ] = None
    natural_key: Annotated[KeyText | None, Meta(description="Key of the receipt, if known.")] = None
    business_unit_id: Annotated[Identifier | None, Meta(description="The shop, if known.")] = None
    fee: Annotated[Money | None, Meta(description="Fee of the provider.")] = None
    updated_at: Annotated[Moment | None, Meta(description="When this step happened.")] = None
    captured_at: Annotated[Moment | None, Meta(description="When the money was taken.")] = None
    offline_forwarded: Annotated[bool, Meta(description="Taken offline and forwarded later.")] = (
        False
    )
    extensions: Annotated[
        dict[str, Any], Meta(description="What the vendor sent beyond the model, by vendor.")
    ] = field(default_factory=dict)
    revision: Annotated[
        Count | None,
        Meta(description="Version of the object at its source; the highest is current."),
    ] = None


class SettlementEntry(Part, frozen=True, kw_only=True):
    """One entry of a payout: net is gross minus fee."""

    entry_type: Annotated[SettlementEntryType, Meta(description="Kind of entry.")]
    gross: Annotated[Money, Meta(description="Before the fee.")]
    net: Annotated[Money, Meta(description="After the fee.")]
    fee: Annotated[Money | None, Meta(description="Fee of the provider.")] = None
    psp_reference: Annotated[
        Identifier | None,
        Meta(description="The payment it is about; of the refund or dispute, if that has its own."),
    ] = None
    original_reference: Annotated[
        Identifier | None, Meta(description="The payment that was refunded or disputed.")
    ] = None
    merchant_reference: Annotated[
        Identifier | None, Meta(description="The reference the shop gave.")
    ] = None


class Settlement(Part, frozen=True, kw_only=True):
    """A payout with its fees (`settlement.posted`)."""

    psp: Annotated[Identifier, Meta(description="The payment provider or acquirer.")]
    payout_id: Annotated[Identifier, Meta(description="Its number of the payout.")]
    currency: Annotated[Currency, Meta(description="Currency of every amount, ISO 4217.")]
    gross: Annotated[Money, Meta(description="Before fees.")]
    net: Annotated[Money, Meta(description="What reaches the bank.")]
    fee: Annotated[Money | None, Meta(description="All fees.")] = None
    refund: Annotated[Money | None, Meta(description="Refunds inside.")] = None
    chargeback: Annotated[Money | None, Meta(description="Chargebacks inside.")] = None
    period_from: Annotated[BusinessDate | None, Meta(description="First day covered.")] = None
    period_to: Annotated[BusinessDate | None, Meta(description="Last day covered.")] = None
    expected_bank_date: Annotated[
        BusinessDate | None, Meta(description="When the bank should show it.")
    ] = None
    bank_reference: Annotated[
        Text | None, Meta(description="What the line on the bank statement will say.")
    ] = None
    posted_at: Annotated[Moment | None, Meta(description="When the provider made it.")] = None
    entries: Annotated[tuple[SettlementEntry, ...], Meta(description="What it consists of.")] = ()
    extensions: Annotated[
        dict[str, Any], Meta(description="What the vendor sent beyond the model, by vendor.")
    ] = field(default_factory=dict)
    revision: Annotated[
        Count | None,
        Meta(description="Version of the object at its source; the highest is current."),
    ] = None


class BankStatementLine(Part, frozen=True, kw_only=True):
    """One line of a bank statement (`bank.statement_line`).

    Only a line that is booked in a `statement` is money on the account. The same entry may come
    before in a notification or a report within the day: it has the same account and entry key.
    """

    account: Annotated[Identifier, Meta(description="The account, masked or a pseudonym.")]
    statement_id: Annotated[Identifier, Meta(description="The statement.")]
    line_no: Annotated[Position, Meta(description="Its line on the statement, from 1.")]
    value_date: Annotated[BusinessDate, Meta(description="When the money counts.")]
    amount: Annotated[Money, Meta(description="Credit positive, debit negative.")]
    currency: Annotated[Currency, Meta(description="Currency of the amount, ISO 4217.")]
    booking_date: Annotated[BusinessDate | None, Meta(description="When it was booked.")] = None
    reference: Annotated[Text | None, Meta(description="What the payer gave to be matched by.")] = (
        None
    )
    counterparty: Annotated[Text | None, Meta(description="The other side.")] = None
    account_last4: Annotated[
        Text | None, Meta(description="The end of the account number, for people.")
    ] = None
    document: Annotated[
        StatementDocument | None, Meta(description="Kind of document it stands in.")
    ] = None
    status: Annotated[EntryStatus | None, Meta(description="Whether the bank has booked it.")] = (
        None
    )
    reversal: Annotated[bool, Meta(description="Takes an earlier entry back.")] = False
    bank_reference: Annotated[
        Text | None, Meta(description="The bank's own reference of the entry.")
    ] = None
    entry_reference: Annotated[
        Text | None, Meta(description="The reference of the entry on the statement.")
    ] = None
    entry_key: Annotated[
        Identifier | None,
        Meta(description="Equal for the same entry in every document of the bank."),
    ] = None
    transaction_code: Annotated[
        Text | None, Meta(description="What kind of entry it is, in the bank's code.")
    ] = None
    text: Annotated[Text | None, Meta(description="What is written on the line.")] = None
    statement_number: Annotated[
        Text | None, Meta(description="The bank's running number of the statement.")
    ] = None
    statement_date: Annotated[
        BusinessDate | None, Meta(description="The last day the statement covers.")
    ] = None
    opening_balance: Annotated[
        Money | None, Meta(description="With what the statement begins, in the line's currency.")
    ] = None
    closing_balance: Annotated[
        Money | None, Meta(description="With what it ends: the balance and all its booked lines.")
    ] = None
    charges: Annotated[Money | None, Meta(description="Charges that the bank names.")] = None
    extensions: Annotated[
        dict[str, Any], Meta(description="What the bank sent beyond the model.")
    ] = field(default_factory=dict)
