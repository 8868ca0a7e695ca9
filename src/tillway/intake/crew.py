"""The hub's side of its workers: hands each batch to a free one and takes the groups as they come.

A worker that dies is not replaced; its batch is refused, and the sender's repeat is safe because
what was stored answers duplicate. Without workers the hub prepares batches itself, more slowly.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections import deque
from collections.abc import AsyncGenerator, Coroutine, Iterable, Sequence

import msgspec

from tillway.connect import Submission
from tillway.errors import Refused
from tillway.intake.frames import Frames
from tillway.intake.gathering import Gathering
from tillway.intake.preparation import Taken
from tillway.intake.worker import CODES, Batch, Group, Part, is_last

WORTH_BYTES = 16 * 1024
"""A smaller body is prepared sooner than it is handed over."""
BATCHES_IN_HAND = 2
"""A worker finds the next one waiting when it is done with one."""
WORTH_SUBMISSIONS = 4
"""Fewer small ones at a time are prepared sooner than they are handed over."""
SPARE_BYTES = 128 * 1024
"""A worker with more in hand, two groups of small ones or a batch and a few, has none to spare."""
RETRY_SECONDS = 1.0
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Group).decode
_log = logging.getLogger(__name__)


class Stumbled(Exception):
    """A worker met a bug of ours in a batch; it goes on with the next one."""


class Crew:
    """The workers of one hub; workers are (process id, socket) as `fork_workers` returns them."""

    def __init__(self, workers: Iterable[tuple[int, socket.socket]] = ()) -> None:
        self._ends = list(workers)
        self._workers: list[_Worker] = []
        self._free: asyncio.Queue[_Worker | None] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Connect the workers to the running event loop."""
        loop = asyncio.get_running_loop()
        for pid, end in self._ends:
            _, frames = await loop.create_unix_connection(lambda: Frames(_decode), sock=end)
            self._workers.append(_Worker(pid, frames))
        for _ in range(BATCHES_IN_HAND):
            for worker in self._workers:
                self._free.put_nowait(worker)

    def takes(self, submission: Submission) -> bool:
        """Say whether a submission is worth handing to a worker."""
        body = submission.body
        return bool(self._workers) and isinstance(body, bytes) and len(body) >= WORTH_BYTES

    async def groups(
        self, door: str, submission: Submission, gathering: Gathering
    ) -> AsyncGenerator[list[Taken]]:
        """Yield the groups of a submission.

        Raises Refused TW-2021 when its worker dies, Stumbled where it met a bug of ours.
        """
        worker = await self._worker()
        in_hand = True
        worker.send(door, submission)
        try:
            await worker.turn.acquire()
        except BaseException:
            self._beside(self._clear_in_turn(worker))
            raise
        try:
            while in_hand:
                group = await gathering.expect(worker.receive())
                if is_last(group):
                    in_hand = False
                    worker.turn.release()
                    self._free.put_nowait(worker)
                yield group
        except ConnectionError:
            self._lose(worker)
            worker.turn.release()
            raise _died() from None
        except Stumbled:
            worker.turn.release()
            self._free.put_nowait(worker)
            raise
        except BaseException:
            # The batch is given up in the middle; its answer must still be read to the end.
            if in_hand:
                self._beside(self._clear(worker))
            raise

    def spare(self, submissions: Sequence[Submission]) -> _Worker | None:
        """Return a worker that has time for some small submissions, None when the hub is sooner."""
        if len(submissions) < WORTH_SUBMISSIONS or not self._workers:
            return None
        worker = min(self._workers, key=lambda one: one.bytes_in_hand)
        return worker if worker.bytes_in_hand + _size(submissions) <= SPARE_BYTES else None

    async def prepared(
        self, worker: _Worker, door: str, submissions: Sequence[Submission]
    ) -> list[Taken]:
        """Return what a spare worker made of small submissions; raises what `groups` raises."""
        worker.send(door, *submissions)
        found: list[Taken] = []
        async with worker.turn:
            try:
                more = True
                while more:
                    group = await worker.receive()
                    found += group
                    more = not is_last(group)
            except ConnectionError:
                self._lose(worker)
                raise _died() from None
        return found

    async def learn(self, table: str, source: str, canonical: str) -> None:
        """Tell the workers about a row of a code table: every batch after this one knows it."""
        row = Submission(msgspec.json.encode((table, source, canonical)))
        for worker in list(self._workers):
            worker.send(CODES, row)
            try:
                await worker.turn.acquire()
                try:
                    await worker.receive()
                finally:
                    worker.turn.release()
            except ConnectionError:
                self._lose(worker)

    async def close(self) -> None:
        """Let the workers end."""
        for task in self._tasks:
            task.cancel()
        for worker in self._workers:
            worker.close()
        await asyncio.gather(*(_reap(worker.pid) for worker in self._workers))

    async def _worker(self) -> _Worker:
        """Return a worker that can take a batch; the free places of a dead one are passed over."""
        while True:
            worker = await self._free.get()
            if worker is None:
                self._free.put_nowait(None)
                raise _died()
            if worker in self._workers:
                return worker

    async def _clear_in_turn(self, worker: _Worker) -> None:
        await worker.turn.acquire()
        await self._clear(worker)

    async def _clear(self, worker: _Worker) -> None:
        """Read an answer nobody wants to its end; its turn is ours."""
        try:
            with contextlib.suppress(Stumbled):
                while not is_last(await worker.receive()):
                    pass
        except ConnectionError:
            self._lose(worker)
        else:
            self._free.put_nowait(worker)
        finally:
            worker.turn.release()

    def _lose(self, worker: _Worker) -> None:
        if worker not in self._workers:
            return
        worker.close()
        self._workers.remove(worker)
        self._beside(_reap(worker.pid))
        left = len(self._workers)
        _log.error("TW-2021 intake worker %d died; %d left", worker.pid, left)
        if not left:
            self._free.put_nowait(None)

    def _beside(self, work: Coroutine[None, None, None]) -> None:
        self._tasks.add(task := asyncio.create_task(work))
        task.add_done_callback(self._tasks.discard)


class _Worker:
    """One worker. It answers its batches in the order they were sent: turn is who reads now."""

    def __init__(self, pid: int, frames: Frames[Group]) -> None:
        self.pid = pid
        self._frames = frames
        self.turn = asyncio.Lock()
        self._sizes: deque[int] = deque()

    @property
    def bytes_in_hand(self) -> int:
        """How much it was sent and has not answered."""
        return sum(self._sizes)

    def send(self, door: str, *submissions: Submission) -> None:
        """Hand over a batch; take a turn to read its answer before anything else is awaited."""
        parts = [Part(_bytes(one), one.store, one.trace_id, one.format) for one in submissions]
        self._sizes.append(_size(submissions))
        self._frames.send(_encode(Batch(door, parts)))

    async def receive(self) -> list[Taken]:
        """Return the next group of the batch in hand; raises Stumbled where its answer ends in one.

        Raises ConnectionError when the worker is gone.
        """
        group = await self._frames.receive()
        if is_last(group):
            self._sizes.popleft()
        if isinstance(group, str):
            _log.error("TW-9001 intake worker %d: %s", self.pid, group)
            raise Stumbled
        return group

    def close(self) -> None:
        """Close the socket, which ends the worker."""
        self._frames.close()


def _bytes(submission: Submission) -> bytes:
    assert isinstance(submission.body, bytes), "the intake hands over nothing else"
    return submission.body


def _size(submissions: Sequence[Submission]) -> int:
    return sum(len(_bytes(one)) for one in submissions)


async def _reap(pid: int) -> None:
    """Wait for the end of a worker, so that no dead process is left in the system's table."""
    with contextlib.suppress(ChildProcessError):
        await asyncio.to_thread(os.waitpid, pid, 0)


def _died() -> Refused:
    return Refused(
        "TW-2021",
        "the process that prepared this batch died",
        status=503,
        retry_after_seconds=RETRY_SECONDS,
    )
