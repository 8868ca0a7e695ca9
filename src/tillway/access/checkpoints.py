"""Signed checkpoints of the audit chain: in a table of the journal, and the newest in a file.

Surprising: the file lies outside the journal on purpose. Whoever cuts the end off the journal, its
checkpoints included, leaves a file that knows how many entries there were.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tillway.access.signing_key import SigningKey, fingerprint, is_signed
from tillway.journal.projection import Asking, Change, Tables
from tillway.journal.sqlite_backup import flush

TABLES = Tables(
    "audit",
    1,
    """CREATE TABLE IF NOT EXISTS audit_checkpoint (
  count     INTEGER PRIMARY KEY,
  head      BLOB    NOT NULL,
  at        INTEGER NOT NULL,
  key       BLOB    NOT NULL,
  signature BLOB    NOT NULL
) STRICT;""",
)
_IS_THERE = "SELECT 1 FROM sqlite_schema WHERE name = 'audit_checkpoint'"
_READ = "SELECT count, head, at, key, signature FROM audit_checkpoint ORDER BY count"
_NEWEST = f"{_READ} DESC LIMIT 1"
_KEEP = (
    "INSERT OR REPLACE INTO audit_checkpoint (count, head, at, key, signature) "
    "VALUES (?, ?, ?, ?, ?)"
)


class Checkpoint(msgspec.Struct, frozen=True):
    """That the chain had so many entries, the newest with this link. at: microseconds UTC.

    key: the 32 bytes of the public key that proves the signature.
    """

    count: int
    head: bytes
    at: int
    key: bytes
    signature: bytes = b""

    @property
    def is_genuine(self) -> bool:
        """Say whether its own key signed it; whether that key is trusted is another question."""
        return is_signed(self.key, self._content(), self.signature)

    @property
    def signer(self) -> str:
        """Return the fingerprint of its key."""
        return fingerprint(self.key)

    def signed(self, key: SigningKey) -> Checkpoint:
        """Return it with the signature of a key."""
        fresh = Checkpoint(self.count, self.head, self.at, key.public)
        return Checkpoint(fresh.count, fresh.head, fresh.at, fresh.key, key.sign(fresh._content()))

    def _content(self) -> bytes:
        lines = ("tillway audit checkpoint 1", str(self.count), self.head.hex(), str(self.at))
        return "\n".join(lines).encode()


class AuditFiles(msgspec.Struct, frozen=True):
    """The files of the chain in the state folder of a project, beside its journal."""

    folder: Path

    @classmethod
    def beside(cls, journal: Path) -> AuditFiles:
        """Return the files that belong to a journal."""
        return cls(journal.parent)

    @property
    def private_key(self) -> Path:
        """Return where the key that signs lies."""
        return self.folder / "audit.key"

    @property
    def public_key(self) -> Path:
        """Return where the key that checks lies."""
        return self.folder / "audit.pub"

    @property
    def checkpoint(self) -> Path:
        """Return where the newest checkpoint lies."""
        return self.folder / "audit.checkpoint"

    def read_checkpoint(self) -> Checkpoint | None:
        """Return the newest checkpoint, None without one; ValueError when the file is damaged."""
        try:
            return msgspec.json.decode(self.checkpoint.read_bytes(), type=Checkpoint)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise ValueError(str(error)) from error

    def write_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Put a checkpoint in the place of the one before, durably."""
        fresh = self.checkpoint.with_name(self.checkpoint.name + ".fresh")
        fresh.write_bytes(msgspec.json.encode(checkpoint) + b"\n")
        flush(fresh)
        fresh.replace(self.checkpoint)
        flush(self.folder)


async def read_checkpoints(journal: Asking) -> list[Checkpoint]:
    """Return every checkpoint that the journal keeps, in the order of the chain."""
    return [Checkpoint(*row) for row in await _ask(journal, _READ)]


async def newest_checkpoint(journal: Asking) -> Checkpoint | None:
    """Return the newest checkpoint that the journal keeps."""
    rows = await _ask(journal, _NEWEST)
    return Checkpoint(*rows[0]) if rows else None


def keeping(checkpoint: Checkpoint) -> Change:
    """Return the change that keeps a checkpoint in the journal."""
    change = Change()
    change.run(_KEEP, msgspec.structs.astuple(checkpoint))
    return change


async def _ask(journal: Asking, sql: str) -> list[tuple[Any, ...]]:
    """Return rows, none from a journal that was never signed."""
    if not await journal.ask(_IS_THERE):
        return []
    return await journal.ask(sql)
