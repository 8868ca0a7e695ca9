"""The Ed25519 key that signs checkpoints of the audit chain: made once, kept readable by its owner.

Surprising: who can read this key can write a chain that holds. The public half is written beside
it, so that somebody else can keep it elsewhere and check with that.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from tillway.errors import ConfigurationError
from tillway.journal.sqlite_backup import flush

PRIVATE_MODE, PUBLIC_MODE = 0o600, 0o644
FINGERPRINT_CHARACTERS = 16


class SigningKey(msgspec.Struct, frozen=True):
    """The key pair; public: the 32 bytes of its public half."""

    private: Ed25519PrivateKey
    public: bytes

    def sign(self, content: bytes) -> bytes:
        """Return the signature, 64 bytes."""
        return self.private.sign(content)


def load_or_make(private: Path, public: Path) -> SigningKey:
    """Return the key of a state folder; the first call makes it, and the file of its public half.

    Raises ConfigurationError TW-8301 when others may read the key, TW-8302 when it is no key.
    """
    if not private.exists():
        _make(private)
    if stat.S_IMODE(private.stat().st_mode) & 0o077:
        raise ConfigurationError("TW-8301", f"{private.name} may be read by others")
    try:
        key = load_pem_private_key(private.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError("TW-8302", f"{private.name} cannot be read") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError("TW-8302", f"{private.name} is no Ed25519 key")
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    if not public.exists() or public.read_bytes() != pem:
        _write(public, pem, PUBLIC_MODE)
    return SigningKey(key, key.public_key().public_bytes_raw())


def read_public(path: Path) -> bytes:
    """Return the 32 bytes of a public key in a PEM file. Raises ConfigurationError TW-8302."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigurationError("TW-8302", f"{path.name} cannot be read") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigurationError("TW-8302", f"{path.name} is no Ed25519 key")
    return key.public_bytes_raw()


def is_signed(public: bytes, content: bytes, signature: bytes) -> bool:
    """Say whether this signature was made over this content with the private half of a key."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True


def fingerprint(public: bytes) -> str:
    """Return the name by which people compare keys: the beginning of its SHA-256, in hex."""
    return hashlib.sha256(public).hexdigest()[:FINGERPRINT_CHARACTERS]


def _make(private: Path) -> None:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    private.parent.mkdir(parents=True, exist_ok=True)
    _write(private, pem, PRIVATE_MODE)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write a file whole or not at all; nobody else may read it on the way."""
    fresh = path.with_name(path.name + ".fresh")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    fresh.replace(path)
    flush(path.parent)
