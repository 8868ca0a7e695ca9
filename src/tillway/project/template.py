"""Copies a template into a new project folder: plain files, three variables, fresh secrets.

Keys and secrets are made here, never shipped: the key of a store goes to a file outside git, its
SHA-256 to `stores.csv`.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import tomllib
from collections.abc import Callable, Iterator, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import msgspec

from tillway.errors import ConfigurationError
from tillway.project.folder import SECRETS, STORES
from tillway.security.keys import key_digest, new_api_key
from tillway.security.secrets import secret_names
from tillway.spelling import nearest

KEYS_FILE = ".state/dev-keys.json"
"""Store -> API key as text, for the simulator of `tillway dev`; readable by its owner alone."""
KEY_COLUMN = "api_key_sha256"
_DOTTED = {"gitignore": ".gitignore"}
"""Files that packages cannot carry under their own name."""
_SKIPPED = frozenset({"__pycache__"})


class Variables(msgspec.Struct, frozen=True):
    """What a template may hold in double braces: `{{project_name}}` and two ports."""

    project_name: str
    hub_port: int = 8080
    erp_port: int = 8091

    def fill(self, text: str) -> str:
        """Return the text with every variable replaced."""
        for name in ("project_name", "hub_port", "erp_port"):
            text = text.replace("{{" + name + "}}", str(getattr(self, name)))
        return text


class NewProject(msgspec.Struct, frozen=True):
    """What init made: files relative to the folder, stores with a key, names of secrets."""

    folder: Path
    files: tuple[str, ...]
    stores_with_keys: tuple[str, ...]
    secrets: tuple[str, ...]


def template_names() -> list[str]:
    """Return the names of the templates this version has."""
    return sorted(entry.name for entry in _templates().iterdir() if entry.is_dir())


def new_project(
    folder: Path, template: str, variables: Variables, random_bytes: Callable[[int], bytes]
) -> NewProject:
    """Copy a template into a new or empty folder and make its secrets.

    random_bytes: `secrets.token_bytes`, or a seeded one in tests. Raises ConfigurationError
    TW-1005 for an unknown template and TW-1004 for a folder that holds something.
    """
    if template not in template_names():
        raise ConfigurationError(
            "TW-1005",
            f'there is no template "{template}"',
            advice=f"{nearest(template, template_names())}Known: {', '.join(template_names())}.",
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError("TW-1004", f"{folder} is not empty")
    try:
        files = _copied(_templates() / template, folder, variables)
        names = _write_secrets(folder, random_bytes)
        stores = _write_keys(folder, random_bytes)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return NewProject(folder, tuple(sorted(files)), tuple(stores), tuple(names))


def _templates() -> Traversable:
    return resources.files("tillway.project") / "templates"


def _copied(source: Traversable, folder: Path, variables: Variables, at: str = "") -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for entry in source.iterdir():
        name = _DOTTED.get(entry.name, entry.name)
        if name in _SKIPPED:
            continue
        if entry.is_dir():
            files += _copied(entry, folder / name, variables, f"{at}{name}/")
        else:
            (folder / name).write_bytes(_filled(entry.read_bytes(), variables))
            files.append(at + name)
    return files


def _filled(content: bytes, variables: Variables) -> bytes:
    """Fill variables in text; a sample in another encoding is copied byte for byte."""
    try:
        return variables.fill(content.decode("utf-8")).encode()
    except UnicodeDecodeError:
        return content


def _write_secrets(folder: Path, random_bytes: Callable[[int], bytes]) -> list[str]:
    names = sorted({name for document in _documents(folder) for name in secret_names(document)})
    lines = ["# Values of ${secret:name}. Never put this file under version control.\n"]
    lines += [f'{name} = "{random_bytes(32).hex()}"\n' for name in names]
    _write_private(folder / SECRETS, "".join(lines))
    return names


def _documents(folder: Path) -> Iterator[Mapping[str, object]]:
    for file in sorted(folder.rglob("*.toml")):
        yield tomllib.loads(file.read_text("utf-8"))


def _write_keys(folder: Path, random_bytes: Callable[[int], bytes]) -> list[str]:
    """Give every store that sends over HTTP a key; its digest goes into `stores.csv`."""
    stores = folder / STORES
    if not stores.exists():
        return []
    lines = stores.read_text("utf-8").splitlines(keepends=True)
    rows = [next(csv.reader([line]), []) for line in lines]
    first = next(n for n, row in enumerate(rows) if row and not row[0].startswith("#"))
    columns = rows[first]
    if KEY_COLUMN not in columns:
        columns.append(KEY_COLUMN)
    system = columns.index("system" if "system" in columns else "brand")
    senders = _http_senders(folder)
    keys = {}
    for row in rows[first + 1 :]:
        if not row or row[0].startswith("#"):
            continue
        row.extend([""] * (len(columns) - len(row)))
        if row[system] in senders:
            key = new_api_key(random_bytes)
            keys[row[0]] = key.reveal()
            row[columns.index(KEY_COLUMN)] = key_digest(key)
    stores.write_text("".join(map(_csv_line, rows)), "utf-8")
    _write_private(folder / KEYS_FILE, json.dumps({"stores": keys}, indent=2) + "\n")
    return list(keys)


def _http_senders(folder: Path) -> set[str]:
    senders = set()
    for file in (folder / "systems").glob("*.toml"):
        source = tomllib.loads(file.read_text("utf-8")).get("source", {})
        if source.get("connector") == "http":
            senders.add(file.stem)
    return senders


def _csv_line(row: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(row)
    return out.getvalue()


def _write_private(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
