"""Reads `stores.csv`: one row per shop of the chain.

The API key of a store is kept only as its SHA-256; the key itself is shown once, by `init`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Mapping

import msgspec

from tillway.project.folder import STORES
from tillway.project.hub import known_zone
from tillway.project.problems import Problems
from tillway.project.records import Store
from tillway.project.toml_lines import SettingPath
from tillway.spelling import nearest

REQUIRED = ("business_unit_id", "name", "time_zone", "country", "currency", "system")
OPTIONAL = ("registers", "api_key_sha256", "region")
_SAME = {"brand": "system"}
_DIGEST = re.compile(r"[0-9a-f]{64}")
_CURRENCY = re.compile(r"[A-Z]{3}")


class Row(msgspec.Struct, frozen=True):
    """A line of the file, as a place for problems."""

    line: int

    def at(self, _path: SettingPath) -> tuple[str, int]:
        """Return file and line."""
        return STORES, self.line


def read_stores(text: str, systems: Collection[str], problems: Problems) -> dict[str, Store]:
    """Return the stores by business unit; empty lines and lines that start with # are skipped.

    systems: names of the systems a store may belong to.
    """
    stores: dict[str, Store] = {}
    columns: list[str] = []
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    try:
        for found in reader:
            row = Row(reader.line_num)
            stripped = [cell.strip() for cell in found]
            if not any(stripped) or stripped[0].startswith("#"):
                continue
            if not columns:
                columns = _columns(stripped, row, problems)
            elif len(stripped) != len(columns):
                wrong = f"{len(stripped)} columns, the first line has {len(columns)}"
                problems.add(row, (), "TW-1209", wrong)
            else:
                cells = dict(zip(columns, stripped, strict=True))
                _check_system(cells, systems, row, problems)
                _add(stores, cells, row, problems)
    except csv.Error as error:
        problems.add(Row(reader.line_num), (), "TW-1209", f"not valid CSV: {error}")
    return stores


def _columns(cells: list[str], row: Row, problems: Problems) -> list[str]:
    known = (*REQUIRED, *OPTIONAL)
    columns = [_SAME.get(cell, cell) for cell in cells]
    for column in columns:
        if column not in known:
            advice = f"{nearest(column, known)}Columns: {', '.join(known)}."
            problems.add(row, (), "TW-1209", f'there is no column "{column}"', advice)
    for column in REQUIRED:
        if column not in columns:
            problems.add(row, (), "TW-1209", f'the column "{column}" is missing')
    return columns


def _check_system(
    cells: Mapping[str, str], systems: Collection[str], row: Row, problems: Problems
) -> None:
    system, store = cells.get("system", ""), cells.get("business_unit_id", "")
    if "system" in cells and system not in systems:
        advice = f"{nearest(system, systems)}Sources: {', '.join(sorted(systems))}."
        sentence = f'store {store}: no source is called "{system}"'
        problems.add(row, (), "TW-1207", sentence, advice)


def _add(stores: dict[str, Store], cells: Mapping[str, str], row: Row, problems: Problems) -> None:
    store = cells.get("business_unit_id", "")
    for code, sentence in _wrong(stores, store, cells):
        problems.add(row, (), code, f"store {store or '(no number)'}: {sentence}")
    registers = cells.get("registers", "")
    stores[store] = Store(
        business_unit_id=store,
        name=cells.get("name", ""),
        time_zone=cells.get("time_zone", ""),
        country=cells.get("country", ""),
        currency=cells.get("currency", ""),
        system=cells.get("system", ""),
        registers=int(registers) if registers.isdigit() else 1,
        api_key_sha256=cells.get("api_key_sha256", "").lower(),
        region=cells.get("region", ""),
    )


def _wrong(
    stores: Mapping[str, Store], store: str, cells: Mapping[str, str]
) -> list[tuple[str, str]]:
    registers = cells.get("registers", "")
    digest = cells.get("api_key_sha256", "").lower()
    zone, currency = cells.get("time_zone", ""), cells.get("currency", "")
    same_key = digest and any(one.api_key_sha256 == digest for one in stores.values())
    checks = (
        (not store, "TW-1209", "business_unit_id is empty"),
        (store in stores, "TW-1208", "it is listed twice"),
        (not known_zone(zone), "TW-1112", f'"{zone}" is no time zone'),
        (not _CURRENCY.fullmatch(currency), "TW-1209", f'"{currency}" is no ISO 4217 currency'),
        (bool(registers) and not registers.isdigit(), "TW-1209", "registers is no number"),
        (
            bool(digest) and not _DIGEST.fullmatch(digest),
            "TW-1209",
            "api_key_sha256 is no SHA-256 in hex",
        ),
        (bool(same_key), "TW-1208", "it has the same API key as another store"),
    )
    return [(code, sentence) for wrong, code, sentence in checks if wrong]
