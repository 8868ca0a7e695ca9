"""The messages of the cash office: money moved, tills settled, days opened and closed.

Counts of a till are unsigned, as on a settlement slip: returns, pay-outs, pick-ups and deposits are
positive numbers that the expected amount subtracts.
"""

from typing import Annotated

from msgspec import Meta

from tillway.model.enumerations import MovementType, TenderType
from tillway.model.header import DayFact, PosFact
from tillway.model.lines import LineTax
from tillway.model.part import Part
from tillway.model.scalars import Count, Currency, Identifier, Moment, Money


class CashMovement(PosFact, frozen=True, kw_only=True):
    """Money put into or taken out of a till (`cash.moved`)."""

    movement_type: Annotated[MovementType, Meta(description="Kind of movement.")]
    tender_type: Annotated[TenderType, Meta(description="What was moved.")]
    amount: Annotated[Money, Meta(description="Into the till positive, out of it negative.")]
    currency: Annotated[Currency, Meta(description="Currency of the amount, ISO 4217.")]
    safe_id: Annotated[Identifier | None, Meta(description="The safe.")] = None
    envelope_id: Annotated[Identifier | None, Meta(description="The envelope or bag.")] = None
    reason_code: Annotated[Identifier | None, Meta(description="Reason given.")] = None
    account_code: Annotated[Identifier | None, Meta(description="Account it belongs to.")] = None


class TenderCount(Part, frozen=True, kw_only=True):
    """One tender of a settled till; every amount is unsigned except over_short."""

    tender_type: Annotated[TenderType, Meta(description="Kind of tender.")]
    opening: Annotated[Money | None, Meta(description="In the till at the start.")] = None
    sales: Annotated[Money | None, Meta(description="Taken for sales.")] = None
    returns: Annotated[Money | None, Meta(description="Paid out for returns.")] = None
    paid_in: Annotated[Money | None, Meta(description="Paid in.")] = None
    paid_out: Annotated[Money | None, Meta(description="Paid out.")] = None
    loans: Annotated[Money | None, Meta(description="Change money added.")] = None
    pickups: Annotated[Money | None, Meta(description="Picked up.")] = None
    deposits: Annotated[Money | None, Meta(description="Sent to safe or bank.")] = None
    expected: Annotated[Money | None, Meta(description="What should be there.")] = None
    counted: Annotated[Money | None, Meta(description="What was counted.")] = None
    over_short: Annotated[
        Money | None, Meta(description="Counted minus expected; short is negative.")
    ] = None


class VoidCount(Part, frozen=True, kw_only=True):
    """How many voids of one kind, and for how much."""

    count: Annotated[Count, Meta(description="Number of voids.")]
    amount: Annotated[Money | None, Meta(description="Their sum.")] = None


class VoidCounts(Part, frozen=True, kw_only=True):
    """The voids of a till session by kind."""

    line: Annotated[VoidCount | None, Meta(description="Voided lines.")] = None
    transaction: Annotated[VoidCount | None, Meta(description="Cancelled receipts.")] = None
    post: Annotated[VoidCount | None, Meta(description="Post-voids.")] = None


class TillSettlement(DayFact, frozen=True, kw_only=True):
    """A till counted at the end of a session (`till.settled`)."""

    till_id: Annotated[Identifier, Meta(description="The cash drawer.")]
    session_id: Annotated[Identifier, Meta(description="The session that was settled.")]
    currency: Annotated[Currency, Meta(description="Currency of every amount, ISO 4217.")]
    opened_at: Annotated[Moment | None, Meta(description="When the session began.")] = None
    closed_at: Annotated[Moment | None, Meta(description="When the session ended.")] = None
    first_sequence_number: Annotated[
        Count | None, Meta(description="First number of the session.")
    ] = None
    last_sequence_number: Annotated[
        Count | None, Meta(description="Last number of the session.")
    ] = None
    tenders: Annotated[tuple[TenderCount, ...], Meta(description="Counts by tender.")] = ()
    voids: Annotated[VoidCounts | None, Meta(description="Voids of the session.")] = None


class BusinessDayOpened(DayFact, frozen=True, kw_only=True):
    """The start of a store-day (`business_day.opened`)."""

    opened_at: Annotated[Moment | None, Meta(description="When the shop opened its day.")] = None
    till_id: Annotated[Identifier | None, Meta(description="The cash drawer, if named.")] = None
    currency: Annotated[
        Currency | None, Meta(description="Currency of the shop, if it says so.")
    ] = None


class WorkstationCount(Part, frozen=True, kw_only=True):
    """What one register did that day; completeness rests on this record, not on silence."""

    workstation_id: Annotated[Identifier, Meta(description="The register or kiosk.")]
    first_sequence: Annotated[Count | None, Meta(description="First number of the day.")] = None
    last_sequence: Annotated[Count | None, Meta(description="Last number of the day.")] = None
    transaction_count: Annotated[
        Count | None, Meta(description="Numbers consumed, control records too.")
    ] = None


class DayTotals(Part, frozen=True, kw_only=True):
    """The totals a shop declares for its day, signed as on receipts."""

    gross: Annotated[Money | None, Meta(description="Lines before discounts.")] = None
    discount: Annotated[Money | None, Meta(description="Discounts.")] = None
    net: Annotated[Money | None, Meta(description="Lines after discounts.")] = None
    tax: Annotated[Money | None, Meta(description="All taxes together.")] = None
    grand: Annotated[Money | None, Meta(description="What customers paid in all.")] = None
    returns: Annotated[Money | None, Meta(description="Net amount of returned lines.")] = None
    taxes: Annotated[tuple[LineTax, ...], Meta(description="Taxes by rate.")] = ()


class TenderTotal(Part, frozen=True, kw_only=True):
    """What one tender brought that day."""

    tender_type: Annotated[TenderType, Meta(description="Kind of tender.")]
    amount: Annotated[Money, Meta(description="Signed sum, net of change.")]
    count: Annotated[Count | None, Meta(description="Number of tenders.")] = None


class BusinessDayClosed(DayFact, frozen=True, kw_only=True):
    """The end of a store-day (`business_day.closed`): the record its completeness rests on."""

    closed_at: Annotated[Moment | None, Meta(description="When the shop closed its day.")] = None
    till_id: Annotated[Identifier | None, Meta(description="The cash drawer, if named.")] = None
    currency: Annotated[
        Currency | None, Meta(description="Currency of every amount; needed beside totals.")
    ] = None
    workstations: Annotated[
        tuple[WorkstationCount, ...], Meta(description="Numbers and counts by register.")
    ] = ()
    totals: Annotated[DayTotals | None, Meta(description="Declared totals of the day.")] = None
    tenders: Annotated[tuple[TenderTotal, ...], Meta(description="Declared totals by tender.")] = ()
