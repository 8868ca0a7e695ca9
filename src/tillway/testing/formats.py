"""What every format promises, as a suite: subclass `FormatSuite`, give the examples, run pytest.

Surprising: most of it is about bad input, because a format may never raise for that.
"""

from __future__ import annotations

import io
from itertools import pairwise
from typing import Any, BinaryIO, cast

import pytest

from tillway.errors import Refused, code_record
from tillway.formats import EXCERPT_BYTES, Format, Record, Unreadable


class SmallPieces(io.RawIOBase):
    """A stream that gives at most a few bytes at a time, as a network does."""

    def __init__(self, content: bytes, size: int = 3) -> None:
        super().__init__()
        self._rest = content
        self._size = size

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Return the next few bytes."""
        wanted = self._size if size < 0 else min(size, self._size)
        piece, self._rest = self._rest[:wanted], self._rest[wanted:]
        return piece

    def readline(self, size: int | None = -1, /) -> bytes:
        """Return the rest of a line, at most size bytes."""
        end = self._rest.find(b"\n") + 1 or len(self._rest)
        end = end if size is None or size < 0 else min(end, size)
        line, self._rest = self._rest[:end], self._rest[end:]
        return line


def answers(form: Format, content: bytes | BinaryIO) -> list[Record | Unreadable]:
    """Return everything a format says about a document."""
    stream = io.BytesIO(content) if isinstance(content, bytes) else content
    return list(form.records(stream))


def values(form: Format, content: bytes) -> list[dict[str, Any]]:
    """Return the values of the readable records of a document."""
    return [one.value for one in answers(form, content) if isinstance(one, Record)]


def refusals(form: Format, content: bytes) -> list[Unreadable]:
    """Return the places of a document that could not be read."""
    return [one for one in answers(form, content) if isinstance(one, Unreadable)]


class FormatSuite:
    """Give `opened(**options)`, `document`, `expected` and `oversize_options`.

    document has at least two records, expected their values; `alone` makes a document of the bytes
    of one record; oversize_options make every record of document too long.
    """

    document: bytes
    expected: tuple[dict[str, Any], ...]
    oversize_options: dict[str, Any] = {"record_bytes": 4}  # noqa: RUF012 - read only

    def opened(self, **options: Any) -> Format:
        """Return the format under test with more options."""
        raise NotImplementedError

    def alone(self, raw: bytes) -> bytes:
        """Return a document with one record, from the bytes of that record."""
        return raw

    def test_every_record_is_read(self) -> None:
        """A good document gives its records in order and nothing else."""
        assert [one.value for one in self._records(self.document)] == list(self.expected)

    def test_small_pieces_change_nothing(self) -> None:
        """A stream that trickles gives the same records as one that comes at once."""
        stream = cast("BinaryIO", SmallPieces(self.document))
        found = answers(self.opened(), stream)
        assert [one.value for one in found if isinstance(one, Record)] == list(self.expected)

    def test_the_bytes_of_a_record_read_back_as_it(self) -> None:
        """The raw bytes of a record, read again, are the same record."""
        for record in self._records(self.document):
            assert values(self.opened(), self.alone(record.raw)) == [record.value]

    def test_an_encoded_record_reads_back_as_it(self) -> None:
        """A record written back to bytes is the same record."""
        form = self.opened()
        for value in self.expected:
            assert values(form, self.alone(form.encode(value))) == [value]

    def test_places_rise(self) -> None:
        """Offsets and lines never go back."""
        records = self._records(self.document)
        for before, after in pairwise(records):
            assert (before.offset, before.line) <= (after.offset, after.line)

    def test_empty_input_is_answered(self) -> None:
        """Nothing at all is one fatal answer with its own code."""
        found = refusals(self.opened(), b"")
        assert [(one.error.code, one.fatal) for one in found] == [("TW-3023", True)]

    def test_a_cut_off_document_keeps_its_good_prefix(self) -> None:
        """Wherever a document is cut, what comes out is a prefix of it, and never an exception."""
        whole = list(self.expected)
        for length in range(1, len(self.document)):
            found = answers(self.opened(), self.document[:length])
            good = [one.value for one in found if isinstance(one, Record)]
            complete = [value for value in good if value in whole]
            assert complete == whole[: len(complete)]
            assert len(good) - len(complete) <= 1

    def test_a_record_too_long_is_refused_as_such(self) -> None:
        """A record above the limit is refused with status 413."""
        form = self.opened(**self.oversize_options)
        found = refusals(form, self.document)
        assert found
        assert {cast("Refused", one.error).status for one in found} == {413}
        assert values(form, self.document) == []

    @pytest.mark.parametrize(
        "content",
        [b"\x00" * 40, b"\xff\xfe\xfd", b"]]]]", b"<<<<", b'"' * 41, b"\n\n\n\n", b"%PDF-1"],
    )
    def test_rubbish_is_answered(self, content: bytes) -> None:
        """Bytes of another kind give coded answers whose excerpts are short, and no exception."""
        for one in refusals(self.opened(), content):
            assert code_record(one.error.code) is not None
            assert len(one.raw) <= EXCERPT_BYTES

    def _records(self, content: bytes) -> list[Record]:
        found = answers(self.opened(), content)
        assert [one for one in found if isinstance(one, Unreadable)] == []
        return [one for one in found if isinstance(one, Record)]
