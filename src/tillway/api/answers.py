"""The shapes of what the API answers, made from the very records that the answers are made of.

Each is an open Struct: fields are added, never renamed. They are for the OpenAPI document; answers
themselves are written from the records directly.
"""

from __future__ import annotations

from types import GenericAlias
from typing import Any, Literal, get_type_hints

import msgspec

from tillway.access import AuditVerdict
from tillway.api.actions import LetterPlan
from tillway.api.operations import PlannedReplay, Replayed, RunningReplay
from tillway.connect import SubmissionResult
from tillway.journal.base import AttemptRow, DeliveryRow
from tillway.observe import Found, Gap, Problem, Status, Trace
from tillway.observe.amounts import Money
from tillway.observe.stores import StoreLine
from tillway.reconcile import (
    DayInFull,
    Finding,
    OpenItem,
    RuleGroup,
    StoreBooks,
    StoreDay,
)
from tillway.reconcile.summaries import MatrixRow


def answer(verb: str, parts: dict[str, Any] | None = None, **more: Any) -> Any:
    """Return the Struct of an answer: the field `schema`, and its own fields with their types.

    A type that is a union with UNSET is a field that may be absent.
    """
    named = {"schema": Literal[f"tillway.{verb}/1"], **(parts or {}), **more}
    return _struct("".join(part.capitalize() for part in verb.split(".")), named)


def parts_of(record: type[msgspec.Struct], *left_out: str) -> dict[str, Any]:
    """Return field -> type of a Struct."""
    hints = get_type_hints(record)
    return {
        name: hints[name]
        for name in record.__struct_fields__
        if name not in left_out and not name.startswith("_")
    }


def many(kind: Any) -> Any:
    """Return the type of a list."""
    return GenericAlias(list, (kind,))


_MADE: dict[str, Any] = {}
"""Each shape once, since a document has one schema for each name."""


def _struct(name: str, named: dict[str, Any]) -> Any:
    made = _MADE.get(name)
    if made is None:
        made = _MADE[name] = msgspec.defstruct(
            f"{name}Answer",
            [
                (field, kind, msgspec.UNSET)
                if msgspec.UnsetType in getattr(kind, "__args__", ())
                else (field, kind)
                for field, kind in named.items()
            ],
            kw_only=True,
        )
    assert made.__struct_fields__ == tuple(named), f"{name} has two shapes"
    return made


def _dated(record: type[msgspec.Struct]) -> Any:
    """Return a ledger row whose times are RFC 3339 text."""
    parts = parts_of(record)
    return _struct(
        f"{record.__name__}Told",
        {name: str if name.endswith("_at") else kind for name, kind in parts.items()},
    )


Maybe = msgspec.UnsetType
PROBLEM = _struct("Problem", {**parts_of(Problem, "positions", "invalid_ids"), "retryable": bool})
STANDING = _struct(
    "Standing",
    {**parts_of(StoreLine), "needs_attention": bool, "books": StoreBooks | None},
)
FINDING = _struct("Finding", {**parts_of(Finding), "code": str})

STATUS = answer(
    "status",
    {**parts_of(Status), "problems": many(PROBLEM)},
    headline=str,
    quiet=bool,
    attention=list[str],
)
PROBLEMS = answer("dlq.list", problems=many(PROBLEM))
ONE_PROBLEM = answer(
    "dlq.show",
    {**parts_of(Problem), "retryable": bool},
)
FOUND = answer("find", parts_of(Found))
TRACE = answer(
    "trace",
    {
        **parts_of(Trace),
        "deliveries": many(_dated(DeliveryRow)),
        "attempts": many(_dated(AttemptRow)),
    },
)
AUDIT = _struct("AuditChain", {**parts_of(AuditVerdict), "holds": bool, "first_bad": int | None})
VERIFY = answer(
    "verify",
    balanced=bool,
    equations=list[dict[str, Any]],
    unrouted=list[Any],
    audit=AUDIT | Maybe,
)
GAPS = answer("gaps", gaps=list[Gap])
STORES = answer("stores", unsent=int, money=Money, oldest_seconds=int, stores=many(STANDING))
REPLAYS = answer("replays", replays=list[RunningReplay])
DAYS = answer("storeday.list", days=list[StoreDay], next=int | None)
DAY = answer("storeday.show", parts_of(DayInFull))
MATRIX = answer(
    "recon.matrix",
    dates=list[str],
    rows=list[MatrixRow],
    states=dict[str, int],
    legend=dict[str, str],
)
FINDINGS = answer(
    "recon.show",
    count=int,
    groups=list[RuleGroup],
    findings=many(FINDING),
    next=int | None,
)
ITEMS = answer("recon.items", count=int, items=list[OpenItem], next=int | None)
LETTERS = {
    verb: answer(
        f"dlq.{verb}",
        parts_of(LetterPlan, "ids"),
        dry_run=bool | Maybe,
        outcomes=dict[str, int] | Maybe,
        **{done: int | Maybe},
    )
    for verb, done in (
        ("retry", "retried"),
        ("abandon", "abandoned"),
        ("hold", "kept"),
        ("release", "released"),
        ("skip", "skipped"),
    )
}
REPLAY = answer("replay", parts_of(PlannedReplay), dry_run=bool | Maybe, done=Replayed | Maybe)
STOPPED = answer("replay.stop", route=str, stopped=bool)
INGESTED = answer("ingest", parts_of(SubmissionResult), source=str, name=str)
DECIDED = {verb: answer(f"storeday.{verb}", day=StoreDay) for verb in ("approve", "reopen")}
ACCOUNTED = answer("storeday.override", day=StoreDay | None)
ASSIGNED = answer("recon.assign", owner=str)
RERUN = answer("recon.run", days=int, states=dict[str, int])
