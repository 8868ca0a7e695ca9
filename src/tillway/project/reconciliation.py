"""Reads `recon/store-day.toml`: how store-days are audited, balanced, approved and posted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal, InvalidOperation
from typing import Any, get_args

from tillway.mapping import CodeTable
from tillway.mapping.codes import FALLBACK
from tillway.model.currencies import MINOR_DIGITS
from tillway.model.enumerations import TenderType
from tillway.project.documents import Document
from tillway.project.problems import Problems
from tillway.project.reading import TableReader
from tillway.project.records import (
    PostingSetting,
    ProcessorSetting,
    Reconciliation,
    RuleSetting,
)
from tillway.project.routes import compiled_condition

STORE_DAY = "recon/store-day.toml"
SEVERITIES = ("error", "warn", "count", "off")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DEFAULTS = Reconciliation()
_POSTING = PostingSetting()
_PROCESSOR = ProcessorSetting("")


def read_reconciliation(
    document: Document | None, problems: Problems, codes: Mapping[str, CodeTable]
) -> Reconciliation | None:
    """Return the settings, None without a file; what is wrong is noted."""
    if document is None:
        return None
    reader = TableReader(document, problems)
    approve: Any = reader.choice("approve", ("policy", "person"), _DEFAULTS.approve)
    balance_by: Any = reader.choice(
        "balance_by", ("store", "workstation", "operator"), _DEFAULTS.balance_by
    )
    over_short: Any = reader.choice(
        "over_short", ("declared", "expected", "computed"), _DEFAULTS.over_short
    )
    closed, weekdays = _calendar(reader)
    found = Reconciliation(
        cut_off=_time(reader, "cut_off", _DEFAULTS.cut_off),
        approve=approve,
        balance_by=balance_by,
        oldest_days=reader.whole("oldest_days", _DEFAULTS.oldest_days, minimum=1),
        period_closed_until=_date(reader, "period_closed_until"),
        closed=closed,
        weekdays_closed=weekdays,
        tax_rates=_tax_rates(reader),
        rules=_rules(reader),
        posting=_posting(reader, codes),
        processors=_processors(reader),
        deposit_bank=reader.text("deposit_bank"),
        deposit_within_days=reader.whole("deposit_within_days", _DEFAULTS.deposit_within_days),
        over_short=over_short,
        gap_grace_seconds=reader.number("gap_grace_seconds", _DEFAULTS.gap_grace_seconds),
        cut_offs=_cut_offs(reader),
        workstations=_by_shop(reader, "workstations"),
        currencies=_currencies(reader),
        tax_included=_tax_included(reader),
        smallest_coin=_smallest_coin(reader),
        tax_codes=_tax_codes(reader, codes),
    )
    reader.done()
    return found


def _calendar(
    reader: TableReader,
) -> tuple[dict[str, frozenset[date]], dict[str, frozenset[int]]]:
    """Return dates and weekdays without trade; the table `all` stands for every shop."""
    dates: dict[str, frozenset[date]] = {}
    weekdays: dict[str, frozenset[int]] = {}
    calendar = reader.table("closed")
    for name in reader.free("closed"):
        shop = calendar.table(name) if calendar else None
        if shop is None:
            continue
        key = "" if name == "all" else name
        dates[key] = frozenset(filter(None, map(_as_date(shop), shop.texts("dates"))))
        weekdays[key] = frozenset(_weekdays(shop))
        shop.done()
    return dates, weekdays


def _as_date(reader: TableReader) -> Any:
    def read(text: str) -> date | None:
        try:
            return date.fromisoformat(text)
        except ValueError:
            reader.note("dates", "TW-1103", f'"{text}" is no date such as 2026-12-25')
            return None

    return read


def _weekdays(reader: TableReader) -> list[int]:
    found = []
    for name in reader.texts("weekdays"):
        if name in WEEKDAYS:
            found.append(WEEKDAYS.index(name))
        else:
            reader.note("weekdays", "TW-1103", f'"{name}" is none of {", ".join(WEEKDAYS)}')
    return found


def _tax_rates(reader: TableReader) -> dict[str, tuple[Decimal, ...]]:
    rates = reader.table("tax_rates")
    if rates is None:
        return {}
    found = {}
    for country in reader.free("tax_rates"):
        texts = rates.texts(country)
        amounts = [_amount(rates, country, text) for text in texts]
        found[country] = tuple(one for one in amounts if one is not None)
    rates.done()
    return found


def _rules(reader: TableReader) -> dict[str, RuleSetting]:
    """Return what was set for each rule; `reconcile` knows the rules and says which are unknown."""
    rules = reader.table("rules")
    found = {}
    for name in reader.free("rules"):
        rule = rules.table(name) if rules else None
        if rule is None:
            continue
        severity: Any = rule.choice("severity", (*SEVERITIES, ""), "")
        text = rule.text("tolerance")
        found[name] = RuleSetting(
            severity, _amount(rule, "tolerance", text) if text else None, rule.text("owner")
        )
        rule.done()
    return found


def _posting(reader: TableReader, codes: Mapping[str, CodeTable]) -> PostingSetting:
    posting = reader.table("posting")
    if posting is None:
        return _POSTING
    mode: Any = posting.choice("mode", ("none", "store_day", "receipt", "hybrid"), _POSTING.mode)
    found = PostingSetting(
        mode=mode,
        erp=posting.text("erp"),
        by_group=posting.flag("by_group"),
        single=compiled_condition(posting, "single", codes),
        single_text=posting.text("single"),
        reported_within_days=posting.whole("reported_within_days", _POSTING.reported_within_days),
    )
    if found.mode != "none" and not found.erp:
        posting.note("erp", "TW-1104", "`erp` names the system that books store-days")
    if (found.mode == "hybrid") != bool(found.single_text):
        posting.note("single", "TW-1103", "`single` belongs to the mode hybrid, which needs it")
    posting.done()
    return found


def _processors(reader: TableReader) -> dict[str, ProcessorSetting]:
    processors = reader.table("processors")
    found = {}
    for name in reader.free("processors"):
        one = processors.table(name) if processors else None
        if one is None:
            continue
        tenders = one.texts("tender_types", _PROCESSOR.tender_types)
        for tender in tenders:
            if tender not in get_args(TenderType):
                known = ", ".join(get_args(TenderType))
                one.note("tender_types", "TW-1103", f'"{tender}" is none of {known}')
        found[name] = ProcessorSetting(
            name=name,
            tender_types=tenders,
            systems=one.texts("systems"),
            within_days=one.whole("within_days", _PROCESSOR.within_days),
            bank_within_days=one.whole("bank_within_days", _PROCESSOR.bank_within_days),
            bank=one.text("bank"),
        )
        one.done()
    return found


def _by_shop(reader: TableReader, key: str) -> dict[str, frozenset[str]]:
    """Return texts by business unit; `all` stands for every shop."""
    table = reader.table(key)
    if table is None:
        return {}
    found = {
        "" if name == "all" else name: frozenset(table.texts(name)) for name in reader.free(key)
    }
    table.done()
    return found


def _currencies(reader: TableReader) -> dict[str, frozenset[str]]:
    found = _by_shop(reader, "currencies")
    for currency in sorted(set().union(*found.values()) - MINOR_DIGITS.keys()):
        reader.note("currencies", "TW-1103", f'"{currency}" is no currency of ISO 4217')
    return found


def _cut_offs(reader: TableReader) -> dict[str, time]:
    table = reader.table("cut_offs")
    if table is None:
        return {}
    found = {name: _time(table, name, _DEFAULTS.cut_off) for name in reader.free("cut_offs")}
    table.done()
    return found


def _tax_included(reader: TableReader) -> dict[str, bool]:
    table = reader.table("tax_included")
    if table is None:
        return {}
    found = {country: table.flag(country) for country in reader.free("tax_included")}
    table.done()
    return found


def _smallest_coin(reader: TableReader) -> dict[str, Decimal]:
    table = reader.table("smallest_coin")
    if table is None:
        return {}
    found = {}
    for currency in reader.free("smallest_coin"):
        coin = _amount(table, currency, table.text(currency))
        if coin:
            found[currency] = coin
    table.done()
    return found


def _tax_codes(reader: TableReader, codes: Mapping[str, CodeTable]) -> frozenset[str] | None:
    """Return the rates that every one of the named code tables has; None for any rate."""
    mapped: frozenset[str] | None = None
    for name in reader.texts("tax_codes"):
        table = codes.get(name)
        if table is None:
            reader.note("tax_codes", "TW-1103", f"there is no codes/{name}.csv")
        elif FALLBACK not in table.rows:
            rates = frozenset(table.rows)
            mapped = rates if mapped is None else mapped & rates
    return mapped


def _amount(reader: TableReader, key: str, text: str) -> Decimal | None:
    try:
        return abs(Decimal(text))
    except InvalidOperation:
        reader.note(key, "TW-1103", f'`{key}` is a number in quotes such as "0.05", not "{text}"')
        return None


def _time(reader: TableReader, key: str, default: time) -> time:
    text = reader.text(key)
    try:
        return time.fromisoformat(text) if text else default
    except ValueError:
        reader.note(key, "TW-1103", f'`{key}` is a time such as "04:00", not "{text}"')
        return default


def _date(reader: TableReader, key: str) -> date | None:
    text = reader.text(key)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        reader.note(key, "TW-1103", f'`{key}` is a date such as "2026-10-31", not "{text}"')
        return None
