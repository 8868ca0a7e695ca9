"""One thing somebody hands over, or never does: the fact, its fault, and what must come of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from tillway.simulator.brands import CARRIERS
from tillway.simulator.expected import ExpectedFinding
from tillway.simulator.facts import Fact
from tillway.simulator.fault_plan import FaultKind

DeliveryKind = Literal["message", "duplicate", "conflict", "malformed", "missing"]
Outcome = Literal["accepted", "duplicate", "conflict", "quarantined", "refused", "missing"]


class Delivery(msgspec.Struct):
    """One thing a shop (or acquirer, or bank) hands over; of kind `missing`, it never does.

    cut: where a malformed copy ends, as a share of its length. detail: hours of a clock or of a
    delay, amount of a wrong count, how an answer is lost, a payment's reference. at: when it goes
    out, None for when the fact ended. findings: what the audit must find because of the fault.
    """

    kind: DeliveryKind
    fact: Fact
    outcome: Outcome
    fault: FaultKind | None = None
    cut: float = 1.0
    detail: str = ""
    at: datetime | None = None
    findings: tuple[ExpectedFinding, ...] = ()

    @property
    def moment(self) -> datetime:
        """When it goes out, in the simulated time; a wrong clock does not change it."""
        return self.fact.end if self.at is None else self.at

    def body(self) -> bytes:
        """Return the bytes of one document; a malformed one is cut off in the middle."""
        document = CARRIERS[self.fact.system].render(self.fact)
        if self.kind != "malformed":
            return document
        first_row = document.find(b"\r\n")
        end = first_row if first_row > 0 else len(document)
        return document[: max(1, int(end * self.cut))]
