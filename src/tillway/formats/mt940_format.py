"""Reads MT940 statements and MT942 reports: one record per line, as camt gives them.

Surprising: the pages of one statement (`:62M:`, then `:60M:`) are judged and numbered as one. What
a page says is read by the library `mt-940` (`mt940_pages`); what makes it usable is tested here.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, BinaryIO

from tillway.errors import Refused
from tillway.formats.base import Record, Unreadable
from tillway.formats.limits import CHUNK_BYTES, Limits
from tillway.formats.lines import lines_of
from tillway.formats.mt940_pages import Block, Page, page_of, require_library
from tillway.formats.refusals import empty_input, malformed, too_large, unreadable
from tillway.formats.statements import (
    Statement,
    encoded,
    lines_of_statement,
    own_records,
    refused,
    unfit,
)

_BEGINS, _ENDS = b":20:", (b"-", b"-}")


class Mt940Options(Limits, frozen=True, kw_only=True):
    """Options of `mt940`.

    * `encoding` is the encoding of the file, such as `iso-8859-1` or `cp852`; empty means UTF-8,
      and ISO 8859-1 for a page that is not UTF-8.
    * `record_bytes` is the size of one page (from `:20:` to the next) and `children` the lines of
      one statement; what exceeds one is refused. There are no levels: `nesting_depth` says nothing.
    """

    encoding: str = ""


class Mt940:
    """Statements of banks that send no camt. Needs the extra `bank`: TW-3054 without it."""

    name = "mt940"

    def __init__(self, options: Mt940Options) -> None:
        require_library(options.encoding)
        self._options = options

    def records(self, stream: BinaryIO) -> Iterator[Record | Unreadable]:
        """Yield the lines of every statement that adds up, and a refusal for every other."""
        whole, ours = own_records(stream, self._options, CHUNK_BYTES)
        if ours is not None:
            yield from ours
            return
        pages: list[Page] = []
        anything, found = False, False
        for block in self._blocks(whole):
            anything = True
            if block is None:
                continue
            found = True
            page = self._page(block)
            if isinstance(page, Unreadable):
                yield from self._statement(pages)
                pages = []
                yield page
                continue
            if pages and not page.continues(pages[-1]):
                yield from self._statement(pages)
                pages = []
            pages.append(page)
        yield from self._statement(pages)
        if not anything:
            yield empty_input()
        elif not found:
            yield unreadable(b"", malformed("TW-3053", "No line begins with :20:.", line=1))

    def encode(self, value: dict[str, Any]) -> bytes:
        """Write one line as the JSON that this format reads back."""
        return encoded(value)

    def _blocks(self, stream: BinaryIO) -> Iterator[Block | None]:
        """Yield each page as its lines; None where something stands before the first page."""
        block: Block | None = None
        closed = False
        for line in lines_of(stream, self._options.record_bytes):
            text = line.raw.rstrip(b"\r ")
            if text.startswith(_BEGINS):
                if block is not None:
                    yield block
                block, closed = Block(line.offset, line.number), False
            elif block is None:
                yield None
                continue
            if text.startswith(b":"):
                closed = False
            if text in _ENDS:
                closed = True
            elif not closed and block is not None:
                block.add(line, text, self._options.record_bytes)
        if block is not None:
            yield block

    def _page(self, block: Block) -> Page | Unreadable:
        """Read one page; one that cannot be read stands for itself."""
        fault: Refused | None = None
        if block.oversize:
            limit = self._options.record_bytes
            fault = too_large("TW-3010", f"A page is longer than {limit} bytes.", line=block.line)
        else:
            page = page_of(block, self._options.encoding)
            if isinstance(page, Page):
                return page
            fault = page
        return unreadable(b"", fault, offset=block.offset, line=block.line, fatal=False)

    def _statement(self, pages: list[Page]) -> Iterator[Record | Unreadable]:
        """Yield the lines of a statement, or its one refusal."""
        if not pages:
            return
        first, last = pages[0], pages[-1]
        statement = Statement(first.document, first.account, _number(first, last))
        statement.offset, statement.line = first.offset, first.line
        statement.told = {"number": first.number, "page": first.page, "to": last.day}
        statement.opening = dict(first.opening)
        statement.closing = dict(last.closing)
        statement.entries = [entry for page in pages for entry in page.entries]
        fault = self._fault(pages, statement)
        if fault is not None:
            yield refused(statement, fault)
            return
        notices = [note for page in pages for note in page.notices]
        if first.continued:
            notices.append("the pages before this one are not in the file")
        if last.to_be_continued:
            notices.append("the pages after this one are not in the file")
        for entry in statement.entries:
            entry.fields["notice"] = "; ".join(dict.fromkeys(notices))
        yield from lines_of_statement(statement)

    def _fault(self, pages: list[Page], statement: Statement) -> Refused | None:
        if len(statement.entries) > self._options.children:
            detail = f"More than {self._options.children} lines in one statement."
            return too_large("TW-3012", detail, line=statement.line)
        for before, after in pairwise(pages):
            if before.closing != after.opening:
                detail = "A page does not open with the balance the page before it closed with."
                return unfit("TW-3055", detail, path=":60M:", line=after.line)
        return next((fault for page in pages if (fault := page.wrong_totals())), None)


def _number(first: Page, last: Page) -> str:
    """Return the number of a statement: its day and number, for banks count anew each year."""
    parts = [last.day, first.number]
    if first.page and (first.continued or first.document != "statement"):
        parts.append(first.page)
    return "/".join(part for part in parts if part)
