"""What is in force: contracts with their readers and breaches, mappings with their rows.

Everything comes from the release that runs, so the page can show nothing that is not at work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from tillway.contracts import Contract
from tillway.errors import ContractViolation
from tillway.journal.base import StoredMessage
from tillway.journal.queries import JournalQueries
from tillway.mapping import MappingTable
from tillway.model.catalogue import MESSAGE_TYPES
from tillway.observe.latest import MessageReader
from tillway.project.records import Release

LOOKED_AT, AT_ONCE = 2_000, 50
"""Newest messages in which a live sample is looked for, and how many are read at once."""
MOST_COPIES = 1_000
SHOWN_ROWS = 400
_encode = msgspec.json.Encoder(decimal_format="string").encode
_record = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode


class ContractLine(msgspec.Struct, frozen=True):
    """One contract in force. breaches: rule -> open copies that broke it."""

    message_type: str
    version: str
    status: str
    owner: str
    contact: str
    file: str
    producers: list[str]
    consumers: list[str]
    required: int
    enums: int
    breaches: dict[str, int] = msgspec.field(default_factory=dict)


class FieldLine(msgspec.Struct, frozen=True):
    """One field that a contract or the model names; personal says that it is a person's."""

    path: str
    required: bool
    allowed: list[str]


class ContractPage(msgspec.Struct, frozen=True):
    """One contract in full; rules: audit rules with severity and tolerance as text."""

    line: ContractLine
    description: str
    fields: list[FieldLine]
    rules: list[tuple[str, str, str]]
    sequence: str
    schema: str


class MappingLine(msgspec.Struct, frozen=True):
    """One mapping in force: what it makes, and who uses it."""

    name: str
    makes: str
    version: int
    digest: str
    fields_read: int
    missing: list[str]
    used_by: list[str]


class SampleRow(msgspec.Struct, frozen=True):
    """One row of a mapping on one message: target, expression, what it read, what it made."""

    target: str
    expression: str
    sources: list[tuple[str, str]]
    result: str
    fault: str
    at: str


class MappingPage(msgspec.Struct, frozen=True):
    """One mapping with a live sample: left what came in, right what it made of it."""

    line: MappingLine
    rows: list[SampleRow]
    position: int
    left: str
    right: str


def mapping_lines(release: Release) -> list[MappingLine]:
    """Return every mapping of a release."""
    users = _users(release)
    return [_mapping_line(table, users.get(name, [])) for name, table in release.mappings.items()]


async def contract_lines(release: Release, queries: JournalQueries) -> list[ContractLine]:
    """Return every contract in force with what breaks it now."""
    broken: dict[str, Counter[str]] = {}
    copies = await queries.invalid(outcome="quarantined", limit=MOST_COPIES, with_raw=False)
    for copy in copies:
        rules = broken.setdefault(copy.message_type, Counter())
        rules.update({str(one.get("rule", "")) for one in _breaches(copy.violations)})
    made = _producers(release)
    return [
        _contract_line(one, release, made.get(name, []), broken.get(name, Counter()))
        for name, one in sorted(release.contracts.items())
    ]


def contract_page(release: Release, name: str, line: ContractLine) -> ContractPage:
    """Return one contract in full."""
    contract = release.contracts[name]
    enums = contract.enums
    paths = sorted({*contract.required, *enums})
    return ContractPage(
        line=line,
        description=contract.description,
        fields=[
            FieldLine(path, path in contract.required, list(enums.get(path, ()))) for path in paths
        ],
        rules=[
            (rule, taken.severity or "", "" if taken.tolerance is None else str(taken.tolerance))
            for rule, taken in sorted(contract.arithmetic.items())
        ],
        sequence=f"{', '.join(contract.sequence.scope)}: {contract.sequence.reset}"
        if contract.sequence
        else "",
        schema=_pretty(contract.json_schema()),
    )


async def mapping_page(release: Release, name: str, reader: MessageReader) -> MappingPage:
    """Return one mapping, explained on the newest message it maps on its way out."""
    table = release.mappings[name]
    line = _mapping_line(table, _users(release).get(name, []))
    routes = [route for route in release.routes.values() if route.mapping == name]
    sample = await _newest_of(reader, routes[0].messages) if routes else None
    if sample is None:
        return MappingPage(line, sample_rows(table, {}), 0, "", "")
    return explained(table, line, _record(sample.canonical), sample.position)


async def _newest_of(reader: MessageReader, types: frozenset[str]) -> StoredMessage | None:
    """Return the newest message of these types that has its payload, None among LOOKED_AT."""
    newest = end = await reader.last_position()
    while end > max(0, newest - LOOKED_AT):
        start = max(0, end - AT_ONCE)
        for message in reversed(await reader.read(start, end - start)):
            if message.envelope.message_type in types and message.canonical:
                return message
        end = start
    return None


def explained(
    table: MappingTable, line: MappingLine, record: Mapping[str, Any], position: int
) -> MappingPage:
    """Return a mapping run on a record, row by row."""
    try:
        made = _pretty(table.apply(record))
    except ContractViolation as error:
        made = "\n".join(str(breach) for breach in error.violations)
    return MappingPage(line, sample_rows(table, record), position, _pretty(record), made)


def sample_rows(table: MappingTable, record: Mapping[str, Any]) -> list[SampleRow]:
    """Return what every row of a mapping did on a record; without one, the rows as written."""
    return [
        SampleRow(
            target=one.path,
            expression=one.expression,
            sources=[(path, _text(value)) for path, value in one.sources.items()],
            result=_text(one.result),
            fault=one.fault if record else "",
            at=one.at,
        )
        for one in table.explain(record)[:SHOWN_ROWS]
    ]


def _mapping_line(table: MappingTable, used_by: list[str]) -> MappingLine:
    return MappingLine(
        name=table.name,
        makes=table.message_type or table.output or "",
        version=table.version,
        digest=table.digest,
        fields_read=len(table.sources()),
        missing=list(table.missing()),
        used_by=used_by,
    )


def _users(release: Release) -> dict[str, list[str]]:
    users: dict[str, list[str]] = {}
    for name, source in release.sources.items():
        for record in source.records:
            users.setdefault(record.mapping, []).append(name)
    for name, route in release.routes.items():
        if route.mapping:
            users.setdefault(route.mapping, []).append(name)
    return users


def _producers(release: Release) -> dict[str, list[str]]:
    made: dict[str, list[str]] = {}
    for name, source in release.sources.items():
        for record in source.records:
            table = release.mappings[record.mapping]
            if table.message_type and name not in made.setdefault(table.message_type, []):
                made[table.message_type].append(name)
    return made


def _contract_line(
    contract: Contract, release: Release, producers: list[str], breaches: Counter[str]
) -> ContractLine:
    name = contract.message_type
    consumers = [route.name for route in release.routes.values() if name in route.messages]
    known = MESSAGE_TYPES.get(name)
    if known is not None and release.reconciliation is not None and not known.internal:
        consumers = [*consumers, "reconciliation"]
    return ContractLine(
        message_type=name,
        version=contract.full_version,
        status=contract.status,
        owner=contract.owner.name,
        contact=contract.owner.contact,
        file=contract.file,
        producers=producers,
        consumers=consumers,
        required=len(contract.required),
        enums=len(contract.enums),
        breaches=dict(breaches.most_common()),
    )


def _breaches(violations: bytes) -> list[dict[str, Any]]:
    try:
        return msgspec.json.decode(violations, type=list[dict[str, Any]])
    except msgspec.DecodeError:
        return []


def _pretty(value: Any) -> str:
    return msgspec.json.format(_encode(value), indent=2).decode()


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return _encode(value).decode()
