"""Finds the files of a project folder that matter, and gives them one digest.

Secrets, state, samples and anything else in the folder is not part of a release.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from tillway.errors import ConfigurationError

MAIN = "tillway.toml"
STORES = "stores.csv"
SECRETS = "secrets.toml"
_PATTERNS = (
    "systems/*.toml",
    "routes/*.toml",
    "policies/*.toml",
    "codes/*.csv",
    "mappings/*.toml",
    "contracts/*/v*.odcs.yaml",
    "recon/*.toml",
    "alerts/*.toml",
)


class ProjectFolder(msgspec.Struct, frozen=True):
    """The folder and its files, relative to it, with forward slashes and in order."""

    path: Path
    files: tuple[str, ...]

    def under(self, kind: str) -> tuple[str, ...]:
        """Return the files of one kind, such as `systems`."""
        return tuple(file for file in self.files if file.startswith(f"{kind}/"))

    def names(self, kind: str) -> tuple[str, ...]:
        """Return the names of one kind, as other files refer to them."""
        return tuple(Path(file).stem for file in self.under(kind))


def find_files(folder: Path, environment: str = "") -> ProjectFolder:
    """Return the files of a folder. Raises ConfigurationError TW-1107 when it is no project."""
    if not (folder / MAIN).is_file():
        raise ConfigurationError(
            "TW-1107",
            f"{folder} holds no {MAIN}",
            advice="Go to the project folder or name it with --project; "
            "`tillway init DIR` makes a new one.",
        )
    found = {
        file.relative_to(folder).as_posix()
        for pattern in _PATTERNS
        for file in folder.glob(pattern)
        if file.is_file()
    }
    single = {MAIN, STORES} | ({f"env/{environment}.toml"} if environment else set())
    found |= {file for file in single if (folder / file).is_file()}
    return ProjectFolder(folder, tuple(sorted(found)))


def digest_of(folder: ProjectFolder, laid_over: Iterable[str]) -> str:
    """Return the SHA-256 over path and bytes of every file, and over the overrides as given."""
    digest = hashlib.sha256()
    for file in folder.files:
        content = hashlib.sha256((folder.path / file).read_bytes()).hexdigest()
        digest.update(f"{file}\n{content}\n".encode())
    for line in laid_over:
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()
