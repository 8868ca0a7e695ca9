"""When the certificates end that the project keeps in files: those a receiver of notices is told.

A connection that trusts what the machine trusts has no file here, and nothing is known of its end.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from tillway.clock import MICROSECONDS
from tillway.project.records import Release


def certificates(release: Release) -> dict[str, int]:
    """Return connection -> when the first certificate of its file ends, microseconds UTC.

    A file that is missing or holds none is left out: the notice itself says so when it is sent.
    """
    found = {}
    for name, receiver in release.watch.receivers.items():
        path = release.folder / receiver.ca_file
        try:
            changed = path.stat().st_mtime_ns if receiver.ca_file else 0
            ends = _ends(path, changed) if changed else 0
        except (OSError, ValueError):
            continue
        if ends:
            found[f"alerts/{name}"] = ends
    return found


@lru_cache(maxsize=64)
def _ends(path: Path, _changed: int) -> int:
    """Return when the first certificate of a file ends; read again when the file changed."""
    from cryptography import x509

    known = x509.load_pem_x509_certificates(path.read_bytes())
    first = min(one.not_valid_after_utc for one in known)
    return round(first.timestamp() * MICROSECONDS)
