"""Grades a run: what the hub and the ERP hold against the truth file, message by message.

A message is known by (system, message type, natural key). Money is compared in text, per message
and per (type, currency), to the cent. Extra duplicates are no fault: a sender that got no answer
sends again; missing ones are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from tillway.model.exact import from_minor, to_minor
from tillway.simulator.erp_books import ErpDocument
from tillway.simulator.grade_faults import FaultMarking
from tillway.simulator.truth import TruthFault, TruthMessage, read_truth
from tillway.simulator.verdict import (
    ErpFacts,
    Grade,
    HubFacts,
    HubMessage,
    Identity,
    MoneyKey,
    name_of,
)

ERP_MESSAGE_TYPES = frozenset({"retail_transaction.completed", "retail_transaction.voided"})
POSTINGS = frozenset({"posting.requested", "posting.confirmed", "posting.reported"})
"""Messages between hub and ERP about whole days; the truth of what was sent knows none of them."""


def grade(
    truth_path: Path,
    hub: HubFacts,
    erp: ErpFacts,
    *,
    erp_message_types: frozenset[str] = ERP_MESSAGE_TYPES,
    refused_may_repeat: bool = False,
    mended: bool = False,
) -> Grade:
    """Compare a finished run with its truth.

    refused_may_repeat: a sender may have repeated what was refused (the hub was killed in between).
    mended: what was quarantined has been taken in again since, so it must be booked as well.
    Raises ConfigurationError TW-7501 when the truth cannot be read.
    """
    marking = _Marking(erp_message_types, mended=mended)
    for line in read_truth(truth_path):
        if isinstance(line, TruthMessage):
            marking.expect(line)
        elif isinstance(line, TruthFault):
            marking.expect_fault(line)
    for message in hub.messages():
        marking.meet(message)
    marking.close_hub()
    marking.faults.meet_gaps(hub.missing())
    for document in erp.documents():
        marking.meet_document(document)
    marking.close_erp()
    marking.check_counts(hub.outcome_counts(), refused_may_repeat=refused_may_repeat)
    return marking.grade


class _Marking:
    """Collects what was expected and strikes off what is met."""

    def __init__(self, erp_message_types: frozenset[str], *, mended: bool) -> None:
        self.grade = Grade()
        self.faults = FaultMarking(self.grade)
        self._erp_types = erp_message_types
        self._mended = mended
        self._expected: dict[Identity, TruthMessage] = {}
        self._fault_counts: Counter[str] = Counter()
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
        if self._is_taken(line) and line.message_type in self._erp_types:
            self._for_erp[line.natural_key] = line

    def expect_fault(self, line: TruthFault) -> None:
        """Take one fault of the truth."""
        self.grade.faults += 1
        self._fault_counts[line.fault] += 1
        self.faults.expect(line)
        if line.fault == "conflict":
            identity = (line.system, line.message_type, line.natural_key)
            self._conflicts[identity] += 1
            self._conflict_money[identity] = line.money

    def meet(self, message: HubMessage) -> None:
        """Strike off one message of the hub."""
        if message.message_type in POSTINGS:
            return
        identity = message.identity
        name = name_of(identity)
        if message.outcome == "conflict":
            self._meet_conflict(identity, message, name)
            return
        expected = self._expected.get(identity)
        if expected is None:
            self.grade.unexplained.add(f"{name}: {message.outcome}, never sent")
            return
        if message.outcome == "quarantined":
            self._quarantined.add(identity)
            self.faults.meet_quarantined(identity)
            if expected.outcome != "quarantined":
                self.grade.unexplained.add(f"{name}: quarantined")
            return
        self._met[identity] += 1
        self.faults.meet(message)
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
            name, times = name_of(identity), self._met[identity]
            if times > 1:
                self.grade.doubled.add(f"{name}: {times} times in the hub")
            if expected.outcome == "quarantined" and identity not in self._quarantined:
                findings = self.grade.faults_missed if times else self.grade.lost
                findings.add(f"{name}: not in quarantine")
            elif times and not self._is_taken(expected):
                self.grade.faults_missed.add(f"{name}: accepted, must be quarantined")
            elif not times and self._is_taken(expected):
                self.grade.lost.add(f"{name}: not in the hub")
        for identity, missing in self._conflicts.items():
            if missing > 0:
                self.grade.faults_missed.add(f"{name_of(identity)}: conflict was not found")
        self.grade.money_in = _shown(self._accepted)
        self._compare_totals()

    def _compare_totals(self) -> None:
        sent: dict[MoneyKey, int] = {}
        for line in self._expected.values():
            if self._is_taken(line) and line.money is not None:
                key = (line.message_type, line.currency)
                sent[key] = sent.get(key, 0) + to_minor(line.money, line.currency)
        for key in sent.keys() | self._accepted.keys():
            if sent.get(key, 0) != self._accepted.get(key, 0):
                difference = self._accepted.get(key, 0) - sent.get(key, 0)
                self.grade.wrong_money.add(f"{key[0]} {key[1]}: hub differs by {difference} minor")

    def meet_document(self, document: ErpDocument) -> None:
        """Strike off one document of the ERP."""
        self.faults.meet_document(document)
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
        self.faults.close()

    def check_counts(self, counts: Mapping[str, int], *, refused_may_repeat: bool) -> None:
        """Compare the counts of what leaves no message behind: duplicates and refused copies."""
        duplicates, refused = counts.get("duplicate", 0), counts.get("refused", 0)
        sent_twice = self._fault_counts["duplicate"]
        malformed = self._fault_counts["malformed"]
        if duplicates < sent_twice:
            self.grade.faults_missed.add(f"{sent_twice} duplicates sent, {duplicates} found")
        if refused < malformed:
            self.grade.faults_missed.add(f"{malformed} malformed sent, {refused} refused")
        if refused > malformed and not refused_may_repeat:
            self.grade.unexplained.add(f"{refused} refused, {malformed} were malformed")

    def _is_taken(self, line: TruthMessage) -> bool:
        """Say whether the hub must have accepted it by now."""
        return line.outcome == "accepted" or (self._mended and line.outcome == "quarantined")


def _money_of(message: HubMessage) -> str | None:
    if message.amount_minor is None:
        return None
    return str(from_minor(message.amount_minor, message.currency))


def _shown(sums: Mapping[MoneyKey, int]) -> dict[str, str]:
    return {
        f"{message_type} {currency}": str(from_minor(minor, currency))
        for (message_type, currency), minor in sorted(sums.items())
    }
