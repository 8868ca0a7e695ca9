"""Reads every file of the folder into its parts; nothing raises for what is wrong inside a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tillway.errors import ConfigurationError
from tillway.project.alerts import read_alerts
from tillway.project.crosschecks import Parts
from tillway.project.documents import Document, parse_document, read_text
from tillway.project.folder import MAIN, STORES, ProjectFolder
from tillway.project.hub import read_hub
from tillway.project.overrides import (
    Override,
    from_arguments,
    from_document,
    from_environment,
    lay_over,
)
from tillway.project.policies import read_breakers, read_retries
from tillway.project.problems import Problems
from tillway.project.reconciliation import STORE_DAY, read_reconciliation
from tillway.project.records import SourceRecord, TargetRecord
from tillway.project.routes import read_route
from tillway.project.stores import read_stores
from tillway.project.systems import SystemReader
from tillway.project.tables import codes_in_use, read_codes, read_contracts, read_mappings

POLICIES = ("policies/retry.toml", "policies/breaker.toml")


class Gatherer:
    """Reads one folder: first documents(), then whatever is laid over them, then parts()."""

    def __init__(self, folder: ProjectFolder, problems: Problems) -> None:
        self._folder = folder
        self._problems = problems
        self._unread: dict[str, set[str]] = {
            "systems": set(),
            "mappings": set(),
            "contracts": set(),
        }
        self.documents = self._read_documents()

    def lay_over(
        self, environment: str, arguments: Sequence[str], environ: Mapping[str, str]
    ) -> list[str]:
        """Apply env/<name>.toml, then the environment, then --set; returns them as text."""
        overrides = list(self._from_file(environment)) if environment else []
        overrides += from_environment(environ)
        try:
            overrides += from_arguments(arguments)
        except ConfigurationError as error:
            self._problems.add_error(error, "--set")
        lay_over(self.documents, iter(overrides), self._problems)
        return [f"{'.'.join(one.path)}={one.origin.text}" for one in overrides]

    def parts(self) -> Parts:
        """Return everything the folder declares."""
        problems, folder = self._problems, self._folder
        codes = read_codes(folder, problems)
        mappings = read_mappings(folder, codes, problems)
        contracts = read_contracts(folder, problems)
        sources: dict[str, SourceRecord] = {}
        targets: dict[str, TargetRecord] = {}
        for name, document in self._under("systems"):
            source, target = SystemReader(name, document, problems, codes).read()
            if source:
                sources[name] = source
            if target:
                targets[name] = target
        self._unread["mappings"] = set(folder.names("mappings")) - mappings.keys()
        self._unread["contracts"] = {
            Path(file).parent.name for file in folder.under("contracts")
        } - contracts.keys()
        main = self.documents.get(MAIN)
        return Parts(
            hub=read_hub(main, problems) if main else None,
            documents=self.documents,
            sources=sources,
            targets=targets,
            routes={
                name: read_route(name, document, problems, codes)
                for name, document in self._under("routes")
            },
            codes=codes,
            mappings=mappings,
            contracts=contracts,
            retries=read_retries(self.documents.get(POLICIES[0]), problems),
            breakers=read_breakers(self.documents.get(POLICIES[1]), problems),
            stores=self._stores({*sources, *self._unread["systems"]}),
            reconciliation=read_reconciliation(self.documents.get(STORE_DAY), problems, codes),
            watch=read_alerts(self.documents, problems),
            codes_used=self._codes_used(),
            unread={kind: frozenset(names) for kind, names in self._unread.items()},
        )

    def _read_documents(self) -> dict[str, Document]:
        documents = {}
        folder = self._folder
        for file in (
            *(MAIN, STORE_DAY, *POLICIES),
            *folder.under("systems"),
            *folder.under("routes"),
            *folder.under("alerts"),
        ):
            if file not in folder.files:
                continue
            try:
                documents[file] = parse_document(read_text(folder.path, file), file)
            except ConfigurationError as error:
                self._problems.add_error(error, file)
                if file.startswith("systems/"):
                    self._unread["systems"].add(Path(file).stem)
        for file in (*folder.under("policies"), *folder.under("recon")):
            if file not in (*POLICIES, STORE_DAY):
                sentence = f"{file} is no file of this version"
                wrong = ConfigurationError("TW-1110", sentence, at=file)
                self._problems.add_error(wrong, file)
        return documents

    def _from_file(self, environment: str) -> Iterator[Override]:
        file = f"env/{environment}.toml"
        if file not in self._folder.files:
            there = ", ".join(sorted(path.stem for path in self._folder.path.glob("env/*.toml")))
            advice = f"Environments: {there or 'none yet'}."
            wrong = ConfigurationError("TW-1105", f"there is no {file}", advice=advice, at="--env")
            self._problems.add_error(wrong, file)
            return
        try:
            document = parse_document(read_text(self._folder.path, file), file)
        except ConfigurationError as error:
            self._problems.add_error(error, file)
            return
        yield from from_document(document)

    def _under(self, kind: str) -> Iterator[tuple[str, Document]]:
        for file, document in self.documents.items():
            if file.startswith(f"{kind}/"):
                yield Path(file).stem, document

    def _stores(self, systems: set[str]) -> dict[str, Any]:
        if STORES not in self._folder.files:
            return {}
        try:
            return read_stores(read_text(self._folder.path, STORES), systems, self._problems)
        except ConfigurationError as error:
            self._problems.add_error(error, STORES)
            return {}

    def _codes_used(self) -> frozenset[str]:
        texts = []
        for kind in ("mappings", "systems", "routes"):
            for file in self._folder.under(kind):
                try:
                    texts.append(read_text(self._folder.path, file))
                except ConfigurationError:
                    continue  # told where the file was read
        return frozenset(codes_in_use(texts))
