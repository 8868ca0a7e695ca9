"""Decides the outcome of each appended item inside the writer's transaction.

Everything a commit takes is looked up at once and inserted at once: SQLite is entered a few times
per commit, not a few times per message.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import apsw

from tillway.journal.base import (
    AppendItem,
    Candidate,
    Invalid,
    Receipt,
    RefusedItem,
    StoredMessage,
)
from tillway.journal.conflict import CONFLICT_CODE, conflicting_copy
from tillway.journal.payloads import Packer
from tillway.journal.sqlite_rows import (
    DUPLICATE_COLUMNS,
    INVALID_COLUMNS,
    MESSAGE_COLUMNS,
    PAYLOAD_COLUMNS,
    Row,
    invalid_row,
    message_row,
)
from tillway.journal.statements import for_rows, insert_rows, run_for_rows, statements
from tillway.journal.totals import Tally, item_facts
from tillway.message import Envelope

LOOK_UP_CHUNK = 128

Known = tuple[int, bytes, bytes, str, str]
"""position, record hash, content hash, message id, natural key"""


class Appender:
    """Applies appends to one connection; lives in the writer thread."""

    def __init__(self, db: apsw.Connection, packer: Packer, next_position: int) -> None:
        self._db = db
        self._packer = packer
        self._next_position = next_position
        self._sql = statements("append.sql")
        self._open_keys: set[bytes] = {row[0] for row in db.execute(self._sql["open_keys"])}
        self.begin()

    def begin(self) -> None:
        """Forget what the last transaction gathered."""
        self._messages: list[Row] = []
        self._taken: list[tuple[int, Candidate]] = []
        self._duplicates: list[Row] = []
        self._stores: dict[tuple[str, str], list[int]] = {}
        self._known: dict[bytes, Known] = {}
        self._revisions: dict[bytes, int] = {}
        self._first_position = self._next_position
        self.outcomes = Tally()
        self.accepted: list[StoredMessage] = []

    def rolled_back(self) -> None:
        """Take back the positions of a transaction that did not commit."""
        self._next_position = self._first_position
        self._open_keys = {row[0] for row in self._db.execute(self._sql["open_keys"])}
        self.begin()

    def look_up(self, items: Sequence[AppendItem]) -> None:
        """Fetch what is already stored under the keys of these items."""
        digests = [
            item.key_digest
            for item in items
            if not isinstance(item, RefusedItem) and item.key_digest
        ]
        for digest, *facts in self._rows_of("known_keys", digests):
            self._known[digest] = tuple(facts)
        objects = [
            item.envelope.object_digest
            for item in items
            if isinstance(item, Candidate) and item.envelope.object_digest is not None
        ]
        self._revisions.update(self._rows_of("newest_revisions", objects))

    def _rows_of(self, name: str, digests: list[bytes]) -> Iterator[Any]:
        for chunk in _chunks(digests, LOOK_UP_CHUNK):
            size = 1 if len(chunk) == 1 else LOOK_UP_CHUNK
            holes = ", ".join("?" * size)
            sql = self._sql[name].replace(":digests", holes)
            yield from self._db.execute(sql, chunk + [None] * (size - len(chunk)))

    def decide(self, item: AppendItem) -> Receipt:
        """Return the receipt of one item and gather what must be written for it."""
        if isinstance(item, RefusedItem):
            receipt = Receipt("refused", code=item.code)
        elif isinstance(item, Candidate):
            receipt = self._candidate(item)
        else:
            known = self._known.get(item.key_digest) if item.key_digest else None
            if known is not None and known[1] == item.record_hash:
                receipt = self._duplicate(known, item, item.door, item.received_at)
            else:
                receipt = self._keep("quarantined", item, 0)
        self.outcomes.add(receipt.outcome, *item_facts(item))
        return receipt

    def _candidate(self, item: Candidate) -> Receipt:
        known = self._known.get(item.key_digest)
        if known is None:
            return self._accept(item)
        if known[1] == item.record_hash or known[2] == item.content_hash:
            return self._duplicate(known, item, item.envelope.door, item.envelope.received_at)
        kept = self._keep("conflict", conflicting_copy(item), known[0])
        return _known_receipt("conflict", known, invalid_id=kept.invalid_id, code=CONFLICT_CODE)

    def _accept(self, item: Candidate) -> Receipt:
        position = self._next_position
        self._next_position += 1
        envelope = item.envelope
        known = (
            position,
            item.record_hash,
            item.content_hash,
            envelope.message_id,
            envelope.natural_key,
        )
        self._known[item.key_digest] = known
        higher = None if envelope.object_digest is None else self._higher_revision(envelope)
        self._messages.append(message_row(position, item, higher))
        self._taken.append((position, item))
        seen = self._stores.setdefault((envelope.system, envelope.store), [0, 0])
        seen[0] = max(seen[0], envelope.received_at)
        seen[1] += 1
        if item.key_digest in self._open_keys:
            self._open_keys.discard(item.key_digest)
            # At once: a copy that is kept later in this commit was not answered by this message.
            self._db.execute(self._sql["close_invalid"], (position, item.key_digest))
        self.accepted.append(
            StoredMessage(position, envelope, item.canonical, not item.findings, higher)
        )
        return _known_receipt("accepted", known)

    def _higher_revision(self, envelope: Envelope) -> int | None:
        """Return the higher revision already stored of this object; note this one otherwise."""
        digest, revision = envelope.object_digest, envelope.revision
        assert digest is not None, "the caller asks only for objects"
        assert revision is not None, "an object digest stands beside a revision"
        newest = self._revisions.get(digest, revision)
        if revision < newest:
            return newest
        self._revisions[digest] = revision
        return None

    def _duplicate(
        self, known: Known, item: Candidate | Invalid, door: str, received_at: int
    ) -> Receipt:
        self._duplicates.append((known[0], received_at, door, *item_facts(item)))
        return _known_receipt("duplicate", known)

    def _keep(self, outcome: str, item: Invalid, first_position: int) -> Receipt:
        raw = self._packer.pack(f"raw/{item.door}/{outcome}", item.raw)
        sql = insert_rows("invalid", INVALID_COLUMNS, 1) + self._sql["repeat_invalid"]
        row = invalid_row(item, outcome, first_position, raw)
        invalid_id = self._db.execute(sql, row).get
        if outcome == "quarantined" and item.key_digest and item.key_digest not in self._known:
            self._open_keys.add(item.key_digest)
        return Receipt(
            "quarantined",
            invalid_id=invalid_id,
            natural_key=item.natural_key,
            code=item.code,
        )

    def write(self) -> None:
        """Insert everything gathered."""
        self._insert("message", MESSAGE_COLUMNS, self._messages)
        self._insert("payload", PAYLOAD_COLUMNS, self._payload_rows())
        self._insert("duplicate", DUPLICATE_COLUMNS, self._duplicates)
        seen = [(*shop, last_at, count) for shop, (last_at, count) in self._stores.items()]
        run_for_rows(self._db, partial(for_rows, self._sql["store_seen"], 4), seen)

    def _payload_rows(self) -> list[Row]:
        payloads = [
            pair
            for _, item in self._taken
            for pair in (
                (f"raw/{item.envelope.door}/{item.envelope.message_type}", item.raw),
                (item.envelope.message_type, item.canonical),
            )
        ]
        packed = iter(self._packer.pack_all(payloads))
        return [
            (position, next(packed), next(packed), item.findings.decode(), int(item.raw_rewritten))
            for position, item in self._taken
        ]

    def _insert(self, table: str, columns: tuple[str, ...], rows: list[Row]) -> None:
        run_for_rows(self._db, partial(insert_rows, table, columns), rows)


def _known_receipt(outcome: str, known: Known, **more: Any) -> Receipt:
    position, _, content_hash, message_id, natural_key = known
    return Receipt(
        outcome,  # type: ignore[arg-type]
        position=position,
        natural_key=natural_key,
        content_hash=content_hash,
        message_id=message_id,
        **more,
    )


def _chunks(values: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
