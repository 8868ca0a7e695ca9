"""Reads a mapping table's TOML into rows and blocks, with the line each one stands on.

Nothing is compiled here. A table inside a block is a nested block when it has a `from`, otherwise
a group of dotted rows; both ways of writing mean the same.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tillway.errors import ConfigurationError
from tillway.mapping import limits
from tillway.spelling import nearest

TOP_KEYS = ("message_type", "output", "version", "description", "map", "each", "group")
_HEADER = re.compile(r"\s*\[\[?\s*([^\[\]]+?)\s*\]")
_KEY = re.compile(r"""\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*=""")
_TOML_LINE = re.compile(r"at line (\d+)")


class RowText(msgspec.Struct, frozen=True):
    """One row as written: the target inside its block, the expression, and where it stands."""

    target: tuple[str, ...]
    expression: Any
    at: str


class BlockText(msgspec.Struct):
    """One block as written: `map` at the top, below it every `each` and `group`.

    target is the path inside the parent block; name is the whole dotted name.
    """

    kind: str
    name: str
    target: tuple[str, ...]
    at: str
    settings: dict[str, RowText] = msgspec.field(default_factory=dict)
    rows: list[RowText] = msgspec.field(default_factory=list)
    blocks: list[BlockText] = msgspec.field(default_factory=list)


class TableText(msgspec.Struct, frozen=True):
    """A whole table as written."""

    message_type: str | None
    output: str | None
    version: int
    top: BlockText


def read_layout(text: str, name: str) -> TableText:
    """Read the text of `mappings/<name>.toml`.

    Raises ConfigurationError TW-3302 with file and line for a text that is no TOML, an unknown
    key, a missing one, or two rows for one target.
    """
    return _Layout(text, f"mappings/{name}.toml").read()


class _Layout:
    def __init__(self, text: str, file: str) -> None:
        self.file = file
        if len(text) > limits.MAX_TABLE_CHARACTERS:
            raise self.error("the table is too large", 1, "split it into several tables")
        try:
            self.document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as problem:
            found = _TOML_LINE.search(str(problem))
            line = int(found.group(1)) if found else 1
            raise self.error(str(problem), line, "mend the TOML at this line") from None
        self.lines = _line_numbers(text)

    def read(self) -> TableText:
        document = self.document
        for key in document:
            if key not in TOP_KEYS:
                advice = f"{nearest(key, TOP_KEYS)}known keys: {', '.join(TOP_KEYS)}"
                raise self.error(f'unknown key "{key}"', self.line(key), advice)
        message_type, output = document.get("message_type"), document.get("output")
        named = [made for made in (message_type, output) if isinstance(made, str) and made]
        if len(named) != 1 or (message_type is not None and output is not None):
            raise self.error(
                "a table makes either a message or an output",
                1,
                'write message_type = "..." in a source table, output = "..." in a target table',
            )
        version = document.get("version")
        if type(version) is not int or version < 1:
            raise self.error("version is missing", self.line("version"), "write version = 1")
        return TableText(message_type, output, version, self.top())

    def top(self) -> BlockText:
        top = BlockText("map", "", (), f"{self.file}:{self.line('map')}")
        self.add_rows(top, self.section(self.document, "map"), "map", ())
        found = [
            block
            for kind in ("each", "group")
            for block in self.find_blocks(kind, self.section(self.document, kind), kind, ())
        ]
        self.nest(top, sorted(found, key=lambda block: len(block.target)))
        if not top.rows and not top.blocks:
            raise self.error("the table has no rows", 1, "write at least one row under [map]")
        _check_targets(top, self)
        return top

    def section(self, document: Mapping[str, Any], key: str) -> dict[str, Any]:
        found = document.get(key, {})
        if not isinstance(found, dict):
            raise self.error(f"{key} is no table", self.line(key), f"write [{key}]")
        return found

    def find_blocks(
        self, kind: str, tables: Mapping[str, Any], where: str, path: tuple[str, ...]
    ) -> Iterator[BlockText]:
        for key, table in tables.items():
            at, target = f"{where}.{key}", (*path, *key.split("."))
            line = self.line(at)
            if not isinstance(table, dict):
                raise self.error(f'"{key}" is no table', line, f"write [{kind}.{key}]")
            if "from" in table:
                block = BlockText(kind, ".".join(target), target, f"{self.file}:{line}")
                yield from self.fill(block, table, at)
            else:
                self.refuse_rows(kind, key, table, line)
                yield from self.find_blocks(kind, table, at, target)

    def refuse_rows(self, kind: str, key: str, table: Mapping[str, Any], line: int) -> None:
        if not table or not all(isinstance(inner, dict) for inner in table.values()):
            advice = f"write from = '...' under [{kind}.{key}]"
            raise self.error(f'the block "{key}" has no from', line, advice)

    def fill(self, block: BlockText, table: Mapping[str, Any], at: str) -> Iterator[BlockText]:
        wanted = ("from", "where", "by") if block.kind == "group" else ("from", "where")
        rows = dict(table)
        for key in wanted:
            if key in rows:
                line = self.line(f"{at}.{key}")
                block.settings[key] = RowText((key,), rows.pop(key), f"{self.file}:{line}")
        if block.kind == "group" and "by" not in block.settings:
            line = self.line(at)
            raise self.error(f'the group "{block.name}" has no by', line, "write by = '...'")
        nested = {
            key: inner for key, inner in rows.items() if isinstance(inner, dict) and "from" in inner
        }
        plain = {key: inner for key, inner in rows.items() if key not in nested}
        self.add_rows(block, plain, at, ())
        yield block
        yield from self.find_blocks("each", nested, at, block.target)

    def add_rows(
        self, block: BlockText, rows: Mapping[str, Any], where: str, path: tuple[str, ...]
    ) -> None:
        for key, expression in rows.items():
            at, target = f"{where}.{key}", (*path, *key.split("."))
            line = self.line(at)
            if not all(target):
                raise self.error(f'the target "{key}" has an empty part', line, "write a.b")
            if isinstance(expression, dict):
                self.add_rows(block, expression, at, target)
            else:
                block.rows.append(RowText(target, expression, f"{self.file}:{line}"))

    def nest(self, top: BlockText, found: list[BlockText]) -> None:
        placed: dict[tuple[str, ...], BlockText] = {}
        for block in found:
            parts = block.target
            parent, depth = top, 1
            for size in range(len(parts) - 1, 0, -1):
                if parts[:size] in placed:
                    parent, block.target = placed[parts[:size]], parts[size:]
                    break
            depth += sum(parts[:size] in placed for size in range(1, len(parts)))
            if depth > limits.MAX_BLOCK_DEPTH:
                line = int(block.at.rpartition(":")[2])
                raise self.error("blocks are nested too deep", line, "flatten the table")
            parent.blocks.append(block)
            placed[parts] = block

    def line(self, key: str) -> int:
        return self.lines.get(key, 1)

    def error(self, problem: str, line: int, advice: str, row: str = "") -> ConfigurationError:
        at = f"{self.file}:{line}"
        return ConfigurationError("TW-3302", f"{problem} ({at})", path=row, at=at, advice=advice)


def _check_targets(block: BlockText, layout: _Layout) -> None:
    """Refuse two rows or blocks for one target, and a row inside another row's value."""
    leaves: dict[tuple[str, ...], str] = {}
    places = [(row.target, row.at) for row in block.rows]
    places += [(inner.target, inner.at) for inner in block.blocks]
    for target, at in places:
        line = int(at.rpartition(":")[2])
        for other, other_at in leaves.items():
            if other[: len(target)] == target or target[: len(other)] == other:
                name = ".".join(target)
                clash = f'"{name}" and "{".".join(other)}" write to one place'
                raise layout.error(clash, line, f"remove one; the other is at {other_at}", name)
        leaves[target] = at
    for inner in block.blocks:
        _check_targets(inner, layout)


def _line_numbers(text: str) -> dict[str, int]:
    """Map every header and key, written as one dotted name without quotes, to its first line."""
    lines: dict[str, int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            section = _unquoted(header.group(1))
            lines.setdefault(section, number)
        elif key := _KEY.match(line):
            name = _unquoted(key.group(1))
            lines.setdefault(f"{section}.{name}" if section else name, number)
    return lines


def _unquoted(name: str) -> str:
    return name.replace('"', "").replace("'", "").replace(" ", "")
