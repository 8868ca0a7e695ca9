"""Every operation of the API, one row each; what has no row does not exist.

Rows of other files are joined at the end. They take `Operation` and `Parameter` from `described`,
never from here, because this file imports them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, get_args

from tillway.api import answers
from tillway.api.changes import LetterRequest, ReplayRequest, StopRequest
from tillway.api.described import Operation, Parameter
from tillway.api.people import PEOPLE_OPERATIONS
from tillway.api.screens import SCREEN_OPERATIONS
from tillway.api.store_day_changes import (
    AssignRequest,
    DecisionRequest,
    OverrideRequest,
    RunRequest,
)
from tillway.api.store_days import LARGEST_PAGE, XLSX
from tillway.api.stream import STREAM_OPERATIONS
from tillway.api.watch import WATCH_OPERATIONS
from tillway.reconcile import KINDS
from tillway.reconcile.answers import WAITS_FOR
from tillway.reconcile.rules import CATALOGUE as RULES
from tillway.reconcile.store_day import State

STORE = Parameter("store", "Only this shop.")
FROM = Parameter("from", "First business date.", "date")
TO = Parameter("to", "Last business date.", "date")
RANGE = (FROM, TO, STORE)
PAGED = (
    *RANGE,
    Parameter("limit", "Most rows of the answer.", "integer", least=1, most=LARGEST_PAGE),
    Parameter("offset", "Rows to leave out; `next` of the page before.", "integer"),
)

READS: tuple[Operation, ...] = (
    Operation("openapi.json", "GET", "self", "This document.", dict[str, Any]),
    Operation("status", "GET", "status.read", "How things stand.", answers.STATUS),
    Operation("problems", "GET", "messages.read", "Open problems by cause.", answers.PROBLEMS),
    Operation(
        "problems/{group}",
        "GET",
        "messages.read",
        "One problem with every message it has.",
        answers.ONE_PROBLEM,
    ),
    Operation(
        "find",
        "GET",
        "messages.read",
        "Find a sale by any number it has, or why it is absent.",
        answers.FOUND,
        query=(Parameter("q", "Receipt number, key, store-till-number or `#copy`."),),
    ),
    Operation(
        "trace/{position}",
        "GET",
        "messages.read",
        "The life of one message.",
        answers.TRACE,
        step="integer",
    ),
    Operation(
        "verify",
        "GET",
        "books.read",
        "Whether the books balance and the audit chain holds.",
        answers.VERIFY,
        every_store=True,
    ),
    Operation(
        "gaps",
        "GET",
        "messages.read",
        "Receipt numbers that are missing.",
        answers.GAPS,
        query=(STORE,),
    ),
    Operation(
        "stores",
        "GET",
        "stores.read",
        "Shops: last heard, unsent sales, unfinished days.",
        answers.STORES,
        query=(STORE, Parameter("unsent", "Only shops with unsent sales.", choices=("yes",))),
    ),
    Operation(
        "replays",
        "GET",
        "messages.read",
        "How far the replays are that run now.",
        answers.REPLAYS,
        every_store=True,
    ),
    Operation(
        "storedays",
        "GET",
        "recon.read",
        "Store-days of a range; one in full with store and date.",
        (answers.DAYS, answers.DAY),
        query=(
            *PAGED,
            Parameter("state", "Only days in this state.", choices=get_args(State)),
            Parameter("date", "One business date, with store.", "date"),
        ),
    ),
    Operation(
        "recon/matrix",
        "GET",
        "recon.read",
        "Shops by days, most money at risk first.",
        answers.MATRIX,
        query=RANGE,
    ),
    Operation(
        "recon/findings",
        "GET",
        "recon.read",
        "What was found, by rule and in rows.",
        answers.FINDINGS,
        query=(
            *PAGED,
            Parameter("state", "Usually open.", choices=("open", "gone", "overridden", "all")),
            Parameter("rule", "Only this audit rule.", choices=tuple(sorted(RULES))),
        ),
    ),
    Operation(
        "recon/items",
        "GET",
        "recon.read",
        "Money that waits for its counterpart.",
        answers.ITEMS,
        query=(*PAGED, Parameter("kind", "Only this kind.", choices=tuple(WAITS_FOR))),
    ),
    Operation(
        "recon/export",
        "GET",
        "recon.read",
        "One table as CSV, or one or all as a workbook.",
        ("text/csv", XLSX),
        query=(
            *RANGE,
            Parameter("kind", "The table; days unless asked.", choices=KINDS),
            Parameter("format", "csv unless asked.", choices=("csv", "xlsx")),
        ),
    ),
)

WRITES: tuple[Operation, ...] = (
    *(
        Operation(
            f"dlq/{verb}",
            "POST",
            "messages.retry",
            summary,
            answers.LETTERS[verb],
            body=LetterRequest,
        )
        for verb, summary in (
            ("retry", "Send the messages of a problem again."),
            ("abandon", "Give the messages of a problem up."),
            ("hold", "Keep the messages of a problem until they are released."),
            ("release", "Let the messages of a problem go that are held."),
            ("skip", "Take the messages of a problem out of their lanes."),
        )
    ),
    Operation(
        "replay",
        "POST",
        "messages.replay",
        "Send a stretch of history again.",
        answers.REPLAY,
        body=ReplayRequest,
    ),
    Operation(
        "replay/stop",
        "POST",
        "messages.replay",
        "End the replay of a route.",
        answers.STOPPED,
        body=StopRequest,
        every_store=True,
    ),
    Operation(
        "ingest",
        "POST",
        "ingest",
        "Take the body in as one file of a source.",
        answers.INGESTED,
        query=(
            Parameter("source", "The source it comes from.", required=True),
            Parameter("name", "The name of the file, for people."),
        ),
        takes="application/octet-stream",
        every_store=True,
    ),
    Operation(
        "storedays/approve",
        "POST",
        "recon.decide",
        "Release a balanced day for the ERP.",
        answers.DECIDED["approve"],
        body=DecisionRequest,
    ),
    Operation(
        "storedays/reopen",
        "POST",
        "recon.decide",
        "Open a posted day again.",
        answers.DECIDED["reopen"],
        body=DecisionRequest,
    ),
    Operation(
        "storedays/override",
        "POST",
        "recon.decide",
        "Account for findings; day is null for those that belong to no store.",
        answers.ACCOUNTED,
        body=OverrideRequest,
    ),
    Operation(
        "recon/assign",
        "POST",
        "recon.decide",
        "Give a finding to somebody.",
        answers.ASSIGNED,
        body=AssignRequest,
    ),
    Operation(
        "recon/run",
        "POST",
        "recon.run",
        "Audit the days of a range anew.",
        answers.RERUN,
        body=RunRequest,
    ),
)


JOINED: tuple[tuple[Operation, ...], ...] = (
    READS,
    WRITES,
    PEOPLE_OPERATIONS,
    SCREEN_OPERATIONS,
    STREAM_OPERATIONS,
    WATCH_OPERATIONS,
)


@cache
def operations() -> Mapping[str, Operation]:
    """Return every operation by its key, `GET problems/{group}`."""
    return {one.key: one for rows in JOINED for one in rows}
