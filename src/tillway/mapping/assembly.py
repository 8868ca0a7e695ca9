"""Writes the whole of a mapping table as one function from a record to a canonical dict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tillway.mapping.codes import CodeTable
from tillway.mapping.kinds import may_be_float, may_be_none
from tillway.mapping.program import LIST_OF_THIS, Program, Scope
from tillway.mapping.rows import Block, Row
from tillway.mapping.syntax import Literal, Read, parts_of

INDENT = "    "
Function = Callable[[Mapping[str, Any]], dict[str, Any]]


def table_function(top: Block, codes: Mapping[str, CodeTable], label: str) -> Function:
    """Return the function of a table.

    It raises RowFault at the first row that fails, or TypeError where a list or an
    object stands for a value.
    """
    program = Program(codes, remembers=True)
    return function_of(Writer(program, Scope(program, {"this": "root"}, None)), top, label)


def function_of(writer: Writer, top: Block, label: str) -> Function:
    """Return what a writer makes of a whole table as one function."""
    body = writer.rows(top, "out")
    lines = ["def apply(root):"]
    lines += [INDENT + line for line in (*writer.scope.lines, *body, "return out")]
    text = "\n".join(lines) + "\n"
    return writer.program.build(text, "apply", label)


class Writer:
    """Writes the rows and the inner blocks of one scope."""

    def __init__(self, program: Program, scope: Scope) -> None:
        self.program = program
        self.scope = scope

    def inside(self, scope: Scope, _block: Block) -> Writer:
        """Return the writer of a block inside this one."""
        return Writer(self.program, scope)

    def rows(self, block: Block, out: str) -> list[str]:
        """Return the lines that make the object `out` of a block."""
        lines = [f"{out} = {{}}"]
        objects: dict[tuple[str, ...], str] = {(): out}
        for row in block.rows:
            self._open(row.target[:-1], objects, lines)
            lines += self._row(row, objects[row.target[:-1]])
        for inner in block.blocks:
            self._open(inner.target[:-1], objects, lines)
            lines += self._block(inner, objects[inner.target[:-1]])
        # An object inside is kept if it holds something in the end.
        for path in sorted(objects.keys() - {()}, key=len, reverse=True):
            name, above = objects[path], objects[path[:-1]]
            lines += [f"if {name}:", f"{INDENT}{above}[{path[-1]!r}] = {name}"]
        return lines

    def _open(
        self, path: tuple[str, ...], objects: dict[tuple[str, ...], str], lines: list[str]
    ) -> None:
        for size in range(1, len(path) + 1):
            if path[:size] not in objects:
                objects[path[:size]] = self.program.fresh("o")
                lines.append(f"{objects[path[:size]]} = {{}}")

    def _row(self, row: Row, out: str) -> list[str]:
        if isinstance(row.node, Literal) and row.node.value is None:
            return []
        value = self.scope.text(row.node)
        put = f"{out}[{row.target[-1]!r}]"
        floats, nones = may_be_float(row.node), may_be_none(row.node)
        if not (floats or nones):
            return [f"{put} = {value}"]
        lines = []
        if not isinstance(row.node, Read):
            name = self.program.fresh("t")
            lines, value = [f"{name} = {value}"], name
        if floats:
            # Nearly every value is a text, so that is asked first.
            return [
                *lines,
                f"if {value}.__class__ is str:",
                f"{INDENT}{put} = {value}",
                f"elif {value} is not None:",
                f"{INDENT}if {value}.__class__ is float_class:",
                f"{INDENT * 2}refuse_float()",
                f"{INDENT}{put} = {value}",
            ]
        return [*lines, f"if {value} is not None:", f"{INDENT}{put} = {value}"]

    def _block(self, block: Block, out: str) -> list[str]:
        made = self.program.fresh("l")
        return self.listed(block, made, [f"{out}[{block.target[-1]!r}] = {made}"])

    def listed(self, block: Block, made: str, then: list[str]) -> list[str]:
        """Return the lines that gather the list `made` of a block, and then, where there is one."""
        assert block.source is not None
        if block.source.node == LIST_OF_THIS and not block.by and not _counts(block):
            return [*self._lone(block, made), *then]
        source = self.program.fresh("s")
        inside = self._group(block, source, made) if block.by else self._each(block, source, made)
        found = self.scope.text(block.source.node)
        if isinstance(block.source.node, Read):
            found = f"{found} if {found}.__class__ is list_class else items({found})"
        elif block.source.node != LIST_OF_THIS:
            found = f"items({found})"
        return [
            f"{source} = {found}",
            f"if {source} is not None:",
            *(INDENT + line for line in (*inside, *then)),
        ]

    def _lone(self, block: Block, made: str) -> list[str]:
        """Return the lines of a block over the record at hand alone: no loop, and its own reads."""
        out = self.program.fresh("o")
        rows = [*self.inside(self.scope, block).rows(block, out), f"{made} = [{out}]"]
        if block.where is not None:
            test = self.scope.condition(block.where.node)
            rows = [f"if {test}:", *(INDENT + line for line in rows)]
        return [f"{made} = []", *rows]

    def _each(self, block: Block, source: str, made: str) -> list[str]:
        item, position, out = (self.program.fresh(prefix) for prefix in ("i", "p", "o"))
        names = {"this": item, "position": position}
        scope = Scope(self.program, names, self.scope.root)
        head = self._head(block, scope)
        rows = self.inside(scope, block).rows(block, out)
        body = [*head, *scope.lines, *rows, f"{made}.append({out})"]
        if not _counts(block):
            return [f"{made} = []", *_loop(source, item, body)]
        body.insert(len(head), f"{position} += 1")
        return [f"{made} = []", f"{position} = 0", *_loop(source, item, body)]

    def _group(self, block: Block, source: str, made: str) -> list[str]:
        assert block.by is not None
        item, groups, position = (self.program.fresh(prefix) for prefix in ("i", "g", "p"))
        scope = Scope(self.program, {"this": item}, self.scope.root)
        head = self._head(block, scope)
        key = scope.text(block.by.node)
        gather = [*head, *scope.lines, f"group_of({groups}, {key}, {item})"]
        names = {name: self.program.fresh(name[0]) for name in ("key", "rows")}
        out = self.program.fresh("o")
        inside = Scope(self.program, {**names, "position": position}, self.scope.root)
        rows = self.inside(inside, block).rows(block, out)
        body = [f"{position} += 1", *inside.lines, *rows, f"{made}.append({out})"]
        return [
            f"{groups} = {{}}",
            *_loop(source, item, gather),
            f"{made} = []",
            f"{position} = 0",
            f"for {names['key']}, {names['rows']} in {groups}.items():",
            *(INDENT + line for line in body),
        ]

    @staticmethod
    def _head(block: Block, scope: Scope) -> list[str]:
        """Return the filter of a block with the reads it needs; the scope's later reads follow."""
        if block.where is None:
            return []
        test = scope.condition(block.where.node)
        lines = [*scope.lines, f"if not {test}:", f"{INDENT}continue"]
        scope.lines.clear()
        return lines


def _counts(block: Block) -> bool:
    """Tell whether a row of a block, or of one inside it, asks for a position."""
    return any(
        isinstance(part, Read) and part.origin == "position"
        for row in block.everything()
        for part in parts_of(row.node)
    )


def _loop(source: str, item: str, body: list[str]) -> list[str]:
    check = [f"if {item}.__class__ is not record_class:", f"{INDENT}{item} = record_of({item})"]
    return [f"for {item} in {source}:", *(INDENT + line for line in (*check, *body))]
