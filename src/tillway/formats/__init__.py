"""Bytes to neutral records and back: JSON, CSV, XML, POSLog, camt, MT940.

Surprising: nothing here raises for bad input; what cannot be read comes out as `Unreadable`.
"""

from tillway.formats.base import Format, Record, Unreadable
from tillway.formats.limits import EXCERPT_BYTES, RECORD_BYTES
from tillway.formats.registry import format_named, format_names

__all__ = [
    "EXCERPT_BYTES",
    "RECORD_BYTES",
    "Format",
    "Record",
    "Unreadable",
    "format_named",
    "format_names",
]
