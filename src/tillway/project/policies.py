"""Reads `policies/retry.toml` and `policies/breaker.toml`: one table per policy.

The policy called `standard` always exists, so that a small project needs neither file.
"""

from __future__ import annotations

from typing import Any

from tillway.project.documents import Document
from tillway.project.problems import Problems
from tillway.project.reading import TableReader
from tillway.project.records import BreakerPolicy, RetryPolicy

STANDARD = "standard"
_RETRY = RetryPolicy(STANDARD)
_BREAKER = BreakerPolicy(STANDARD)
_KINDS = ("fixed", "exponential", "exponential_full_jitter")


def read_retries(document: Document | None, problems: Problems) -> dict[str, RetryPolicy]:
    """Return the retry policies by name."""
    policies = {STANDARD: _RETRY}
    for name, reader in _each(document, problems):
        kind: Any = reader.choice("kind", _KINDS, _RETRY.kind)
        policies[name] = RetryPolicy(
            name=name,
            kind=kind,
            base_seconds=reader.number("base_seconds", _RETRY.base_seconds),
            cap_seconds=reader.number("cap_seconds", _RETRY.cap_seconds),
            horizon_seconds=reader.number("horizon_seconds", _RETRY.horizon_seconds),
            sale_wait_seconds=reader.number("sale_wait_seconds", _RETRY.sale_wait_seconds),
            replay_alone=reader.whole("replay_alone", _RETRY.replay_alone, minimum=0),
        )
        if policies[name].cap_seconds < policies[name].base_seconds:
            reader.note("cap_seconds", "TW-1103", "`cap_seconds` is at least `base_seconds`")
        reader.done()
    return policies


def read_breakers(document: Document | None, problems: Problems) -> dict[str, BreakerPolicy]:
    """Return the breaker policies by name."""
    policies = {STANDARD: _BREAKER}
    for name, reader in _each(document, problems):
        policies[name] = BreakerPolicy(
            name=name,
            failures=reader.whole("failures", _BREAKER.failures, minimum=1),
            probe_seconds=reader.numbers("probe_seconds", _BREAKER.probe_seconds),
        )
        if not policies[name].probe_seconds or min(policies[name].probe_seconds) <= 0:
            reader.note("probe_seconds", "TW-1103", "`probe_seconds` are numbers above 0")
        reader.done()
    return policies


def _each(document: Document | None, problems: Problems) -> list[tuple[str, TableReader]]:
    if document is None:
        return []
    top = TableReader(document, problems)
    readers = [(name, top.table(name)) for name in document.values]
    return [(name, reader) for name, reader in readers if reader is not None]
