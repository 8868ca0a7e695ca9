"""The note by which a person tells a running hub that its restored journal was looked at.

Surprising: it is a file beside the journal, because the hub holds the journal; the hub takes it
over within seconds and writes it down for good.
"""

from __future__ import annotations

from pathlib import Path

import msgspec


class Acknowledgement(msgspec.Struct, frozen=True):
    """Who looked at a restored journal, when (microseconds UTC) and why that settles it."""

    at: int
    who: str
    reason: str


def leave(journal: Path, note: Acknowledgement) -> None:
    """Leave a note for the hub that holds a journal."""
    fresh = note_path(journal).with_suffix(".fresh")
    fresh.write_bytes(msgspec.json.encode(note))
    fresh.replace(note_path(journal))


def take(journal: Path) -> Acknowledgement | None:
    """Return the note that was left, None when there is none."""
    try:
        return msgspec.json.decode(note_path(journal).read_bytes(), type=Acknowledgement)
    except (OSError, msgspec.DecodeError):
        return None


def note_path(journal: Path) -> Path:
    """Return where a note lies."""
    return journal.with_name(journal.name + ".acknowledged.json")
