"""HMAC-SHA256 signatures over the raw bytes of a request.

Several secrets may be live at once, so that one can be rotated without losing a message; a header
may carry several signatures for the same reason (Standard Webhooks, Stripe). What each vendor signs
stands in `vendor_signatures`.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

MICROSECONDS = 1_000_000
_BASE64_SECRET = "whsec_"  # noqa: S105 - the public prefix of Standard Webhooks, not a secret

Encoding = Literal["hex", "base64"]
KeyForm = Literal["standard", "text", "hex"]
SignedBytes = Literal["body", "timestamp.body", "id.timestamp.body", "url+body", "body+timestamp"]


class SignatureRule(msgspec.Struct, frozen=True):
    """How a sender signs. Header names are lower case; prefix stands before each signature.

    signed: which bytes, joined by full stops (Standard Webhooks: `id.timestamp.body`) or, with a
    plus, by nothing. A time of signing further than tolerance_seconds from now is refused; where no
    time is signed there is no such check. url: the address as it was registered with the sender.
    signature_field: the header is a list of `name=value`, and these values are the signatures;
    timestamp_field: the value in the same list that is the time. key: `standard` reads `whsec_`
    secrets as base64 and all others as text.
    """

    header: str
    encoding: Encoding = "hex"
    prefix: str = ""
    signed: SignedBytes = "body"
    timestamp_header: str = ""
    id_header: str = ""
    tolerance_seconds: int = 300
    url: str = ""
    signature_field: str = ""
    timestamp_field: str = ""
    key: KeyForm = "standard"


def signature_of(
    secret: str, signed: bytes, encoding: Encoding = "hex", key: KeyForm = "standard"
) -> str:
    """Return the HMAC-SHA256 of bytes under a secret; ValueError for a key that is no hex."""
    digest = hmac.new(_key_bytes(secret, key), signed, hashlib.sha256).digest()
    return digest.hex() if encoding == "hex" else b64encode(digest).decode()


def signature_stands(
    rule: SignatureRule,
    secrets: Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    now: int,
    *,
    timestamp: str = "",
) -> bool:
    """Tell whether one given signature is right under one live secret, in constant time.

    now: microseconds since 1970. timestamp: the time of signing where the sender writes it into
    the body and not into a header. A missing header is a wrong signature.
    """
    text = headers.get(rule.header, "")
    if rule.signature_field:
        given = _fields(text, rule.signature_field)
    else:
        given = [part.removeprefix(rule.prefix) for part in text.split()]
    stamp = _time_of_signing(rule, headers, timestamp)
    if not given or not _timely(rule, stamp, now):
        return False
    signed = _signed_bytes(rule, headers, body, stamp)
    return any_right(
        [signature_of(s, signed, rule.encoding, rule.key) for s in secrets], given, rule
    )


def any_right(right: Sequence[str], given: Sequence[str], rule: SignatureRule) -> bool:
    """Tell whether a given signature is one of the right ones; every pair is compared."""
    stands = False
    for one in right:
        for signature in given:
            spelled = signature.lower() if rule.encoding == "hex" else signature
            # No early way out: the time taken must not say which one matched.
            stands |= hmac.compare_digest(one.encode(), spelled.encode("utf-8", "replace"))
    return stands


def _signed_bytes(
    rule: SignatureRule, headers: Mapping[str, str], body: bytes, stamp: str
) -> bytes:
    if rule.signed == "body":
        return body
    if rule.signed == "url+body":
        return rule.url.encode() + body
    if rule.signed == "body+timestamp":
        return body + stamp.encode()
    if rule.signed == "timestamp.body":
        return stamp.encode() + b"." + body
    return headers.get(rule.id_header, "").encode() + b"." + stamp.encode() + b"." + body


def _fields(text: str, name: str) -> list[str]:
    """Return the values of one name in a list such as `t=1,v1=ab,v1=cd`."""
    pairs = (part.strip().partition("=") for part in text.split(","))
    return [value for given, _, value in pairs if given == name and value]


def _time_of_signing(rule: SignatureRule, headers: Mapping[str, str], given: str) -> str:
    if rule.timestamp_field:
        return next(iter(_fields(headers.get(rule.header, ""), rule.timestamp_field)), "")
    if rule.timestamp_header:
        return headers.get(rule.timestamp_header, "")
    return given


def _timely(rule: SignatureRule, stamp: str, now: int) -> bool:
    if "timestamp" not in rule.signed and not rule.timestamp_header:
        return True
    at = _microseconds(stamp)
    return at is not None and abs(now - at) <= rule.tolerance_seconds * MICROSECONDS


def _microseconds(stamp: str) -> int | None:
    """Return a time given as seconds since 1970 or as ISO 8601 with offset, None for any other."""
    if stamp.isascii() and stamp.isdigit() and len(stamp) <= 12:
        return int(stamp) * MICROSECONDS
    try:
        moment = datetime.fromisoformat(stamp)
        return round(moment.timestamp() * MICROSECONDS) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _key_bytes(secret: str, key: KeyForm) -> bytes:
    if key == "hex":
        return bytes.fromhex("".join(secret))
    if key == "standard" and secret.startswith(_BASE64_SECRET):
        try:
            return b64decode(secret.removeprefix(_BASE64_SECRET), validate=True)
        except (NotBase64, ValueError):
            return secret.encode()
    return secret.encode()
