"""The three brands of the simulated chain: how each one's bytes are made and carried."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tillway.simulator import brand_csv, brand_json, brand_poslog
from tillway.simulator.facts import Fact


@dataclass(frozen=True, slots=True)
class Brand:
    """One POS product. suffix is that of its files; an http brand posts instead."""

    name: str
    carrier: Literal["files", "http"]
    suffix: str
    render: Callable[[Fact], bytes]
    pack: Callable[[Sequence[bytes]], bytes]


BRANDS: Mapping[str, Brand] = {
    "northgate": Brand("northgate", "files", ".xml", brand_poslog.render, brand_poslog.pack),
    "quayside": Brand("quayside", "http", ".ndjson", brand_json.render, brand_json.pack),
    "millrace": Brand("millrace", "files", ".csv", brand_csv.render, brand_csv.pack),
}


def render(fact: Fact) -> bytes:
    """Return one fact in the words of its shop's brand."""
    return BRANDS[fact.store.system].render(fact)
