"""Writes a mapping table as a function whose dicts are for the model alone.

A missing value stands as None where the model takes None for "not there", and what the model
refuses by itself is not asked about first. So most of a dict is one display instead of row after
row. Where the model refuses what came out, the function of `assembly.py` makes it again and tells
why.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import inspect

from tillway.mapping.assembly import Function, Writer, function_of
from tillway.mapping.codes import CodeTable
from tillway.mapping.kinds import may_be_float, may_be_none
from tillway.mapping.program import Program, Scope
from tillway.mapping.rows import Block, Row
from tillway.mapping.syntax import Literal
from tillway.mapping.targets import (
    field_at,
    item_of,
    refuses_emptiness,
    refuses_floats,
    shape_of,
    takes_none,
)

Path = tuple[str, ...]


def quick_function(
    top: Block, codes: Mapping[str, CodeTable], label: str, struct: type[msgspec.Struct]
) -> Function:
    """Return the quick function of a table whose targets are fields of struct.

    It raises what `table_function` raises, not always at the same row.
    """
    program = Program(codes, remembers=True)
    scope = Scope(program, {"this": "root"}, None)
    return function_of(_QuickWriter(program, scope, shape_of(struct)), top, label)[0]


class _QuickWriter(Writer):
    """Writes what a scope makes for one type of the model."""

    def __init__(self, program: Program, scope: Scope, made: inspect.Type) -> None:
        super().__init__(program, scope)
        self.made = made

    def inside(self, scope: Scope, block: Block) -> Writer:
        """Return the writer of a block, for what its list is made of."""
        field = field_at(self.made, block.target)
        below = item_of(field.type) if field else None
        return _QuickWriter(self.program, scope, below or inspect.AnyType())

    def rows(self, block: Block, out: str) -> list[str]:
        """Return the lines that make the object `out`: displays, and the rows that need a look."""
        displays, rest = self._displays(block), []
        for row in block.rows:
            entries = displays.get(row.target[:-1])
            if entries is None or not self._stands(row):
                rest.append(row)
            else:
                entries.append(f"{row.target[-1]!r}: {self.scope.text(row.node)}")
        lines: list[str] = []
        objects: dict[Path, str] = {(): out}
        for path in sorted(displays, key=len, reverse=True):
            name = objects.setdefault(path, self.program.fresh("o"))
            lines.append(f"{name} = {{{', '.join(displays[path])}}}")
            if path:
                displays[path[:-1]].append(f"{path[-1]!r}: {name}")
        return lines + self.put(rest, block.blocks, objects)

    def _displays(self, block: Block) -> dict[Path, list[str]]:
        """Return the objects that are there whatever the record holds, with no entries yet."""
        found: dict[Path, list[str]] = {(): []}
        paths = {row.target[:size] for row in block.rows for size in range(1, len(row.target))}
        for path in sorted(paths, key=len):
            if path[:-1] in found and self._is_there(path, block):
                found[path] = []
        return found

    def _is_there(self, path: Path, block: Block) -> bool:
        field = field_at(self.made, path)
        if field is None:
            return False
        if field.required and refuses_emptiness(field.type):
            return True
        return any(row.target[:-1] == path and not may_be_none(row.node) for row in block.rows)

    def _stands(self, row: Row) -> bool:
        """Tell whether the value of a row can be left to the model, whatever it turns out to be."""
        field = field_at(self.made, row.target)
        if field is None or row.node == Literal(None):
            return False
        if may_be_float(row.node) and not refuses_floats(field.type):
            return False
        return field.required or takes_none(field.type) or not may_be_none(row.node)
