"""The notifier's own small file beside the journal: open alerts, mutes, and letters not yet sent.

Surprising: nothing of it is in the journal, because a notice about the journal must not go through
the journal. The file is replaced whole; what was written last is what a restart finds.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

import msgspec

from tillway.watch.alerts import Book

_log = logging.getLogger(__name__)


class Letter(msgspec.Struct, kw_only=True):
    """One notice on its way to one receiver. Times are microseconds UTC; document is JSON text."""

    letter_id: str
    receiver: str
    priority: str
    subject: str
    text: str
    document: str
    created_at: int
    next_at: int
    attempts: int = 0
    error: str = ""


class State(msgspec.Struct):
    """Everything in the file."""

    book: Book = msgspec.field(default_factory=Book)
    letters: list[Letter] = []
    written: int = 0


class Spool(msgspec.Struct):
    """Reads and replaces the file; a disk that is full keeps nobody from being told."""

    path: Path
    _last: bytes = msgspec.field(default=b"")

    @classmethod
    def beside(cls, journal: Path) -> Spool:
        """Return the spool of a journal."""
        return cls(journal.with_name(f"{journal.name}.alerts.json"))

    def load(self) -> State:
        """Return what was kept; a file that cannot be read is put aside and told in the log."""
        try:
            self._last = self.path.read_bytes()
            return msgspec.json.decode(self._last, type=State)
        except FileNotFoundError:
            return State()
        except (OSError, msgspec.DecodeError) as error:
            _log.error("%s cannot be read and is put aside: %s", self.path.name, error)
            self._put_aside()
            return State()

    def save(self, state: State) -> bool:
        """Replace the file when something changed; False when the disk would not have it."""
        content = msgspec.json.encode(state)
        if content == self._last:
            return True
        fresh = self.path.with_suffix(".fresh")
        try:
            with fresh.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
        except OSError as error:
            _log.warning("alerts are kept in memory only: %s", error)
            return False
        self._last = content
        return True

    def _put_aside(self) -> None:
        try:
            self.path.replace(self.path.with_suffix(".damaged"))
        except OSError:
            _log.warning("%s could not be put aside", self.path.name)
