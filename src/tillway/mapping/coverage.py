"""Which source fields a mapping table reads, written as `items[].taxes[].rate`."""

from __future__ import annotations

from collections.abc import Iterator

from tillway.mapping.rows import Block
from tillway.mapping.syntax import Call, Literal, Node, Read, parts_of, path_text

_OVER_ROWS = frozenset({"total_of", "count"})


def source_fields(top: Block) -> set[str]:
    """Return every source path the table reads, lists marked with []."""
    return set(_of_block(top, [""], [""]))


def record_fields(top: Block) -> frozenset[str] | None:
    """Return the fields of the record itself that the table reads; None where it may read any.

    What it reads of the others, however deep, it cannot tell from their absence.
    """
    own = [row.node for row in top.rows]
    own += [block.source.node for block in top.blocks if block.source is not None]
    reads = [part for node in own for part in parts_of(node) if _reads(part, "this")]
    everywhere = (part for row in top.everything() for part in parts_of(row.node))
    reads += [part for part in everywhere if _reads(part, "root")]
    steps = {part.steps[0] if part.steps else None for part in reads if isinstance(part, Read)}
    names = frozenset(step for step in steps if isinstance(step, str))
    return names if len(names) == len(steps) else None


def _reads(part: Node, origin: str) -> bool:
    return isinstance(part, Read) and part.origin == origin


def _of_block(block: Block, outer: list[str], rows: list[str]) -> Iterator[str]:
    """Yield the paths of one block; outer says where `this` or `rows` of the scope above stands."""
    inside, gathered = outer, rows
    if block.source is not None:
        yield from _of_row(block.source.node, outer, rows)
        inside = list(_items(block.source.node, outer, rows))
        for row in (block.where, block.by):
            if row is not None:
                yield from _of_row(row.node, inside, [])
        if block.by is not None:
            inside, gathered = [], inside
    for row in block.rows:
        yield from _of_row(row.node, inside, gathered)
    for below in block.blocks:
        yield from _of_block(below, inside, gathered)


def _of_row(node: Node, this: list[str], rows: list[str]) -> Iterator[str]:
    for part in parts_of(node):
        if isinstance(part, Read) and part.steps and part.origin in {"this", "root"}:
            yield from _paths(part, this)
        elif isinstance(part, Call) and part.function in _OVER_ROWS and len(part.arguments) > 1:
            field = part.arguments[1]
            if isinstance(field, Literal) and isinstance(field.value, str):
                for start in _items(part.arguments[0], this, rows):
                    yield _joined(start, field.value)


def _items(source: Node, this: list[str], rows: list[str]) -> Iterator[str]:
    """Yield where the items of a list expression come from."""
    for part in parts_of(source):
        if isinstance(part, Read) and part.origin == "rows" and not part.steps:
            yield from rows
        elif isinstance(part, Read) and part.origin == "this" and not part.steps:
            yield from this
        elif isinstance(part, Read) and part.steps:
            yield from (f"{path}[]" for path in _paths(part, this))


def _paths(part: Read, this: list[str]) -> Iterator[str]:
    starts = this if part.origin == "this" else [""]
    for start in starts:
        yield _joined(start, path_text(part.steps))


def _joined(start: str, path: str) -> str:
    return f"{start}.{path}" if start else path
