"""The canonical retail model: messages in ARTS words, exact numbers, keys and invariants. Pure."""

from tillway.model.catalogue import MESSAGE_TYPES, MessageType, message_type
from tillway.model.exact import (
    decimal,
    from_minor,
    minor_digits,
    money,
    percent,
    quantity,
    round_money,
    to_minor,
)
from tillway.model.findings import Finding, Severity
from tillway.model.invariants import findings
from tillway.model.part import Part
from tillway.model.rules import RULES, AuditRule

__all__ = [
    "MESSAGE_TYPES",
    "RULES",
    "AuditRule",
    "Finding",
    "MessageType",
    "Part",
    "Severity",
    "decimal",
    "findings",
    "from_minor",
    "message_type",
    "minor_digits",
    "money",
    "percent",
    "quantity",
    "round_money",
    "to_minor",
]
