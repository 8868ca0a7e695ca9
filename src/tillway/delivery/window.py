"""Reads the journal after a route's position: from memory when caught up, else from the journal.

What a commit accepts is kept as the tail only while it follows without a gap on what was read; when
the tail grows too long it is dropped and the journal is read again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from tillway.delivery.bounds import READ_MESSAGES, TAIL_MESSAGES
from tillway.journal.base import Journal, StoredMessage


class Window:
    """Hands out accepted messages once each, in order. position: the last one handed out."""

    def __init__(self, journal: Journal, position: int, heard: Callable[[], None]) -> None:
        self.position = position
        self.newest = position
        self._journal = journal
        self._heard = heard
        self._tail: deque[StoredMessage] = deque()
        self._live = False
        self._gap = False
        self._cancel = journal.subscribe(self._listen)

    @property
    def has_more(self) -> bool:
        """Whether there may be messages that were not handed out."""
        return not self._live or bool(self._tail)

    def close(self) -> None:
        """Listen no more."""
        self._cancel()

    @property
    def is_live(self) -> bool:
        """Whether the tail follows without a gap, so that the journal need not be read."""
        return self._live

    def take_tail(self) -> list[StoredMessage]:
        """Return the next messages from memory; only while live."""
        tail = self._tail
        found = [tail.popleft() for _ in range(min(len(tail), READ_MESSAGES))]
        return self._handed_out(found)

    async def fetch(self) -> Sequence[StoredMessage]:
        """Return the next messages from the journal, and go live when that reached its end."""
        # Whatever is committed from here on is heard, so a read that reaches the end leaves no gap.
        self._tail.clear()
        self._gap = False
        found = await self._journal.read(self.position, READ_MESSAGES)
        if len(found) < READ_MESSAGES and not self._gap:
            last = found[-1].position if found else self.position
            while self._tail and self._tail[0].position <= last:
                self._tail.popleft()
            self._live = True
        return self._handed_out(found)

    def _handed_out(self, found: list[StoredMessage]) -> list[StoredMessage]:
        if found:
            self.position = found[-1].position
            self.newest = max(self.newest, self.position)
        return found

    def _listen(self, messages: Sequence[StoredMessage]) -> None:
        if messages[-1].position <= self.position:
            # A commit can be read before it is heard of: it was handed out by that read.
            return
        self.newest = messages[-1].position
        if len(self._tail) + len(messages) > TAIL_MESSAGES:
            self._tail.clear()
            self._live = False
            self._gap = True
        elif not self._gap:
            self._tail.extend(messages)
        self._heard()
