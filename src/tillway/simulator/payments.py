"""How customers pay: cash with change, cards with and without cash-back, vouchers, mixtures.

Every card payment has a reference of its own, which the acquirer repeats; it is made of the number
of the receipt, so the same seed gives the same.
"""

from __future__ import annotations

from random import Random

from tillway.simulator.facts import Fact, Paid, Receipt, TenderKind
from tillway.simulator.receipts import round_cash

_NOTES = (500, 1000, 2000, 5000, 10000, 20000)
_SCHEMES = ("visa", "mastercard", "maestro")


def pay(rng: Random, receipt: Receipt) -> None:
    """Choose tenders that add up to the receipt's grand total; cash may round it first."""
    chance = rng.random()
    if receipt.grand <= 0:
        _pay_back(rng, receipt)
    elif chance < 0.38:
        _pay_cash(rng, receipt)
    elif chance < 0.90:
        receipt.tenders = [_card(rng, receipt.grand)]
        _maybe_cash_back(rng, receipt)
    else:
        _pay_mixed(rng, receipt)


def give_references(fact: Fact, tenders: list[Paid]) -> None:
    """Give each card tender of a fact its reference, and the others none."""
    for at, paid in enumerate(tenders):
        paid.payment_ref = _reference(fact, at) if paid.scheme else ""


def tip(receipt: Receipt, amount: int) -> None:
    """Let a customer who pays the whole receipt by card add a tip."""
    (card,) = receipt.tenders
    card.tip = receipt.tip = amount
    card.amount += amount
    receipt.grand += amount


def _reference(fact: Fact, at: int) -> str:
    """Return a reference in which letters keep digits apart, so that it is like no card number."""
    run = f"E{fact.epoch}" if fact.epoch else ""
    more = f"P{at}" if at else ""
    return f"PW{fact.store.business_unit_id}T{fact.till}D{fact.day:%y%m%d}N{fact.number}{run}{more}"


def _pay_cash(rng: Random, receipt: Receipt) -> None:
    round_cash(receipt)
    receipt.tenders = [_cash(rng, receipt.grand)]
    receipt.tenders[0].rounding = receipt.rounding


def _cash(rng: Random, amount: int) -> Paid:
    if rng.random() < 0.2:
        return Paid("cash", amount, tendered=amount)
    tendered = next((note for note in _NOTES if note >= amount), 0)
    if not tendered:
        tendered = (amount + _NOTES[3] - 1) // _NOTES[3] * _NOTES[3]
    return Paid("cash", amount, tendered=tendered, change=tendered - amount)


def _card(rng: Random, amount: int) -> Paid:
    kind: TenderKind = "debit" if rng.random() < 0.6 else "credit"
    return Paid(
        kind,
        amount,
        scheme=_SCHEMES[rng.randrange(len(_SCHEMES))],
        last4=f"{rng.randrange(10_000):04d}",
        entry_mode="chip" if rng.random() < 0.7 else "tapped",
        auth_code=f"{rng.randrange(1_000_000):06d}",
    )


def _maybe_cash_back(rng: Random, receipt: Receipt) -> None:
    """Add cash-back to a debit payment: the card carries it all, a negative cash tender leaves."""
    card = receipt.tenders[0]
    if card.kind != "debit" or receipt.store.habits.tax_included or rng.random() > 0.05:
        return
    card.cashback = 2000
    card.amount += card.cashback
    receipt.tenders.append(Paid("cash", -card.cashback))


def _pay_mixed(rng: Random, receipt: Receipt) -> None:
    """Pay part with a voucher or a gift card, the rest by card."""
    kind: TenderKind = "voucher" if rng.random() < 0.5 else "gift_card"
    worth = min(receipt.grand, (500, 1000, 2500)[rng.randrange(3)])
    receipt.tenders = [Paid(kind, worth)]
    if receipt.grand > worth:
        receipt.tenders.append(_card(rng, receipt.grand - worth))


def _pay_back(rng: Random, receipt: Receipt) -> None:
    """Give money back, or nothing when the total is zero."""
    if rng.random() < 0.5:
        round_cash(receipt)
        receipt.tenders = [Paid("cash", receipt.grand, rounding=receipt.rounding)]
    else:
        receipt.tenders = [_card(rng, receipt.grand)]
    if not receipt.grand and not receipt.rounding:
        receipt.tenders = []
