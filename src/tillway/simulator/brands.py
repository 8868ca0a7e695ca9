"""Whose bytes the simulated chain is told in: three brands of shops, an acquirer and a bank."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from tillway.simulator import (
    brand_csv,
    brand_harbourbank,
    brand_json,
    brand_paywell,
    brand_poslog,
)
from tillway.simulator.facts import Fact
from tillway.simulator.finance_facts import ACQUIRER, BANK


class Brand(msgspec.Struct, frozen=True):
    """One product. suffix is that of its files; an http brand posts instead.

    render takes the facts this brand tells: those of its shops, a payout, a statement.
    """

    name: str
    carrier: Literal["files", "http"]
    suffix: str
    render: Callable[[Any], bytes]
    pack: Callable[[Sequence[bytes]], bytes]


BRANDS: Mapping[str, Brand] = {
    "northgate": Brand("northgate", "files", ".xml", brand_poslog.render, brand_poslog.pack),
    "quayside": Brand("quayside", "http", ".ndjson", brand_json.render, brand_json.pack),
    "millrace": Brand("millrace", "files", ".csv", brand_csv.render, brand_csv.pack),
}
"""The shops."""
MONEY_BRANDS: Mapping[str, Brand] = {
    ACQUIRER: Brand(ACQUIRER, "files", ".ndjson", brand_paywell.render, brand_paywell.pack),
    BANK: Brand(BANK, "files", ".xml", brand_harbourbank.render, brand_harbourbank.pack),
}
"""Acquirer and bank."""
CARRIERS: Mapping[str, Brand] = {**BRANDS, **MONEY_BRANDS}
"""Everybody who hands something over, by the name of the system in the project."""


def render(fact: Fact) -> bytes:
    """Return one fact in the words of whoever tells it."""
    return CARRIERS[fact.system].render(fact)
