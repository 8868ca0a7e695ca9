"""Runs a mapping table row by row, to find every row that fails and to explain every value.

The slow twin of the compiled table: it runs the same expressions one at a time, and nothing here
is on the path of a message that maps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from tillway.errors import Violation, shown
from tillway.mapping import lists
from tillway.mapping.codes import CodeTable
from tillway.mapping.conditions import holds
from tillway.mapping.faults import RowFault
from tillway.mapping.kinds import may_be_float
from tillway.mapping.limits import MAX_TEXT_CHARACTERS, MAX_VIOLATIONS
from tillway.mapping.program import expression_function, group_of, record_of, refuse_float
from tillway.mapping.rows import Block, Row
from tillway.mapping.syntax import Node, Read, parts_of

_VALUES_SHOWN = 4


class RowTrace(msgspec.Struct, frozen=True):
    """What one row did on one record, for `trace --explain`.

    path is the target (`lines[2].net_amount`); sources maps each source path it read to the value
    found; fault says why it failed, "" when it did not; at is the file and line of the row.
    """

    path: str
    expression: str
    sources: Mapping[str, Any]
    result: Any
    at: str
    fault: str = ""


class _Names(msgspec.Struct, frozen=True):
    """What the names of a scope stand for."""

    this: Any
    root: Any
    position: int | None = None
    key: Any = None
    rows: Any = None

    def run(self, function: Callable[..., Any]) -> Any:
        return function(self.this, self.root, self.position, self.key, self.rows)


class Diagnosis(msgspec.Struct):
    """One run over one record; traces and violations are in the order of the table."""

    codes: Mapping[str, CodeTable]
    functions: dict[int, Callable[..., Any]]
    traces: list[RowTrace] = msgspec.field(default_factory=list)
    violations: list[Violation] = msgspec.field(default_factory=list)

    def run(self, top: Block, record: Mapping[str, Any]) -> None:
        """Evaluate every row of the table on the record."""
        self._rows(top, _Names(record, record), "")

    def _rows(self, block: Block, names: _Names, prefix: str) -> None:
        for row in block.rows:
            self._value(row, names, prefix + row.name, keep=True)
        for inner in block.blocks:
            self._block(inner, names, prefix + ".".join(inner.target))

    def _block(self, block: Block, names: _Names, path: str) -> None:
        if len(self.violations) >= MAX_VIOLATIONS:
            return
        assert block.source is not None
        found = self._value(block.source, names, path, wrap=lists.items)
        kept = [
            (item, index)
            for index, item in enumerate(found or ())
            if self._is_kept(block, item, names, f"{path}[{index}]")
        ]
        if block.by is not None:
            self._groups(block, [item for item, _ in kept], names, path)
            return
        for position, (item, _) in enumerate(kept, 1):
            scope = _Names(item, names.root, position)
            self._rows(block, scope, f"{path}[{position - 1}].")

    def _is_kept(self, block: Block, item: Any, names: _Names, path: str) -> bool:
        try:
            record_of(item)
        except RowFault as fault:
            assert block.source is not None
            self._fail(block.source, fault, path, {str(block.source.text): item})
            return False
        if block.where is None:
            return True
        return bool(self._value(block.where, _Names(item, names.root), path, wrap=holds))

    def _groups(self, block: Block, found: list[Any], names: _Names, path: str) -> None:
        assert block.by is not None
        groups: dict[Any, list[Any]] = {}
        for item in found:

            def gather(key: Any, item: Any = item) -> None:
                group_of(groups, key, item)

            self._value(block.by, _Names(item, names.root), path, wrap=gather)
        for position, (key, rows) in enumerate(groups.items(), 1):
            scope = _Names(None, names.root, position, key, rows)
            self._rows(block, scope, f"{path}[{position - 1}].")

    def _value(
        self,
        row: Row,
        names: _Names,
        path: str,
        *,
        keep: bool = False,
        wrap: Callable[[Any], Any] | None = None,
    ) -> Any:
        if len(self.violations) >= MAX_VIOLATIONS:
            return None
        sources = {str(part): self._source(part, names) for part in _reads(row.node)}
        try:
            value = names.run(self._function(row))
            if wrap is not None:
                return wrap(value)
            if value.__class__ is float and may_be_float(row.node):
                refuse_float()
        except RowFault as fault:
            self._fail(row, fault, path, sources)
            self.traces.append(RowTrace(path, row.text, sources, None, row.at, fault.expected))
            return None
        if keep:
            self.traces.append(RowTrace(path, row.text, sources, value, row.at))
        return value

    def _fail(self, row: Row, fault: RowFault, path: str, sources: Mapping[str, Any]) -> None:
        expected = f"{fault.expected}; row {row.text} at {row.at}"
        self.violations.append(Violation(path, fault.rule, _shown_sources(sources), expected))

    def _function(self, row: Row) -> Callable[..., Any]:
        known = self.functions.get(id(row))
        if known is None:
            known = self.functions[id(row)] = expression_function(row.node, self.codes, row.at)
        return known

    @staticmethod
    def _source(part: Read, names: _Names) -> Any:
        value = getattr(names, part.origin)
        for key in part.steps:
            value = lists.step(value, key)
        return value


def _reads(node: Node) -> Iterator[Read]:
    return (part for part in parts_of(node) if isinstance(part, Read))


def _shown_sources(sources: Mapping[str, Any]) -> str:
    """Return the values a failed row read: the value alone, or name=value for several."""
    values = {name: safely_shown(value) for name, value in sources.items()}
    if len(values) == 1:
        return next(iter(values.values()))
    return ", ".join(f"{name}={value}" for name, value in list(values.items())[:_VALUES_SHOWN])


def safely_shown(value: Any) -> str:
    """Return a source value masked and short; a whole record or list is only named by its size."""
    if isinstance(value, dict):
        return f"a record of {len(value)} fields"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)} items"
    if isinstance(value, int) and value.bit_length() > MAX_TEXT_CHARACTERS.bit_length() * 64:
        return "a number beyond all bounds"
    return shown("" if value is None else value)
