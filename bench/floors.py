"""The floors: what the bare parts do on this machine in this run, without any of Tillway's work."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import apsw
import msgspec

from bench.load import as_fast_as_possible, at_rate, post
from tillway.journal.payloads import Unpacker

GROUP = 128


def commit_rows_per_second(folder: Path, bodies: list[bytes]) -> float:
    """Decode and insert bodies into SQLite (WAL, FULL), 128 in a commit; rows per second."""
    db = _database(folder / "floor-rows.db")
    started = time.perf_counter()
    for first in range(0, len(bodies), GROUP):
        db.execute("BEGIN IMMEDIATE")
        for body in bodies[first : first + GROUP]:
            msgspec.json.decode(body)
            db.execute("INSERT INTO row (body) VALUES (?)", (body,))
        db.execute("COMMIT")
    seconds = time.perf_counter() - started
    db.close()
    return len(bodies) / seconds


def commit_p95_milliseconds(folder: Path, body: bytes, count: int = 200) -> float:
    """Insert one row per commit (WAL, FULL); the 95th percentile in milliseconds."""
    db = _database(folder / "floor-commit.db")
    taken = []
    for _ in range(count):
        started = time.perf_counter()
        db.execute("INSERT INTO row (body) VALUES (?)", (body,))
        taken.append((time.perf_counter() - started) * 1e3)
    db.close()
    return sorted(taken)[int(count * 0.95)]


def decoded_rows_per_second(journal: Path) -> float:
    """Read and decompress every canonical message of a journal, nothing else; rows per second."""
    db = apsw.Connection(str(journal), flags=apsw.SQLITE_OPEN_READONLY)
    dictionaries = dict(db.execute("SELECT dictionary_id, content FROM dictionary"))
    unpack = Unpacker(dictionaries.__getitem__).unpack
    started, count = time.perf_counter(), 0
    for (stored,) in db.execute("SELECT canonical FROM payload ORDER BY position"):
        msgspec.json.decode(unpack(stored))
        count += 1
    seconds = time.perf_counter() - started
    db.close()
    return count / seconds


async def posts_per_second(port: int, bodies: list[bytes], connections: int) -> float:
    """POST bodies straight to the sink, one each; calls per second."""
    requests = [post("/documents", body, {}) for body in bodies]
    result = await as_fast_as_possible("127.0.0.1", port, requests, connections)
    return len(bodies) / result.seconds


async def post_p95_milliseconds(port: int, bodies: list[bytes], per_second: float) -> float:
    """POST bodies straight to the sink at an even pace; the 95th percentile in milliseconds."""
    requests = [post("/documents", body, {}) for body in bodies]
    result = await at_rate("127.0.0.1", port, requests, per_second)
    return result.percentile(0.95) * 1e3


async def interpreter_start_seconds() -> float:
    """Start Python with the hub's imports and nothing else; seconds."""
    import sys

    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "import tillway.assembly, uvloop"
    )
    await process.wait()
    return time.perf_counter() - started


def _database(path: Path) -> apsw.Connection:
    path.unlink(missing_ok=True)
    db = apsw.Connection(str(path))
    for pragma in ("page_size = 16384", "journal_mode = WAL", "synchronous = FULL"):
        db.execute(f"PRAGMA {pragma}")
    db.execute("CREATE TABLE row (id INTEGER PRIMARY KEY, body BLOB)")
    return db
