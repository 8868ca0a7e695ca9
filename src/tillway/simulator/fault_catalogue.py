"""Every fault a person can ask for by name: what goes wrong, and what must come of it.

The names are those of the kinds with hyphens. `all` stands for every fault on the way to the hub
and the ERP; in a chain with acquirer and bank, for those that only an audit can find too.
"""

from __future__ import annotations

import msgspec

from tillway.errors import ConfigurationError
from tillway.simulator.fault_plan import (
    FAULT_KINDS,
    FINANCE_KINDS,
    MONEY_FAULTS,
    FaultKind,
    FaultPlan,
    Window,
)
from tillway.simulator.plan import ChainPlan
from tillway.spelling import nearest

ALL = "all"
NOON_SECOND = 12 * 3600
OUTAGE_SECONDS = 3600


class FaultInfo(msgspec.Struct, frozen=True):
    """One fault. share: how often when nothing is said, None for a stretch of time; of what."""

    name: str
    share: float | None
    of: str
    happens: str
    must: str


CATALOGUE: tuple[FaultInfo, ...] = (
    FaultInfo(
        "duplicate", 0.01, "sales",
        "the same bytes are handed over once more",
        "a duplicate: counted, kept once, booked once",
    ),
    FaultInfo(
        "conflict", 0.005, "sales",
        "another amount comes under the same number",
        "the first stands and is booked, the second is kept as a conflict",
    ),
    FaultInfo(
        "malformed", 0.005, "sales",
        "a copy is cut off in the middle, the whole one follows",
        "the copy is refused, the sale is booked once",
    ),
    FaultInfo(
        "unknown-tender", 0.005, "sales",
        "a sale is paid with something no code table knows",
        "quarantined; booked once after a row is added and it is retried",
    ),
    FaultInfo(
        "number-gap", 0.005, "sales and records without goods",
        "a number never arrives",
        "exactly this number is found missing, and no other",
    ),
    FaultInfo(
        "late", 0.005, "sales and records without goods",
        "a number arrives hours or days after its successors",
        "accepted under its own business date; its gap closes",
    ),
    FaultInfo(
        "out-of-order", 0.02, "sales and records without goods",
        "a number is overtaken by the next ones of its till and by other tills",
        "accepted; nothing is missing in the end",
    ),
    FaultInfo(
        "answer-lost", 0.005, "sales",
        "the ERP books a sale and its answer is lost: cut off, or never given",
        "sent again under the same key, booked once",
    ),
    FaultInfo(
        "till-short", 0.1, "till counts",
        "there is less in the drawer than there should be",
        "accepted with exactly this difference",
    ),
    FaultInfo(
        "till-over", 0.1, "till counts",
        "there is more in the drawer than there should be",
        "accepted with exactly this difference",
    ),
    FaultInfo(
        "counter-reset", 0.05, "registers",
        "a register starts again at 1 in the middle of its day",
        "its new sales are accepted under the next register epoch, none as a duplicate",
    ),
    FaultInfo(
        "clock-skew", 0.1, "registers and days",
        "the clock of a till is wrong by hours",
        "the business date of the till stands; its receipts are booked in order of number",
    ),
    FaultInfo(
        "altered", 0.005, "sales",
        "the amounts of a receipt are changed on the way, and it still adds up",
        "till and day declare other totals: TOTALS_MISMATCH twice, AMOUNT_DIFF for a card payment",
    ),
    FaultInfo(
        "wrong-tax", 0.005, "sales whose prices contain tax",
        "an article is taxed at a rate the country does not have; the till declares it so",
        "TAX_RATE_UNKNOWN for the receipt",
    ),
    FaultInfo(
        "misdated", 0.003, "sales without a card, but for the last day",
        "the same receipt comes again under the next business date",
        "SEQ_DUPLICATE on both dates, FUTURE_DATE; numbers and totals of that day do not agree",
    ),
    FaultInfo(
        "future-date", 0.003, "sales without a card",
        "a receipt bears a business date a month after the last day",
        "FUTURE_DATE; numbers and totals of its own day do not agree",
    ),
    FaultInfo(
        "missing-close", 0.05, "store-days without numbers of their own",
        "the record that ends the day never arrives",
        "STORE_DAY_NOT_CLOSED after the cut-off",
    ),
    FaultInfo(
        "close-count", 0.05, "store-days",
        "the record that ends the day counts one transaction too many",
        "COUNT_MISMATCH for this register",
    ),
    FaultInfo(
        "missing-count", 0.05, "till counts without numbers of their own",
        "a till that traded is never counted",
        "MISSING_DECLARATION for this till",
    ),
    FaultInfo(
        "payment-missing", 0.1, "payouts",
        "the acquirer leaves a card payment out",
        "TENDER_NO_PAYMENT for this payment",
    ),
    FaultInfo(
        "payment-unknown", 0.1, "payouts",
        "the acquirer pays for a sale that never was",
        "PAYMENT_NO_TENDER for this payment",
    ),
    FaultInfo(
        "payout-off", 0.1, "payouts",
        "the bank credits a payout with a cent more or less",
        "PAYOUT_DIFF for this payout",
    ),
    FaultInfo(
        "deposit-off", 0.1, "cash deposits",
        "the bank credits a deposit with a cent more or less",
        "DEPOSIT_MISMATCH for this deposit",
    ),
    FaultInfo(
        "deposit-missing", 0.05, "cash deposits",
        "the bank never credits a deposit",
        "DEPOSIT_MISMATCH for this deposit",
    ),
    FaultInfo(
        "store-offline", None, "the last store, an hour from noon",
        "a store cannot reach the hub and goes on selling",
        "everything is handed over afterwards, none lost, none twice",
    ),
    FaultInfo(
        "erp-down", None, "the ERP, an hour from noon",
        "the ERP answers 503 to every call",
        "everything waits and is booked afterwards, once",
    ),
)  # fmt: skip


def fault_plan(asked: str, plan: ChainPlan) -> FaultPlan:
    """Return the faults asked for: `late,number-gap=0.02`, or `all`; "" for none.

    Raises ConfigurationError TW-7505 for a name nobody knows, a share outside 0 to 1, or a share
    for a stretch of time (and so for `all`), or a fault of acquirer or bank where there is none.
    """
    rates: dict[FaultKind, float] = {}
    windows: dict[str, tuple[Window, ...]] = {}
    for part in filter(None, (one.strip() for one in asked.split(","))):
        name, _, share = part.partition("=")
        for info in _everything(plan) if name == ALL else (_named(name, plan),):
            if info.share is None:
                windows[info.name] = (_window(info, share, plan),)
            else:
                rates[_kind(info)] = _share(name, share) if share else info.share
    return FaultPlan(
        rates=rates,
        offline=windows.get("store-offline", ()),
        erp_down=windows.get("erp-down", ()),
    )


def _everything(plan: ChainPlan) -> tuple[FaultInfo, ...]:
    """Return what `all` stands for."""
    if plan.finance:
        return CATALOGUE
    finance = {kind.replace("_", "-") for kind in FINANCE_KINDS}
    return tuple(info for info in CATALOGUE if info.name not in finance)


def _named(name: str, plan: ChainPlan) -> FaultInfo:
    for info in CATALOGUE:
        if info.name != name.replace("_", "-"):
            continue
        if info.name.replace("-", "_") in MONEY_FAULTS and not plan.finance:
            raise ConfigurationError(
                "TW-7505",
                f"{info.name} needs an acquirer and a bank, which this chain does not have",
                fault=name,
                advice="Use a project that has the systems paywell and harbourbank.",
            )
        return info
    known = [info.name for info in CATALOGUE]
    raise ConfigurationError(
        "TW-7505",
        f'no fault is called "{name}"; there are {", ".join(known)} and {ALL}',
        fault=name,
        advice=f"{nearest(name, known)}`tillway simulate faults` explains each of them.",
    )


def _kind(info: FaultInfo) -> FaultKind:
    kinds: tuple[FaultKind, ...] = (*FAULT_KINDS, *FINANCE_KINDS)
    return next(kind for kind in kinds if kind == info.name.replace("-", "_"))


def _share(name: str, text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ConfigurationError(
            "TW-7505", f"{name}={text} is no share", fault=name, advice="Write 0 to 1: late=0.02."
        )
    return share


def _window(info: FaultInfo, share: str, plan: ChainPlan) -> Window:
    if share:
        raise ConfigurationError(
            "TW-7505",
            f"{info.name} takes no share: it lasts an hour from noon",
            fault=info.name,
            advice=f"Write {info.name} alone.",
        )
    store = plan.store_plans()[-1].business_unit_id if info.name == "store-offline" else ""
    return Window(NOON_SECOND, OUTAGE_SECONDS, store)
