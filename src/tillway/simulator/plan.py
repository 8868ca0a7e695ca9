"""The plan of a simulated chain: which shops, which brands, how many sales on which days.

Everything else follows from the plan and its seed; the same plan gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Literal

import msgspec

from tillway.simulator.goods import TaxClass

BrandName = Literal["northgate", "quayside", "millrace"]

FIRST_DAY = date(2026, 11, 20)
OPENING_HOUR = 8
CLOSING_HOUR = 21


class BrandHabits(msgspec.Struct, frozen=True):
    """How the shops of one brand do business.

    tax_rates: hundredths of a percent by tax class. first_till: number of the first register.
    cash_step: cash totals are rounded to this many minor units. numbers_day_records: day open,
    day close and till settlement use up a receipt number. takes_tips: a card may pay a tip too.
    """

    name: BrandName
    currency: str
    country: str
    time_zone: str
    tax_included: bool
    tax_rates: dict[TaxClass, int]
    till_format: str
    first_till: int
    cash_step: int = 1
    numbers_day_records: bool = False
    takes_tips: bool = True


NORTHGATE = BrandHabits(
    name="northgate",
    currency="USD",
    country="US",
    time_zone="America/New_York",
    tax_included=False,
    tax_rates={"food": 0, "general": 700, "prepared": 925},
    till_format="{}",
    first_till=11,
    numbers_day_records=True,
)
QUAYSIDE = BrandHabits(
    name="quayside",
    currency="EUR",
    country="DE",
    time_zone="Europe/Berlin",
    tax_included=True,
    tax_rates={"food": 700, "general": 1900, "prepared": 1900},
    till_format="{:02d}",
    first_till=1,
)
MILLRACE = BrandHabits(
    name="millrace",
    currency="EUR",
    country="NL",
    time_zone="Europe/Amsterdam",
    tax_included=True,
    tax_rates={"food": 900, "general": 2100, "prepared": 900},
    till_format="{:02d}",
    first_till=1,
    cash_step=5,
    takes_tips=False,
)
HABITS: tuple[BrandHabits, ...] = (NORTHGATE, QUAYSIDE, MILLRACE)

_TOWNS = (
    "Alder", "Birch", "Cedar", "Dune", "Elm", "Fern", "Gorse", "Hazel", "Iris", "Juniper",
    "Kelp", "Larch", "Maple", "Nettle", "Oak", "Pine", "Quince", "Rowan", "Sage", "Thistle",
)  # fmt: skip


class StorePlan(msgspec.Struct, frozen=True):
    """One shop: its number, brand and registers."""

    business_unit_id: str
    name: str
    habits: BrandHabits
    registers: int

    @property
    def system(self) -> str:
        """Name of the shop's system in the project folder."""
        return self.habits.name

    @property
    def currency(self) -> str:
        """Currency of the shop, ISO 4217."""
        return self.habits.currency

    @property
    def tills(self) -> tuple[str, ...]:
        """Workstation ids, as the POS writes them."""
        first = self.habits.first_till
        return tuple(
            self.habits.till_format.format(number)
            for number in range(first, first + self.registers)
        )


class ChainPlan(msgspec.Struct, frozen=True):
    """A chain of shops. sales counts receipts (sales, returns, exchanges) of the whole run.

    finance: whether acquirer and bank tell their side too, each morning.
    """

    seed: int
    stores: int = 5
    days: int = 1
    sales: int = 1000
    first_day: date = FIRST_DAY
    finance: bool = False

    def store_plans(self) -> tuple[StorePlan, ...]:
        """Return the shops, brands in turn: 0001 northgate, 0002 quayside, 0003 millrace ..."""
        return tuple(store_plan(number) for number in range(1, self.stores + 1))

    def dates(self) -> tuple[date, ...]:
        """Return the business dates in order."""
        return tuple(self.first_day + timedelta(days=at) for at in range(self.days))

    def shares(self) -> Iterator[tuple[StorePlan, tuple[int, ...]]]:
        """Yield each shop with its number of sales for each day; they add up to sales exactly."""
        slots = self.stores * self.days
        for at, store in enumerate(self.store_plans()):
            first = at * self.days
            yield (
                store,
                tuple(
                    self.sales * (slot + 1) // slots - self.sales * slot // slots
                    for slot in range(first, first + self.days)
                ),
            )


def daily_plan(
    seed: int, stores: int, days: int, sales_a_day: int, *, first_day: date = FIRST_DAY
) -> ChainPlan:
    """Return a chain with acquirer and bank in which each shop has so many sales each day."""
    return ChainPlan(seed, stores, days, stores * days * sales_a_day, first_day, finance=True)


def store_plan(number: int) -> StorePlan:
    """Return the shop with this number (from 1); two to four registers."""
    habits = HABITS[(number - 1) % len(HABITS)]
    town = _TOWNS[(number - 1) % len(_TOWNS)]
    turn = (number - 1) // len(_TOWNS)
    return StorePlan(
        business_unit_id=f"{number:04d}",
        name=f"{town} Street {turn + 1}" if turn else f"{town} Street",
        habits=habits,
        registers=2 + (number * 7 % 3),
    )


def stores_csv(plan: ChainPlan) -> str:
    """Return the project's `stores.csv` for this chain; the key column stays empty."""
    rows = ["business_unit_id,name,time_zone,country,currency,system,registers,api_key_sha256"]
    rows += [
        f"{store.business_unit_id},{store.name},{store.habits.time_zone},{store.habits.country},"
        f"{store.currency},{store.system},{store.registers},"
        for store in plan.store_plans()
    ]
    return "\n".join(rows) + "\n"
