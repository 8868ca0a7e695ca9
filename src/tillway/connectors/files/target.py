"""A folder as a target: written under a temporary name, flushed, then renamed.

Surprising: with {key} in the name a repeat writes the same file again, so nothing is doubled (class
A). Any other name gets a number when it is taken, so nothing is overwritten (class D).
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec

from tillway.connect.kit import Delivered, DeliveryClass, Outbound, SendResult, TargetContext
from tillway.connectors.files.settings import FilesTargetSettings
from tillway.errors import NotConnected, Permanent, TillwayError, Transient

NAME_CHARACTERS = 200
PART_CHARACTERS = 80
_FIELD = re.compile(r"\{([A-Za-z0-9_.]+)\}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EAGAIN, errno.EINTR})
_encode = msgspec.json.Encoder(decimal_format="string").encode
_encode_lines = msgspec.json.Encoder(decimal_format="string").encode_lines


class FilesTarget:
    """Writes one file per message, or one per batch."""

    stops_per_lane = False

    def __init__(self, settings: FilesTargetSettings, context: TargetContext) -> None:
        self._settings = settings
        self._name = context.name
        self._folder = Path(context.folder) / settings.folder
        self._batched = settings.style == "ndjson"
        self._keyed = "{key}" in settings.name and not self._batched
        self.delivery_class: DeliveryClass = "A" if self._keyed else "D"
        self.max_bulk = settings.batch_size
        # Two calls may run in two threads: a name must be found free and taken in one step.
        self._naming = Lock()

    async def send(self, batch: Sequence[Outbound]) -> list[SendResult]:
        """Write a batch and answer for each message in order."""
        return await asyncio.to_thread(self._write_all, batch)

    async def look_up(self, key: str) -> str | None:
        """Return the name of the file of a key, when names depend on the key alone."""
        if self._settings.name.count("{") != 1 or not self._keyed:
            raise Permanent("TW-4113", f"{self._name} cannot look up a key by its file name")
        name = self._file_name(Outbound(key, "", "", {}))
        exists = await asyncio.to_thread((self._folder / name).exists)
        return name if exists else None

    async def ping(self) -> None:
        """Raise NotConnected TW-4120 when the folder cannot be written to."""
        await asyncio.to_thread(self._prepare)

    async def close(self) -> None:
        """Nothing is held open."""

    def _prepare(self) -> None:
        if self._settings.create_folder:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
            except OSError as fault:
                raise self._not_connected(fault) from None
        if not os.access(self._folder, os.W_OK | os.X_OK):
            raise NotConnected("TW-4120", f"{self._name}: {self._settings.folder} is not writable")

    def _write_all(self, batch: Sequence[Outbound]) -> list[SendResult]:
        try:
            self._prepare()
        except NotConnected as fault:
            return [fault for _ in batch]
        if self._batched:
            return self._write_batch(batch)
        results = [self._write_one(message) for message in batch]
        try:
            _flush_folder(self._folder)
        except OSError as fault:
            # The names may not survive a power cut: only a repeat makes sure.
            failed = self._fault(fault)
            return [failed if isinstance(result, Delivered) else result for result in results]
        return results

    def _write_one(self, message: Outbound) -> SendResult:
        try:
            return Delivered(self._write(message, _encode(message.body) + b"\n"))
        except Permanent as refusal:
            return refusal
        except OSError as fault:
            return self._fault(fault)

    def _write_batch(self, batch: Sequence[Outbound]) -> list[SendResult]:
        key_field = self._settings.key_field
        lines = [{**m.body, key_field: m.key} if key_field else m.body for m in batch]
        try:
            name = self._write(batch[0], _encode_lines(lines))
            _flush_folder(self._folder)
        except Permanent as refusal:
            return [refusal for _ in batch]
        except OSError as fault:
            failed = self._fault(fault)
            return [failed for _ in batch]
        return [Delivered(name) for _ in batch]

    def _write(self, message: Outbound, content: bytes) -> str:
        """Write a file whole or not at all, named after a message; return the name it got."""
        name = self._file_name(message)
        temporary = self._folder / f".{sha256(message.key.encode()).hexdigest()[:32]}.tmp"
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            with self._naming:
                if not self._keyed:
                    name = _free_name(self._folder, name)
                temporary.rename(self._folder / name)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        return name

    def _file_name(self, message: Outbound) -> str:
        name = _FIELD.sub(lambda found: _safe(self._field(message, found[1])), self._settings.name)
        if len(name) > NAME_CHARACTERS:
            path = Path(name)
            name = _safe(path.stem, NAME_CHARACTERS - 40) + path.suffix[:20]
        return f"_{name}" if name.startswith(".") else name

    def _field(self, message: Outbound, path: str) -> str:
        if path in {"key", "message_type", "message_id", "lane"}:
            return str(getattr(message, path))
        value: Any = message.body
        for step in path.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if value is None or isinstance(value, dict | list):
            raise Permanent(
                "TW-4121",
                f"{self._name}: the file name needs {path}, and the document has none",
                path=path,
                target=self._name,
            )
        return str(value)

    def _fault(self, fault: OSError) -> TillwayError:
        if fault.errno in _FULL:
            return Transient("TW-4122", f"{self._name}: {fault.strerror}", target=self._name)
        return self._not_connected(fault)

    def _not_connected(self, fault: OSError) -> NotConnected:
        reason = fault.strerror or type(fault).__name__
        folder = self._settings.folder
        return NotConnected("TW-4120", f"{self._name}: {folder}: {reason}", target=self._name)


def _safe(text: str, longest: int = PART_CHARACTERS) -> str:
    """Return a text as part of a file name; two different texts never become the same."""
    plain = _UNSAFE.sub("-", text)
    if plain == text and len(text) <= longest:
        return text
    return f"{plain[:longest]}-{sha256(text.encode()).hexdigest()[:12]}"


def _free_name(folder: Path, name: str) -> str:
    path = Path(name)
    candidate, number = name, 1
    while (folder / candidate).exists():
        number += 1
        candidate = f"{path.stem}-{number}{path.suffix}"
    return candidate


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
