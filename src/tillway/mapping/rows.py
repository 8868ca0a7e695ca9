"""A mapping table with every expression read and checked: rows in blocks, blocks in blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from tillway.errors import ConfigurationError
from tillway.mapping.codes import CodeTable
from tillway.mapping.layout import BlockText, RowText
from tillway.mapping.parser import GROUP_NAMES, ITEM_NAMES, RECORD_NAMES, Place, parse
from tillway.mapping.syntax import Node


class Row(msgspec.Struct, frozen=True):
    """One row: target is the path inside its block, text the expression as written."""

    target: tuple[str, ...]
    text: str
    node: Node
    at: str

    @property
    def name(self) -> str:
        """The target as one dotted name."""
        return ".".join(self.target)


class Block(msgspec.Struct, frozen=True):
    """The rows of one scope: the record (`map`), each item of a list, or each group of items.

    source, where and by are the rows that say what it runs over; source is None for `map`, by is
    set for a group only. where and by see the source item, the rows of a group see key and rows.
    """

    kind: str
    name: str
    target: tuple[str, ...]
    source: Row | None
    where: Row | None
    by: Row | None
    rows: tuple[Row, ...]
    blocks: tuple[Block, ...]

    def everything(self) -> Iterator[Row]:
        """Yield every row of this block and the blocks below, with from, where and by."""
        yield from (row for row in (self.source, self.where, self.by) if row is not None)
        yield from self.rows
        for block in self.blocks:
            yield from block.everything()


class BlockReader:
    """Reads blocks; problems collects every error, so that all of a table are told at once."""

    def __init__(self, codes: Mapping[str, CodeTable]) -> None:
        self.codes = codes
        self.problems: list[ConfigurationError] = []

    def block(self, text: BlockText, outer: Place | None = None) -> Block:
        """Read one block; outer is the scope its `from` is evaluated in, None for the record."""
        names, fields = RECORD_NAMES, True
        if outer is not None:
            names, fields = ITEM_NAMES, True
            if text.kind == "group":
                names, fields = GROUP_NAMES, False
        inside = Place("", names=names, fields=fields)
        item = Place("")
        return Block(
            text.kind,
            text.name,
            text.target,
            self.setting(text, "from", outer),
            self.setting(text, "where", item),
            self.setting(text, "by", item),
            tuple(row for row in (self.row(one, text.name, inside) for one in text.rows) if row),
            tuple(self.block(inner, inside) for inner in text.blocks),
        )

    def setting(self, text: BlockText, key: str, place: Place | None) -> Row | None:
        """Read from, where or by of a block; None where it is not written."""
        written = text.settings.get(key)
        return self.row(written, text.name, place) if written and place else None

    def row(self, written: RowText, block: str, place: Place) -> Row | None:
        """Read one row; an error goes to problems."""
        name = ".".join((block, *written.target)) if block else ".".join(written.target)
        here = Place(written.at, name, place.names, place.fields)
        try:
            node = parse(written.expression, self.codes, here)
        except ConfigurationError as problem:
            self.problems.append(problem)
            return None
        return Row(written.target, written.expression, node, written.at)
