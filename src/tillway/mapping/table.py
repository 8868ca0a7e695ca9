"""A mapping table, loaded once: from a neutral record to a canonical dict, or on to a target.

A record that maps runs through one compiled function; only one that does not is run again row by
row, so that every failing row is told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tillway.errors import ConfigurationError, ContractViolation, Violation
from tillway.mapping.codes import CodeTable
from tillway.mapping.compiled import Compiled
from tillway.mapping.coverage import record_fields, source_fields
from tillway.mapping.diagnosis import Diagnosis, RowTrace
from tillway.mapping.faults import RowFault
from tillway.mapping.layout import read_layout
from tillway.mapping.rows import Block, BlockReader
from tillway.mapping.syntax import CodeLookup, parts_of
from tillway.mapping.targets import (
    code_choices,
    makes_exact_numbers,
    missing_targets,
    unknown_targets,
)
from tillway.model.catalogue import MESSAGE_TYPES, message_type
from tillway.spelling import nearest


@dataclass(frozen=True, slots=True)
class MappingTable:
    """One loaded table. message_type or output says what it makes; the other is None.

    exact says that every number it makes is in the model's normal form.
    reads names the fields of the record it can tell apart from their absence, None for all.
    digest is the SHA-256 of the text and of every code table it uses.
    """

    name: str
    message_type: str | None
    output: str | None
    version: int
    exact: bool
    digest: str
    reads: frozenset[str] | None
    _top: Block = field(repr=False)
    _codes: Mapping[str, CodeTable] = field(repr=False)
    _compiled: Compiled = field(repr=False)
    _row_functions: dict[int, Callable[..., Any]] = field(repr=False, default_factory=dict)

    @property
    def codes(self) -> Mapping[str, CodeTable]:
        """Return the code tables of the project, shared by all its mappings."""
        return self._codes

    def apply(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return the mapped record: dicts and lists of str, int, bool and Decimal.

        Raises ContractViolation TW-3301 (or TW-3311 when only codes are unknown) that lists every
        failing row, at most 100.
        """
        try:
            return self._compiled.plain(record)
        except RowFault as fault:
            raise self._violations(record, fault) from None
        except TypeError:
            wrong = RowFault("type", "a text or a number, not a list or an object")
            raise self._violations(record, wrong) from None

    def message(self, record: Mapping[str, Any]) -> Any:
        """Return the message of a record, for a table that makes one.

        Raises what `apply` raises, and msgspec.ValidationError as `MessageType.convert`.
        """
        assert self.message_type is not None, "the caller knows what the table makes"
        kind = MESSAGE_TYPES[self.message_type]
        quick = self._compiled.quick
        if quick is not None:
            try:
                return kind.convert_exact(quick(record))
            except (RowFault, TypeError, msgspec.ValidationError):
                pass  # the way below finds the same, and says all of it
        return kind.convert(self.apply(record), exact=self.exact)

    def explain(self, record: Mapping[str, Any]) -> list[RowTrace]:
        """Return what every row did on this record, failed ones included; never raises."""
        return self._diagnose(record).traces

    def sources(self) -> set[str]:
        """Return the source fields the table reads, such as `items[].net`."""
        return source_fields(self._top)

    def missing(self) -> tuple[str, ...]:
        """Return the required fields of the message that the table does not make."""
        if self.message_type is None:
            return ()
        return missing_targets(self._top, message_type(self.message_type).struct)

    def code_choices(self) -> tuple[tuple[str, str, frozenset[str]], ...]:
        """Return (code table, field of the message, what it takes) where codes go in as they are.

        Only fields that take few values are named.
        """
        if self.message_type is None:
            return ()
        return tuple(code_choices(self._top, message_type(self.message_type).struct))

    def _diagnose(self, record: Mapping[str, Any]) -> Diagnosis:
        diagnosis = Diagnosis(self._codes, self._row_functions)
        diagnosis.run(self._top, record)
        return diagnosis

    def _violations(self, record: Mapping[str, Any], fault: RowFault) -> ContractViolation:
        found = self._diagnose(record).violations or [Violation("", fault.rule, "", fault.expected)]
        only_codes = all(breach.rule == "code" for breach in found)
        rows = "1 row" if len(found) == 1 else f"{len(found)} rows"
        return ContractViolation(
            "TW-3311" if only_codes else "TW-3301",
            f"{rows} of mappings/{self.name}.toml cannot map this record",
            found,
            mapping=self.name,
        )


def load_table(text: str, *, name: str, codes: Mapping[str, CodeTable]) -> MappingTable:
    r"""Read and compile the text of `mappings/<name>.toml`.

    Raises the first of table_problems(), a ConfigurationError TW-3302 to TW-3308 with file, line,
    row and advice.

    >>> table = load_table(
    ...     'output = "x"\nversion = 1\n[map]\ntotal = "money(a)"', name="demo", codes={}
    ... )
    >>> table.apply({"a": "2.5"})
    {'total': Decimal('2.50')}
    """
    loaded, problems = _load(text, name, codes)
    if loaded is None:
        raise problems[0]
    return loaded


def table_problems(
    text: str, *, name: str, codes: Mapping[str, CodeTable]
) -> list[ConfigurationError]:
    """Return every problem of a table's text, for `tillway validate`; empty when it loads."""
    return _load(text, name, codes)[1]


def _load(
    text: str, name: str, codes: Mapping[str, CodeTable]
) -> tuple[MappingTable | None, list[ConfigurationError]]:
    try:
        layout = read_layout(text, name)
    except ConfigurationError as problem:
        return None, [problem]
    reader = BlockReader(codes)
    top = reader.block(layout.top)
    problems, exact, struct = reader.problems, False, None
    if layout.message_type is not None and layout.message_type not in MESSAGE_TYPES:
        problems.append(_unknown_type(layout.message_type, name))
    elif layout.message_type is not None and not problems:
        struct = message_type(layout.message_type).struct
        problems += unknown_targets(top, struct)
        exact = not problems and makes_exact_numbers(top, struct)
    if problems:
        return None, problems
    compiled = Compiled(top, codes, f"mappings/{name}.toml", struct if exact else None)
    digest = _digest(text, top, codes)
    made = (layout.message_type, layout.output, layout.version, exact)
    reads = record_fields(top)
    return MappingTable(name, *made, digest, reads, top, codes, compiled), []


def _digest(text: str, top: Block, codes: Mapping[str, CodeTable]) -> str:
    used = sorted(
        {
            part.table
            for row in top.everything()
            for part in parts_of(row.node)
            if isinstance(part, CodeLookup)
        }
    )
    digest = hashlib.sha256(text.encode())
    for table in used:
        digest.update(codes[table].digest.encode())
    return digest.hexdigest()


def _unknown_type(name: str, table: str) -> ConfigurationError:
    at = f"mappings/{table}.toml:1"
    return ConfigurationError(
        "TW-3308",
        f'there is no message type "{name}" ({at})',
        at=at,
        advice=f"{nearest(name, MESSAGE_TYPES)}known types: {', '.join(MESSAGE_TYPES)}",
    )
