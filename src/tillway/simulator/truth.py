"""The truth file: what the chain did, written before anything is sent, never by the hub.

JSON lines: a header, one line for each message, one for each fault, one for each store-day, and an
end with the totals. In a live run a line is written just before its message is handed over, so the
file holds exactly what was attempted, whenever the run ends.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from tillway import __version__
from tillway.errors import ConfigurationError
from tillway.model.exact import to_minor
from tillway.simulator.accounts import Accounts, TruthDay
from tillway.simulator.delivery import Delivery
from tillway.simulator.expected import ExpectedFinding
from tillway.simulator.facts import Fact, amount_text
from tillway.simulator.fault_plan import NO_FAULTS, FaultPlan, window_times
from tillway.simulator.faults import deliveries
from tillway.simulator.finance_facts import BankStatement, StatementLine
from tillway.simulator.finance_faults import finding_of_line
from tillway.simulator.plan import ChainPlan

SCHEMA = "tillway.truth/2"


class TruthMessage(msgspec.Struct, frozen=True, tag="message", tag_field="line"):
    """One message: its identity, its money (text, None when it states none) and what must come."""

    natural_key: str
    system: str
    message_type: str
    outcome: str
    money: str | None = None
    currency: str = ""
    brand: str = ""


class TruthFault(msgspec.Struct, frozen=True, tag="fault", tag_field="line"):
    """One fault and the outcome it must have; begin and end for windows of time.

    detail: hours of a clock or of a delay, amount of a wrong till count, how an answer is lost, the
    payment that is missing or unknown, by how much a credit is off. findings: what the audit must
    find because of it; another fault of the same day may cause one of them too.
    """

    fault: str
    outcome: str
    natural_key: str = ""
    system: str = ""
    message_type: str = ""
    money: str | None = None
    currency: str = ""
    store: str = ""
    detail: str = ""
    begin: str = ""
    end: str = ""
    findings: tuple[ExpectedFinding, ...] = ()


class TruthTotal(msgspec.Struct):
    """Messages of one type and currency: how many, and their money as text."""

    message_type: str
    currency: str
    count: int
    money: str


class TruthHeader(msgspec.Struct, frozen=True, tag="header", tag_field="line"):
    """What was planned. totals is None in a live run; the end line has them.

    finance: whether acquirer and bank tell their side too.
    """

    seed: int
    stores: int
    days: int
    sales: int
    first_day: str
    schema: str = SCHEMA
    version: str = __version__
    totals: list[TruthTotal] | None = None
    finance: bool = False


class TruthEnd(msgspec.Struct, frozen=True, tag="end", tag_field="line"):
    """What the file holds in all."""

    messages: int
    faults: int
    totals: list[TruthTotal]


TruthLine = TruthHeader | TruthMessage | TruthFault | TruthDay | TruthEnd
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(TruthLine).decode


class Totals:
    """Counts and money per message type and currency; never added across."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str], tuple[int, int]] = {}
        self.messages = 0

    def add_message(self, message: TruthMessage) -> None:
        """Count one message; one without money counts under its type alone."""
        minor = 0 if message.money is None else to_minor(message.money, message.currency)
        key = (message.message_type, message.currency)
        count, money = self._sums.get(key, (0, 0))
        self._sums[key] = (count + 1, money + minor)
        self.messages += 1

    def rows(self) -> list[TruthTotal]:
        """Return the totals in order of type and currency."""
        return [
            TruthTotal(message_type, currency, count, amount_text(money))
            for (message_type, currency), (count, money) in sorted(self._sums.items())
        ]


class TruthWriter:
    """Writes a live truth file; every line has reached the system before `write` returns."""

    def __init__(self, path: Path, plan: ChainPlan, faults: FaultPlan = NO_FAULTS) -> None:
        self._file = path.open("wb")
        self._totals = Totals()
        self._accounts = Accounts(plan)
        self._faults = 0
        self._line(_header(plan, None))
        for window in _windows(plan, faults):
            self._fault(window)
        self._file.flush()

    def write(self, delivery: Delivery) -> None:
        """Write what is about to be handed over, and what must come of it."""
        self._accounts.take(delivery)
        for line in _lines(delivery):
            if isinstance(line, TruthFault):
                self._fault(line)
                continue
            self._totals.add_message(line)
            self._line(line)
        self._file.flush()

    def close(self) -> None:
        """Write the store-days and the end line, and flush the file to the disk."""
        for day in self._accounts.days():
            self._line(day)
        self._line(TruthEnd(self._totals.messages, self._faults, self._totals.rows()))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def _fault(self, fault: TruthFault) -> None:
        self._faults += 1
        self._line(fault)

    def _line(self, line: TruthLine) -> None:
        self._file.write(_encode(line) + b"\n")


def write_truth(path: Path, plan: ChainPlan, faults: FaultPlan = NO_FAULTS) -> list[TruthTotal]:
    """Write the whole truth of a plan and return its totals; the header has them too."""
    body = path.with_name(path.name + ".part")
    totals, accounts, count = Totals(), Accounts(plan), 0
    with body.open("wb") as lines:
        for window in _windows(plan, faults):
            lines.write(_encode(window) + b"\n")
            count += 1
        for delivery in deliveries(plan, faults):
            accounts.take(delivery)
            for line in _lines(delivery):
                lines.write(_encode(line) + b"\n")
                if isinstance(line, TruthFault):
                    count += 1
                else:
                    totals.add_message(line)
        for day in accounts.days():
            lines.write(_encode(day) + b"\n")
        lines.write(_encode(TruthEnd(totals.messages, count, totals.rows())) + b"\n")
    with path.open("wb") as whole, body.open("rb") as lines:
        whole.write(_encode(_header(plan, totals.rows())) + b"\n")
        shutil.copyfileobj(lines, whole)
    body.unlink()
    return totals.rows()


def repeated_in(path: Path) -> frozenset[tuple[str, str, str]]:
    """Return (system, message type, natural key) of everything that was sent twice on purpose."""
    return frozenset(
        (line.system, line.message_type, line.natural_key)
        for line in read_truth(path)
        if isinstance(line, TruthFault) and line.fault == "duplicate"
    )


def read_truth(path: Path) -> Iterator[TruthLine]:
    """Yield the lines of a truth file, one at a time.

    Raises ConfigurationError TW-7501 for a line that is none. A last line without its line end is
    left out: the run was killed while writing it, so its message was never handed over.
    """
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.endswith(b"\n"):
                return
            try:
                yield _decode(line)
            except msgspec.DecodeError as error:
                raise ConfigurationError(
                    "TW-7501",
                    f"line {number} of {path.name} is no line of a truth file: {error}",
                    line=number,
                    advice="Give the file that tillway simulate --truth wrote, unchanged.",
                ) from error


def _header(plan: ChainPlan, totals: list[TruthTotal] | None) -> TruthHeader:
    return TruthHeader(
        seed=plan.seed,
        stores=plan.stores,
        days=plan.days,
        sales=plan.sales,
        first_day=plan.first_day.isoformat(),
        totals=totals,
        finance=plan.finance,
    )


def _lines(delivery: Delivery) -> Iterator[TruthMessage | TruthFault]:
    """Yield the messages of a delivery and its faults; a statement is a message for each line."""
    fact = delivery.fact
    if isinstance(fact, BankStatement):
        yield from _lines_of_statement(fact)
        return
    if delivery.kind == "message":
        yield _message(fact, fact.natural_key, fact.money, delivery.outcome)
    if delivery.fault is not None:
        yield _fault(delivery)


def _lines_of_statement(statement: BankStatement) -> Iterator[TruthMessage | TruthFault]:
    for place, line in enumerate(statement.lines, 1):
        key = statement.line_key(place)
        yield _message(statement, key, line.amount, "accepted")
        if line.fault is not None:
            yield _fault_of_line(statement, line, key, "accepted")
    for line in statement.missing:
        yield _fault_of_line(statement, line, line.reference, "missing")


def _message(fact: Fact, natural_key: str, money: int | None, outcome: str) -> TruthMessage:
    return TruthMessage(
        natural_key=natural_key,
        system=fact.system,
        message_type=fact.message_type,
        outcome=outcome,
        money=None if money is None else amount_text(money),
        currency="" if money is None else fact.store.currency,
        brand=fact.store.habits.name if fact.system == fact.store.system else fact.system,
    )


def _fault_of_line(
    statement: BankStatement, line: StatementLine, key: str, outcome: str
) -> TruthFault:
    return TruthFault(
        fault=line.fault or "",
        outcome=outcome,
        natural_key=key,
        system=statement.system,
        message_type=statement.message_type,
        money=amount_text(line.amount),
        currency=statement.store.currency,
        store=line.store,
        detail=line.detail,
        findings=(finding_of_line(line),),
    )


def _fault(delivery: Delivery) -> TruthFault:
    fact = delivery.fact
    return TruthFault(
        fault=delivery.fault or "",
        outcome=delivery.outcome,
        natural_key=fact.natural_key,
        system=fact.system,
        message_type=fact.message_type,
        money=None if fact.money is None else amount_text(fact.money),
        currency="" if fact.money is None else fact.store.currency,
        store=fact.store.business_unit_id,
        detail=delivery.detail,
        findings=delivery.findings,
    )


def _windows(plan: ChainPlan, faults: FaultPlan) -> Iterable[TruthFault]:
    named = (("store_offline", "accepted_later", faults.offline),
             ("erp_down", "delivered_later", faults.erp_down))  # fmt: skip
    for fault, outcome, windows in named:
        for window in windows:
            begin, end = window_times(window, plan)
            yield TruthFault(
                fault,
                outcome,
                store=window.store,
                begin=begin.isoformat(),
                end=end.isoformat(),
            )
