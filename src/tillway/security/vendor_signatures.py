"""What each vendor signs, and where it writes the signature (retail model, section 9.1).

Surprising: a Stripe secret begins with `whsec_` and is text all the same, and Adyen signs single
fields of every item in a body, joined by colons that are never escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tillway.security.signatures import SignatureRule, any_right, signature_of

ADYEN_FIELDS = (
    "pspReference",
    "originalReference",
    "merchantAccountCode",
    "merchantReference",
    "amount.value",
    "amount.currency",
    "eventCode",
    "success",
)

SHOPIFY = SignatureRule(header="x-shopify-hmac-sha256", encoding="base64", key="text")
WOOCOMMERCE = SignatureRule(header="x-wc-webhook-signature", encoding="base64", key="text")
TOAST = SignatureRule(
    header="toast-signature", encoding="base64", signed="body+timestamp", key="text"
)
STRIPE = SignatureRule(
    header="stripe-signature",
    signed="timestamp.body",
    signature_field="v1",
    timestamp_field="t",
    key="text",
)
# Header shape from a simulator of a third party; which bytes are signed is not verified.
LIGHTSPEED_X = SignatureRule(header="x-signature", signature_field="signature", key="text")
_ADYEN = SignatureRule(header="", encoding="base64", key="hex")


def square_rule(notification_url: str) -> SignatureRule:
    """Return how Square signs: over the address as it was registered, and the body after it."""
    return SignatureRule(
        header="x-square-hmacsha256-signature",
        encoding="base64",
        signed="url+body",
        url=notification_url,
        key="text",
    )


def adyen_item_stands(secrets: Sequence[str], item: Mapping[str, Any]) -> bool:
    """Tell whether one NotificationRequestItem of Adyen carries a right signature.

    secrets: the HMAC keys in hex. item: the item as it was decoded, signature included. Raises
    ValueError for a key that is no hex.
    """
    given = _at(item, "additionalData.hmacSignature")
    signed = ":".join(_at(item, path) for path in ADYEN_FIELDS).encode()
    right = [signature_of(secret, signed, "base64", "hex") for secret in secrets]
    return bool(given) and any_right(right, [given], _ADYEN)


def _at(item: Mapping[str, Any], path: str) -> str:
    """Return a field as text, "" where it is absent."""
    value: Any = item
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
