"""Log lines for machines: every call of a logger has its event, and no line holds foreign words."""

from __future__ import annotations

import ast
import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

import tillway
from tillway.errors import Permanent
from tillway.project.records import HubSettings
from tillway.testing.journal import ROUTE, candidate, invalid
from tillway.watch.log_events import EVENTS, MESSAGE_EVENTS, MESSAGE_FIELDS
from tillway.watch.log_lines import JsonLines
from tillway.watch.log_messages import MOST_LINES, MessageLog
from unit.watch.watched import Kit, watched

LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
HUSH = "Anna Muster, 4 Harbour Road"


def calls() -> Iterator[tuple[str, str, int]]:
    """Yield file, sentence and number of arguments of every call of a logger in the hub."""
    for file in sorted(Path(tillway.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="_log"), attr=level),
                    args=[ast.Constant(value=str(sentence)), *more],
                ) if level in LEVELS:
                    spread = any(isinstance(one, ast.Starred) for one in more)
                    yield file.name, sentence, -1 if spread else len(more)
                case ast.Call(func=ast.Attribute(value=ast.Name(id="_log"), attr=level)) if (
                    level in LEVELS
                ):
                    yield file.name, "(no plain sentence)", 0
                case _:
                    pass


@contextmanager
def lines() -> Iterator[list[dict[str, Any]]]:
    """Give the lines that are logged meanwhile."""
    stream, found = io.StringIO(), list[dict[str, Any]]()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("tillway")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield found
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
        found += [json.loads(line) for line in stream.getvalue().splitlines()]


def test_every_call_of_a_logger_is_in_the_table_and_the_table_has_no_other() -> None:
    """Sentences are compared both ways, and each argument has a name."""
    found = list(calls())
    assert {sentence for _, sentence, _ in found} == set(EVENTS)
    for file, sentence, arguments in found:
        assert arguments in (-1, len(EVENTS[sentence].fields)), f"{file}: {sentence}"


def test_a_line_has_time_level_event_and_the_fields_of_its_event() -> None:
    """The words of an error stay out; its code and title are in."""
    log = logging.getLogger("tillway.test")
    error = Permanent("TW-4105", f"it answered: {HUSH}", target="erp")
    with lines() as found:
        log.warning("source %s waits: %s", "tills", error)
        log.error("TW-2021 intake worker %d died; %d left", 71, 1)
        log.error("a worker of route %s died: %s", ROUTE, HUSH)
        log.warning("the heartbeat was not taken: %s", OSError(HUSH))
    waits, worker, died, heart = found
    assert waits.pop("time").endswith("Z")
    assert waits.pop("error")
    assert waits == {
        "level": "warning",
        "event": "source.waits",
        "source": "tills",
        "code": "TW-4105",
        "target": "erp",
    }
    assert (worker["code"], worker["process"], worker["level"]) == ("TW-2021", 71, "error")
    assert (died["event"], died["route"]) == ("route.worker_died", ROUTE)
    assert heart["error"] == "OSError"
    assert HUSH not in json.dumps(found)


def test_what_another_library_logs_is_told_without_its_arguments() -> None:
    """Only its own sentence, and the kind of the exception."""
    with lines() as found:
        try:
            float(HUSH)
        except ValueError:
            logging.getLogger("tillway.elsewhere").exception("failed on %s", HUSH)
    [line] = found
    assert (line["event"], line["text"], line["error"]) == ("other", "failed on %s", "ValueError")
    assert HUSH not in json.dumps(found)


async def log_of(kit: Kit) -> MessageLog:
    """Return an opened log of messages."""
    made = MessageLog(replace(kit.watch.release, hub=HubSettings("x", log="json")), kit.journal)
    await made.open()
    return made


async def test_a_message_in_trouble_is_told_with_its_correlation_id(tmp_path: Path) -> None:
    """Failed, dead and brought through; one that went through at once is not in the log."""
    async with watched(tmp_path) as kit:
        log = await log_of(kit)
        [first, second, third] = await kit.accept(3)
        with lines() as found:
            await kit.deliver([first])
            await kit.fail([second], "held")
            await kit.fail([third], "dead", "TW-4105")
            await log.look()
            await kit.mend([second])
            await log.look()
            await log.look()
        assert [one["event"] for one in found] == [
            *("delivery.failed", "delivery.dead", "delivery.recovered")
        ]
        [record] = await kit.journal.load([second])
        failed = found[0]
        assert failed["trace_id"] == record.envelope.trace_id[:32]
        assert (failed["store"], failed["receipt"], failed["route"]) == (
            *(record.envelope.store, record.envelope.receipt_number, ROUTE),
        )
        assert (failed["target"], failed["attempt"], failed["code"]) == ("erp", 1, "TW-4106")
        known = {name for name, _ in MESSAGE_FIELDS} | {"time", "level", "event"}
        assert all(set(one) <= known for one in found)


async def test_what_is_kept_apart_is_told(tmp_path: Path) -> None:
    """Quarantine and conflict, with the number to find them by."""
    async with watched(tmp_path) as kit:
        log = await log_of(kit)
        await kit.accept(1)
        with lines() as found:
            await kit.journal.append([invalid(7), candidate(1, amount=9, record=b"x")])
            await log.look()
        assert [(one["event"], one["invalid_id"]) for one in found] == [
            *(("message.quarantined", 1), ("message.conflict", 2))
        ]


async def test_a_storm_is_a_bounded_number_of_lines(tmp_path: Path) -> None:
    """The rest is counted in one line."""
    async with watched(tmp_path) as kit:
        log = await log_of(kit)
        with lines() as found:
            await kit.fail(await kit.accept(MOST_LINES + 7), "held")
            await log.look()
        assert len(found) == MOST_LINES + 1
        assert (found[-1]["event"], found[-1]["count"]) == ("messages.left_out", 7)


def test_levels_are_those_of_logging() -> None:
    """A wrong word would be a wrong level."""
    assert {one.level for one in MESSAGE_EVENTS.values()} <= LEVELS


@pytest.mark.parametrize(("setting", "kept"), [("text", False), ("json", True)])
async def test_only_json_reads_the_ledger_for_lines(
    tmp_path: Path, setting: Any, *, kept: bool
) -> None:
    """Human logs stay as they are, and cost nothing."""
    async with watched(tmp_path) as kit:
        release = replace(kit.watch.release, hub=HubSettings("x", log=setting))
        made = type(kit.watch)(
            *(release, kit.journal, kit.clock, kit.watch.spool, lambda: kit.watch.facts),
            lambda: "x",
            kit.pager,
        )
        assert (made.log is not None) is kept
