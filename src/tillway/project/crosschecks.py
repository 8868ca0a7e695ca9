"""Checks that the files of a folder fit together: every name refers to something of the right kind.

What one file says wrong by itself is found where that file is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from tillway.contracts import Contract
from tillway.mapping import CodeTable, MappingTable
from tillway.model import MESSAGE_TYPES
from tillway.project.alert_records import WatchSettings
from tillway.project.documents import Document
from tillway.project.problems import Positioned, Problem, Problems
from tillway.project.reconciliation import STORE_DAY
from tillway.project.records import (
    BreakerPolicy,
    HubSettings,
    Reconciliation,
    RetryPolicy,
    SourceRecord,
    Store,
    TargetRecord,
)
from tillway.project.tables import ContractVersions
from tillway.project.toml_lines import SettingPath
from tillway.routing import Route
from tillway.spelling import nearest


class Parts(msgspec.Struct, frozen=True):
    """Everything the folder declares, before it is a release."""

    hub: HubSettings | None
    documents: Mapping[str, Document]
    sources: Mapping[str, SourceRecord]
    targets: Mapping[str, TargetRecord]
    routes: Mapping[str, Route]
    codes: Mapping[str, CodeTable]
    mappings: Mapping[str, MappingTable]
    contracts: ContractVersions
    retries: Mapping[str, RetryPolicy]
    breakers: Mapping[str, BreakerPolicy]
    stores: Mapping[str, Store]
    reconciliation: Reconciliation | None
    watch: WatchSettings
    codes_used: frozenset[str]
    unread: Mapping[str, frozenset[str]]
    """Kind -> names whose file could not be read: they exist, so nothing more is said of them."""


class CrossChecks:
    """Runs every check over the parts of one folder."""

    def __init__(self, parts: Parts, problems: Problems) -> None:
        self._parts = parts
        self._problems = problems

    def run(self) -> None:
        """Note everything that does not fit."""
        for source in self._parts.sources.values():
            self._source(source)
        for target in self._parts.targets.values():
            document = self._parts.documents[f"systems/{target.system}.toml"]
            self._known(
                document,
                ("target", "breaker"),
                "TW-1206",
                "breaker policy",
                target.breaker,
                self._parts.breakers,
            )
        for route in self._parts.routes.values():
            self._route(route)
        if self._parts.reconciliation:
            self._reconciliation(self._parts.reconciliation)
        self._codes()
        self._unused()

    def produced(self, source: SourceRecord) -> set[str]:
        """Return the message types the mapping tables of a source make."""
        tables = (self._parts.mappings.get(record.mapping) for record in source.records)
        return {table.message_type for table in tables if table and table.message_type}

    def _source(self, source: SourceRecord) -> None:
        document = self._parts.documents[f"systems/{source.system}.toml"]
        for index, record in enumerate(source.records):
            path = ("source", "records", index, "mapping")
            table = self._mapping(document, path, record.mapping)
            if table and table.message_type is None:
                self._problems.add(
                    document,
                    path,
                    "TW-1205",
                    f'mapping "{table.name}" makes {table.output} for a target, no message',
                    "A source needs a table with `message_type = ...`.",
                )
            if table and (missing := table.missing()):
                self._problems.add(
                    document,
                    path,
                    "TW-1215",
                    f'mapping "{table.name}" has no row for {", ".join(missing)}',
                )
        for message_type in sorted(self.produced(source)):
            self._contract(document, source, message_type)

    def _contract(self, document: Document, source: SourceRecord, message_type: str) -> None:
        versions = self._parts.contracts.get(message_type, {})
        if source.contract_version in versions or message_type in self._parts.unread["contracts"]:
            return
        there = ", ".join(str(version) for version in sorted(versions))
        file = f"contracts/{message_type}/v{source.contract_version}.odcs.yaml"
        self._problems.add(
            document,
            ("source", "contract_version"),
            "TW-1203",
            f"there is no contract {message_type} version {source.contract_version}",
            f"Use version {there}, or add {file}." if there else f"Add {file}.",
        )

    def _route(self, route: Route) -> None:
        document = self._parts.documents[f"routes/{route.name}.toml"]
        self._known(
            document,
            ("target",),
            "TW-1201",
            "target",
            route.target,
            [*self._parts.targets, *self._parts.unread["systems"]],
        )
        self._known(
            document, ("retry",), "TW-1206", "retry policy", route.retry, self._parts.retries
        )
        for name in sorted(route.messages):
            self._known(document, ("messages",), "TW-1202", "message type", name, MESSAGE_TYPES)
        table = self._mapping(document, ("mapping",), route.mapping) if route.mapping else None
        if table and table.output is None:
            self._problems.add(
                document,
                ("mapping",),
                "TW-1205",
                f'mapping "{table.name}" makes {table.message_type} for intake, no target payload',
                'A route needs a table with `output = "..."`.',
            )

    def _reconciliation(self, settings: Reconciliation) -> None:
        """Check that what reconciliation names is there, and that a route carries its postings."""
        document, posting = self._parts.documents[STORE_DAY], settings.posting
        unread = self._parts.unread["systems"]
        targets = [*self._parts.targets, *unread]
        self._known(document, ("posting", "erp"), "TW-1201", "target", posting.erp, targets)
        named: list[tuple[SettingPath, str]] = [(("deposit_bank",), settings.deposit_bank)]
        for name, one in settings.processors.items():
            named.append((("processors", name, "bank"), one.bank))
            named += [(("processors", name, "systems"), system) for system in one.systems]
        sources = [*self._parts.sources, *unread]
        for path, system in named:
            self._known(document, path, "TW-1220", "source", system, sources)
        carried = any(
            "posting.requested" in route.messages and route.target == posting.erp
            for route in self._parts.routes.values()
        )
        if posting.mode != "none" and posting.erp in self._parts.targets and not carried:
            wrong = f'no route carries posting.requested to "{posting.erp}"'
            advice = 'Add a route with this message, or write mode = "none".'
            self._problems.add(document, ("posting", "mode"), "TW-1221", wrong, advice)

    def _codes(self) -> None:
        """Check that what a code table says can stand where mapping tables put it."""
        told: set[tuple[str, str]] = set()
        for table in self._parts.mappings.values():
            for name, field, values in table.code_choices():
                for source, canonical in self._parts.codes[name].rows.items():
                    if canonical in values or (name, source) in told:
                        continue
                    told.add((name, source))
                    wrong = f'"{source}" is "{canonical}" here, which {field} cannot be'
                    advice = f"{nearest(canonical, values)}Known: {', '.join(sorted(values))}."
                    file = f"codes/{name}.csv"
                    self._problems.found.append(Problem(file, 0, "TW-1222", wrong, advice))

    def _mapping(self, document: Document, path: SettingPath, name: str) -> MappingTable | None:
        known = [*self._parts.mappings, *self._parts.unread["mappings"]]
        self._known(document, path, "TW-1204", "mapping table", name, known)
        return self._parts.mappings.get(name)

    def _known(
        self,
        document: Positioned,
        path: SettingPath,
        code: str,
        kind: str,
        name: str,
        known: Iterable[str],
    ) -> None:
        names = sorted(set(known))
        if name and name not in names:
            advice = f"{nearest(name, names)}Known: {', '.join(names) or 'none yet'}."
            self._problems.add(document, path, code, f'there is no {kind} "{name}"', advice)

    def _unused(self) -> None:
        used = {record.mapping for one in self._parts.sources.values() for record in one.records}
        used |= {route.mapping for route in self._parts.routes.values()}
        for name in sorted(self._parts.mappings.keys() - used):
            self._warn(f"mappings/{name}.toml", "TW-1210", f'no source or route uses "{name}"')
        for name in sorted(self._parts.codes.keys() - self._parts.codes_used):
            self._warn(f"codes/{name}.csv", "TW-1211", f'no table or expression uses "{name}"')
        for name in sorted(
            self._parts.targets.keys() - {r.target for r in self._parts.routes.values()}
        ):
            self._warn(f"systems/{name}.toml", "TW-1212", f'no route leads to target "{name}"')

    def _warn(self, file: str, code: str, sentence: str) -> None:
        self._problems.found.append(Problem(file, 0, code, sentence, severity="warning"))


def chosen_contracts(
    parts: Parts, produced: Iterable[tuple[SourceRecord, str]], problems: Problems
) -> dict[str, Contract]:
    """Return one contract per message type: the version its sources ask for, else the highest."""
    wanted: dict[str, SourceRecord] = {}
    for source, message_type in produced:
        first = wanted.setdefault(message_type, source)
        if first.contract_version != source.contract_version:
            problems.add(
                parts.documents[f"systems/{source.system}.toml"],
                ("source", "contract_version"),
                "TW-1213",
                f"{message_type}: version {source.contract_version} here, "
                f"version {first.contract_version} in systems/{first.system}.toml",
            )
    contracts = {}
    for message_type, versions in parts.contracts.items():
        asked = wanted[message_type].contract_version if message_type in wanted else max(versions)
        contracts[message_type] = versions.get(asked, versions[max(versions)])
    return contracts
