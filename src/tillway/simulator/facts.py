"""What happens in a simulated shop, in words no brand uses; renderers turn it into their bytes.

Money is integer minor units (cents) and quantities are integer thousandths, so every receipt
balances exactly. Amounts are signed as in the canonical model: returns are negative.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar, Literal

import msgspec

from tillway.simulator.goods import Item
from tillway.simulator.plan import StorePlan

LineKind = Literal["sale", "return", "deposit", "deposit_return", "gift_card_sale"]
TenderKind = Literal["cash", "credit", "debit", "voucher", "gift_card", "unknown"]
ReceiptKind = Literal["sale", "return", "exchange"]
ControlKind = Literal[
    "sign_on", "sign_off", "no_sale", "cancelled", "suspended", "resumed", "training"
]
MovementKind = Literal["float_in", "paid_out", "pickup", "bank_deposit"]


def amount_text(minor: int) -> str:
    """Return minor units as decimal text: -250 gives "-2.50"."""
    whole, cents = divmod(abs(minor), 100)
    return f"{'-' if minor < 0 else ''}{whole}.{cents:02d}"


def quantity_text(thousandths: int) -> str:
    """Return thousandths as decimal text without trailing zeros: 650 gives "0.65"."""
    whole, rest = divmod(abs(thousandths), 1000)
    sign = "-" if thousandths < 0 else ""
    return f"{sign}{whole}.{rest:03d}".rstrip("0").rstrip(".")


class Discount(msgspec.Struct):
    """Why a line costs less. method is the canonical method code; code names the promotion."""

    method: Literal["promotion", "coupon", "employee"]
    code: str
    percent: int = 0


class SoldLine(msgspec.Struct):
    """One line. tax_rate is in hundredths of a percent (1900 is 19 %); tax is inside or on top.

    original is (natural key, line number) of the line a return takes back.
    """

    number: int
    item: Item
    kind: LineKind
    thousandths: int
    unit_price: int
    gross: int
    discount: int = 0
    reason: Discount | None = None
    tax_rate: int = 0
    tax: int = 0
    entry: Literal["scanned", "keyed", "weighed", "automatic"] = "scanned"
    voided: bool = False
    original: tuple[str, int] | None = None

    @property
    def net(self) -> int:
        """Gross minus discount."""
        return self.gross - self.discount


class TaxSum(msgspec.Struct):
    """The tax of one rate on a receipt."""

    rate: int
    taxable: int
    tax: int


class Paid(msgspec.Struct):
    """One tender. amount is net of change; rounding is what cash rounding added to the total.

    payment_ref: what shop and acquirer call a card payment, "" for anything but a card.
    """

    kind: TenderKind
    amount: int
    tendered: int = 0
    change: int = 0
    cashback: int = 0
    rounding: int = 0
    tip: int = 0
    scheme: str = ""
    last4: str = ""
    entry_mode: str = ""
    auth_code: str = ""
    payment_ref: str = ""


class Fact(msgspec.Struct, kw_only=True):
    """Anything that happens; times are local to the shop, without offset.

    number is None for day records of brands that do not number them. epoch rises when the counter
    of the register starts again.
    """

    message_type: ClassVar[str]
    store: StorePlan
    till: str
    day: date
    number: int | None
    begin: datetime
    end: datetime
    operator: str = ""
    epoch: int = 0

    @property
    def key_parts(self) -> tuple[str, ...]:
        """Parts of the natural key: the POS key when numbered, otherwise that of the day record."""
        if self.number is None:
            return self.unnumbered_key
        parts = (self.store.business_unit_id, self.till, self.day.isoformat(), str(self.number))
        return (*parts, f"e{self.epoch}") if self.epoch else parts

    @property
    def unnumbered_key(self) -> tuple[str, ...]:
        """Shop and date, which identify a day record without a number."""
        return (self.store.business_unit_id, self.day.isoformat())

    @property
    def system(self) -> str:
        """Name of the system that tells it, as the project calls it."""
        return self.store.system

    @property
    def sender(self) -> str:
        """Who hands it over: the shop."""
        return self.store.business_unit_id

    @property
    def natural_key(self) -> str:
        """The key as people write it: `0145:03:2026-11-20:1043`."""
        return ":".join(self.key_parts)

    @property
    def money(self) -> int | None:
        """Minor units this fact states as its money, None when it states none."""
        return None


class Receipt(Fact, kw_only=True):
    """A sale, return or exchange. net is after discounts; grand is what was paid, tip included."""

    message_type: ClassVar[str] = "retail_transaction.completed"
    kind: ReceiptKind
    lines: list[SoldLine]
    tenders: list[Paid] = msgspec.field(default_factory=list)
    taxes: list[TaxSum] = msgspec.field(default_factory=list)
    gross: int = 0
    discount: int = 0
    tax: int = 0
    rounding: int = 0
    tip: int = 0
    grand: int = 0
    item_count: int = 0
    loyalty: bool = False

    @property
    def net(self) -> int:
        """Gross minus discount."""
        return self.gross - self.discount

    @property
    def money(self) -> int:
        """The grand total."""
        return self.grand


class PostVoid(Fact, kw_only=True):
    """A receipt taken back whole; reversed_receipt has its lines and tenders with sign changed."""

    message_type: ClassVar[str] = "retail_transaction.voided"
    voided_key: tuple[str, ...]
    reversed_receipt: Receipt
    approver: str = ""

    @property
    def money(self) -> int:
        """The grand total of the receipt, sign reversed."""
        return self.reversed_receipt.grand


class Control(Fact, kw_only=True):
    """A number used up without goods. link is the key of the receipt it is about."""

    message_type: ClassVar[str] = "control.recorded"
    kind: ControlKind


class CashMove(Fact, kw_only=True):
    """Money moved: into the till positive, out of it negative.

    A bank deposit leaves the safe, not a drawer; its envelope is what the bank will name.
    """

    message_type: ClassVar[str] = "cash.moved"
    kind: MovementKind
    amount: int
    envelope: str = ""
    safe: str = ""

    @property
    def money(self) -> int:
        """The amount moved."""
        return self.amount


class TenderLedger(msgspec.Struct):
    """One tender of a till session; every amount unsigned but over, which is negative if short."""

    kind: TenderKind
    sales: int = 0
    returns: int = 0
    paid_out: int = 0
    loans: int = 0
    pickups: int = 0
    over: int = 0

    @property
    def expected(self) -> int:
        """What should be in the drawer."""
        return self.sales - self.returns - self.paid_out + self.loans - self.pickups

    @property
    def counted(self) -> int:
        """What is in the drawer."""
        return self.expected + self.over


class TillSettle(Fact, kw_only=True):
    """A till counted at the end of its session; used is how many numbers it took.

    The sales of a ledger are its tenders above zero, its returns those below, post-voids included.
    """

    message_type: ClassVar[str] = "till.settled"
    session: str
    first: int
    last: int
    used: int
    ledgers: list[TenderLedger]
    line_voids: tuple[int, int]
    post_voids: tuple[int, int]
    cancelled: int

    @property
    def unnumbered_key(self) -> tuple[str, ...]:
        """Shop, till and session."""
        return (self.store.business_unit_id, self.till, self.session)


class DayOpen(Fact, kw_only=True):
    """The start of a shop's business day."""

    message_type: ClassVar[str] = "business_day.opened"


class WorkstationDay(msgspec.Struct):
    """What one register did: first and last number, and how many it used, control records too.

    last is below first when its counter started again.
    """

    till: str
    first: int
    last: int
    count: int


class DaySums(msgspec.Struct):
    """Declared totals of a day, signed as on receipts. taxes and tenders by rate and kind."""

    gross: int = 0
    discount: int = 0
    tax: int = 0
    grand: int = 0
    returns: int = 0
    taxes: dict[int, tuple[int, int]] = msgspec.field(default_factory=dict)
    tenders: dict[str, tuple[int, int]] = msgspec.field(default_factory=dict)


class DayClose(Fact, kw_only=True):
    """The end of a shop's business day: the record its completeness rests on."""

    message_type: ClassVar[str] = "business_day.closed"
    workstations: list[WorkstationDay]
    sums: DaySums
