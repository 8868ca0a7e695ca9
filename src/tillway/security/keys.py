"""API keys: made once, shown once, and kept only as a digest.

A key is 32 random bytes, so a plain SHA-256 is enough: there is no password to guess.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable

from tillway.security.secrets import Secret

KEY_BYTES = 32
KEY_PREFIX = "tw_"


def new_api_key(random_bytes: Callable[[int], bytes]) -> Secret:
    """Return a new key as text (`tw_` and 43 characters); pass `secrets.token_bytes`."""
    return Secret(KEY_PREFIX + urlsafe_b64encode(random_bytes(KEY_BYTES)).rstrip(b"=").decode())


def key_digest(key: str) -> str:
    """Return the SHA-256 of a key, 64 hex digits: what `stores.csv` holds."""
    return hashlib.sha256(key.encode()).hexdigest()


def key_matches(key: str, digest: str) -> bool:
    """Tell whether a key belongs to a digest, in constant time."""
    return hmac.compare_digest(key_digest(key), digest.lower())
