"""A disk in memory for the journal: it loses power, fails a flush, fills up, and is mended.

Surprising: there is no shared memory, so a file on it has one connection, which both writes and
reads. What may survive a power cut is drawn by `faulty_disk.survivors`, as for a real file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import apsw

from tillway.testing.faulty_disk import Step, survivors

T = TypeVar("T")
VFS_NAME = "tillway-virtual"
SECTOR_BYTES = 4096
_numbers = count(1)


class _File:
    """What the system shows of a file, what is flushed, and what was done to it since."""

    def __init__(self, name: str, content: bytes = b"") -> None:
        self.name = name
        self.content = bytearray(content)
        self._flushed = bytearray(content)
        self._since: list[Step] = []
        self._failed = False

    def write(self, data: bytes, offset: int) -> None:
        """Put data in its place."""
        _put(self.content, offset, data)
        self._since.append(Step("write", self.name, offset, data))

    def cut_to(self, size: int) -> None:
        """Make the file shorter."""
        del self.content[size:]
        self._since.append(Step("truncate", self.name, size))

    def flush(self, *, fails: bool) -> None:
        """Make all of it durable; what a failed flush left is never saved by a later one."""
        if fails or self._failed:
            self._failed = True
            self._since.append(Step("failed_flush" if fails else "flush", self.name))
            return
        for step in self._since:
            if step.kind == "write":
                _put(self._flushed, step.offset, step.data)
            else:
                del self._flushed[step.offset :]
        self._since.clear()

    def history(self) -> list[Step]:
        """Return steps that lead to what may be on the disk."""
        stands = Step("write", self.name, 0, bytes(self._flushed))
        return [stands, Step("flush", self.name), *self._since]


class VirtualDisk:
    """Files in memory by name.

    full: no file may grow. fail_flush_in: the flush from now that fails, 0 for none. count_down:
    writes and flushes from now until `at_zero` is called, just before that one is done; 0 for none.
    """

    def __init__(self, files: Mapping[str, bytes] | None = None) -> None:
        self._number = str(next(_numbers))
        _disks[self._number] = self
        self.files = {name: _File(name, content) for name, content in (files or {}).items()}
        self.full = False
        self.fail_flush_in = 0
        self.count_down = 0
        self.at_zero: Callable[[], None] = lambda: None

    def path(self, name: str) -> Path:
        """Return where a file of this disk is found."""
        return Path("/virtual") / self._number / name

    def after_kill(self) -> VirtualDisk:
        """Return the disk as the next process finds it: everything written is there."""
        kept = VirtualDisk()
        for name, file in self.files.items():
            copy = kept.files[name] = _File(name)
            copy.__dict__.update(file.__dict__)
            copy.content = bytearray(file.content)
            copy._flushed = bytearray(file._flushed)  # noqa: SLF001 - a copy of the same class
            copy._since = list(file._since)  # noqa: SLF001 - as above
        return kept

    def after_power_cut(self, random: Random) -> VirtualDisk:
        """Return the disk after a power cut: what was flushed, and some of the rest."""
        history = [step for file in self.files.values() for step in file.history()]
        return VirtualDisk(survivors(history, random))

    def contents(self) -> dict[str, bytes]:
        """Return every file."""
        return {name: bytes(file.content) for name, file in self.files.items()}

    def unplug(self) -> None:
        """Let what a dead process left open end without a fault; nobody looks at it any more."""
        self.full, self.fail_flush_in, self.count_down = False, 0, 0

    def step(self) -> None:
        """Count one write or flush that is about to be done."""
        if self.count_down:
            self.count_down -= 1
            if not self.count_down:
                self.at_zero()

    def flush_fails(self) -> bool:
        """Say whether the flush that is about to be done fails."""
        if not self.fail_flush_in:
            return False
        self.fail_flush_in -= 1
        return not self.fail_flush_in


class _Opened:
    """The methods SQLite calls on an open file."""

    def __init__(self, disk: VirtualDisk, name: str) -> None:
        self._disk = disk
        self._file = disk.files.setdefault(name, _File(name))

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802 - SQLite's name
        return bytes(self._file.content[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - as above
        if self._disk.full and offset + len(data) > len(self._file.content):
            raise apsw.FullError("the disk is full, for a test")
        self._disk.step()
        self._file.write(bytes(data), offset)

    def xTruncate(self, size: int) -> None:  # noqa: N802 - as above
        self._file.cut_to(size)

    def xSync(self, _flags: int) -> None:  # noqa: N802 - as above
        self._disk.step()
        fails = self._disk.flush_fails()
        self._file.flush(fails=fails)
        if fails:
            raise apsw.IOError("the disk failed, for a test")

    def xFileSize(self) -> int:  # noqa: N802 - as above
        return len(self._file.content)

    def xLock(self, _level: int) -> None:  # noqa: N802 - as above
        """Nobody else is there."""

    def xUnlock(self, _level: int) -> None:  # noqa: N802 - as above
        """Nobody else is there."""

    def xCheckReservedLock(self) -> bool:  # noqa: N802 - as above
        return False

    def xFileControl(self, _operation: int, _pointer: int) -> bool:  # noqa: N802 - as above
        return False

    def xSectorSize(self) -> int:  # noqa: N802 - as above
        return SECTOR_BYTES

    def xDeviceCharacteristics(self) -> int:  # noqa: N802 - as above
        return 0

    def xClose(self) -> None:  # noqa: N802 - as above
        """Nothing is held."""


class _Vfs(apsw.VFS):
    """Finds the disk of a path; a disk that is gone takes and gives nothing."""

    def __init__(self) -> None:
        super().__init__(VFS_NAME, base="")

    def xOpen(self, name: Any, flags: list[int]) -> Any:  # noqa: N802 - SQLite's name
        path = Path(name.filename() if isinstance(name, apsw.URIFilename) else name)
        if not flags[0] & apsw.SQLITE_OPEN_CREATE and path.name not in _files_of(str(path)):
            raise apsw.CantOpenError("there is no such file, for a test")
        return _Opened(_disks[path.parent.name], path.name)

    def xAccess(self, path: str, _flags: int) -> bool:  # noqa: N802 - as above
        return Path(path).name in _files_of(path)

    def xDelete(self, path: str, _sync: bool) -> None:  # noqa: N802 - as above
        _files_of(path).pop(Path(path).name, None)

    def xFullPathname(self, path: str) -> str:  # noqa: N802 - as above
        return path


_disks: WeakValueDictionary[str, VirtualDisk] = WeakValueDictionary()
_vfs: list[_Vfs] = []


def connected(connect: Callable[[], T]) -> T:
    """Return what connect opens on paths of virtual disks.

    Every connection it makes is the only one to its file.
    """
    if not _vfs:
        _vfs.append(_Vfs())
    others = apsw.vfs_names()[0]
    apsw.set_default_vfs(VFS_NAME)
    apsw.connection_hooks.append(_alone)
    try:
        return connect()
    finally:
        apsw.connection_hooks.remove(_alone)
        apsw.set_default_vfs(others)


def _files_of(path: str) -> dict[str, _File]:
    disk = _disks.get(Path(path).parent.name)
    return {} if disk is None else disk.files


def _alone(db: apsw.Connection) -> None:
    db.execute("PRAGMA locking_mode = EXCLUSIVE")


def _put(content: bytearray, offset: int, data: bytes) -> None:
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data
