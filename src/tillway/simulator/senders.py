"""How a shop hands its documents over: by POST until the hub says they are stored, or as files.

Both are at-least-once: a shop forgets a document only when it is stored (202, 200, 409, 422) or
the file stands complete in the folder. A malformed copy is forgotten when it was refused, as it
must be.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import aiohttp
import msgspec

from tillway.clock import Clock
from tillway.simulator.batches import file_of
from tillway.simulator.brands import Brand
from tillway.simulator.delivery import Delivery

STORED_STATUSES = frozenset({200, 202, 409, 422})
REFUSED_STATUSES = frozenset({400, 413, 415})
FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 5.0
CALL_SECONDS = 30.0


class Sender(Protocol):
    """Hands over documents of one shop."""

    async def send(self, batch: Sequence[Delivery]) -> None:
        """Return when every document was taken; retries for ever."""
        ...


class ItemAnswer(msgspec.Struct):
    """One line of the hub's answer to a batch."""

    line: int = 0
    outcome: str = ""
    status: int = 0


_read_answers = msgspec.json.Decoder(ItemAnswer).decode_lines


class HttpSender:
    """Posts to the hub with the shop's key; problem tells why the last call had to be repeated."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, key: str, brand: Brand, clock: Clock
    ) -> None:
        self._session = session
        self._url = url
        self._headers = {"authorization": f"Bearer {key}"}
        self._brand = brand
        self._clock = clock
        self.problem = ""

    async def send(self, batch: Sequence[Delivery]) -> None:
        """Post one document or a batch until everything in it is stored."""
        left, wait = list(batch), FIRST_WAIT_SECONDS
        while left:
            before = len(left)
            left, retry_after = await self._call(left)
            if not left:
                self.problem = ""
            elif len(left) == before:
                await self._clock.sleep(max(wait, retry_after))
                wait = min(wait * 2, LONGEST_WAIT_SECONDS)

    async def _call(self, batch: list[Delivery]) -> tuple[list[Delivery], float]:
        """Return what is not stored yet, and the seconds the hub asks to wait."""
        single = len(batch) == 1
        bodies = [delivery.body() for delivery in batch]
        kind = "application/json" if single else "application/x-ndjson"
        try:
            async with self._session.post(
                self._url,
                data=bodies[0] if single else self._brand.pack(bodies),
                headers={**self._headers, "content-type": kind},
                timeout=aiohttp.ClientTimeout(total=CALL_SECONDS),
            ) as answer:
                body = await answer.read()
                status, headers = answer.status, answer.headers
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self.problem = f"{type(error).__name__}: {error}"
            return batch, 0.0
        if status in STORED_STATUSES:
            return ([] if single else _not_stored(batch, body)), 0.0
        if single and batch[0].kind == "malformed" and status in REFUSED_STATUSES:
            return [], 0.0
        self.problem = f"the hub answered {status}"
        return batch, _retry_after(headers)


class FolderSender:
    """Writes files into a watched folder: first under another name, renamed when whole."""

    def __init__(self, folder: Path, store: str, brand: Brand, run: str = "") -> None:
        self._folder = folder
        self._stem = f"{store}-{run}" if run else store
        self._brand = brand
        self._count = 0

    async def send(self, batch: Sequence[Delivery]) -> None:
        """Write one file for the batch; a malformed copy makes a file that is cut off."""
        self._count += 1
        name = f"{self._stem}-{self._count:06d}{self._brand.suffix}"
        content = file_of(list(batch), self._brand)
        await asyncio.to_thread(_write_whole, self._folder, name, content)


def _write_whole(folder: Path, name: str, content: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{name}.part"
    part.write_bytes(content)
    os.replace(part, folder / name)  # noqa: PTH105 - an atomic rename


def _not_stored(batch: list[Delivery], body: bytes) -> list[Delivery]:
    """Return the documents of a batch whose line says anything but stored, or has no line."""
    try:
        answers = _read_answers(body)
    except msgspec.DecodeError:
        return batch
    stored = {answer.line for answer in answers if answer.status in STORED_STATUSES}
    return [delivery for line, delivery in enumerate(batch, 1) if line not in stored]


def _retry_after(headers: Mapping[str, str]) -> float:
    text = headers.get("Retry-After", "")
    return float(text) if text.isdigit() and len(text) < 6 else 0.0
