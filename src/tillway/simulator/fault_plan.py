"""What shall go wrong in a simulated chain, and how often; pure figures, nothing happens here.

Shares are of different things: of sales for what befalls a receipt, of till counts for till_short,
till_over and missing_count, of registers for counter_reset, of register days for clock_skew, of
store-days for missing_close and close_count, of payouts and deposits for what befalls them.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Literal, get_args

import msgspec

from tillway.simulator.plan import ChainPlan

DeliveryFault = Literal[
    "duplicate",
    "conflict",
    "malformed",
    "unknown_tender",
    "number_gap",
    "late",
    "out_of_order",
    "answer_lost",
    "till_short",
    "till_over",
    "counter_reset",
    "clock_skew",
]

FinanceFault = Literal[
    "altered",
    "wrong_tax",
    "misdated",
    "future_date",
    "missing_close",
    "close_count",
    "missing_count",
    "payment_missing",
    "payment_unknown",
    "payout_off",
    "deposit_off",
    "deposit_missing",
]
FaultKind = DeliveryFault | FinanceFault

FAULT_KINDS: tuple[DeliveryFault, ...] = get_args(DeliveryFault)
"""What can go wrong on the way from the till to the hub and the ERP."""
FINANCE_KINDS: tuple[FinanceFault, ...] = get_args(FinanceFault)
"""What goes wrong without any message being lost: only the store-day's audit finds it."""
COUNT_FAULTS: frozenset[FaultKind] = frozenset({"till_short", "till_over"})
MONEY_FAULTS: frozenset[FaultKind] = frozenset(
    {"payment_missing", "payment_unknown", "payout_off", "deposit_off", "deposit_missing"}
)
"""Faults of acquirer and bank: a chain without them cannot have these."""
RECORD_FAULTS: frozenset[FaultKind] = MONEY_FAULTS | frozenset(
    {"missing_close", "close_count", "missing_count"}
)
"""Faults that are drawn by the name of what they befall (`record_faults`)."""
REGISTER_FAULTS: frozenset[FaultKind] = frozenset({"counter_reset", "clock_skew"})


class Window(msgspec.Struct, frozen=True):
    """A stretch of the simulated time: seconds since midnight of the first day. store may be ""."""

    start_second: int
    seconds: int
    store: str = ""


class FaultPlan(msgspec.Struct, frozen=True):
    """How much goes wrong. rates: share by kind of fault.

    exact: by kind of fault, the natural keys it befalls; `store:till` for faults of a register,
    the number of a payout, the reference of a deposit.
    offline: shops that cannot reach the hub for a while. erp_down: when the ERP answers nothing.
    """

    rates: dict[FaultKind, float] = msgspec.field(default_factory=dict)
    exact: dict[FaultKind, frozenset[str]] = msgspec.field(default_factory=dict)
    offline: tuple[Window, ...] = ()
    erp_down: tuple[Window, ...] = ()


NO_FAULTS = FaultPlan()


def window_times(window: Window, plan: ChainPlan) -> tuple[datetime, datetime]:
    """Return begin and end of a window in the simulated time."""
    begin = datetime.combine(plan.first_day, time()) + timedelta(seconds=window.start_second)
    return begin, begin + timedelta(seconds=window.seconds)
