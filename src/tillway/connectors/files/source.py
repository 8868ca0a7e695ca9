"""A watched folder as a source: one file at a time, streamed, moved after its last commit.

Surprising: the same file seen again, under any name, is read again and answers duplicates. What is
remembered (name and SHA-256) only finishes a move that a crash interrupted (rulings 9).
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import Any

import msgspec

from tillway.clock import utc_text
from tillway.connect.kit import Intake, SourceContext, Submission, SubmissionResult
from tillway.connectors.files.folder import Seen, WatchedFolder, is_vanished
from tillway.connectors.files.retention import remove_old
from tillway.connectors.files.settings import FilesSourceSettings
from tillway.errors import (
    JournalFault,
    NotConnected,
    Permanent,
    Refused,
    TillwayError,
    Transient,
    code_record,
)

UNFINISHED = "unfinished_move"
DEATHS_PER_FILE = 3
DEFAULT_WAIT_SECONDS = 5.0
CLEARING_SECONDS = 3600.0
_log = logging.getLogger(__name__)


class _Unfinished(msgspec.Struct):
    """A file that is stored and has still to be moved. to: `done` or `failed`."""

    name: str
    sha256: str
    to: str
    new_name: str


class FilesSource:
    """Watches one folder until it is told to stop."""

    def __init__(self, settings: FilesSourceSettings, context: SourceContext) -> None:
        self._settings = settings
        self._context = context
        self.folder = WatchedFolder(settings, context.folder)
        self._last_look: frozenset[Seen] = frozenset()
        self._deaths: Counter[str] = Counter()
        self._next_clearing = 0.0

    async def run(self, intake: Intake, stop: asyncio.Event) -> None:
        """Take files until stop is set; the file in hand is finished first.

        Raises NotConnected TW-4130 when the folder cannot be read, JournalFault as it comes.
        """
        await asyncio.to_thread(self.folder.prepare)
        await self._finish_interrupted_move()
        while not stop.is_set():
            wait_seconds = await self.take_ready_files(intake, stop)
            await self.clear_old_files()
            await self._wait(stop, wait_seconds)

    async def ping(self) -> None:
        """Raise NotConnected TW-4130 when files could not be read and moved."""
        await asyncio.to_thread(self.folder.prepare)
        await asyncio.to_thread(self.folder.check)

    async def clear_old_files(self) -> None:
        """Remove long finished files, once an hour; one that cannot be removed is tried again."""
        now = self._context.clock.monotonic()
        if now < self._next_clearing:
            return
        self._next_clearing = now + CLEARING_SECONDS
        wall = self._context.clock.now()
        try:
            removed = await asyncio.to_thread(remove_old, self.folder, self._settings, wall)
        except OSError as fault:
            _log.warning("an old file of %s cannot be removed: %s", self._settings.folder, fault)
            return
        if removed:
            _log.info("removed %d old files of %s", removed, self._settings.folder)

    async def take_ready_files(self, intake: Intake, stop: asyncio.Event) -> float:
        """Look once, take every file that is whole, and return the seconds until the next look."""
        look = await asyncio.to_thread(self.folder.look)
        previous, self._last_look = self._last_look, frozenset(look)
        for seen in look:
            if stop.is_set():
                break
            if self._settings.ready == "unchanged" and seen not in previous:
                continue
            wait_seconds = await self._take_guarded(seen, intake)
            if wait_seconds:
                return wait_seconds
        return self._settings.poll_seconds

    async def _take_guarded(self, seen: Seen, intake: Intake) -> float:
        """Take one file; return how long to wait when the hub or the folder cannot take it now."""
        try:
            await self._take(seen, intake)
        except JournalFault:
            raise
        except (Refused, Transient) as fault:
            return fault.retry_after_seconds or DEFAULT_WAIT_SECONDS
        except NotConnected:
            return DEFAULT_WAIT_SECONDS
        except OSError as fault:
            if not is_vanished(fault):
                raise
        except TillwayError as fault:
            await self._fail(seen, "", fault.as_json(), None)
        except Exception as bug:  # noqa: BLE001 - one file must not stop the others
            await self._after_bug(seen, bug)
        else:
            self._deaths.pop(seen.name, None)
        return 0.0

    async def _take(self, seen: Seen, intake: Intake) -> None:
        if seen.size == 0:
            await self._fail(seen, "", Permanent("TW-2030", "the file is empty").as_json(), None)
            return
        with self.folder.opened(seen.name) as (reader, stream):
            result = await intake.submit(
                Submission(stream, store=self._settings.store, name=seen.name), keep_items=False
            )
            sha256 = await asyncio.to_thread(reader.rest_digest)
            if reader.seen(seen.name) != seen:
                # Somebody still writes to it: what was whole is stored, the rest is read later.
                return
        if result.complete and not result.counts.get("refused"):
            await self._move(_Unfinished(seen.name, sha256, "done", seen.name))
        else:
            await self._fail(seen, sha256, _first_refusal(result), result)

    async def _fail(
        self, seen: Seen, sha256: str, error: dict[str, Any], result: SubmissionResult | None
    ) -> None:
        """Move a file to failed, with a document beside it that says what was wrong where."""
        if not sha256:
            sha256 = await asyncio.to_thread(self.folder.digest_of, seen.name)
        folder = self.folder
        new_name = await asyncio.to_thread(folder.free_name, folder.failed, seen.name)
        document = {
            "file": seen.name,
            "sha256": sha256,
            "bytes": seen.size,
            "failed_at": utc_text(self._context.clock.now()),
            "error": _explained(error),
            "counts": result.counts if result else {},
            "items": [msgspec.to_builtins(item) for item in result.items] if result else [],
        }
        await asyncio.to_thread(folder.write_error, new_name, document)
        await self._move(_Unfinished(seen.name, sha256, "failed", new_name))

    async def _move(self, move: _Unfinished) -> None:
        state = self._context.state
        await state.put(UNFINISHED, msgspec.json.encode(move).decode())
        await self._rename(move)
        await state.put(UNFINISHED, "")

    async def _rename(self, move: _Unfinished) -> None:
        folder = self.folder.done if move.to == "done" else self.folder.failed
        await asyncio.to_thread(self.folder.move, move.name, folder, move.new_name)
        self._deaths.pop(move.name, None)

    async def _finish_interrupted_move(self) -> None:
        remembered = await self._context.state.get(UNFINISHED)
        if not remembered:
            return
        move = msgspec.json.decode(remembered, type=_Unfinished)
        if await asyncio.to_thread(self.folder.digest_of, move.name) == move.sha256:
            await self._rename(move)
        await self._context.state.put(UNFINISHED, "")

    async def _after_bug(self, seen: Seen, bug: Exception) -> None:
        """Leave the file for another try; after three deaths it is the file's own fault."""
        self._deaths[seen.name] += 1
        # The text of the exception stays out of the log: it may quote the file.
        _log.error("TW-9001 while reading %s: %s", seen.name, type(bug).__name__)
        if self._deaths[seen.name] >= DEATHS_PER_FILE:
            fault = Permanent("TW-9001", f"reading it failed {DEATHS_PER_FILE} times by a bug")
            await self._fail(seen, "", fault.as_json(), None)

    async def _wait(self, stop: asyncio.Event, seconds: float) -> None:
        waits = [
            asyncio.ensure_future(stop.wait()),
            asyncio.ensure_future(self._context.clock.sleep(seconds)),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)


def _explained(error: dict[str, Any]) -> dict[str, Any]:
    """Return an error with what its code says in plain words, for whoever opens the note."""
    record = code_record(str(error.get("code", "")))
    if record is None:
        return error
    return {"title": record.title, "advice": record.advice, **error}


def _first_refusal(result: SubmissionResult) -> dict[str, Any]:
    """Return the error that made the file fail, with the place where reading stopped."""
    refused = [item for item in result.items if item.outcome == "refused" and item.error]
    if not refused:
        return Permanent("TW-2031", "the file could not be read to its end").as_json()
    last = refused[0] if result.complete else refused[-1]
    return {**(last.error or {}), "line": last.line, "offset": last.offset}
