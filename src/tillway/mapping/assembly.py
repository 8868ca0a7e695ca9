"""Writes the whole of a mapping table as one function from a record to a canonical dict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tillway.mapping.codes import CodeTable
from tillway.mapping.kinds import may_be_float, may_be_none
from tillway.mapping.program import Program, Scope
from tillway.mapping.rows import Block, Row
from tillway.mapping.syntax import Literal, Read

INDENT = "    "


def table_function(
    top: Block, codes: Mapping[str, CodeTable], label: str
) -> tuple[Callable[[Mapping[str, Any]], dict[str, Any]], str]:
    """Return the function of a table and its text.

    The function raises RowFault at the first row that fails, or TypeError where a list or an
    object stands for a value.
    """
    program = Program(codes, remembers=True)
    root = Scope(program, {"this": "root"}, None)
    body = _Writer(program, root).rows(top, "out")
    lines = ["def apply(root):"]
    lines += [INDENT + line for line in ("out = {}", *root.lines, *body, "return out")]
    text = "\n".join(lines) + "\n"
    return program.build(text, "apply", label), text


class _Writer:
    """Writes the rows and the inner blocks of one scope."""

    def __init__(self, program: Program, scope: Scope) -> None:
        self.program = program
        self.scope = scope

    def rows(self, block: Block, out: str) -> list[str]:
        lines: list[str] = []
        objects: dict[tuple[str, ...], str] = {(): out}
        for row in block.rows:
            self._open(row.target[:-1], objects, lines)
            lines += self._row(row, objects[row.target[:-1]])
        for inner in block.blocks:
            self._open(inner.target[:-1], objects, lines)
            lines += self._block(inner, objects[inner.target[:-1]])
        for path in sorted(objects, key=len, reverse=True):
            if path:
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
        assert block.source is not None
        source, made = self.program.fresh("s"), self.program.fresh("l")
        inside = self._group(block, source, made) if block.by else self._each(block, source, made)
        return [
            f"{source} = items({self.scope.text(block.source.node)})",
            f"if {source} is not None:",
            *(INDENT + line for line in inside),
            f"{INDENT}{out}[{block.target[-1]!r}] = {made}",
        ]

    def _each(self, block: Block, source: str, made: str) -> list[str]:
        item, position, out = (self.program.fresh(prefix) for prefix in ("i", "p", "o"))
        names = {"this": item, "position": position}
        scope = Scope(self.program, names, self.scope.root)
        body = [*self._head(block, scope), f"{position} += 1", f"{out} = {{}}"]
        rows = _Writer(self.program, scope).rows(block, out)
        body += [*scope.lines, *rows, f"{made}.append({out})"]
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
        rows = _Writer(self.program, inside).rows(block, out)
        body = [f"{position} += 1", f"{out} = {{}}", *inside.lines, *rows, f"{made}.append({out})"]
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


def _loop(source: str, item: str, body: list[str]) -> list[str]:
    check = [f"if {item}.__class__ is not record_class:", f"{INDENT}{item} = record_of({item})"]
    return [f"for {item} in {source}:", *(INDENT + line for line in (*check, *body))]
