"""Writes a mapping table as a function whose result is for the model alone.

Parts of the message whose every value can be tested in a line are made at once, as the structs they
will be. The rest is a dict for msgspec: a missing value stands as None where the model takes None
for "not there", and what the model refuses by itself is not asked about first. Where a test fails,
or the model refuses what came out, the function of `assembly.py` makes it again and tells why.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import inspect

from tillway.mapping.assembly import INDENT, Function, Writer, function_of
from tillway.mapping.codes import CodeTable
from tillway.mapping.fitting import Fit, fit
from tillway.mapping.kinds import may_be_float, may_be_none
from tillway.mapping.program import Program, Scope
from tillway.mapping.rows import Block, Row
from tillway.mapping.syntax import CodeLookup, Literal, Read, parts_of
from tillway.mapping.targets import (
    field_at,
    item_of,
    plain_of,
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
    return function_of(_QuickWriter(program, scope, shape_of(struct), whole=True), top, label)


class _QuickWriter(Writer):
    """Writes what a scope makes for one type of the model; whole: it is the message itself."""

    def __init__(
        self, program: Program, scope: Scope, made: inspect.Type, *, whole: bool = False
    ) -> None:
        super().__init__(program, scope)
        self.made = made
        self.whole = whole

    def inside(self, scope: Scope, block: Block) -> Writer:
        """Return the writer of a block, for what its list is made of."""
        return _QuickWriter(self.program, scope, _item_at(self.made, block))

    def rows(self, block: Block, out: str) -> list[str]:
        """Return the lines that make the object `out` of a block."""
        return self._object(block, (), out)

    def _object(self, block: Block, path: Path, out: str) -> list[str]:
        """Return the lines that make the object at a path: {} or None when it may be left out."""
        struct = self._struct(block, path)
        if struct is None:
            return self._dict(block, path, out)
        return self._made_at_once(block, path, out, struct)

    def _struct(self, block: Block, path: Path) -> type | None:
        # The message itself is left to msgspec, which looks at it as a whole in the end.
        return None if self.whole and not path else _struct_of(self.made, block, path, self.program)

    # --- as a struct ---

    def _made_at_once(self, block: Block, path: Path, out: str, struct: type) -> list[str]:
        always = self._is_there(path, block)
        lines: list[str] = []
        values: dict[str, str] = {}
        tests: list[str] = []
        found: list[str] = []
        for row in _rows_at(block, path):
            text = self.scope.text(row.node)
            name = text if text.isidentifier() else self.program.fresh("t")
            field = field_at(self.made, row.target)
            how = fit(field, row.node, name, self.program) if field else None
            assert how is not None, "`_struct_of` saw to it"
            tests += how.tests
            found.append(name)
            if always and how == Fit(name):
                values[row.target[-1]] = text
                continue
            values[row.target[-1]] = how.text
            if name != text:
                lines.append(f"{name} = {text}")
        for below in _paths_below(block, path):
            values[below[-1]] = name = self.program.fresh("o")
            lines += self._object(block, below, name)
            found.append(name)
            if not self._is_there(below, block) and _is_required(self.made, below):
                tests.append(f"{name} is not None")
        for inner in _blocks_at(block, path):
            name = self.program.fresh("l")
            lines += [f"{name} = None", *self.listed(inner, name, [f"{name} = tuple({name})"])]
            values[inner.target[-1]] = f"() if {name} is None else {name}"
            found.append(name)
            if _is_required(self.made, inner.target):
                tests.append(f"{name} is not None")
        made = self.program.constant(("struct", struct), struct, "struct")
        arguments = ", ".join(f"{name}={text}" for name, text in values.items())
        build = [f"{out} = {made}({arguments})"]
        if tests:
            build = [f"if not ({' and '.join(tests)}):", f"{INDENT}unfit()", *build]
        if always:
            return self._remembered(block, path, out, lines + build)
        there = " or ".join(f"{name} is not None" for name in found)
        return [*lines, f"{out} = None", f"if {there}:", *(INDENT + line for line in build)]

    def _remembered(self, block: Block, path: Path, out: str, made: list[str]) -> list[str]:
        """Return the lines that make a part only if it was not made of the same values before.

        That pays where a part has more fields than values it is made of: what an item is called in
        three ways stands on a thousand receipts. A code table may learn, so codes are looked up.
        """
        rows = _rows_at(block, path)
        parts = [part for row in rows for part in parts_of(row.node)]
        reads = list(dict.fromkeys(part for part in parts if isinstance(part, Read)))
        if (
            not 0 < len(reads) < len(rows)
            or any(isinstance(part, CodeLookup) for part in parts)
            or any(read.origin not in {"this", "root"} for read in reads)
            or _paths_below(block, path)
            or _blocks_at(block, path)
        ):
            return made
        values = self.program.fresh("k")
        known = self.program.constant(("parts", values), {}, "parts")
        return [
            f"{values} = ({', '.join(map(self.scope.text, reads))},)",
            "try:",
            f"{INDENT}{out} = {known}.get({values})",
            "except unhashable:",
            f"{INDENT}{out} = None",
            f"if {out} is None:",
            *(INDENT + line for line in made),
            f"{INDENT}remember({known}, {values}, {out})",
        ]

    # --- as a dict ---

    def _dict(self, block: Block, path: Path, out: str) -> list[str]:
        before: list[str] = []
        entries: list[str] = []
        after: list[str] = []
        always = self._is_there(path, block)
        for row in _rows_at(block, path):
            if always and self._stands(row):
                entries.append(f"{row.target[-1]!r}: {self.scope.text(row.node)}")
            else:
                after += self._row(row, out)
        for below in _paths_below(block, path):
            name, key = self.program.fresh("o"), below[-1]
            before += self._object(block, below, name)
            if self._is_there(below, block):
                entries.append(f"{key!r}: {name}")
            else:
                after += [f"if {name}:", f"{INDENT}{out}[{key!r}] = {name}"]
        for inner in _blocks_at(block, path):
            after += self._block(inner, out)
        return [*before, f"{out} = {{{', '.join(entries)}}}", *after]

    def _is_there(self, path: Path, block: Block) -> bool:
        """Tell whether an object is there whatever the record holds."""
        if not path:
            return True
        field = field_at(self.made, path)
        if field is None:
            return False
        if field.required and refuses_emptiness(field.type) and self._is_there(path[:-1], block):
            return True
        return any(not may_be_none(row.node) for row in _rows_at(block, path))

    def _stands(self, row: Row) -> bool:
        """Tell whether the value of a row can be left to the model, whatever it turns out to be."""
        field = field_at(self.made, row.target)
        if field is None or row.node == Literal(None):
            return False
        if may_be_float(row.node) and not refuses_floats(field.type):
            return False
        return field.required or takes_none(field.type) or not may_be_none(row.node)


def _rows_at(block: Block, path: Path) -> list[Row]:
    return [row for row in block.rows if row.target[:-1] == path]


def _blocks_at(block: Block, path: Path) -> list[Block]:
    return [inner for inner in block.blocks if inner.target[:-1] == path]


def _paths_below(block: Block, path: Path) -> list[Path]:
    """Return the paths of the objects right below the one at a path, in the order of the rows."""
    size = len(path)
    targets = [row.target for row in block.rows] + [inner.target for inner in block.blocks]
    inside = (target for target in targets if len(target) > size + 1 and target[:size] == path)
    return list(dict.fromkeys(target[: size + 1] for target in inside))


def _is_required(info: inspect.Type, path: Path) -> bool:
    field = field_at(info, path)
    return field is not None and field.required


def _item_at(info: inspect.Type, block: Block) -> inspect.Type:
    """Return what the list of a block is made of."""
    field = field_at(info, block.target)
    return (item_of(field.type) if field else None) or inspect.AnyType()


def _struct_of(info: inspect.Type, block: Block, path: Path, program: Program) -> type | None:
    """Return the struct to make of an object, None where msgspec must look at what is in it."""
    field = field_at(info, path)
    plain = plain_of(field.type if field else info)
    if not isinstance(plain, inspect.StructType) or hasattr(plain.cls, "__post_init__"):
        return None
    for row in _rows_at(block, path):
        target = field_at(info, row.target)
        if target is None or fit(target, row.node, "", program) is None:
            return None
    if any(_struct_of(info, block, below, program) is None for below in _paths_below(block, path)):
        return None
    for inner in _blocks_at(block, path):
        target = field_at(info, inner.target)
        held = plain_of(target.type) if target else None
        if not isinstance(held, inspect.VarTupleType) or (held.min_length, held.max_length) != (
            None,
            None,
        ):
            return None
        if _struct_of(_item_at(info, inner), inner, (), program) is None:
            return None
    return plain.cls
