"""Tells the log of messages that had trouble: read off the ledger, so only where JSON is wanted.

A message that goes through at once is not in the log. A storm of trouble is: so many lines of each
look, and then one that counts the rest.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from tillway.clock import utc_text
from tillway.journal.projection import ProjectingJournal
from tillway.message.tracing import trace_id_of
from tillway.project.records import Release
from tillway.watch.log_events import MESSAGE_EVENTS
from tillway.watch.tables import of_journal

MOST_LINES = 200
PAGE = 2000
_log = logging.getLogger(__name__)


class MessageLog:
    """Reads from where the journal stands when it opens."""

    def __init__(self, release: Release, journal: ProjectingJournal) -> None:
        self._release = release
        self._journal = journal
        self._attempt = self._invalid = -1

    async def open(self) -> None:
        """Begin to read from here on."""
        if self._attempt < 0:
            [(_, self._attempt, self._invalid)] = await self._journal.ask(of_journal("newest"))

    async def look(self) -> None:
        """Log what is new."""
        await self.open()
        [(_, attempt, invalid)] = await self._journal.ask(of_journal("newest"))
        lines = left_out = 0
        while self._attempt < attempt or self._invalid < invalid:
            upto = min(attempt, self._attempt + PAGE), min(invalid, self._invalid + PAGE)
            rows = await self._journal.ask(of_journal("turned_away"), (self._invalid, upto[1]))
            found = [_turned_away(row) for row in rows]
            rows = await self._journal.ask(of_journal("troubled"), (self._attempt, upto[0]))
            found += self._troubled(rows)
            self._attempt, self._invalid = upto
            for event, fields in found[: MOST_LINES - lines]:
                _write(event, fields)
            told = min(len(found), MOST_LINES - lines)
            lines, left_out = lines + told, left_out + len(found) - told
        if left_out:
            _log.warning("%d more messages had trouble at the same time", left_out)

    def _troubled(self, rows: Iterable[tuple[Any, ...]]) -> list[tuple[str, dict[str, Any]]]:
        found = []
        for trace, message_id, store, receipt, key, route, number, outcome, *more in rows:
            code, ended, state, is_newest = more
            known = self._release.routes.get(route)
            fields = {
                "trace_id": trace_id_of(trace),
                "message_id": message_id,
                "store": store,
                "receipt": receipt,
                "natural_key": key,
                "route": route,
                "target": known.target if known else "",
                "attempt": number,
                "code": code,
                "at": utc_text(ended),
            }
            found.append((_event(outcome, state if is_newest else ""), fields))
        return found


def _event(outcome: str, state: str) -> str:
    if outcome == "delivered":
        return "delivery.recovered"
    if state == "dead":
        return "delivery.dead"
    return "delivery.in_doubt" if outcome == "in_doubt" else "delivery.failed"


def _turned_away(row: tuple[Any, ...]) -> tuple[str, dict[str, Any]]:
    invalid_id, outcome, door, store, key, code, received = row
    fields = {
        "invalid_id": invalid_id,
        "door": door,
        "store": store,
        "natural_key": key,
        "code": code,
        "at": utc_text(received),
    }
    return f"message.{outcome}", fields


def _write(event: str, fields: Mapping[str, Any]) -> None:
    level = logging.getLevelName(MESSAGE_EVENTS[event].level.upper())
    told = {name: value for name, value in fields.items() if value != ""}
    _log.log(level, event, extra={"fields": told})
