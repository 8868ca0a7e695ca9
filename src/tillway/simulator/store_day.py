"""One shop, day after day: opens, sells, voids, counts its tills and closes, in order of time.

Everything that happens takes a number of its register, so the numbers leave no gap.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from tillway.simulator.baskets import fill_basket, gift_card_line, return_lines
from tillway.simulator.day_curve import CLOSING_SECOND, OPENING_SECOND, arrival_seconds
from tillway.simulator.facts import (
    CashMove,
    Control,
    ControlKind,
    DayClose,
    DayOpen,
    DaySums,
    Fact,
    PostVoid,
    Receipt,
    ReceiptKind,
    TillSettle,
    WorkstationDay,
)
from tillway.simulator.payments import give_references, pay, tip
from tillway.simulator.plan import StorePlan
from tillway.simulator.receipts import reversed_copy, total
from tillway.simulator.register_faults import Reset
from tillway.simulator.registers import Register, add_to_day

REMEMBERED_RECEIPTS = 30
FLOAT = 15_000
PICKUP_ABOVE = 60_000
RETURNED = 0.03
EXCHANGED = 0.04
POST_VOIDED = 0.008
NO_SALE = 0.01
CANCELLED = 0.01
SUSPENDED = 0.006
PAID_OUT = 0.002
TRAINING = 0.003
GIFT_CARD_SOLD = 0.01
TIPPED = 0.02


class Shop:
    """One shop with its own stream of chance, so that its story does not depend on the others.

    resets: when the counter of a till starts again.
    """

    def __init__(
        self, seed: int, store: StorePlan, resets: Mapping[str, Reset] | None = None
    ) -> None:
        self.store = store
        self._rng = Random(f"{seed}:{store.business_unit_id}")
        self._extras = Random(f"{seed}:{store.business_unit_id}:extras")
        self._registers = [Register(till) for till in store.tills]
        self._resets = dict(resets or {})
        self._recent: deque[Receipt] = deque(maxlen=REMEMBERED_RECEIPTS)
        self._sums = DaySums()
        self._midnight = datetime.min  # noqa: DTZ901 - local time of the shop, set each day
        self._day = date.min

    def days(self, dates: Sequence[date], sales: Sequence[int]) -> Iterator[Fact]:
        """Yield everything that happens, in order of its end; sales are receipts for each day."""
        for day, count in zip(dates, sales, strict=True):
            self._day = day
            self._midnight = datetime.combine(day, time())
            self._sums = DaySums()
            yield from self._opening()
            yield from self._trading(arrival_seconds(self._rng, count))
            yield from self._closing()

    def _opening(self) -> Iterator[Fact]:
        for register in self._registers:
            register.start_day(OPENING_SECOND)
        first = self._registers[0]
        yield DayOpen(**self._header(first, OPENING_SECOND - 600, numbered=self._numbers_days))
        for register in self._registers:
            register.operator = str(self._rng.randrange(100, 140))
            yield self._control(register, "sign_on", OPENING_SECOND - 300)
        for register in self._registers:
            yield self._move(register, "float_in", FLOAT, OPENING_SECOND - 240)

    def _trading(self, arrivals: Sequence[int]) -> Iterator[Fact]:
        """Serve the customers; a short queue puts overlapping registers in order of time."""
        longest = (CLOSING_SECOND - OPENING_SECOND) * len(self._registers) // (len(arrivals) + 1)
        finished: list[tuple[datetime, int, Fact]] = []
        count = 0
        for second in arrivals:
            register = min(self._registers, key=lambda one: (max(one.free_at, second), one.free_at))
            begin = max(register.free_at, second)
            seconds = min(self._rng.randrange(25, 160), max(1, longest // 2))
            for fact in self._customer(register, begin, begin + seconds):
                count += 1
                heapq.heappush(finished, (fact.end, count, fact))
            register.free_at = begin + seconds
            now = self._midnight + timedelta(seconds=second)
            while finished and finished[0][0] <= now:
                yield heapq.heappop(finished)[2]
        while finished:
            yield heapq.heappop(finished)[2]

    def _customer(self, register: Register, begin: int, end: int) -> Iterator[Fact]:
        rng = self._rng
        if rng.random() < NO_SALE:
            yield self._control(register, "no_sale", begin)
        if rng.random() < CANCELLED:
            register.cancelled += 1
            yield self._control(register, "cancelled", begin)
        if rng.random() < SUSPENDED:
            yield self._control(register, "suspended", begin)
            yield self._control(register, "resumed", begin)
        if self._extras.random() < TRAINING:
            yield self._control(register, "training", begin)
        receipt = self._receipt(register, begin, end)
        yield receipt
        if rng.random() < POST_VOIDED and self._recent and self._recent[-1] is receipt:
            yield self._post_void(register, self._recent.pop(), end)
        if rng.random() < PAID_OUT:
            yield self._move(register, "paid_out", -rng.randrange(500, 3000), end)
        if register.cash > PICKUP_ABOVE:
            yield self._move(register, "pickup", FLOAT - register.cash, end)

    def _receipt(self, register: Register, begin: int, end: int) -> Receipt:
        chance = self._rng.random()
        bought = self._recent[self._rng.randrange(len(self._recent))] if self._recent else None
        kind: ReceiptKind = "sale"
        if bought is not None and chance < RETURNED:
            kind, lines = "return", return_lines(self._rng, bought)
        elif bought is not None and chance < EXCHANGED:
            kind, lines = "exchange", return_lines(self._rng, bought)
            for line in fill_basket(self._rng, self.store):
                line.number += 2
                lines.append(line)
        else:
            lines = fill_basket(self._rng, self.store)
            if self._extras.random() < GIFT_CARD_SOLD:
                lines.append(gift_card_line(self._extras, len(lines) + 1))
        if bought is not None and kind != "sale":
            self._recent.remove(bought)
        for number, line in enumerate(lines, 1):
            line.number = number
        header = self._header(register, begin)
        header["end"] = self._midnight + timedelta(seconds=end)
        receipt = Receipt(**header, kind=kind, lines=lines, loyalty=self._rng.random() < 0.3)
        total(receipt)
        pay(self._rng, receipt)
        if self._extras.random() < TIPPED and _takes_a_tip(receipt):
            tip(receipt, 50 * self._extras.randint(1, 6))
        give_references(receipt, receipt.tenders)
        self._book(register, receipt)
        return receipt

    def _book(self, register: Register, receipt: Receipt) -> None:
        register.take_tenders(receipt.tenders)
        register.take_voids(receipt)
        add_to_day(self._sums, receipt)
        bought = any(line.kind == "sale" and not line.voided for line in receipt.lines)
        if receipt.kind == "sale" and receipt.grand > 0 and bought:
            self._recent.append(receipt)

    def _post_void(self, register: Register, receipt: Receipt, second: int) -> PostVoid:
        backwards = reversed_copy(receipt)
        register.take_tenders(backwards.tenders)
        add_to_day(self._sums, backwards)
        count, amount = register.post_voids
        register.post_voids = (count + 1, amount + receipt.grand)
        void = PostVoid(
            **self._header(register, second),
            voided_key=receipt.key_parts,
            reversed_receipt=backwards,
            approver="900",
        )
        give_references(void, backwards.tenders)
        return void

    def _closing(self) -> Iterator[Fact]:
        second = max(CLOSING_SECOND, *(register.free_at for register in self._registers)) + 60
        for register in self._registers:
            yield self._control(register, "sign_off", second)
        yield from self._deposit(second + 120)
        for register in self._registers:
            yield self._settle(register, second + 300)
        first = self._registers[0]
        header = self._header(first, second + 600, numbered=self._numbers_days)
        workstations = [
            WorkstationDay(one.till, one.first_number, one.next_number - 1, one.used)
            for one in self._registers
        ]
        yield DayClose(**header, workstations=workstations, sums=self._sums)

    def _deposit(self, second: int) -> Iterator[Fact]:
        """Yield the money the shop brings to the bank: the cash of the day without its floats."""
        drawers = [one.ledgers["cash"] for one in self._registers if "cash" in one.ledgers]
        taken = sum(cash.sales - cash.returns - cash.paid_out for cash in drawers)
        if taken > 0:
            move = self._move(self._registers[0], "bank_deposit", -taken, second)
            move.envelope = f"DEP{self.store.business_unit_id}D{self._day:%y%m%d}"
            move.safe = "1"
            yield move

    def _settle(self, register: Register, second: int) -> TillSettle:
        last, used = register.next_number - 1, register.used
        return TillSettle(
            **self._header(register, second, numbered=self._numbers_days),
            session=f"{self._day:%Y%m%d}-{register.till}",
            first=register.first_number,
            last=last,
            used=used,
            ledgers=list(register.ledgers.values()),
            line_voids=register.line_voids,
            post_voids=register.post_voids,
            cancelled=register.cancelled,
        )

    @property
    def _numbers_days(self) -> bool:
        return self.store.habits.numbers_day_records

    def _control(self, register: Register, kind: ControlKind, second: int) -> Control:
        return Control(**self._header(register, second), kind=kind)

    def _move(self, register: Register, kind: Any, amount: int, second: int) -> CashMove:
        header = self._header(register, second)
        envelope = f"E{header['number']:06d}" if kind == "pickup" else ""
        move = CashMove(**header, kind=kind, amount=amount, envelope=envelope)
        register.take_move(move)
        return move

    def _header(self, register: Register, second: int, *, numbered: bool = True) -> dict[str, Any]:
        """Return the fields every fact has, taking the next number of the register."""
        moment = self._midnight + timedelta(seconds=second)
        if numbered:
            self._lose_counter(register, second)
        return {
            "store": self.store,
            "till": register.till,
            "day": self._day,
            "epoch": register.epoch if numbered else 0,
            "number": register.take_number() if numbered else None,
            "begin": moment,
            "end": moment,
            "operator": register.operator,
        }

    def _lose_counter(self, register: Register, second: int) -> None:
        reset = self._resets.get(register.till)
        if reset is not None and (self._day, second) >= (reset.day, reset.second):
            del self._resets[register.till]
            register.lose_counter()


def _takes_a_tip(receipt: Receipt) -> bool:
    """Say whether a receipt is a plain sale paid by one card alone, in a shop that takes tips."""
    cards = [paid for paid in receipt.tenders if paid.scheme and not paid.cashback]
    plain = receipt.kind == "sale" and receipt.grand > 0
    return receipt.store.habits.takes_tips and plain and len(cards) == len(receipt.tenders) == 1
