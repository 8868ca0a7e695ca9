"""Reads the code tables, mapping tables and contracts of a folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from tillway.contracts import Contract, load_contract
from tillway.errors import ConfigurationError
from tillway.mapping import (
    CodeTable,
    MappingTable,
    load_code_table,
    load_table,
    table_problems,
)
from tillway.project.documents import read_text
from tillway.project.folder import ProjectFolder
from tillway.project.problems import Problems

Loaded = TypeVar("Loaded")
_CODE_CALL = re.compile(r"""\bcode\(\s*\\?["']([\w.-]+)""")

ContractVersions = Mapping[str, Mapping[int, Contract]]
"""Message type -> version -> contract."""


def read_codes(folder: ProjectFolder, problems: Problems) -> dict[str, CodeTable]:
    """Return the code tables by name; one that cannot be read is there without its rows.

    So its own problem is told, and not once more by every row of a mapping that uses it.
    """
    unread = {name: CodeTable(name, {}) for name in map(_name_of, folder.under("codes"))}
    return unread | _each(folder, "codes", problems, load_code_table)


def read_mappings(
    folder: ProjectFolder, codes: Mapping[str, CodeTable], problems: Problems
) -> dict[str, MappingTable]:
    """Return the mapping tables by name; every problem of a table is noted, not only the first."""

    def load(name: str, text: str) -> MappingTable:
        try:
            return load_table(text, name=name, codes=codes)
        except ConfigurationError:
            for problem in table_problems(text, name=name, codes=codes)[1:]:
                problems.add_error(problem, f"mappings/{name}.toml")
            raise

    return _each(folder, "mappings", problems, load)


def read_contracts(folder: ProjectFolder, problems: Problems) -> dict[str, dict[int, Contract]]:
    """Return the contracts by message type and version; folder and file name must agree with it."""
    contracts: dict[str, dict[int, Contract]] = {}
    for file in folder.under("contracts"):
        try:
            contract = load_contract(read_text(folder.path, file), file=file)
        except ConfigurationError as error:
            problems.add_error(error, file)
            continue
        right = f"contracts/{contract.message_type}/v{contract.version}.odcs.yaml"
        if file != right:
            holds = f"the file holds {contract.message_type} version {contract.version}"
            wrong = ConfigurationError("TW-1110", holds, advice=f"Move it to {right}.", at=file)
            problems.add_error(wrong, file)
        contracts.setdefault(contract.message_type, {})[contract.version] = contract
    return contracts


def codes_in_use(texts: Iterable[str]) -> set[str]:
    """Return the code tables that mapping tables and expressions name."""
    return {name for text in texts for name in _CODE_CALL.findall(text)}


def _each(
    folder: ProjectFolder, kind: str, problems: Problems, load: Callable[[str, str], Loaded]
) -> dict[str, Loaded]:
    loaded = {}
    for file in folder.under(kind):
        name = _name_of(file)
        try:
            loaded[name] = load(name, read_text(folder.path, file))
        except ConfigurationError as error:
            problems.add_error(error, file)
    return loaded


def _name_of(file: str) -> str:
    return Path(file).stem
