"""A small mapping table of a cash movement and a record for it; a test adds its own rows."""

from __future__ import annotations

from tillway.mapping import MappingTable, load_table

HEAD = """
message_type = "cash.moved"
version = 1
[map]
business_unit_id = 'store'
business_date    = 'day'
workstation_id   = 'till'
sequence_number  = 'integer(no)'
movement_type    = '"paid_out"'
tender_type      = '"cash"'
currency         = '"EUR"'
"""
RECORD = {"store": "0002", "day": "2026-11-20", "till": "01", "no": 7, "a": "-12.5", "b": "3"}


def cash_table(amount: str, more: str = "", head: str = HEAD) -> MappingTable:
    """Return the table with this amount; more holds further rows."""
    return load_table(f"{head}amount = '{amount}'\n{more}", name="cash", codes={})
