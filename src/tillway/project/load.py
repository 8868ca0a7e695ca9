"""Reads a whole project folder into one immutable Release, or says everything that is wrong.

Nothing is read twice while a hub runs: a changed folder is a new release.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import msgspec

from tillway.contracts import Contract
from tillway.project.connections import check_source, check_target
from tillway.project.crosschecks import CrossChecks, Parts, chosen_contracts
from tillway.project.filling import SecretFiller
from tillway.project.folder import SECRETS, ProjectFolder, digest_of, find_files
from tillway.project.gather import Gatherer
from tillway.project.problems import Problem, Problems, ProjectErrors
from tillway.project.records import Release
from tillway.security.secrets import SecretResolver

Value = TypeVar("Value")


class Project(msgspec.Struct, frozen=True):
    """A folder that was read without errors; warnings are what is probably not meant so.

    files are relative to the folder. unset_secrets are names of secrets without a value here; a
    hub needs them all.
    """

    release: Release
    warnings: tuple[Problem, ...]
    files: tuple[str, ...]
    unset_secrets: tuple[str, ...]


def load_release(
    folder: Path,
    *,
    environment: str = "",
    overrides: Sequence[str] = (),
    environ: Mapping[str, str],
) -> Release:
    """Return the release of a folder, secrets resolved.

    environment: name of an `env/<name>.toml`. overrides: texts `a.b=c`. environ: variables that
    may hold `TILLWAY__SECTION__FIELD` and secrets. Raises ConfigurationError TW-1107 when the
    folder is no project, ProjectErrors with every problem when it is not fit to run.
    """
    return load_project(
        folder, environment=environment, overrides=overrides, environ=environ
    ).release


def load_project(
    folder: Path,
    *,
    environment: str = "",
    overrides: Sequence[str] = (),
    environ: Mapping[str, str],
    secrets_needed: bool = True,
) -> Project:
    """Return the release of a folder and the warnings about it; errors as in load_release().

    secrets_needed False lists missing secrets instead of refusing, for a check without values.
    """
    files = find_files(folder, environment)
    problems = Problems()
    gatherer = Gatherer(files, problems)
    laid_over = gatherer.lay_over(environment, overrides, environ)
    filler = SecretFiller(
        SecretResolver(environ, folder / SECRETS), problems, needed=secrets_needed
    )
    for document in gatherer.documents.values():
        filler.fill(document)
    parts = gatherer.parts()
    contracts = _checked(parts, problems)
    if problems.errors:
        raise ProjectErrors(problems.in_order())
    release = _release(files, parts, contracts, digest_of(files, laid_over))
    return Project(release, tuple(problems.in_order()), files.files, tuple(filler.unset))


def _checked(parts: Parts, problems: Problems) -> dict[str, Contract]:
    """Note whatever does not fit together; return the contract of each message type."""
    checks = CrossChecks(parts, problems)
    checks.run()
    for source in parts.sources.values():
        check_source(source, parts.documents[f"systems/{source.system}.toml"], problems)
    for target in parts.targets.values():
        check_target(target, parts.documents[f"systems/{target.system}.toml"], problems)
    made = [
        (source, message_type)
        for source in parts.sources.values()
        for message_type in sorted(checks.produced(source))
    ]
    return chosen_contracts(parts, made, problems)


def _release(
    files: ProjectFolder, parts: Parts, contracts: Mapping[str, Contract], digest: str
) -> Release:
    assert parts.hub is not None, "without tillway.toml there are problems"
    return Release(
        digest=digest,
        folder=files.path,
        hub=parts.hub,
        sources=_frozen(parts.sources),
        targets=_frozen(parts.targets),
        routes=_frozen(parts.routes),
        mappings=_frozen(parts.mappings),
        contracts=_frozen(contracts),
        retries=_frozen(parts.retries),
        breakers=_frozen(parts.breakers),
        stores=_frozen(parts.stores),
        reconciliation=parts.reconciliation,
        watch=parts.watch,
    )


def _frozen(values: Mapping[str, Value]) -> Mapping[str, Value]:
    return MappingProxyType(dict(values))
