"""A disk that fails on purpose: a VFS for SQLite that records, errs, fills up, and loses power.

Surprising: power is never really cut. Every write and flush is recorded, and `survivors` says what
a disk may hold that lost power just after any one of them, so one recorded run gives any number of
cuts. What is flushed stands; of the rest each write is kept, lost, or torn between sectors.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Literal

import apsw
import msgspec

SECTOR_BYTES = 512
Kind = Literal["write", "truncate", "flush", "failed_flush", "delete"]


class Step(msgspec.Struct, frozen=True):
    """One thing that was done to a file; offset is the new size of a truncated one."""

    kind: Kind
    file: str
    offset: int = 0
    data: bytes = b""


class FaultyDisk(apsw.VFS):
    """The default VFS of this process from now until `unregister`; close all connections first.

    steps: everything done so far. fail_flush: number of the flush that fails, 0 for none; later
    ones succeed again and save nothing of what the failed one left, as on Linux. room_bytes: how
    far any file may grow, None for as far as it likes. unreadable: reading fails. before: called
    with each step about to be done.
    """

    def __init__(self, name: str) -> None:
        self.steps: list[Step] = []
        self.flushes = 0
        self.fail_flush = 0
        self.room_bytes: int | None = None
        self.unreadable = False
        self.before: Callable[[Step], None] = lambda _step: None
        super().__init__(name, base="unix", makedefault=True)

    def xOpen(  # noqa: N802 - SQLite's name
        self, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> _DiskFile:
        """Open a file of this disk."""
        return _DiskFile(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 - as above
        """Delete a file."""
        step = Step("delete", Path(filename).name)
        self.before(step)
        super().xDelete(filename, syncdir)
        self.steps.append(step)


class _DiskFile(apsw.VFSFile):
    def __init__(
        self, disk: FaultyDisk, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> None:
        self._disk = disk
        path = name.filename() if isinstance(name, apsw.URIFilename) else name or ""
        self._name = Path(path).name
        super().__init__("unix", name, flags)

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802 - SQLite's name
        if self._disk.unreadable:
            raise _io_error(apsw.SQLITE_IOERR_READ)
        return super().xRead(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - as above
        room = self._disk.room_bytes
        if room is not None and offset + len(data) > max(room, self.xFileSize()):
            raise apsw.FullError("the disk is full, for a test")
        step = Step("write", self._name, offset, bytes(data))
        self._disk.before(step)
        super().xWrite(data, offset)
        self._disk.steps.append(step)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - as above
        step = Step("truncate", self._name, newsize)
        self._disk.before(step)
        super().xTruncate(newsize)
        self._disk.steps.append(step)

    def xSync(self, flags: int) -> None:  # noqa: N802 - as above
        disk = self._disk
        disk.flushes += 1
        if disk.flushes == disk.fail_flush:
            failed = Step("failed_flush", self._name)
            disk.before(failed)
            disk.steps.append(failed)
            raise _io_error(apsw.SQLITE_IOERR_FSYNC)
        step = Step("flush", self._name)
        disk.before(step)
        super().xSync(flags)
        disk.steps.append(step)


def _io_error(extended: int) -> apsw.IOError:
    error = apsw.IOError("the disk failed, for a test")
    error.extendedresult = extended  # type: ignore[attr-defined]
    return error


def survivors(steps: Sequence[Step], rng: Random) -> dict[str, bytes]:
    """Return the files, name -> content, that a disk may hold which lost power after these steps.

    The names of files are taken to be durable; a file whose every write was lost is empty.
    """
    stands = _flushed(steps)
    luck = rng.choice((0.0, 0.5, 0.5, 1.0))
    files: dict[str, bytearray] = {}
    for at, step in enumerate(steps):
        content = files.setdefault(step.file, bytearray())
        if step.kind == "delete":
            del files[step.file]
        elif step.kind == "write" and at in stands:
            _put(content, step.offset, step.data)
        elif step.kind == "write":
            _put_some(content, step, rng, luck)
        elif step.kind == "truncate" and (at in stands or rng.random() < luck):
            _cut_to(content, step.offset)
    return {name: bytes(content) for name, content in files.items()}


def _flushed(steps: Sequence[Step]) -> set[int]:
    waiting: defaultdict[str, list[int]] = defaultdict(list)
    stands: set[int] = set()
    for at, step in enumerate(steps):
        if step.kind == "flush":
            stands.update(waiting.pop(step.file, ()))
        elif step.kind == "failed_flush":
            # The kernel takes these pages for clean from now on: no later flush writes them.
            waiting.pop(step.file, None)
        else:
            waiting[step.file].append(at)
    return stands


def _put_some(content: bytearray, step: Step, rng: Random, luck: float) -> None:
    """Keep all, none, or some sectors of a write."""
    fate = rng.random()
    if fate < luck:
        _put(content, step.offset, step.data)
    elif luck > 0.0 and fate < luck + 0.25:
        for start in range(0, len(step.data), SECTOR_BYTES):
            if rng.random() < 0.5:
                _put(content, step.offset + start, step.data[start : start + SECTOR_BYTES])


def _put(content: bytearray, offset: int, data: bytes) -> None:
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


def _cut_to(content: bytearray, size: int) -> None:
    if size < len(content):
        del content[size:]
    else:
        content.extend(bytes(size - len(content)))
