"""Copies a journal while a hub writes to it, and checks that a copy is sound.

The copy is one moment of the journal: what is committed meanwhile is not in it. It is written and
flushed in small steps, so that the flushes of the hub never queue behind a large one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import apsw
import msgspec

PAGES_AT_ONCE = 128
READ_BYTES = 1024 * 1024
SHOWN_FAULTS = 5
BUSY_MILLISECONDS = 5000

Told = Callable[[int, int], None]
"""Called with (bytes done, bytes in all) while work goes on."""


class CopyFacts(msgspec.Struct, frozen=True):
    """What a sound copy holds. position: its newest message; routes: route -> settled position."""

    schema_version: int
    position: int
    routes: dict[str, int]


def copy_steps(source: Path, destination: Path) -> Generator[tuple[int, int], None, None]:
    """Copy a journal into a new file, beside a running hub or without one.

    Yields (bytes done, bytes in all) after each step, so that the caller can pause; the copy is
    whole when nothing more comes. The hub's log cannot be shortened while the copy runs; it grows
    by what is taken in meanwhile.
    """
    origin = apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READONLY)
    origin.set_busy_timeout(BUSY_MILLISECONDS)
    origin.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    copy = apsw.Connection(str(destination))
    try:
        # Flushed here step by step, and worth nothing before the last one: no journal is needed.
        copy.execute("PRAGMA synchronous = OFF")
        copy.execute("PRAGMA journal_mode = OFF")
        # A held snapshot: without it every commit of the hub would start the copy again.
        origin.execute("BEGIN")
        origin.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        yield from _copy_pages(origin, copy, destination)
        origin.execute("COMMIT")
        copy.execute("PRAGMA journal_mode = DELETE")
    finally:
        copy.close()
        origin.close()
    flush(destination)


def faults_of(path: Path) -> list[str]:
    """Return what the check of every page found, nothing for a sound journal."""
    try:
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            rows = db.execute(f"PRAGMA integrity_check({SHOWN_FAULTS})").fetchall()
        finally:
            db.close()
    except apsw.Error as error:
        return [str(error)]
    return [str(text) for (text,) in rows if text != "ok"]


def facts_of(path: Path) -> CopyFacts:
    """Return what a copy holds."""
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        routes: list[Any] = db.execute("SELECT name, position FROM route ORDER BY name").fetchall()
        return CopyFacts(
            schema_version=db.execute("SELECT max(version) FROM schema_version").get,
            position=db.execute("SELECT coalesce(max(position), 0) FROM message").get,
            routes=dict(routes),
        )
    finally:
        db.close()


def digest_of(path: Path, told: Told) -> str:
    """Return the SHA-256 of a file in hex."""
    digest, done, size = hashlib.sha256(), 0, path.stat().st_size
    with path.open("rb") as file:
        while block := file.read(READ_BYTES):
            digest.update(block)
            done += len(block)
            told(done, size)
    return digest.hexdigest()


def flush(path: Path) -> None:
    """Make a file or a folder durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy_pages(
    origin: apsw.Connection, copy: apsw.Connection, destination: Path
) -> Generator[tuple[int, int], None, None]:
    page_bytes: int = origin.execute("PRAGMA page_size").get
    with copy.backup("main", origin, "main") as backup:
        while not backup.done:
            backup.step(PAGES_AT_ONCE)
            if destination.exists():
                flush(destination)
            total = backup.page_count
            yield (total - backup.remaining) * page_bytes, total * page_bytes
