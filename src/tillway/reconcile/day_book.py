"""The book of one store-day: what its messages sum up to, and what the shop declared of itself.

A message is added in constant time however long the day is; taking one out again is adding it with
the sign turned, which is how a newer revision of an object replaces the older one.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from tillway.reconcile.facts import ZERO, Declared, Fact, TaxSum, reversed_fact
from tillway.reconcile.numbers import Numbers

_AMOUNTS = ("gross", "discount", "net", "tax", "rounding", "tip", "grand", "returns")


class TaxTotal(msgspec.Struct, array_like=True):
    """Tax of one rate over the day."""

    taxable: Decimal = ZERO
    tax: Decimal = ZERO
    included: Decimal = ZERO
    """The part of `tax` that prices contain."""


class TenderTotal(msgspec.Struct, array_like=True):
    """One tender over the day: taken and given back, both unsigned."""

    count: int = 0
    taken: Decimal = ZERO
    given_back: Decimal = ZERO

    @property
    def amount(self) -> Decimal:
        """Return what is left, signed."""
        return self.taken - self.given_back


class Sums(msgspec.Struct, array_like=True):
    """Receipts and post-voids of one currency, added up.

    sales: group -> rate -> amount before tax. owed: posting line type -> amount.
    """

    count: int = 0
    gross: Decimal = ZERO
    discount: Decimal = ZERO
    net: Decimal = ZERO
    tax: Decimal = ZERO
    rounding: Decimal = ZERO
    tip: Decimal = ZERO
    grand: Decimal = ZERO
    returns: Decimal = ZERO
    taxes: dict[str, TaxTotal] = {}
    tenders: dict[str, TenderTotal] = {}
    sales: dict[str, dict[str, Decimal]] = {}
    owed: dict[str, Decimal] = {}

    def add(self, fact: Fact, sign: int) -> None:
        """Add one receipt or post-void; sign -1 takes it out."""
        add_tenders(self.tenders, fact, sign)
        self.count += sign
        if sign < 0:
            fact = _turned(fact)
        self.gross += fact.gross
        self.net += fact.net
        self.tax += fact.tax
        self.grand += fact.grand
        self.discount += fact.discount
        # Nothing said is not the amount 0.00: most receipts say nothing of these.
        if fact.rounding is not ZERO:
            self.rounding += fact.rounding
        if fact.tip is not ZERO:
            self.tip += fact.tip
        if fact.returns is not ZERO:
            self.returns += fact.returns
        for tax in fact.taxes:
            self._tax(tax)
        for sold in fact.sales:
            rates, rate = self.sales.get(sold.group), sold.rate
            if rates is None:
                rates = self.sales[sold.group] = {}
            rates[rate] = rates[rate] + sold.amount if rate in rates else sold.amount
        for one in fact.owed:
            self.owed[one.kind] = self.owed.get(one.kind, ZERO) + one.amount

    def _tax(self, tax: TaxSum) -> None:
        total = self.taxes.get(tax.rate)
        if total is None:
            total = self.taxes[tax.rate] = TaxTotal()
        total.taxable += tax.taxable
        total.tax += tax.tax
        if tax.included:
            total.included += tax.tax


class Register(msgspec.Struct, array_like=True):
    """One workstation of the day.

    numbers: run of its counter -> numbers seen. quarantined: numbers that wait in quarantine.
    count: messages that bear its name.
    """

    numbers: dict[int, Numbers] = {}
    quarantined: dict[int, Numbers] = {}
    count: int = 0


class Acts(msgspec.Struct, array_like=True):
    """What one operator did that day, as far as rates are watched."""

    receipts: int = 0
    no_sales: int = 0
    voids: int = 0
    overrides: int = 0


class Count(msgspec.Struct, array_like=True):
    """A till settlement. till: the drawer; workstation: as the settlement names it, else ""."""

    till: str
    workstation: str
    operator: str
    currency: str
    declared: Declared
    natural_key: str


class Deposit(msgspec.Struct, array_like=True):
    """Money on its way to the bank; amount is positive."""

    reference: str
    currency: str
    amount: Decimal


class DayBook(msgspec.Struct, array_like=True):
    """Everything of one store-day that its audit needs. Times are microseconds UTC.

    position: the newest message in it. closed: what the close record declares, with its currency;
    closed_by: when that record was made, and its key.
    movements: currency -> movement type -> amount.
    """

    position: int = 0
    messages: int = 0
    last_at: int = 0
    sums: dict[str, Sums] = {}
    singles: dict[str, Sums] = {}
    """The part of `sums` that is booked receipt by receipt."""
    registers: dict[str, Register] = {}
    drawers: dict[str, dict[str, dict[str, TenderTotal]]] = {}
    """Till or operator, by the balancing level -> currency -> tender type -> total."""
    counts: dict[str, Count] = {}
    deposits: dict[str, Deposit] = {}
    movements: dict[str, dict[str, Decimal]] = {}
    opened_at: int = 0
    closed_at: int = 0
    closed_currency: str = ""
    closed: Declared | None = None
    training: int = 0
    moved: dict[str, dict[str, dict[str, Decimal]]] = {}
    """Till or operator -> currency -> tender type -> cash movements, into the drawer positive."""
    operators: dict[str, Acts] = {}
    closed_by: tuple[int, str] = (0, "")

    def add(self, fact: Fact, position: int, *, by_operator: bool = False, sign: int = 1) -> None:
        """Take one message in; sign -1 takes it out again, its number stays seen."""
        self.position = max(self.position, position)
        self.messages += sign
        self.last_at = max(self.last_at, fact.received_at)
        if fact.workstation:
            self._number(fact, sign)
        if fact.training:
            self.training += sign
        elif fact.kind in ("receipt", "void"):
            self._receipt(fact, sign, by_operator=by_operator)
        elif fact.kind == "cash":
            self._movement(fact, sign, by_operator=by_operator)
        elif fact.declared is not None:
            self._declaration(fact, sign)
        elif fact.subtype == "no_sale":
            self.acts(fact.operator).no_sales += sign
        elif fact.kind == "opened":
            self.opened_at = fact.received_at

    def _number(self, fact: Fact, sign: int) -> None:
        register = self.registers.get(fact.workstation)
        if register is None:
            register = self.registers[fact.workstation] = Register()
        register.count += sign
        if fact.number is not None:
            numbers = register.numbers.get(fact.epoch)
            if numbers is None:
                numbers = register.numbers[fact.epoch] = Numbers()
            numbers.add(fact.number, fact.happened_at, fact.received_at)

    def quarantined(self, workstation: str, epoch: int, number: int) -> None:
        """Note a number whose message waits in quarantine: it is used, and so no gap."""
        register = self.registers.setdefault(workstation, Register())
        register.quarantined.setdefault(epoch, Numbers()).add(number)

    def acts(self, operator: str) -> Acts:
        """Return what an operator did."""
        found = self.operators.get(operator)
        if found is None:
            found = self.operators[operator] = Acts()
        return found

    def _receipt(self, fact: Fact, sign: int, *, by_operator: bool) -> None:
        acts = self.acts(fact.operator)
        acts.overrides += sign * fact.overrides
        if fact.kind == "void":
            acts.voids += sign
        else:
            acts.receipts += sign
        _sums_of(self.sums, fact.currency).add(fact, sign)
        if fact.single:
            _sums_of(self.singles, fact.currency).add(fact, sign)
        drawer = fact.operator if by_operator else fact.till
        by_currency = self.drawers.setdefault(drawer, {})
        add_tenders(by_currency.setdefault(fact.currency, {}), fact, sign)

    def _movement(self, fact: Fact, sign: int, *, by_operator: bool) -> None:
        drawer = self.moved.setdefault(fact.operator if by_operator else fact.till, {})
        by_tender = drawer.setdefault(fact.currency, {})
        for one in fact.tenders:
            by_tender[one.tender_type] = by_tender.get(one.tender_type, ZERO) + sign * one.amount
        kinds = self.movements.setdefault(fact.currency, {})
        kinds[fact.subtype] = kinds.get(fact.subtype, ZERO) + sign * fact.amount
        if fact.subtype == "bank_deposit":
            if sign > 0:
                self.deposits[fact.reference] = Deposit(
                    fact.reference, fact.currency, abs(fact.amount)
                )
            else:
                self.deposits.pop(fact.reference, None)

    def _declaration(self, fact: Fact, sign: int) -> None:
        assert fact.declared is not None, "the caller looked"
        if fact.kind == "till" and sign < 0:
            self.counts.pop(fact.natural_key, None)
        elif fact.kind == "till":
            self.counts[fact.natural_key] = Count(
                fact.till,
                fact.workstation,
                fact.operator,
                fact.currency,
                fact.declared,
                fact.natural_key,
            )
        elif sign < 0:
            self.closed, self.closed_at, self.closed_by = None, 0, (0, "")
        elif (fact.happened_at, fact.natural_key) >= self.closed_by:
            # A day that is closed twice stands by the later record, whichever arrived first.
            self.closed, self.closed_at = fact.declared, fact.received_at
            self.closed_by = (fact.happened_at, fact.natural_key)
            self.closed_currency = fact.currency


def add_tenders(totals: dict[str, TenderTotal], fact: Fact, sign: int) -> None:
    """Add the tenders of one receipt; what was paid out counts as given back."""
    for paid in fact.tenders:
        total = totals.get(paid.tender_type)
        if total is None:
            total = totals[paid.tender_type] = TenderTotal()
        total.count += sign
        amount = paid.amount if sign > 0 else -paid.amount
        if paid.amount < 0:
            total.given_back -= amount
        else:
            total.taken += amount


def _turned(fact: Fact) -> Fact:
    """Return a receipt with every amount of the other sign."""
    turned = reversed_fact(fact, fact)
    for name in _AMOUNTS:
        setattr(turned, name, -getattr(fact, name))
    return turned


def _sums_of(by_currency: dict[str, Sums], currency: str) -> Sums:
    found = by_currency.get(currency)
    if found is None:
        found = by_currency[currency] = Sums()
    return found


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(DayBook)


def encode_book(book: DayBook) -> bytes:
    """Return a book as it is kept."""
    return _ENCODER.encode(book)


def decode_book(data: bytes) -> DayBook:
    """Return the book that `encode_book` wrote."""
    return _DECODER.decode(data)
