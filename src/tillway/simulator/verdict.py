"""The words of a grading: what a hub and an ERP say of themselves, and what was found wrong.

A message is known by (system, message type, natural key); money is compared as text, to the cent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import msgspec

from tillway.simulator.erp_books import ErpDocument

SHOWN_EXAMPLES = 20

Identity = tuple[str, str, str]
MoneyKey = tuple[str, str]


class HubMessage(msgspec.Struct, frozen=True):
    """One message the hub keeps. outcome: accepted, conflict or quarantined.

    amount_minor is None when it states no money or cannot be read. dead: it will not be delivered.
    business_date: ISO, as the hub books it. over_minor: what a settled till had too much in its
    drawer, None for anything else. repeats: how often it came again, None when nobody looked.
    """

    system: str
    message_type: str
    natural_key: str
    outcome: str
    currency: str = ""
    amount_minor: int | None = None
    dead: bool = False
    business_date: str = ""
    over_minor: int | None = None
    repeats: int | None = None

    @property
    def identity(self) -> Identity:
        """What the truth knows it by."""
        return self.system, self.message_type, self.natural_key


class MissingNumbers(msgspec.Struct, frozen=True):
    """Numbers first to last of one register, all of them missing in the hub.

    register_epoch: the run of its counter that misses them.
    """

    system: str
    store: str
    workstation: str
    business_date: str
    first: int
    last: int
    register_epoch: int = 0


class HubFacts(Protocol):
    """What the hub says about itself."""

    def outcome_counts(self) -> Mapping[str, int]:
        """Return how many inputs had each outcome, duplicates and refused ones too."""
        ...

    def messages(self) -> Iterable[HubMessage]:
        """Return everything accepted, in conflict or in quarantine."""
        ...

    def missing(self) -> Iterable[MissingNumbers]:
        """Return the gaps in the numbers of its registers."""
        ...


class ErpFacts(Protocol):
    """What the ERP holds."""

    def documents(self) -> Iterable[ErpDocument]:
        """Return every document, in the order in which it was booked."""
        ...


class Findings(msgspec.Struct):
    """How many of one kind of finding, and the first few by name."""

    count: int = 0
    examples: list[str] = msgspec.field(default_factory=list)

    def add(self, example: str) -> None:
        """Note one more."""
        self.count += 1
        if len(self.examples) < SHOWN_EXAMPLES:
            self.examples.append(example)


class Grade(msgspec.Struct):
    """The verdict. lost: sent, and missing in the hub or the ERP. doubled: more than one effect.

    unexplained: rejected, or held by the hub, without a reason in the truth. wrong_money: amounts
    or totals that differ. faults_missed: faults that did not have the outcome they must have.
    wrong_gaps: numbers missing that were sent, or lost and not found missing. disordered: booked
    before an earlier number of the same till. money_in and money_booked are per (message type,
    currency) as text.
    """

    messages: int = 0
    faults: int = 0
    lost: Findings = msgspec.field(default_factory=Findings)
    doubled: Findings = msgspec.field(default_factory=Findings)
    unexplained: Findings = msgspec.field(default_factory=Findings)
    wrong_money: Findings = msgspec.field(default_factory=Findings)
    faults_missed: Findings = msgspec.field(default_factory=Findings)
    wrong_gaps: Findings = msgspec.field(default_factory=Findings)
    disordered: Findings = msgspec.field(default_factory=Findings)
    money_in: dict[str, str] = msgspec.field(default_factory=dict)
    money_booked: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def balanced(self) -> bool:
        """Say whether nothing at all was found."""
        return not any(found.count for found in self._found().values())

    def as_json(self) -> dict[str, Any]:
        """Return the verdict as plain values."""
        return {
            "messages": self.messages,
            "faults": self.faults,
            **{name: found.count for name, found in self._found().items()},
            "examples": {name: one.examples for name, one in self._found().items() if one.count},
            "money_in": self.money_in,
            "money_booked": self.money_booked,
            "balanced": self.balanced,
        }

    def _found(self) -> dict[str, Findings]:
        return {name: getattr(self, name) for name in FINDINGS}


FINDINGS = (
    "lost",
    "doubled",
    "unexplained",
    "wrong_money",
    "faults_missed",
    "wrong_gaps",
    "disordered",
)


def name_of(identity: Identity) -> str:
    """Return a message as the findings name it."""
    return " ".join(identity)
