"""From a submission to journal items: reads records and prepares each, in memory bounds.

It runs on the hub's event loop for a lone message, and in a worker process for a batch or for some
messages that came together; it knows neither, and does no input or output of its own but reading
the stream.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from tillway.connect import Submission
from tillway.formats import Format, Record, Unreadable
from tillway.intake.pipeline import Arrival, Pipeline
from tillway.journal.base import Candidate, Invalid, RefusedItem

GROUP_RECORDS = 64
"""Records handed to the journal at once."""
TOGETHER_RECORDS = 16
TOGETHER_BYTES = 16 * 1024
"""Records that pass the pipeline together: so many, or of so many bytes. Their trees are ten times
as large, and more of them would push one another out of the processor's cache."""

Entry = tuple[int, Record | Unreadable]
"""What was read, and of which submission."""


class Taken(msgspec.Struct, array_like=True, gc=False):
    """A place of the input, and the journal item it became.

    error is what the sender is told where nothing could be read; fatal: nothing after it was read;
    part: which of the submissions it belongs to that were taken together.
    The tree of a record is let go of at once: a thousand trees that wait for their commit push what
    is being worked on out of the processor's cache.
    """

    line: int
    offset: int
    item: Candidate | Invalid | RefusedItem
    error: dict[str, Any] | None = None
    fatal: bool = False
    part: int = 0


class Preparation:
    """Prepares the submissions of one door."""

    def __init__(self, door: str, pipeline: Pipeline) -> None:
        self._door = door
        self._pipeline = pipeline
        self._formats: dict[str, Format] = {}

    def taken(self, *submissions: Submission) -> Iterator[Taken]:
        """Yield what every record of some submissions became, in order."""
        for arrived in _together(self._entries(submissions)):
            arrivals = [
                Arrival(entry, submissions[part].store, submissions[part].trace_id)
                for part, entry in arrived
                if isinstance(entry, Record)
            ]
            items = iter(self._pipeline.take(arrivals, door=self._door))
            for part, entry in arrived:
                if isinstance(entry, Record):
                    yield Taken(entry.line, entry.offset, next(items), part=part)
                else:
                    yield self._refused(entry, part)

    def _entries(self, submissions: Sequence[Submission]) -> Iterator[Entry]:
        for part, submission in enumerate(submissions):
            for entry in self._format(submission).records(_stream(submission.body)):
                yield part, entry

    def _refused(self, entry: Unreadable, part: int) -> Taken:
        item = RefusedItem(self._door, entry.error.code)
        return Taken(entry.line, entry.offset, item, entry.error.as_json(), entry.fatal, part)

    def _format(self, submission: Submission) -> Format:
        name = submission.format
        if not name or name == self._pipeline.format.name:
            return self._pipeline.format
        if name not in self._formats:
            self._formats[name] = self._pipeline.batch_format(name)
        return self._formats[name]


def _together(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    gathered: list[Entry] = []
    size = 0
    for entry in entries:
        gathered.append(entry)
        size += len(entry[1].raw)
        if size >= TOGETHER_BYTES or len(gathered) >= TOGETHER_RECORDS:
            yield gathered
            gathered, size = [], 0
    if gathered:
        yield gathered


def _stream(body: Any) -> Any:
    return io.BytesIO(body) if isinstance(body, bytes | bytearray) else body
