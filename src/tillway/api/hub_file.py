"""Where a running hub can be reached, and the token that opens its operating door.

The file lies in the project folder, readable by its owner only; it outlives a killed hub, so the
lock of the journal decides whether a hub runs, never this file.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import msgspec

HUB_FILE = ".state/hub.json"
TOKEN_BYTES = 32
OWNER_ONLY = 0o600


class HubAddress(msgspec.Struct, frozen=True):
    """Host, port and process of a running hub; token is the bearer token of its API."""

    host: str
    port: int
    pid: int
    token: str

    def __repr__(self) -> str:
        return f"HubAddress(host={self.host!r}, port={self.port}, pid={self.pid})"

    @property
    def url(self) -> str:
        """Return the address of the hub; a host that means `every address` is called locally."""
        host = "127.0.0.1" if self.host in ("", "0.0.0.0", "::") else self.host  # noqa: S104 - compared, not bound
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def new_token() -> str:
    """Return a fresh random token."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def write_hub_file(folder: Path, address: HubAddress) -> Path:
    """Write where the hub listens, readable by the owner only, in one step; return the file."""
    path = folder / HUB_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{address.pid}.new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode(address))
    fresh.replace(path)
    return path


def read_hub_file(folder: Path) -> HubAddress | None:
    """Return the address a hub wrote down, None when there is none to read."""
    try:
        return msgspec.json.decode((folder / HUB_FILE).read_bytes(), type=HubAddress)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def remove_hub_file(folder: Path) -> None:
    """Forget the address when the hub leaves."""
    (folder / HUB_FILE).unlink(missing_ok=True)
