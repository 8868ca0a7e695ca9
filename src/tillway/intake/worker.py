"""A worker process: it prepares batches for the journal, so that the hub's one thread need not.

Surprising: a worker is a fork of the hub taken before anything was opened, so it has the very same
release in memory, and it ends when the hub's end of its socket closes, however the hub died.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import BinaryIO, cast

import msgspec

from tillway.connect import Submission
from tillway.errors import place_of
from tillway.intake.preparation import GROUP_RECORDS, Preparation, Taken

HEAD_BYTES = 4
"""Every frame is its length, big-endian, and so many bytes."""
SOCKET_BYTES = 1 << 20
NICER_THAN_THE_HUB = 5

Prepare = Callable[[], Mapping[str, Preparation]]
"""Makes the preparations of every door; called in the worker, after the fork."""
Learn = Callable[[str, str, str], None]
"""Takes in a row of a code table: its name, the source's code, what it is called here."""
Group = list[Taken] | str
"""Part of an answer; a text is the bug of ours that ended it."""
CODES = ""
"""Stands for a door where a batch is a row of a code table; no door has this name."""


class Part(msgspec.Struct, array_like=True, gc=False):
    """A submission on its way to a worker."""

    body: bytes
    store: str
    trace_id: str
    format: str


class Batch(msgspec.Struct, array_like=True, gc=False):
    """What a worker is handed at once: a large submission, or some small ones."""

    door: str
    parts: list[Part]


def fork_workers(
    count: int, prepare: Prepare, learn: Learn = lambda *_row: None
) -> list[tuple[int, socket.socket]]:
    """Return (process id, the hub's end of the socket) of so many workers.

    learn: what a worker does with a row that was added to a code table while the hub runs. Call it
    while the process has one thread and has opened nothing.
    """
    workers: list[tuple[int, socket.socket]] = []
    for _ in range(count):
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BYTES)
        child = os.fork()
        if child == 0:
            for end in (ours, *(earlier for _, earlier in workers)):
                end.close()
            _live(theirs, prepare, learn)
        theirs.close()
        workers.append((child, ours))
    return workers


def _live(hub: socket.socket, prepare: Prepare, learn: Learn) -> None:
    """Work until the hub is gone; never return into the hub's own code."""
    status = 1
    try:
        # The hub decides when it ends; a Ctrl-C at the terminal reaches its workers as well.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        # A batch can wait a little longer; a single message at the hub's door should not.
        os.nice(NICER_THAN_THE_HUB)
        gc.freeze()
        work(hub, prepare(), learn)
        status = 0
    except (EOFError, ConnectionError):
        status = 0
    finally:
        os._exit(status)


def work(
    hub: socket.socket,
    preparations: Mapping[str, Preparation],
    learn: Learn = lambda *_row: None,
) -> None:
    """Answer batches until the hub's end is closed (EOFError)."""
    read = cast("BinaryIO", hub.makefile("rb", buffering=SOCKET_BYTES))
    decode = msgspec.msgpack.Decoder(Batch).decode
    encode = msgspec.msgpack.Encoder().encode
    while True:
        batch = decode(_frame(read))
        if batch.door == CODES:
            learn(*msgspec.json.decode(batch.parts[0].body))
            answer = encode([])
            hub.sendall(len(answer).to_bytes(HEAD_BYTES, "big") + answer)
            continue
        submissions = [
            Submission(part.body, part.store, "", part.trace_id, part.format)
            for part in batch.parts
        ]
        taken = preparations[batch.door].taken(*submissions)
        more = True
        while more:
            group = _group(taken)
            more = not is_last(group)
            answer = encode(group)
            hub.sendall(len(answer).to_bytes(HEAD_BYTES, "big") + answer)


def is_last(group: Group) -> bool:
    """Say whether a group ends an answer: it is not full, and may be empty; or it is no group."""
    return isinstance(group, str) or len(group) < GROUP_RECORDS


def _group(taken: Iterator[Taken]) -> Group:
    try:
        return list(islice(taken, GROUP_RECORDS))
    except Exception as bug:  # noqa: BLE001 - whatever it is, the next batch is another one
        return f"{type(bug).__name__} at {place_of(bug)}"


def _frame(read: BinaryIO) -> bytes:
    head = read.read(HEAD_BYTES)
    data = read.read(int.from_bytes(head, "big"))
    if not data:
        raise EOFError
    return data
