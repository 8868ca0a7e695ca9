"""Grades the faults that leave a trace of their own: gaps, wrong counts, clocks, lost answers.

A number that is missing must be one the truth says got lost, and the other way round; everything
booked of a till comes in the order of its numbers, but for what the truth says came late.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice

from tillway.model.exact import to_minor
from tillway.simulator.erp_books import ErpDocument
from tillway.simulator.fault_plan import COUNT_FAULTS
from tillway.simulator.truth import TruthFault
from tillway.simulator.verdict import Grade, HubMessage, Identity, MissingNumbers, name_of

LATE_FAULTS = frozenset({"late", "out_of_order", "unknown_tender"})
NUMBERS_NAMED_OF_A_GAP = 1000

Number = tuple[str, str, str, int, int]
"""System, shop, register, run of its counter and the number it gave."""


class FaultMarking:
    """Collects the faults of the truth, and strikes off those that show as they must."""

    def __init__(self, verdict: Grade) -> None:
        self._verdict = verdict
        self._open: dict[Identity, TruthFault] = {}
        self._strange: set[Identity] = set()
        self._repeats: Counter[Identity] = Counter()
        self._lost_numbers: dict[Number, str] = {}
        self._unanswered: set[str] = set()
        self._may_come_late: set[str] = set()
        self._latest: dict[tuple[str, str], tuple[int, int]] = {}

    def expect(self, line: TruthFault) -> None:
        """Take one fault of the truth."""
        identity = (line.system, line.message_type, line.natural_key)
        if line.outcome == "accepted":
            self._open[identity] = line
        match line.fault:
            case "number_gap":
                store, till = line.natural_key.split(":")[:2]
                number = (line.system, store, till, *_count_of(line.natural_key))
                self._lost_numbers[number] = line.natural_key
            case "duplicate":
                self._repeats[identity] += 1
            case "unknown_tender":
                self._strange.add(identity)
            case "answer_lost":
                self._unanswered.add(line.natural_key)
        if line.fault in LATE_FAULTS:
            self._may_come_late.add(line.natural_key)

    def meet(self, message: HubMessage) -> None:
        """Look at one message the hub accepted."""
        identity = message.identity
        self._check_repeats(identity, message.repeats)
        line = self._open.pop(identity, None)
        if line is None:
            return
        name = f"{name_of(identity)}: {line.fault}"
        if line.fault in COUNT_FAULTS:
            over = to_minor(line.detail, message.currency)
            if message.over_minor != over:
                found = f"{message.over_minor} minor units in the hub"
                self._verdict.faults_missed.add(f"{name} of {line.detail}, {found}")
        elif line.fault == "clock_skew" and message.business_date not in line.natural_key:
            self._verdict.faults_missed.add(f"{name}, booked on {message.business_date}")

    def meet_quarantined(self, identity: Identity) -> None:
        """Look at one message the hub put into quarantine."""
        self._strange.discard(identity)

    def _check_repeats(self, identity: Identity, repeats: int | None) -> None:
        sent = self._repeats.pop(identity, 0)
        if sent and repeats is not None and repeats < sent:
            found = f"{sent} duplicates sent, {repeats} found"
            self._verdict.faults_missed.add(f"{name_of(identity)}: {found}")

    def meet_gaps(self, gaps: Iterable[MissingNumbers]) -> None:
        """Compare the gaps the hub found with the numbers that got lost, both ways."""
        left = dict(self._lost_numbers)
        for gap in gaps:
            numbers = range(gap.first, gap.last + 1)
            run = f":e{gap.register_epoch}" if gap.register_epoch else ""
            for number in islice(numbers, NUMBERS_NAMED_OF_A_GAP):
                place = (gap.system, gap.store, gap.workstation, gap.register_epoch, number)
                if left.pop(place, None) is None:
                    key = f"{gap.store}:{gap.workstation}:{gap.business_date}:{number}{run}"
                    self._verdict.wrong_gaps.add(f"{key}: missing, and it was sent")
        for key in left.values():
            self._verdict.wrong_gaps.add(f"{key}: got lost, and is not missing in the hub")

    def meet_document(self, document: ErpDocument) -> None:
        """Look at one document of the ERP, in the order of booking."""
        key = document.receipt_key
        if key in self._unanswered:
            self._unanswered.discard(key)
            if not document.repeats:
                self._verdict.faults_missed.add(f"{key}: answer_lost, and it was not sent again")
        if key in self._may_come_late or key.count(":") < 3:
            return
        store, till = key.split(":")[:2]
        count = _count_of(key)
        latest = self._latest.setdefault((store, till), count)
        if count < latest:
            self._verdict.disordered.add(f"{key}: booked after number {latest[1]}")
        else:
            self._latest[store, till] = count

    def close(self) -> None:
        """Judge the faults that showed nowhere."""
        for identity, line in self._open.items():
            self._verdict.faults_missed.add(f"{name_of(identity)}: {line.fault}, not in the hub")
        for identity in self._repeats:
            self._verdict.faults_missed.add(f"{name_of(identity)}: duplicate, not in the hub")
        for identity in self._strange:
            self._verdict.faults_missed.add(f"{name_of(identity)}: unknown_tender, not quarantined")
        for key in self._unanswered:
            self._verdict.faults_missed.add(f"{key}: answer_lost, not in the ERP")


def _count_of(natural_key: str) -> tuple[int, int]:
    """Return epoch and number of `store:till:date:number` or `store:till:date:number:e1`."""
    _, _, _, number, *epoch = natural_key.split(":")
    return (int(epoch[0].removeprefix("e")) if epoch else 0), int(number)
