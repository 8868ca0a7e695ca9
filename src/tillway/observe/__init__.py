"""Reads the journal for people: status, problems, gaps, the life of a message, and the books."""

from tillway.observe.books import Books, books_as_json, verify
from tillway.observe.gaps import Gap, gaps
from tillway.observe.latest import Hit, MessageReader, latest
from tillway.observe.problems import Problem, problem_as_json, problem_named, problems
from tillway.observe.search import Found, find
from tillway.observe.status import (
    Status,
    carried_by_route,
    status,
    status_as_json,
    targets_by_route,
)
from tillway.observe.thresholds import Thresholds
from tillway.observe.trace import Step, Trace, trace

__all__ = [
    "Books",
    "Found",
    "Gap",
    "Hit",
    "MessageReader",
    "Problem",
    "Status",
    "Step",
    "Thresholds",
    "Trace",
    "books_as_json",
    "carried_by_route",
    "find",
    "gaps",
    "latest",
    "problem_as_json",
    "problem_named",
    "problems",
    "status",
    "status_as_json",
    "targets_by_route",
    "trace",
    "verify",
]
