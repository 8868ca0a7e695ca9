"""The rules that look at one message with its shop and its day in mind.

What intake found inside the message is taken over; what needs master data or the clock is judged
here, from the fact alone, so that a change of the rules never needs the message again. What can
only be said on arrival (the day was closed, the period was) is marked in the fact then.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from tillway.clock import MICROSECONDS
from tillway.model.currencies import MINOR_DIGITS
from tillway.model.rules import RULES as INTAKE_RULES
from tillway.project.records import Reconciliation, Release, Store
from tillway.reconcile.facts import Fact, TaxSum
from tillway.reconcile.findings import Finding
from tillway.reconcile.marks import Mark
from tillway.reconcile.rules import Judge

SHOPS_IN_MEMORY = 10_000
SALES = ("receipt", "void")
NUMBERED = ("receipt", "void", "control", "cash")
MARKED: dict[Mark, tuple[str, str]] = {
    "late": ("LATE_TRANSACTION", ""),
    "return_without_reason": ("REASON_CODE_REQUIRED", "return"),
    "void_without_reason": ("REASON_CODE_REQUIRED", "void"),
    "override_without_reason": ("REASON_CODE_REQUIRED", "price override"),
    "return_without_receipt": ("RETURN_WITHOUT_RECEIPT", ""),
    "gift_card_return": ("GIFT_CARD_RETURN", ""),
}
"""Mark of a fact -> the rule that asks for it, and what the finding says."""
OWN_RULES = (
    "LATE_TRANSACTION",
    "FUTURE_DATE",
    "BUSINESS_DATE_STALE",
    "CLOSED_PERIOD",
    "CASH_ROUNDING_LIMIT",
    "TAX_RATE_UNKNOWN",
    "TAX_MAPPING_INCOMPLETE",
    "TAX_INCLUDED_INCONSISTENT",
    "TAX_RECALC_MISMATCH",
    "TAX_EXEMPT_UNJUSTIFIED",
    "REASON_CODE_REQUIRED",
    "RETURN_WITHOUT_RECEIPT",
    "GIFT_CARD_RETURN",
)
RULES = (*OWN_RULES, *(rule for rule in INTAKE_RULES if rule != "SEQ_GAP"))
"""Rules that are asked here of every message of a day."""
_HALF = Decimal("0.5")
_CLOSE = _HALF_CENT = Decimal("0.005")
_HUNDRED = Decimal(100)


class _Shop(msgspec.Struct):
    """What the rules know of one shop; today is kept from one message to the next."""

    name: str
    zone: ZoneInfo
    currencies: frozenset[str] | None
    rates: frozenset[str] | None
    tax_included: bool | None
    today_from: int = 0
    today_until: int = 0
    today: str = ""
    oldest: str = ""


class FactAudit:
    """Judges messages one by one; what it costs does not hang on how long the day is."""

    def __init__(self, release: Release, settings: Reconciliation, judge: Judge) -> None:
        self._release = release
        self._settings = settings
        self._judge = judge
        self._shops: dict[str, _Shop] = {}
        self._halves = {name: _HALF.scaleb(-digits) for name, digits in MINOR_DIGITS.items()}
        period = settings.period_closed_until
        self._closed_until = period.isoformat() if period else ""

    def arrived(self, fact: Fact, business_date: str, *, late: bool) -> None:
        """Mark what can only be said now. late: its day was closed or posted before it came."""
        if late and fact.kind in NUMBERED:
            fact.marks = ("late", *fact.marks)
        if self._closed_until and business_date <= self._closed_until:
            fact.marks = ("closed_period", *fact.marks)

    def judge(self, fact: Fact, store: str, business_date: str, position: int) -> list[Finding]:
        """Return what is wrong with one message."""
        found: list[Finding] = []
        for rule, figures in self._breaches(fact, store, business_date):
            found += self._judge.finding(
                rule,
                store,
                business_date,
                subject=fact.natural_key,
                currency=fact.currency,
                position=position,
                **figures,
            )
        return found

    def _breaches(
        self, fact: Fact, store: str, business_date: str
    ) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield each rule that is broken with its figures."""
        for breach in fact.breaches:
            yield (
                breach.rule,
                {
                    "expected": breach.expected,
                    "found": breach.found,
                    "difference": "" if breach.difference is None else str(breach.difference),
                    "detail": breach.path,
                },
            )
        shop = self._shops.get(store) or self._shop(store)
        if not shop.today_from <= fact.received_at < shop.today_until:
            self._turn_to(shop, fact.received_at)
        if business_date > shop.today:
            yield "FUTURE_DATE", {"expected": shop.today, "found": business_date}
        elif business_date < shop.oldest:
            yield "BUSINESS_DATE_STALE", {"expected": shop.oldest, "found": business_date}
        if fact.marks:
            yield from self._marked(fact, business_date)
        if fact.kind in SALES and not fact.training:
            yield from self._money(fact, shop)

    def _marked(self, fact: Fact, business_date: str) -> Iterator[tuple[str, dict[str, str]]]:
        if "closed_period" in fact.marks and business_date <= self._closed_until:
            yield (
                "CLOSED_PERIOD",
                {
                    "expected": f"after {self._closed_until}",
                    "found": business_date,
                },
            )
        said: dict[str, list[str]] = {}
        for mark in fact.marks:
            if mark in MARKED:
                rule, what = MARKED[mark]
                said.setdefault(rule, []).append(what)
        for rule, whats in said.items():
            yield rule, {"found": ", ".join(filter(None, whats))}

    def _money(self, fact: Fact, shop: _Shop) -> Iterator[tuple[str, dict[str, str]]]:
        if shop.currencies is not None and fact.currency not in shop.currencies:
            known = ", ".join(sorted(shop.currencies))
            yield "CURRENCY_UNKNOWN", {"expected": known, "found": fact.currency}
        coin = self._settings.smallest_coin.get(fact.currency)
        if coin is not None and fact.rounding and abs(fact.rounding) * 2 > coin:
            yield (
                "CASH_ROUNDING_LIMIT",
                {
                    "expected": f"at most {coin / 2}",
                    "found": str(fact.rounding),
                },
            )
        if fact.taxes or fact.sales:
            yield from self._tax(fact, shop)

    def _tax(self, fact: Fact, shop: _Shop) -> Iterator[tuple[str, dict[str, str]]]:
        strange, other = "", ""
        for tax in fact.taxes:
            if shop.rates is not None and tax.rate and tax.rate not in shop.rates:
                strange = strange or tax.rate
            if shop.tax_included is not None and tax.tax and tax.included != shop.tax_included:
                other = "contained in prices" if tax.included else "added to prices"
        if strange:
            yield "TAX_RATE_UNKNOWN", {"found": f"{strange} %"}
        if other:
            yield "TAX_INCLUDED_INCONSISTENT", {"found": other}
        mapped = self._settings.tax_codes
        if mapped is not None:
            used = [one.rate or "none" for one in fact.taxes if one.tax]
            used += [one.rate or "none" for one in fact.sales if one.amount]
            if not mapped.issuperset(used):
                missing = sorted(set(used) - mapped)
                yield "TAX_MAPPING_INCOMPLETE", {"found": ", ".join(missing)}
        if fact.untaxed:
            yield "TAX_EXEMPT_UNJUSTIFIED", {"found": str(fact.untaxed)}
        else:
            yield from self._computed_again(fact)

    def _computed_again(self, fact: Fact) -> Iterator[tuple[str, dict[str, str]]]:
        """Compare each rate's tax with what it comes to; the worst one is told."""
        tolerance = self._judge.set_tolerance("TAX_RECALC_MISMATCH")
        half = self._halves.get(fact.currency, _HALF_CENT)
        worst: tuple[Decimal, TaxSum] | None = None
        for tax in fact.taxes:
            if not tax.judged:
                continue
            apart = _apart(tax)
            allowed = half * tax.count if tolerance is None else tolerance
            if abs(apart) > allowed and (worst is None or abs(apart) > abs(worst[0])):
                worst = apart, tax
        if worst is not None:
            apart, tax = worst
            yield (
                "TAX_RECALC_MISMATCH",
                {
                    "expected": f"{tax.tax - apart:.5f}",
                    "found": str(tax.tax),
                    "difference": f"{apart:.5f}",
                    "detail": f"{tax.rate} % of {tax.taxable}",
                },
            )

    def _shop(self, name: str) -> _Shop:
        if len(self._shops) >= SHOPS_IN_MEMORY:
            # Names of shops come with messages: strangers must not pile up.
            self._shops.clear()
        store = self._release.stores.get(name)
        settings = self._settings
        zone = store.time_zone if store else self._release.hub.time_zone
        known = settings.tax_rates.get(store.country) if store else None
        found = self._shops[name] = _Shop(
            name,
            ZoneInfo(zone),
            currencies=_currencies(store, settings),
            rates=None if known is None else frozenset(f"{one.normalize():f}" for one in known),
            tax_included=settings.tax_included.get(store.country) if store else None,
        )
        return found

    def _turn_to(self, shop: _Shop, moment: int) -> None:
        """Learn which calendar day it is in the shop, and from when until when."""
        today = datetime.fromtimestamp(moment / MICROSECONDS, shop.zone).date()
        shop.today_from = _midnight(today, shop.zone)
        shop.today_until = _midnight(today + timedelta(days=1), shop.zone)
        shop.today = today.isoformat()
        shop.oldest = (today - timedelta(days=self._settings.oldest_days)).isoformat()


def _currencies(store: Store | None, settings: Reconciliation) -> frozenset[str] | None:
    if store is None:
        return None
    more = settings.currencies
    allowed: tuple[Any, ...] = (*more.get("", ()), *more.get(store.business_unit_id, ()))
    return frozenset((store.currency, *allowed))


def _midnight(day: date, zone: ZoneInfo) -> int:
    return round(datetime.combine(day, time(), zone).timestamp() * MICROSECONDS)


@lru_cache(maxsize=256)
def _shares(rate: str) -> tuple[Decimal, Decimal]:
    """Return the part that a tax is of an amount without it, and of one that contains it."""
    percent = Decimal(rate)
    return percent / _HUNDRED, percent / (_HUNDRED + percent)


def _apart(tax: TaxSum) -> Decimal:
    """Return stated less computed tax.

    What a tax that prices contain was computed on may be stated with it or without; the reading
    that fits better counts.
    """
    on_top, inside = _shares(tax.rate)
    if not tax.included:
        return tax.tax - tax.taxable * on_top
    contained = tax.tax - tax.taxable * inside
    if abs(contained) <= _CLOSE:
        return contained
    return min(contained, tax.tax - tax.taxable * on_top, key=abs)
