"""Every error Tillway raises: one tree, and one record for each stable code.

The tree says what the engine must do; the code says what happened (`tillway explain TW-nnnn`).
"""

from tillway.errors.catalogue import CodeRecord, all_codes, code_record
from tillway.errors.tree import (
    ConfigurationError,
    ContractViolation,
    EndOfInput,
    InDoubt,
    JournalFault,
    NotConnected,
    Permanent,
    Refused,
    TillwayError,
    Transient,
    Violation,
    place_of,
    shown,
)

__all__ = [
    "CodeRecord",
    "ConfigurationError",
    "ContractViolation",
    "EndOfInput",
    "InDoubt",
    "JournalFault",
    "NotConnected",
    "Permanent",
    "Refused",
    "TillwayError",
    "Transient",
    "Violation",
    "all_codes",
    "code_record",
    "place_of",
    "shown",
]
