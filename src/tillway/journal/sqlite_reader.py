"""Read-only connections on a small pool of threads; they never write and never checkpoint."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import apsw

from tillway.journal.payloads import Unpacker
from tillway.journal.sqlite_version import check_version

READER_THREADS = 3
"""One may be busy for long with a check of all books; two answer screens and consumers."""
BUSY_MILLISECONDS = 5000

T = TypeVar("T")


class Reader:
    """One thread's connection and its decompressor."""

    def __init__(self, path: Path) -> None:
        self.db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        self.db.set_busy_timeout(BUSY_MILLISECONDS)
        self.db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        check_version(self.db)
        self.unpack = Unpacker(self._dictionary).unpack

    def _dictionary(self, dictionary_id: int) -> bytes:
        sql = "SELECT content FROM dictionary WHERE dictionary_id = ?"
        content: bytes = self.db.execute(sql, (dictionary_id,)).get
        return content


class ReaderPool:
    """Runs reading functions off the event loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pool = ThreadPoolExecutor(READER_THREADS, thread_name_prefix="journal-reader")
        self._local = threading.local()
        self._readers: list[Reader] = []

    async def run(self, read: Callable[[Reader], T]) -> T:
        """Return what read returns, called with this thread's reader."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._call, read)

    def _call(self, read: Callable[[Reader], T]) -> T:
        reader = getattr(self._local, "reader", None)
        if reader is None:
            reader = Reader(self._path)
            self._local.reader = reader
            self._readers.append(reader)
        return read(reader)

    def close(self) -> None:
        """End what is being read, then the threads, and close their connections."""
        for reader in self._readers:
            reader.db.interrupt()
        self._pool.shutdown(wait=True)
        for reader in self._readers:
            reader.db.close()
