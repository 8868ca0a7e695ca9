"""Fills baskets: what a customer buys, what is struck out, what is cheaper, what comes back."""

from __future__ import annotations

from random import Random

import msgspec

from tillway.simulator.facts import Discount, LineKind, Receipt, SoldLine
from tillway.simulator.goods import GOODS, Item, deposit_item, gift_card
from tillway.simulator.plan import StorePlan
from tillway.simulator.receipts import half_up

MEAN_ITEMS = 5
MAX_ITEMS = 24
VOIDED_LINE = 0.015
DISCOUNTED_LINE = 0.12
BOTTLES_BACK = 0.05


def fill_basket(rng: Random, store: StorePlan) -> list[SoldLine]:
    """Return the lines of a purchase, at least one of them live."""
    lines: list[SoldLine] = []
    if rng.random() < BOTTLES_BACK:
        _add_bottles(rng, store, lines)
    for _ in range(_basket_size(rng)):
        _add_item(rng, store, lines)
    _discount_some(rng, lines)
    _void_some(rng, lines)
    return lines


def gift_card_line(rng: Random, number: int) -> SoldLine:
    """Return the line of a gift card sold: money the shop owes its holder."""
    amount = (1000, 2500, 5000)[rng.randrange(3)]
    line = SoldLine(number, gift_card(amount), "gift_card_sale", 1000, amount, amount)
    line.entry = "keyed"
    return line


def return_lines(rng: Random, bought: Receipt) -> list[SoldLine]:
    """Return one or two lines that give back what was bought, each naming its original."""
    candidates = [line for line in bought.lines if line.kind == "sale" and not line.voided]
    chosen = candidates if len(candidates) == 1 else rng.sample(candidates, rng.randint(1, 2))
    return [
        msgspec.structs.replace(
            line,
            number=at,
            kind="return",
            thousandths=-line.thousandths,
            gross=-line.gross,
            discount=-line.discount,
            tax=0,
            original=(bought.natural_key, line.number),
        )
        for at, line in enumerate(chosen, 1)
    ]


def _basket_size(rng: Random) -> int:
    size = 1
    while size < MAX_ITEMS and rng.random() < 1 - 1 / MEAN_ITEMS:
        size += 1
    return size


def _add_item(rng: Random, store: StorePlan, lines: list[SoldLine]) -> None:
    item = GOODS[rng.randrange(len(GOODS))]
    rate = store.habits.tax_rates[item.tax_class]
    number = len(lines) + 1
    if item.weighed:
        thousandths = rng.randrange(80, 2400)
        gross = max(1, half_up(item.price * thousandths, 1000))
        lines.append(
            SoldLine(number, item, "sale", thousandths, item.price, gross, tax_rate=rate,
                     entry="weighed")
        )  # fmt: skip
        return
    pieces = 1 if rng.random() < 0.75 else rng.randint(2, 4)
    line = _pieces(number, item, pieces, rate)
    line.entry = "keyed" if item.is_plu or rng.random() < 0.05 else "scanned"
    lines.append(line)
    if item.deposit:
        lines.append(_deposit(store, number + 1, item.deposit, pieces, "deposit"))


def _pieces(number: int, item: Item, pieces: int, rate: int) -> SoldLine:
    gross = item.price * pieces
    if item.multi_buy and pieces >= item.multi_buy[0]:
        bundle, price = item.multi_buy
        gross = price * (pieces // bundle) + item.price * (pieces % bundle)
    return SoldLine(number, item, "sale", pieces * 1000, item.price, gross, tax_rate=rate)


def _deposit(store: StorePlan, number: int, amount: int, pieces: int, kind: LineKind) -> SoldLine:
    item = deposit_item(amount)
    rate = store.habits.tax_rates["general"] if store.habits.tax_included else 0
    return SoldLine(
        number, item, kind, pieces * 1000, amount, amount * pieces, tax_rate=rate, entry="automatic"
    )


def _add_bottles(rng: Random, store: StorePlan, lines: list[SoldLine]) -> None:
    line = _deposit(store, 1, 25, -rng.randint(1, 6), "deposit_return")
    line.entry = "keyed"
    lines.append(line)


def _discount_some(rng: Random, lines: list[SoldLine]) -> None:
    for line in lines:
        if line.kind != "sale" or rng.random() >= DISCOUNTED_LINE:
            continue
        if rng.random() < 0.7:
            percent = (5, 10, 20, 25)[rng.randrange(4)]
            line.discount = half_up(line.gross * percent, 100)
            line.reason = Discount("promotion", f"51{percent:02d}", percent)
        else:
            line.discount = min(line.gross, (50, 100)[rng.randrange(2)])
            line.reason = Discount("coupon", "7700")
        if not line.discount:
            line.reason = None


def _void_some(rng: Random, lines: list[SoldLine]) -> None:
    plain = [line for line in lines if _may_be_struck(line, lines)]
    for line in plain:
        if rng.random() < VOIDED_LINE and sum(not other.voided for other in lines) > 1:
            line.voided = True
            line.discount, line.reason = 0, None


def _may_be_struck(line: SoldLine, lines: list[SoldLine]) -> bool:
    """Say whether a line can be struck out alone: one of a kind, without a deposit beside it."""
    if line.kind != "sale" or line.item.deposit:
        return False
    return sum(other.item.code == line.item.code for other in lines) == 1
