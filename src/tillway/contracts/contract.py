"""A data contract: what one message type must hold beyond the model, and who answers for it.

Shape and values are violations and lead to quarantine; sums are findings, accepted with the
message (rulings: two levels of wrong).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tillway.contracts import demands
from tillway.contracts.demands import Demand
from tillway.errors import Violation
from tillway.model import invariants
from tillway.model.catalogue import message_type
from tillway.model.findings import Finding

Severity = Literal["error", "warn", "count", "off"]


class Owner(msgspec.Struct, frozen=True):
    """Who answers for the contract; contact is the first support channel, "" where none is."""

    name: str
    contact: str = ""


class ArithmeticRule(msgspec.Struct, frozen=True):
    """How one audit rule is taken: None leaves severity or tolerance as the model has it.

    tolerance is in the currency of the message; a difference up to it is no finding.
    """

    severity: Severity | None = None
    tolerance: Decimal | None = None


class SequenceExpectation(msgspec.Struct, frozen=True):
    """In which scope numbers run without a gap, and when they start again.

    scope names fields of the message; reset is `never`, `daily` or `wrap_at_<N>`.
    """

    scope: tuple[str, ...]
    reset: str


@dataclass(frozen=True, slots=True)
class Contract:
    """One version of the contract of a message type; version is the major number."""

    message_type: str
    version: int
    full_version: str
    status: str
    owner: Owner
    description: str
    demands: tuple[Demand, ...]
    arithmetic: Mapping[str, ArithmeticRule]
    sequence: SequenceExpectation | None
    file: str
    _apart: frozenset[str] = field(init=False, repr=False, compare=False)
    _by_tolerance: Mapping[Decimal, frozenset[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rules = self.arithmetic.items()
        asked = {name: rule.tolerance for name, rule in rules if rule.severity != "off"}
        tolerances = {tolerance for tolerance in asked.values() if tolerance is not None}
        by_tolerance = {
            tolerance: frozenset(name for name in asked if asked[name] == tolerance)
            for tolerance in sorted(tolerances)
        }
        off = {name for name, rule in rules if rule.severity == "off"}
        object.__setattr__(self, "_apart", frozenset(off.union(*by_tolerance.values())))
        object.__setattr__(self, "_by_tolerance", by_tolerance)

    @property
    def required(self) -> tuple[str, ...]:
        """Paths that must have a value: `lines[].item.gtin`."""
        return tuple(demands.required_paths(self.demands))

    @property
    def enums(self) -> dict[str, tuple[str, ...]]:
        """Path to the values the contract allows there."""
        return dict(demands.allowed_values(self.demands))

    def violations(self, message: Struct) -> list[Violation]:
        """Return every breach of the contract by a message of the model; [] nearly always."""
        if demands.are_met(self.demands, message):
            return []
        return list(demands.breaches(self.demands, message))

    def findings(self, message: Struct) -> tuple[Finding, ...]:
        """Return the audit findings as the contract takes them: severity, tolerance, left out."""
        found = invariants.findings(message)
        if not found and not self._by_tolerance:
            return ()
        if self.arithmetic:
            found = tuple(finding for finding in found if finding.rule not in self._apart)
            for tolerance, rules in self._by_tolerance.items():
                strict = invariants.findings(message, tolerance)
                found += tuple(finding for finding in strict if finding.rule in rules)
        return tuple(self._taken(finding) for finding in found)

    def _taken(self, finding: Finding) -> Finding:
        rule = self.arithmetic.get(finding.rule)
        if rule is None or rule.severity in {None, finding.severity}:
            return finding
        return replace(finding, severity=rule.severity)

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of a message that meets the contract."""
        model = message_type(self.message_type).json_schema()
        of_model = ("$ref", "anyOf") if "$ref" in model else tuple(model)
        shape = {keyword: model[keyword] for keyword in of_model if keyword in model}
        schema: dict[str, Any] = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": f"{self.message_type} {self.full_version}",
            "description": self.description,
            "$defs": model.get("$defs", {}),
            "allOf": [shape],
        }
        if self.demands:
            schema["allOf"].append(demands.overlay(self.demands))
        return schema
