"""The store-day: counts, money and numbers of each shop and business day, reconciled to the penny.

Facts of messages (`facts`) add up in the book of their day (`day_book`); rules (`rules`) judge
facts and days and leave findings (`findings`); the state of a day follows from both (`store_day`);
and a balanced, approved day is posted to the ERP. `bookkeeper` is the consumer that does it all.
"""

from tillway.reconcile.answers import (
    DayInFull,
    Move,
    OnItsWay,
    OpenItem,
    Posting,
    Reported,
    alike_findings,
    as_json,
    business_date,
    count_days,
    day_in_full,
    figures,
    findings,
    is_kept,
    is_up_to_date,
    matrix,
    open_findings_by_store,
    open_items,
    postings,
    ready,
    store_days,
    unfinished_days,
)
from tillway.reconcile.bookkeeper import Bookkeeper
from tillway.reconcile.desk import Decision, Desk
from tillway.reconcile.export import Amount, Sheet, write_csv, write_xlsx
from tillway.reconcile.findings import Finding
from tillway.reconcile.measures import Measure
from tillway.reconcile.number_runs import in_runs
from tillway.reconcile.sheets import KINDS, sheets
from tillway.reconcile.signs import LEGEND, symbol_of
from tillway.reconcile.store_day import StoreDay, local_date
from tillway.reconcile.summaries import (
    Matrix,
    RuleGroup,
    StoreBooks,
    alike_by_rule,
    by_rule,
    largest,
    last_days,
    matrix_of,
    store_books,
)
from tillway.reconcile.till_clocks import TillClock, furthest_off, till_clocks

__all__ = [
    "KINDS",
    "LEGEND",
    "Amount",
    "Bookkeeper",
    "DayInFull",
    "Decision",
    "Desk",
    "Finding",
    "Matrix",
    "Measure",
    "Move",
    "OnItsWay",
    "OpenItem",
    "Posting",
    "Reported",
    "RuleGroup",
    "Sheet",
    "StoreBooks",
    "StoreDay",
    "TillClock",
    "alike_by_rule",
    "alike_findings",
    "as_json",
    "business_date",
    "by_rule",
    "count_days",
    "day_in_full",
    "figures",
    "findings",
    "furthest_off",
    "in_runs",
    "is_kept",
    "is_up_to_date",
    "largest",
    "last_days",
    "local_date",
    "matrix",
    "matrix_of",
    "open_findings_by_store",
    "open_items",
    "postings",
    "ready",
    "sheets",
    "store_books",
    "store_days",
    "symbol_of",
    "till_clocks",
    "unfinished_days",
    "write_csv",
    "write_xlsx",
]
