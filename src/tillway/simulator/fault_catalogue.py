"""Every fault a person can ask for by name: what goes wrong, and what must come of it.

The names are those of the kinds with hyphens; `all` stands for every one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from tillway.errors import ConfigurationError
from tillway.simulator.fault_plan import FaultKind, FaultPlan, Window
from tillway.simulator.plan import ChainPlan
from tillway.spelling import nearest

ALL = "all"
NOON_SECOND = 12 * 3600
OUTAGE_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class FaultInfo:
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
    for a stretch of time (and so for `all`).
    """
    rates: dict[FaultKind, float] = {}
    windows: dict[str, tuple[Window, ...]] = {}
    for part in filter(None, (one.strip() for one in asked.split(","))):
        name, _, share = part.partition("=")
        for info in CATALOGUE if name == ALL else (_named(name),):
            if info.share is None:
                windows[info.name] = (_window(info, share, plan),)
            else:
                rates[_kind(info)] = _share(name, share) if share else info.share
    return FaultPlan(
        rates=rates,
        offline=windows.get("store-offline", ()),
        erp_down=windows.get("erp-down", ()),
    )


def _named(name: str) -> FaultInfo:
    for info in CATALOGUE:
        if info.name == name.replace("_", "-"):
            return info
    known = [info.name for info in CATALOGUE]
    raise ConfigurationError(
        "TW-7505",
        f'no fault is called "{name}"; there are {", ".join(known)} and {ALL}',
        fault=name,
        advice=f"{nearest(name, known)}`tillway simulate faults` explains each of them.",
    )


def _kind(info: FaultInfo) -> FaultKind:
    return next(kind for kind in get_args(FaultKind) if kind == info.name.replace("-", "_"))


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
