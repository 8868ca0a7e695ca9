"""A real Tryton in a process of its own: started on a copy of its database, ended by its id.

Surprising: nothing of Tryton is imported here. Everything is said to it by JSON-RPC, in words of
this file's own, so that the connector is not its own witness.
"""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
import subprocess
import time
import urllib.request
from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from peers.tryton.build import (
    ADMIN,
    DATABASE,
    LOCK_RETRIES,
    PeerMissing,
    built_peer,
    write_configuration,
)

START_SECONDS = 60.0
CALL_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class LedgerMove:
    """A posted move as the checker reads it. total: what its tender lines come to."""

    number: str
    description: str
    origin: str
    total: Decimal
    difference: Decimal


class TrytonPeer:
    """One running Tryton. folder: where its copy of the database lies."""

    def __init__(self, folder: Path) -> None:
        built = built_peer()
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(built / f"{DATABASE}.sqlite", folder)
        self._built = built
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._authorization = ""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]

    @property
    def url(self) -> str:
        """Return the address without a path."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> Path:
        """Return the file of its database."""
        return self._folder / f"{DATABASE}.sqlite"

    def start(self, lock_retries: int = LOCK_RETRIES) -> None:
        """Start it on its port and return when it answers."""
        configuration = write_configuration(self._folder, self.port, lock_retries)
        program = self._built / "venv" / "bin"
        command = (program / "python", program / "trytond", "-c", configuration, "-d", DATABASE)
        with (self._folder / "trytond.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise PeerMissing(f"Tryton did not start: {self._last_words()}")
            time.sleep(0.02)
        self._authorization = ""

    def stop(self) -> None:
        """End it by its process id; twice is harmless."""
        if self._process is not None:
            process, self._process = self._process, None
            process.kill()
            process.wait()

    def restart(self, lock_retries: int) -> None:
        """Start it again, with another patience for locks."""
        self.stop()
        self.start(lock_retries)

    def call(self, method: str, *parameters: Any) -> Any:
        """Call a method as the administrator and return its result, values as JSON has them."""
        if not self._authorization:
            uid, session, *_ = self._post(
                "common.db.login", [ADMIN[0], {"password": ADMIN[1]}, "en"]
            )
            plain = f"{ADMIN[0]}:{uid}:{session}"
            self._authorization = "Session " + b64encode(plain.encode()).decode()
        return self._post(method, [*parameters, {"company": 1}])

    def moves(self) -> list[LedgerMove]:
        """Return every posted move, oldest first."""
        rows = self.call(
            "model.account.move.search_read",
            [["state", "=", "posted"]],
            0,
            None,
            [["id", "ASC"]],
            [
                "number",
                "description",
                "origin",
                "lines.debit",
                "lines.credit",
                "lines.description",
            ],
        )
        return [_ledger_move(row) for row in rows]

    def drafts(self) -> int:
        """Return how many moves are not posted."""
        return self.count(["state", "=", "draft"])

    def count(self, *domain: list[Any]) -> int:
        """Return how many moves there are, posted or not."""
        count: int = self.call("model.account.move.search_count", list(domain))
        return count

    def end_sessions(self) -> None:
        """Forget every session, as Tryton does by itself after a while."""
        books = sqlite3.connect(self.database, timeout=CALL_SECONDS)
        with books:
            books.execute("DELETE FROM ir_session")
        books.close()
        self._authorization = ""

    def _listens(self) -> bool:
        try:
            self._post("common.db.login", [ADMIN[0], {"password": ADMIN[1]}, "en"])
        except OSError:
            return False
        return True

    def _post(self, method: str, parameters: Sequence[Any]) -> Any:
        content = json.dumps({"id": 0, "method": method, "params": parameters}).encode()
        headers = {"content-type": "application/json"}
        if self._authorization and method != "common.db.login":
            headers["authorization"] = self._authorization
        request = urllib.request.Request(
            f"{self.url}/{DATABASE}/rpc/", data=content, headers=headers
        )
        with urllib.request.urlopen(request, timeout=CALL_SECONDS) as answer:
            found = json.load(answer)
        if "error" in found:
            raise AssertionError(str(found["error"])[:300])
        return found["result"]

    def _last_words(self) -> str:
        log = self._folder / "trytond.log"
        return " ".join(log.read_text(errors="replace").splitlines()[-2:])


def wrongly_booked(moves: Sequence[LedgerMove], keys: Sequence[str]) -> dict[str, list[str]]:
    """Return what is wrong with a ledger: keys it lacks, keys it holds twice, moves out of balance.

    A move of a key that nobody sent counts as unknown; a reversal is no second booking.
    """
    booked = Counter(move.description for move in moves if not move.origin)
    wanted = set(keys)
    wrong = {
        "missing": sorted(wanted - booked.keys()),
        "doubled": sorted(key for key, count in booked.items() if count > 1),
        "unknown": sorted(booked.keys() - wanted),
        "unbalanced": [move.description for move in moves if move.difference],
    }
    return {what: found for what, found in wrong.items() if found}


def _ledger_move(row: dict[str, Any]) -> LedgerMove:
    sides = [
        (line["description"] or "", _amount(line["debit"]) - _amount(line["credit"]))
        for line in row["lines."]
    ]
    return LedgerMove(
        number=row["number"],
        description=row["description"] or "",
        origin=row["origin"] or "",
        total=sum((side for text, side in sides if text.startswith("tender")), Decimal(0)),
        difference=sum((side for _, side in sides), Decimal(0)),
    )


def _amount(value: Any) -> Decimal:
    return Decimal(value["decimal"]) if isinstance(value, dict) else Decimal(value)
