"""The one thread that owns every write and every checkpoint.

It drains its queue into one transaction, commits (one flush), and only then resolves the receipts:
a lone message commits at once, a burst shares a flush, and a note of what was delivered waits a
moment to share the next one. A failed flush is fatal and never retried.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import apsw
import msgspec

from tillway.errors import JournalFault, Refused
from tillway.journal import crash_points
from tillway.journal.base import AppendItem, Listener, Settlement, StoredMessage
from tillway.journal.payloads import Packer
from tillway.journal.sqlite_actions import note_actions
from tillway.journal.sqlite_append import Appender
from tillway.journal.sqlite_books import Bookkeeping
from tillway.journal.sqlite_summary import summarise
from tillway.journal.totals import Tally, item_facts

MAX_JOBS_PER_COMMIT = 4096
MAX_ITEMS_PER_COMMIT = 4096
COMPANY_SECONDS = 0.03
"""How long a note that nobody waits for is kept for the next messages to be committed with."""
DISK_RETRY_SECONDS = 5.0
KEPT_TIMINGS = 10_000
"""Durations of commits that are kept until somebody asks for them; older ones go."""
CHECKPOINT_PAGES = 4000
DISK_FAILED = (apsw.IOError, apsw.CorruptError, apsw.NotADBError, apsw.ReadOnlyError)


class Job(msgspec.Struct):
    """One piece of work: items to append, a settlement, or any other change; answered by future."""

    future: asyncio.Future[Any]
    items: Sequence[AppendItem] = ()
    settlement: Settlement | None = None
    change: Callable[[apsw.Connection], Any] | None = None
    received: Tally = msgspec.field(default_factory=Tally)


class Writer(threading.Thread):
    """Runs jobs in group commits; answers on the event loop."""

    def __init__(
        self, db: apsw.Connection, loop: asyncio.AbstractEventLoop, listeners: list[Listener]
    ) -> None:
        super().__init__(name="journal-writer", daemon=True)
        self._db = db
        self._loop = loop
        self._listeners = listeners
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._packer = Packer(self._save_dictionary)
        self._load_dictionaries()
        newest = db.execute("SELECT coalesce(max(position), 0) FROM message").get
        self._appender = Appender(db, self._packer, newest + 1)
        self._books = Bookkeeping(db)
        # Routes that announce what they send: the next announcement waits for the last note.
        self._announcing: set[str] = set()
        self.fault: JournalFault | None = None
        self.commits = 0
        self.timings: deque[tuple[float, int]] = deque(maxlen=KEPT_TIMINGS)
        self.checkpoint_pages = CHECKPOINT_PAGES
        self._log_pages = 0
        # A hook of our own takes the place of the automatic checkpoints.
        db.set_wal_hook(self._note_log)

    # --- called on the event loop -----------------------------------------------------------

    def submit(self, job: Job) -> None:
        """Queue a job; its future is resolved after the commit."""
        if self.fault is not None:
            job.future.set_exception(self.fault)
            return
        for item in job.items:
            job.received.add(item.door_name, *item_facts(item))
        self._queue.put(job)

    def stop(self) -> None:
        """Finish what is queued, then end the thread."""
        self._queue.put(None)

    # --- the thread -------------------------------------------------------------------------

    def run(self) -> None:
        """Drain, commit, answer; until told to stop."""
        stopping = False
        while not stopping:
            jobs: list[Job] = []
            stopping = self._drain(jobs) or self._gather_company(jobs)
            if jobs:
                self._commit(jobs)
                self._checkpoint_if_due()
        self._db.close()

    def _gather_company(self, jobs: list[Job]) -> bool:
        """Wait a moment for messages while there are only notes; tell whether to stop."""
        until, looked_at, stopping = time.monotonic() + COMPANY_SECONDS, 0, False
        while not stopping:
            may_wait = [self._may_wait(job) for job in jobs[looked_at:]]
            looked_at, left = len(jobs), until - time.monotonic()
            if left <= 0 or not all(may_wait):
                break
            with contextlib.suppress(queue.Empty):
                stopping = self._drain(jobs, left)
        return stopping

    def _may_wait(self, job: Job) -> bool:
        """Tell whether a job only notes what was delivered or passed over."""
        noted = job.settlement
        if noted is None:
            return False
        states = {row.state for row in noted.rows}
        if "sending" in states:
            self._announcing.add(noted.route)
        alone = states <= {"delivered"} and not (noted.attempts or noted.actions)
        return alone and noted.route not in self._announcing

    def _drain(self, jobs: list[Job], seconds: float | None = None) -> bool:
        job = self._queue.get(timeout=seconds)
        items = 0
        while job is not None:
            jobs.append(job)
            items += len(job.items)
            if len(jobs) >= MAX_JOBS_PER_COMMIT or items >= MAX_ITEMS_PER_COMMIT:
                return False
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                return False
        return True

    def _commit(self, jobs: list[Job]) -> None:
        if self.fault is not None:
            self._answer([(job, self.fault) for job in jobs], [])
            return
        try:
            answers, accepted = self._transaction(jobs)
        except apsw.FullError as error:
            if self._rolled_back(jobs):
                self._answer([(job, _disk_full(error)) for job in jobs], [])
        except DISK_FAILED as error:
            self._fail(error, jobs)
        except Exception as error:  # noqa: BLE001 - one bad job must not fail its neighbours
            if not self._rolled_back(jobs):
                return
            if len(jobs) == 1:
                self._answer([(jobs[0], error)], [])
                return
            for job in jobs:
                self._commit([job])
        else:
            self._answer(answers, accepted)

    def _fail(self, error: apsw.Error, jobs: list[Job]) -> None:
        """Take nothing more: what the disk holds is no longer known."""
        self.fault = JournalFault("TW-5001", f"the journal could not write: {error}")
        self._answer([(job, self.fault) for job in jobs], [])

    def _rolled_back(self, jobs: list[Job]) -> bool:
        try:
            self._roll_back()
        except apsw.Error as error:
            self._fail(error, jobs)
            return False
        return True

    def _checkpoint_if_due(self) -> None:
        """Move the log into the journal. Here and not by SQLite itself, which hides its errors."""
        if self.fault is not None or self._log_pages < self.checkpoint_pages:
            return
        try:
            self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except (apsw.FullError, apsw.BusyError, apsw.LockedError):
            return  # the log is whole, and grows until the next commit tries again
        except apsw.Error as error:
            self._fail(error, [])

    def _note_log(self, _db: apsw.Connection, _name: str, pages: int) -> int:
        self._log_pages = pages
        return apsw.SQLITE_OK

    def _transaction(self, jobs: list[Job]) -> tuple[list[tuple[Job, Any]], list[StoredMessage]]:
        self._db.execute("BEGIN IMMEDIATE")
        appender, books = self._appender, self._books
        appender.begin()
        books.begin()
        appender.look_up([item for job in jobs for item in job.items])
        received = Tally()
        answers: list[tuple[Job, Any]] = []
        for job in jobs:
            if job.items:
                received.merge(job.received)
                answers.append((job, [appender.decide(item) for item in job.items]))
            elif job.settlement is not None:
                books.settle(job.settlement)
                note_actions(self._db, job.settlement.actions)
                answers.append((job, None))
            elif job.change is not None:
                books.write_rows()
                answers.append((job, job.change(self._db)))
            else:
                answers.append((job, []))
        appender.write()
        if appender.accepted:
            newest = appender.accepted[-1].position
            summarise(self._db, newest - len(appender.accepted), newest)
        books.note("received", received)
        books.note("outcome", appender.outcomes)
        books.write()
        crash_points.reached(crash_points.BEFORE_COMMIT, len(appender.accepted))
        began = time.monotonic()
        self._db.execute("COMMIT")
        self.timings.append((time.monotonic() - began, len(appender.accepted)))
        crash_points.reached(crash_points.BEFORE_ANSWER, len(appender.accepted))
        self.commits += 1
        return answers, appender.accepted

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        self._appender.rolled_back()
        self._packer.forget_unsaved({row[0] for row in self._db.execute(_DICTIONARY_KINDS)})

    def _load_dictionaries(self) -> None:
        for row in self._db.execute("SELECT dictionary_id, kind, content FROM dictionary"):
            self._packer.know(*row)

    def _save_dictionary(self, kind: str, content: bytes) -> int:
        saved: int = self._db.execute(
            "INSERT INTO dictionary (kind, content) VALUES (?, ?) RETURNING dictionary_id",
            (kind, content),
        ).get
        return saved

    def _answer(self, answers: list[tuple[Job, Any]], accepted: list[StoredMessage]) -> None:
        try:
            self._loop.call_soon_threadsafe(self._resolve, answers, accepted)
        except RuntimeError:
            # The loop is closed: nobody waits any more, and what was committed stays committed.
            return

    def _resolve(self, answers: list[tuple[Job, Any]], accepted: list[StoredMessage]) -> None:
        for job, answer in answers:
            if job.future.done():
                continue
            if isinstance(answer, BaseException):
                job.future.set_exception(answer)
            else:
                job.future.set_result(answer)
        if accepted:
            for listener in list(self._listeners):
                listener(accepted)


_DICTIONARY_KINDS = "SELECT kind FROM dictionary"


def _disk_full(error: apsw.FullError) -> Refused:
    return Refused(
        "TW-5003",
        f"the disk is full, nothing was stored: {error}",
        status=507,
        retry_after_seconds=DISK_RETRY_SECONDS,
    )
