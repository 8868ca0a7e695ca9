"""What the simulated shops sell: invented goods with GTINs, short PLU codes and weighed goods.

Prices are minor units. A GTIN has a valid check digit; a PLU is the short code a cashier keys.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from tillway.model.gs1 import check_digit

TaxClass = Literal["food", "general", "prepared"]


class Item(msgspec.Struct, frozen=True):
    """One article. code: GTIN-13 or PLU. multi_buy: (pieces, price of the bundle).

    price is per piece, or per kilogram when weighed. deposit is charged beside each piece.
    """

    code: str
    is_plu: bool
    name: str
    price: int
    tax_class: TaxClass
    department: str
    weighed: bool = False
    deposit: int = 0
    multi_buy: tuple[int, int] | None = None


def with_check_digit(data: str) -> str:
    """Return data digits followed by their GS1 check digit."""
    return f"{data}{check_digit(data)}"


_WEIGHED = [
    ("94011", "Bananas organic", 219),
    ("4131", "Apples Fuji", 349),
    ("4065", "Peppers green", 499),
    ("4664", "Tomatoes on the vine", 389),
    ("4608", "Garlic loose", 890),
]
_PLU = [("4046", "Avocado small", 119), ("4030", "Kiwi fruit", 45), ("4959", "Mango", 199)]
_PACKED: list[tuple[str, int, TaxClass, str]] = [
    ("Rye bread sliced", 229, "food", "03"),
    ("Crème fraîche 200 g", 139, "food", "04"),
    ("Butter 250 g", 279, "food", "04"),
    ("Milk whole 1 l", 119, "food", "04"),
    ("Eggs free range 10", 349, "food", "04"),
    ("Spaghetti 500 g", 99, "food", "06"),
    ("Basmati rice 1 kg", 289, "food", "06"),
    ("Olive oil 0.5 l", 799, "food", "06"),
    ("Coffee beans 1 kg", 1299, "food", "07"),
    ("Tea assortment", 399, "food", "07"),
    ("Chocolate dark 70 %", 189, "food", "08"),
    ("Crisps paprika", 179, "food", "08"),
    ("Apple juice 1 l", 149, "food", "09"),
    ("Washing powder", 899, "general", "21"),
    ("Dish soap", 199, "general", "21"),
    ("Kitchen roll 4", 349, "general", "21"),
    ("Toothpaste mint", 229, "general", "22"),
    ("Shampoo 300 ml", 379, "general", "22"),
    ("Batteries AA 8", 699, "general", "24"),
    ("Notebook A5", 249, "general", "25"),
    ("Gel pen blue", 129, "general", "25"),
    ("Candle vanilla", 499, "general", "26"),
    ("Socks 3 pairs", 899, "general", "27"),
    ("Umbrella folding", 1499, "general", "27"),
    ("Wooden toy train", 2499, "general", "28"),
    ("Soup of the day", 449, "prepared", "31"),
    ("Sandwich cheese", 389, "prepared", "31"),
    ("Coffee to go", 229, "prepared", "31"),
    ("Salad bowl", 649, "prepared", "31"),
]
_MULTI_BUY = {
    "Spaghetti 500 g": (3, 250),
    "Chocolate dark 70 %": (3, 500),
    "Gel pen blue": (2, 200),
}
_DEPOSITED = [("Cola 1 l", 159, 25), ("Mineral water 1.5 l", 69, 25), ("Lager 0.5 l", 99, 8)]

DEPOSIT_CODE = "2105"
GIFT_CARD_CODE = "2107"


def _packed(position: int, name: str, price: int, tax_class: TaxClass, department: str) -> Item:
    code = with_check_digit(f"87105{1070 + position * 37:07d}")
    bundle = _MULTI_BUY.get(name)
    return Item(
        code=code,
        is_plu=False,
        name=name,
        price=price,
        tax_class=tax_class,
        department=department,
        multi_buy=bundle,
    )


def _all_goods() -> tuple[Item, ...]:
    goods = [_packed(at, *packed) for at, packed in enumerate(_PACKED)]
    goods += [
        Item(
            code=with_check_digit(f"87107{2010 + at * 41:07d}"),
            is_plu=False,
            name=name,
            price=price,
            tax_class="general",
            department="09",
            deposit=deposit,
        )
        for at, (name, price, deposit) in enumerate(_DEPOSITED)
    ]
    goods += [
        Item(code, is_plu=True, name=name, price=price, tax_class="food", department="01")
        for code, name, price in _PLU
    ]
    goods += [
        Item(
            code,
            is_plu=True,
            name=name,
            price=price,
            tax_class="food",
            department="01",
            weighed=True,
        )
        for code, name, price in _WEIGHED
    ]
    return tuple(goods)


GOODS = _all_goods()


def deposit_item(amount: int) -> Item:
    """Return the article under which a deposit of this amount is charged or given back."""
    return Item(
        code=DEPOSIT_CODE,
        is_plu=True,
        name="Bottle deposit",
        price=amount,
        tax_class="general",
        department="83",
    )


def gift_card(amount: int) -> Item:
    """Return the article under which a gift card of this amount is sold."""
    return Item(
        code=GIFT_CARD_CODE,
        is_plu=True,
        name="Gift card",
        price=amount,
        tax_class="general",
        department="84",
    )
