"""Grades a run: what the hub and the ERP hold against the truth file, message by message.

A message is known by (system, message type, natural key). Money is compared in text, per message
and per (type, currency), to the cent. Extra duplicates are no fault: a sender that got no answer
sends again; missing ones are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tillway.model.exact import from_minor, to_minor
from tillway.simulator.erp_books import ErpDocument
from tillway.simulator.truth import TruthFault, TruthMessage, read_truth

ERP_MESSAGE_TYPES = frozenset({"retail_transaction.completed", "retail_transaction.voided"})
SHOWN_EXAMPLES = 20

Identity = tuple[str, str, str]
MoneyKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class HubMessage:
    """One message the hub keeps. outcome: accepted, conflict or quarantined.

    amount_minor is None when it states no money or cannot be read. dead: it will not be delivered.
    """

    system: str
    message_type: str
    natural_key: str
    outcome: str
    currency: str = ""
    amount_minor: int | None = None
    dead: bool = False


class HubFacts(Protocol):
    """What the hub says about itself."""

    def outcome_counts(self) -> Mapping[str, int]:
        """Return how many inputs had each outcome, duplicates and refused ones too."""
        ...

    def messages(self) -> Iterable[HubMessage]:
        """Return everything accepted, in conflict or in quarantine."""
        ...


class ErpFacts(Protocol):
    """What the ERP holds."""

    def documents(self) -> Iterable[ErpDocument]:
        """Return every document."""
        ...


@dataclass(slots=True)
class Findings:
    """How many of one kind of finding, and the first few by name."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, example: str) -> None:
        """Note one more."""
        self.count += 1
        if len(self.examples) < SHOWN_EXAMPLES:
            self.examples.append(example)


@dataclass(slots=True)
class Grade:
    """The verdict. lost: sent, and missing in the hub or the ERP. doubled: more than one effect.

    unexplained: rejected, or held by the hub, without a reason in the truth. wrong_money: amounts
    or totals that differ. faults_missed: faults that did not have the outcome they must have.
    money_in and money_booked are per (message type, currency) as text.
    """

    messages: int = 0
    faults: int = 0
    lost: Findings = field(default_factory=Findings)
    doubled: Findings = field(default_factory=Findings)
    unexplained: Findings = field(default_factory=Findings)
    wrong_money: Findings = field(default_factory=Findings)
    faults_missed: Findings = field(default_factory=Findings)
    money_in: dict[str, str] = field(default_factory=dict)
    money_booked: dict[str, str] = field(default_factory=dict)

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
        names = ("lost", "doubled", "unexplained", "wrong_money", "faults_missed")
        return {name: getattr(self, name) for name in names}


def grade(
    truth_path: Path,
    hub: HubFacts,
    erp: ErpFacts,
    *,
    erp_message_types: frozenset[str] = ERP_MESSAGE_TYPES,
    refused_may_repeat: bool = False,
) -> Grade:
    """Compare a finished run with its truth.

    refused_may_repeat: a sender may have repeated what was refused (the hub was killed in between).
    Raises ConfigurationError TW-7501 when the truth cannot be read.
    """
    marking = _Marking(erp_message_types)
    for line in read_truth(truth_path):
        if isinstance(line, TruthMessage):
            marking.expect(line)
        elif isinstance(line, TruthFault):
            marking.expect_fault(line)
    for message in hub.messages():
        marking.meet(message)
    marking.close_hub()
    for document in erp.documents():
        marking.meet_document(document)
    marking.close_erp()
    marking.check_counts(hub.outcome_counts(), refused_may_repeat=refused_may_repeat)
    return marking.grade


class _Marking:
    """Collects what was expected and strikes off what is met."""

    def __init__(self, erp_message_types: frozenset[str]) -> None:
        self.grade = Grade()
        self._erp_types = erp_message_types
        self._expected: dict[Identity, TruthMessage] = {}
        self._faults: Counter[str] = Counter()
        self._conflicts: Counter[Identity] = Counter()
        self._conflict_money: dict[Identity, str | None] = {}
        self._met: Counter[Identity] = Counter()
        self._quarantined: set[Identity] = set()
        self._dead: set[Identity] = set()
        self._accepted: dict[MoneyKey, int] = {}
        self._for_erp: dict[str, TruthMessage] = {}
        self._booked: dict[MoneyKey, int] = {}

    def expect(self, line: TruthMessage) -> None:
        """Take one message of the truth."""
        self.grade.messages += 1
        self._expected[line.system, line.message_type, line.natural_key] = line
        if line.outcome == "accepted" and line.message_type in self._erp_types:
            self._for_erp[line.natural_key] = line

    def expect_fault(self, line: TruthFault) -> None:
        """Take one fault of the truth."""
        self.grade.faults += 1
        self._faults[line.fault] += 1
        if line.fault == "conflict":
            identity = (line.system, line.message_type, line.natural_key)
            self._conflicts[identity] += 1
            self._conflict_money[identity] = line.money

    def meet(self, message: HubMessage) -> None:
        """Strike off one message of the hub."""
        identity = (message.system, message.message_type, message.natural_key)
        name = _name(identity)
        if message.outcome == "conflict":
            self._meet_conflict(identity, message, name)
            return
        expected = self._expected.get(identity)
        if expected is None:
            self.grade.unexplained.add(f"{name}: {message.outcome}, never sent")
            return
        if message.outcome == "quarantined":
            self._quarantined.add(identity)
            if expected.outcome != "quarantined":
                self.grade.unexplained.add(f"{name}: quarantined")
            return
        self._met[identity] += 1
        if message.dead:
            self._dead.add(identity)
            self.grade.unexplained.add(f"{name}: dead")
        if _money_of(message) != expected.money:
            self.grade.wrong_money.add(f"{name}: hub {_money_of(message)}, sent {expected.money}")
        if message.amount_minor is not None:
            key = (message.message_type, message.currency)
            self._accepted[key] = self._accepted.get(key, 0) + message.amount_minor

    def _meet_conflict(self, identity: Identity, message: HubMessage, name: str) -> None:
        if not self._conflicts[identity]:
            self.grade.unexplained.add(f"{name}: conflict")
            return
        self._conflicts[identity] -= 1
        money, stated = _money_of(message), self._conflict_money[identity]
        if money is not None and money != stated:
            self.grade.wrong_money.add(f"{name}: conflict of {money}, sent {stated}")

    def close_hub(self) -> None:
        """Judge what the hub does not hold, or holds twice."""
        for identity, expected in self._expected.items():
            name, times = _name(identity), self._met[identity]
            if times > 1:
                self.grade.doubled.add(f"{name}: {times} times in the hub")
            if expected.outcome == "quarantined":
                if times:
                    self.grade.faults_missed.add(f"{name}: accepted, must be quarantined")
                elif identity not in self._quarantined:
                    self.grade.lost.add(f"{name}: not in quarantine")
            elif not times:
                self.grade.lost.add(f"{name}: not in the hub")
        for identity, missing in self._conflicts.items():
            if missing > 0:
                self.grade.faults_missed.add(f"{_name(identity)}: conflict was not found")
        self.grade.money_in = _shown(self._accepted)
        self._compare_totals()

    def _compare_totals(self) -> None:
        sent: dict[MoneyKey, int] = {}
        for line in self._expected.values():
            if line.outcome == "accepted" and line.money is not None:
                key = (line.message_type, line.currency)
                sent[key] = sent.get(key, 0) + to_minor(line.money, line.currency)
        for key in sent.keys() | self._accepted.keys():
            if sent.get(key, 0) != self._accepted.get(key, 0):
                difference = self._accepted.get(key, 0) - sent.get(key, 0)
                self.grade.wrong_money.add(f"{key[0]} {key[1]}: hub differs by {difference} minor")

    def meet_document(self, document: ErpDocument) -> None:
        """Strike off one document of the ERP."""
        name = f"{document.receipt_key} in the ERP"
        expected = self._for_erp.get(document.receipt_key)
        if expected is None:
            self.grade.unexplained.add(f"{name}: must not be there")
            return
        identity = ("erp", expected.message_type, document.receipt_key)
        self._met[identity] += 1
        if self._met[identity] > 1:
            self.grade.doubled.add(f"{name}: {self._met[identity]} times")
        booked = str(from_minor(document.minor, document.currency))
        if (booked, document.currency) != (expected.money, expected.currency):
            sent = f"{expected.money} {expected.currency}"
            self.grade.wrong_money.add(f"{name}: {booked} {document.currency}, sent {sent}")
        key = (expected.message_type, document.currency)
        self._booked[key] = self._booked.get(key, 0) + document.minor

    def close_erp(self) -> None:
        """Judge what the ERP does not hold; a dead letter is reported once, as such."""
        for key, line in self._for_erp.items():
            identity = (line.system, line.message_type, key)
            if identity in self._dead or not self._met[identity]:
                continue
            if not self._met["erp", line.message_type, key]:
                self.grade.lost.add(f"{key}: accepted, and not in the ERP")
        self.grade.money_booked = _shown(self._booked)

    def check_counts(self, counts: Mapping[str, int], *, refused_may_repeat: bool) -> None:
        """Compare the counts of what leaves no message behind: duplicates and refused copies."""
        duplicates, refused = counts.get("duplicate", 0), counts.get("refused", 0)
        sent_twice, malformed = self._faults["duplicate"], self._faults["malformed"]
        if duplicates < sent_twice:
            self.grade.faults_missed.add(f"{sent_twice} duplicates sent, {duplicates} found")
        if refused < malformed:
            self.grade.faults_missed.add(f"{malformed} malformed sent, {refused} refused")
        if refused > malformed and not refused_may_repeat:
            self.grade.unexplained.add(f"{refused} refused, {malformed} were malformed")


def _money_of(message: HubMessage) -> str | None:
    if message.amount_minor is None:
        return None
    return str(from_minor(message.amount_minor, message.currency))


def _name(identity: Identity) -> str:
    system, message_type, key = identity
    return f"{system} {message_type} {key}"


def _shown(sums: Mapping[MoneyKey, int]) -> dict[str, str]:
    return {
        f"{message_type} {currency}": str(from_minor(minor, currency))
        for (message_type, currency), minor in sorted(sums.items())
    }
