"""The store-day: counts, money and numbers of each shop and business day, reconciled to the penny.

Facts of messages (`facts`) add up in the book of their day (`day_book`); rules (`rules`) judge
facts and days and leave findings (`findings`); the state of a day follows from both (`store_day`);
and a balanced, approved day is posted to the ERP. `bookkeeper` is the consumer that does it all.
"""

from tillway.reconcile.answers import (
    DayInFull,
    Measure,
    Move,
    Posting,
    as_json,
    day_in_full,
    findings,
    ready,
    store_days,
    symbol_of,
)
from tillway.reconcile.bookkeeper import Bookkeeper
from tillway.reconcile.desk import Decision, Desk
from tillway.reconcile.export import sheets, write_csv, write_xlsx
from tillway.reconcile.findings import Finding
from tillway.reconcile.store_day import StoreDay

__all__ = [
    "Bookkeeper",
    "DayInFull",
    "Decision",
    "Desk",
    "Finding",
    "Measure",
    "Move",
    "Posting",
    "StoreDay",
    "as_json",
    "day_in_full",
    "findings",
    "ready",
    "sheets",
    "store_days",
    "symbol_of",
    "write_csv",
    "write_xlsx",
]
