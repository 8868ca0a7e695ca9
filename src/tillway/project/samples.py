"""Runs the golden samples of a project: what each table makes of an input, against what it should.

`mappings/<table>.tests/<case>.in` is in the source's own format, or JSON for a target's table;
`<case>.out` beside it is JSON: a document, or a list when the input holds several records of the
table. `contracts/<type>/samples/*.json` must meet the contract; a name that starts with `invalid-`
must not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec

from tillway.contracts import Contract, shape_violations
from tillway.dialects import dialect_named
from tillway.errors import ContractViolation, TillwayError, Violation
from tillway.formats import Record, format_named
from tillway.mapping import MappingTable
from tillway.model import message_type
from tillway.project.differences import differences
from tillway.project.records import Release, SourceRecord

INVALID = "invalid-"


class SampleResult(msgspec.Struct, frozen=True):
    """One sample: file is relative to the project; wrong says what differs, empty when passed."""

    file: str
    wrong: tuple[str, ...]
    accepted: bool = False

    @property
    def passed(self) -> bool:
        """Say whether the sample gave what it should."""
        return not self.wrong


def run_samples(
    release: Release, names: Iterable[str] = (), *, accept: bool = False
) -> Iterator[SampleResult]:
    """Yield the result of every sample, in order of the files.

    names: tables or message types to run, all when empty. accept writes what came out as the
    `.out` of a mapping sample that differs or has none.
    """
    wanted = set(names)
    for table in _chosen(release.mappings, wanted):
        for file in sorted((release.folder / f"mappings/{table}.tests").glob("*.in")):
            yield _mapping_sample(release, release.mappings[table], file, accept=accept)
    for name in _chosen(release.contracts, wanted):
        for file in sorted((release.folder / f"contracts/{name}/samples").glob("*.json")):
            yield _contract_sample(release.folder, release.contracts[name], file)


def made_of(release: Release, table: MappingTable, content: bytes) -> list[Any]:
    """Return what a table makes of an input, as plain JSON values, one for each record it takes.

    A record that breaks the mapping or the shape gives `{"violations": [{path, rule, ...}]}`.
    """
    if table.message_type is None:
        return [_plain(_mapped(table, json.loads(content)))]
    source = _source_of(release, table.name)
    records = [json.loads(content)] if source is None else _records(source, table.name, content)
    return [_message(table, record) for record in records]


def _chosen(known: Iterable[str], wanted: set[str]) -> list[str]:
    return [name for name in sorted(known) if not wanted or name in wanted]


def _mapping_sample(
    release: Release, table: MappingTable, file: Path, *, accept: bool
) -> SampleResult:
    name = file.relative_to(release.folder).as_posix()
    golden = file.with_suffix(".out")
    try:
        made = made_of(release, table, file.read_bytes())
    except (TillwayError, ValueError) as error:
        return SampleResult(name, (f"the input cannot be read: {error}",))
    if not made:
        return SampleResult(name, (f'no record of the input goes to mapping "{table.name}"',))
    found = made[0] if len(made) == 1 else made
    try:
        wrong = tuple(differences(json.loads(golden.read_text("utf-8")), found))
    except FileNotFoundError:
        wrong = (f"{golden.name} is missing",)
    except ValueError as error:
        wrong = (f"{golden.name} is not JSON: {error}",)
    if wrong and accept:
        golden.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", "utf-8")
        return SampleResult(name, (), accepted=True)
    return SampleResult(name, wrong)


def _contract_sample(folder: Path, contract: Contract, file: Path) -> SampleResult:
    name = file.relative_to(folder).as_posix()
    try:
        document = json.loads(file.read_bytes())
    except ValueError as error:
        return SampleResult(name, (f"not JSON: {error}",))
    breaches = _breaches(contract, document)
    if file.name.startswith(INVALID):
        return SampleResult(name, () if breaches else ("it meets the contract, and should not",))
    return SampleResult(name, tuple(str(breach) for breach in breaches))


def _breaches(contract: Contract, document: dict[str, Any]) -> list[Violation]:
    kind = message_type(contract.message_type)
    try:
        message = kind.convert(document)
    except msgspec.ValidationError as error:
        return shape_violations(kind.name, document) or [Violation("", "shape", "", str(error))]
    errors = (one for one in contract.findings(message) if one.severity == "error")
    found = [Violation(one.path, one.rule, str(one.found), str(one.expected)) for one in errors]
    return contract.violations(message) + found


def _source_of(release: Release, table: str) -> SourceRecord | None:
    for source in release.sources.values():
        if any(record.mapping == table for record in source.records):
            return source
    return None


def _records(source: SourceRecord, table: str, content: bytes) -> Iterator[Mapping[str, Any]]:
    """Yield the neutral records of an input that the source gives to this table."""
    dialect = dialect_named(source.dialect)
    for record in format_named(source.format, source.format_options).records(BytesIO(content)):
        if not isinstance(record, Record):
            raise record.error
        neutral = dialect.normalise(record.value)
        chosen = next((one.mapping for one in source.records if one.when(neutral)), "")
        if chosen == table:
            yield neutral


def _message(table: MappingTable, record: Mapping[str, Any]) -> Any:
    """Return the canonical message as the journal would keep it, or its violations."""
    assert table.message_type is not None
    kind = message_type(table.message_type)
    mapped = _mapped(table, record)
    if "violations" in mapped:
        return mapped
    try:
        return json.loads(kind.encode(kind.convert(mapped)))
    except msgspec.ValidationError as error:
        found = shape_violations(kind.name, mapped) or [Violation("", "shape", "", str(error))]
        return {"violations": [breach.as_json() for breach in found]}


def _mapped(table: MappingTable, record: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return table.apply(record)
    except ContractViolation as error:
        return {"violations": [breach.as_json() for breach in error.violations]}


def _plain(value: object) -> Any:
    return json.loads(msgspec.json.encode(value))
