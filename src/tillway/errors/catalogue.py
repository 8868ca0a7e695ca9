"""The record behind each TW-nnnn code, read from the tables in `codes/`.

One file per area; a code is registered once, never reused and never renumbered.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

import msgspec


class CodeRecord(msgspec.Struct, frozen=True):
    """What one code means: a title, what happened, what Tillway did, and what to do about it.

    kind is the engine's reaction (transient, permanent, in_doubt, not_connected, contract,
    refused, configuration, journal, notice, bug); http_status is 0 where no answer carries it.
    """

    code: str
    title: str
    happened: str
    did: str
    advice: str
    kind: str
    http_status: int = 0
    runbook: str = ""


@cache
def all_codes() -> dict[str, CodeRecord]:
    """Return every registered code, in order."""
    records: dict[str, CodeRecord] = {}
    folder = resources.files("tillway.errors") / "codes"
    for table in sorted(folder.iterdir(), key=lambda file: file.name):
        if not table.name.endswith(".toml"):
            continue
        for code, fields in tomllib.loads(table.read_text("utf-8")).items():
            if code in records:
                raise AssertionError(f"{code} is registered twice")
            records[code] = CodeRecord(code=code, **fields)
    return dict(sorted(records.items()))


def code_record(code: str) -> CodeRecord | None:
    """Return the record of one code, or None when no such code was ever registered."""
    return all_codes().get(code)
