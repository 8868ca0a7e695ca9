"""A backup on disk: a folder with a copy of the journal and a manifest that describes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import apsw
import msgspec

from tillway.errors import ConfigurationError
from tillway.journal.sqlite_backup import Told, digest_of, facts_of, faults_of

SCHEMA = "tillway.backup/1"
MANIFEST = "manifest.json"
COPY = "journal.db"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds. taken_at is the moment of the copy, in UTC.

    release: digest of the project that was read beside it, "" when it did not load; position: the
    newest message; routes: route -> settled position; balanced: whether the books of the copy add
    up.
    """

    schema: str
    taken_at: datetime
    project: str
    release: str
    position: int
    routes: dict[str, int]
    schema_version: int
    balanced: bool
    size_bytes: int
    sha256: str
    tillway: str
    sqlite: str


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write a manifest, readable for people too."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")


def read_manifest(backup: Path) -> Manifest:
    """Return the manifest of a backup. Raises ConfigurationError TW-5203 when there is none."""
    path = backup / MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise _no_backup(backup, f"{MANIFEST}: {reason}") from None
    except msgspec.DecodeError as error:
        raise _no_backup(backup, f"{MANIFEST} is damaged: {error}") from None
    if manifest.schema != SCHEMA:
        raise _no_backup(
            backup, f'its manifest is "{manifest.schema}", this Tillway reads {SCHEMA}'
        )
    if not (backup / COPY).is_file():
        raise _no_backup(backup, f"{COPY} is missing")
    return manifest


def check_copy(backup: Path, manifest: Manifest, told: Told) -> None:
    """Raise ConfigurationError TW-5204 unless the copy is the one described, and sound."""
    copy = backup / COPY
    size = copy.stat().st_size
    if size != manifest.size_bytes:
        raise _damaged(backup, f"{COPY} has {size} bytes, the manifest says {manifest.size_bytes}")
    if digest_of(copy, told) != manifest.sha256:
        raise _damaged(backup, f"the SHA-256 of {COPY} is not the one in the manifest")
    if faults := faults_of(copy):
        raise _damaged(backup, f"{COPY} is not sound: {faults[0]}")
    position = facts_of(copy).position
    if position != manifest.position:
        raise _damaged(
            backup, f"{COPY} ends at position {position}, the manifest says {manifest.position}"
        )


def restoring_path(journal: Path) -> Path:
    """Return the name under which a journal waits to be put in place by a restore."""
    return journal.with_name(journal.name + ".restoring")


def refuse_half_restored(journal: Path) -> None:
    """Raise ConfigurationError TW-5208 when a restore was killed on the way.

    A hub that started then could begin a new, empty journal and deliver everything again.
    """
    if restoring_path(journal).exists():
        raise ConfigurationError("TW-5208", f"the restore of {journal.name} did not finish")


@contextmanager
def told_plainly(place: Path) -> Iterator[None]:
    """Raise ConfigurationError TW-5206 where the operating system refuses."""
    try:
        yield
    except OSError as error:
        raise _unwritten(place, error.strerror or type(error).__name__) from error
    except (apsw.FullError, apsw.IOError, apsw.CantOpenError, apsw.ReadOnlyError) as error:
        raise _unwritten(place, str(error)) from error


def _no_backup(backup: Path, why: str) -> ConfigurationError:
    return ConfigurationError("TW-5203", f"no backup to read in {backup.name}: {why}")


def _damaged(backup: Path, why: str) -> ConfigurationError:
    return ConfigurationError("TW-5204", f"the backup {backup.name} is damaged: {why}")


def _unwritten(place: Path, why: str) -> ConfigurationError:
    return ConfigurationError("TW-5206", f"could not write {place.name}: {why}")
