"""The blocking half of the watched folder: look, read, move. Everything here runs in a thread.

Surprising: a file is moved by name only after the folder was told where it will go, so that a crash
between "stored" and "moved" is finished at the next start.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from tillway.connectors.files.settings import FilesSourceSettings
from tillway.errors import NotConnected, Permanent

READ_BYTES = 256 * 1024
UNFINISHED_SUFFIXES = (".tmp", ".part", ".filepart", ".crdownload", ".error.json")


class Seen(msgspec.Struct, frozen=True):
    """A file as one look saw it. size in bytes, changed_at in nanoseconds."""

    name: str
    size: int
    changed_at: int


class HashingReader(io.RawIOBase):
    """Reads a file once, forwards only, and knows the SHA-256 of what went through."""

    def __init__(self, file: io.FileIO) -> None:
        super().__init__()
        self._file = file
        self._digest = hashlib.sha256()

    def readable(self) -> bool:
        """A reader reads."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer from the file."""
        count = self._file.readinto(buffer) or 0
        self._digest.update(memoryview(buffer)[:count])
        return count

    def rest_digest(self) -> str:
        """Read what nobody has read yet and return the digest of the whole file, in hex."""
        buffer = bytearray(READ_BYTES)
        while self.readinto(buffer):
            pass
        return self._digest.hexdigest()

    def seen(self, name: str) -> Seen:
        """Return the file as it is now."""
        return _seen(name, os.fstat(self._file.fileno()))


class WatchedFolder:
    """One folder with its done and failed folders."""

    def __init__(self, settings: FilesSourceSettings, project_folder: str) -> None:
        self._settings = settings
        self.path = Path(project_folder) / settings.folder
        self.done = self.path / settings.done_folder
        self.failed = self.path / settings.failed_folder

    def prepare(self) -> None:
        """Make the folders; raise NotConnected TW-4130 when that cannot be done."""
        if not self._settings.create_folder and not self.path.is_dir():
            raise self._missing("it does not exist")
        try:
            for folder in (self.path, self.done, self.failed):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise self._missing(fault.strerror or "it cannot be made") from None

    def check(self) -> None:
        """Raise NotConnected TW-4130 when files could not be read and moved."""
        for folder in (self.path, self.done, self.failed):
            if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
                raise self._missing(f"{folder.name} cannot be read and written")
            if folder.stat().st_dev != self.path.stat().st_dev:
                raise self._missing(f"{folder.name} is on another file system")

    def look(self) -> list[Seen]:
        """Return the files that may be taken, in the order they shall be taken."""
        try:
            with os.scandir(self.path) as entries:
                files = [
                    _seen(entry.name, entry.stat(follow_symlinks=False))
                    for entry in entries
                    if self._wanted(entry)
                ]
        except OSError as fault:
            raise self._missing(fault.strerror or "it cannot be read") from None
        if self._settings.order == "mtime":
            return sorted(files, key=lambda seen: (seen.changed_at, seen.name))
        return sorted(files, key=lambda seen: seen.name)

    @contextmanager
    def opened(self, name: str) -> Iterator[tuple[HashingReader, BinaryIO]]:
        """Open a file for one reading.

        Raises an OSError that `is_vanished` when it is gone or a writer holds its lock, Permanent
        TW-2032 when it is there and cannot be opened.
        """
        try:
            descriptor = os.open(self.path / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as fault:
            if is_vanished(fault):
                raise
            reason = fault.strerror or type(fault).__name__
            raise Permanent("TW-2032", f"the file cannot be opened: {reason}") from None
        with io.FileIO(descriptor, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            reader = HashingReader(file)
            yield reader, io.BufferedReader(reader, READ_BYTES)

    def digest_of(self, name: str) -> str:
        """Return the SHA-256 of a file, "" when it is not there."""
        try:
            with self.opened(name) as (reader, _):
                return reader.rest_digest()
        except (OSError, Permanent):
            return ""

    def free_name(self, folder: Path, name: str) -> str:
        """Return a name nothing in a folder has yet: the own one, or one with a number."""
        path = Path(name)
        candidate, number = name, 1
        while (folder / candidate).exists():
            number += 1
            candidate = f"{path.stem}-{number}{path.suffix}"
        return candidate

    def move(self, name: str, folder: Path, new_name: str) -> str:
        """Move a file out of the watched folder, never over another; return its name there."""
        new_name = self.free_name(folder, new_name)
        (self.path / name).rename(folder / new_name)
        _flush_folder(folder)
        _flush_folder(self.path)
        if self._settings.ready == "marker":
            (self.path / (name + self._settings.marker_suffix)).unlink(missing_ok=True)
        return new_name

    def write_error(self, name: str, document: dict[str, Any]) -> None:
        """Write what was wrong beside a failed file."""
        path = self.failed / f"{name}.error.json"
        path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")

    def _wanted(self, entry: os.DirEntry[str]) -> bool:
        name = entry.name
        if name.startswith(".") or name.endswith(UNFINISHED_SUFFIXES):
            return False
        if self._settings.ready == "marker" and not self._marked(name):
            return False
        return fnmatchcase(name, self._settings.pattern) and entry.is_file(follow_symlinks=False)

    def _marked(self, name: str) -> bool:
        marker = self._settings.marker_suffix
        return not name.endswith(marker) and (self.path / (name + marker)).exists()

    def _missing(self, reason: str) -> NotConnected:
        return NotConnected(
            "TW-4130",
            f"folder {self._settings.folder} cannot be watched: {reason}",
            path=self._settings.folder,
        )


def is_vanished(fault: OSError) -> bool:
    """Tell whether a file was taken away, or is still locked, between looking and opening."""
    return fault.errno in {errno.ENOENT, errno.ELOOP, errno.EAGAIN}


def _seen(name: str, status: os.stat_result) -> Seen:
    size = status.st_size if stat.S_ISREG(status.st_mode) else 0
    return Seen(name, size, status.st_mtime_ns)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
