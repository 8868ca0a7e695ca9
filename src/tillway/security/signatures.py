"""HMAC-SHA256 signatures over the raw bytes of a request.

Several secrets may be live at once, so that one can be rotated without losing a message; a header
may carry several signatures for the same reason (Standard Webhooks).
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

MICROSECONDS = 1_000_000
_BASE64_SECRET = "whsec_"  # noqa: S105 - the public prefix of Standard Webhooks, not a secret


@dataclass(frozen=True, slots=True)
class SignatureRule:
    """How a sender signs. Header names are lower case; prefix stands before each signature.

    signed: which bytes, joined by full stops (Standard Webhooks: `id.timestamp.body`). A timestamp
    (seconds since 1970) further than tolerance_seconds from now is refused; without
    timestamp_header there is no such check.
    """

    header: str
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    signed: Literal["body", "timestamp.body", "id.timestamp.body"] = "body"
    timestamp_header: str = ""
    id_header: str = ""
    tolerance_seconds: int = 300


def signature_of(secret: str, signed: bytes, encoding: Literal["hex", "base64"] = "hex") -> str:
    """Return the HMAC-SHA256 of bytes under a secret (`whsec_` secrets are base64)."""
    digest = hmac.new(_key_bytes(secret), signed, hashlib.sha256).digest()
    return digest.hex() if encoding == "hex" else b64encode(digest).decode()


def signature_stands(
    rule: SignatureRule,
    secrets: Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    now: int,
) -> bool:
    """Tell whether one given signature is right under one live secret, in constant time.

    now: microseconds since 1970. A missing header is a wrong signature.
    """
    given = [part.removeprefix(rule.prefix) for part in headers.get(rule.header, "").split()]
    if not given or not _timely(rule, headers, now):
        return False
    signed = _signed_bytes(rule, headers, body)
    stands = False
    for secret in secrets:
        right = signature_of(secret, signed, rule.encoding).encode()
        for signature in given:
            spelled = signature.lower() if rule.encoding == "hex" else signature
            # No early way out: the time taken must not say which one matched.
            stands |= hmac.compare_digest(right, spelled.encode("utf-8", "replace"))
    return stands


def _signed_bytes(rule: SignatureRule, headers: Mapping[str, str], body: bytes) -> bytes:
    if rule.signed == "body":
        return body
    stamp = headers.get(rule.timestamp_header, "").encode()
    if rule.signed == "timestamp.body":
        return stamp + b"." + body
    return headers.get(rule.id_header, "").encode() + b"." + stamp + b"." + body


def _timely(rule: SignatureRule, headers: Mapping[str, str], now: int) -> bool:
    if not rule.timestamp_header:
        return True
    stamp = headers.get(rule.timestamp_header, "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        return False
    return abs(now - int(stamp) * MICROSECONDS) <= rule.tolerance_seconds * MICROSECONDS


def _key_bytes(secret: str) -> bytes:
    if secret.startswith(_BASE64_SECRET):
        try:
            return b64decode(secret.removeprefix(_BASE64_SECRET), validate=True)
        except (NotBase64, ValueError):
            return secret.encode()
    return secret.encode()
