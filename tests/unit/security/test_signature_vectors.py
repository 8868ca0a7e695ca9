"""Every known answer of the vendors' signatures stands, and nothing near it does.

The known answers lie outside the repository; without them the same schemes are tested on bodies of
our own, signed here by the rule as it is written down.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from base64 import b64encode
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tillway.security.signatures import SignatureRule, signature_stands
from tillway.security.vendor_signatures import (
    LIGHTSPEED_X,
    SHOPIFY,
    STRIPE,
    TOAST,
    WOOCOMMERCE,
    adyen_item_stands,
    square_rule,
)

SAMPLES = Path(os.environ.get("TILLWAY_SAMPLES", Path(__file__).parents[4] / "shared" / "samples"))
VECTORS = SAMPLES / "pos" / "vectors" / "webhook_signature_vectors.json"
HOW_MANY = 11
NOW = 1_767_323_045_000_000
MINUTE = 60_000_000
BODY = b'{"id":"evt_1","amount":"12.50"}'
TOAST_TIME = "2026-01-02T03:04:05.000+0000"
ADYEN_KEY = "0f" * 32


@dataclass(frozen=True)
class Signed:
    """One signed call: how it is signed, secret, header, body, and its time if in neither."""

    rule: SignatureRule
    secret: str
    signature: str
    body: bytes
    timestamp: str = ""

    def stands(self, now: int = NOW, secrets: tuple[str, ...] = ()) -> bool:
        """Tell whether it stands; secrets replaces the one it was signed with."""
        headers = {self.rule.header: self.signature} if self.signature else {}
        return signature_stands(
            self.rule, secrets or (self.secret,), headers, self.body, now, timestamp=self.timestamp
        )


def base64_hmac(secret: str, signed: bytes) -> str:
    """Return a signature as most vendors write it."""
    return b64encode(hmac.digest(secret.encode(), signed, hashlib.sha256)).decode()


def hex_hmac(secret: str, signed: bytes) -> str:
    """Return a signature in hex digits."""
    return hmac.digest(secret.encode(), signed, hashlib.sha256).hex()


OWN = {
    "square": Signed(
        square_rule("https://hub.example.com/in/square"),
        "key",
        base64_hmac("key", b"https://hub.example.com/in/square" + BODY),
        BODY,
    ),
    "shopify": Signed(SHOPIFY, "key", base64_hmac("key", BODY), BODY),
    "woocommerce": Signed(WOOCOMMERCE, "key", base64_hmac("key", BODY), BODY),
    "toast": Signed(TOAST, "key", base64_hmac("key", BODY + TOAST_TIME.encode()), BODY, TOAST_TIME),
    "stripe": Signed(
        STRIPE,
        "whsec_a2V5",
        f"t=1767323045,v1={hex_hmac('whsec_a2V5', b'1767323045.' + BODY)}",
        BODY,
    ),
    "lightspeed_x": Signed(
        LIGHTSPEED_X, "key", f"signature={hex_hmac('key', BODY)},algorithm=HMAC-SHA256", BODY
    ),
}
RULES = {
    "shopify": SHOPIFY,
    "woocommerce": WOOCOMMERCE,
    "toast": TOAST,
    "stripe": STRIPE,
    "lightspeed_x": LIGHTSPEED_X,
}


def adyen_item() -> dict[str, Any]:
    """Return an item with the characters that other schemes escape, signed by the rule."""
    item = {
        "pspReference": "7914073381342284",
        "merchantAccountCode": "Lantern",
        "merchantReference": "a:b\\c/d",
        "amount": {"currency": "EUR", "value": 1130},
        "eventCode": "AUTHORISATION",
        "success": "true",
    }
    signed = b"7914073381342284::Lantern:a:b\\c/d:1130:EUR:AUTHORISATION:true"
    digest = hmac.digest(bytes.fromhex(ADYEN_KEY), signed, hashlib.sha256)
    return {**item, "additionalData": {"hmacSignature": b64encode(digest).decode()}}


def vectors() -> list[dict[str, Any]]:
    """Return the known answers; skips where the samples are not there."""
    if not VECTORS.exists():
        pytest.skip("the samples are not here: set TILLWAY_SAMPLES")
    found: list[dict[str, Any]] = json.loads(VECTORS.read_text("utf-8"))
    return found


def of_vector(vector: dict[str, Any]) -> Signed:
    """Return a known answer as a signed call."""
    square = vector["vendor"] == "square"
    rule = square_rule(vector["notification_url"]) if square else RULES[vector["vendor"]]
    return Signed(
        rule,
        vector["key"],
        vector["signature"],
        vector["body"].encode(),
        vector.get("timestamp", ""),
    )


def adyen_of_vector(vector: dict[str, Any]) -> dict[str, Any]:
    """Return the signed item of a known answer, from the answer itself or the file it names."""
    item = vector.get("item")
    if item is None:
        item = json.loads((SAMPLES / "pos" / vector["file"]).read_text("utf-8"))
    return {**item, "additionalData": {"hmacSignature": vector["signature"]}}


def refuses_whatever_differs(signed: Signed) -> None:
    """Check one call: it stands; each change of one byte, and no header at all, does not."""
    assert signed.stands()
    assert signed.stands(secrets=("another", signed.secret))
    assert not signed.stands(secrets=("another",))
    for at in range(len(signed.body)):
        body = bytearray(signed.body)
        body[at] ^= 1
        assert not replace(signed, body=bytes(body)).stands()
    assert not replace(signed, body=signed.body + b"\n").stands()
    assert not replace(signed, signature="").stands()
    assert not replace(signed, signature="ÿ, =,,t=,v1=,signature=").stands()


@pytest.mark.parametrize("vendor", OWN)
def test_a_call_signed_by_the_written_rule_stands(vendor: str) -> None:
    """What is signed as the vendor describes it stands, and one changed byte does not."""
    refuses_whatever_differs(OWN[vendor])


def test_every_known_answer_stands() -> None:
    """All vectors verify; one changed byte, another secret or no header does not."""
    tried = 0
    for vector in vectors():
        tried += 1
        if vector["vendor"] == "adyen":
            assert adyen_item_stands((vector["key_hex"],), adyen_of_vector(vector))
        else:
            refuses_whatever_differs(of_vector(vector))
    assert tried == HOW_MANY


def test_the_known_answers_of_adyen_cover_every_signed_field() -> None:
    """Each of the fields of each known item counts: a change of any is refused."""
    items = [(v["key_hex"], adyen_of_vector(v)) for v in vectors() if v["vendor"] == "adyen"]
    for key, item in [*items, (ADYEN_KEY, adyen_item())]:
        refuses_other_adyen_fields(key, item)


def test_an_item_of_adyen_stands_by_its_own_fields() -> None:
    """Colon, backslash and slash are signed as they are; each signed field counts."""
    refuses_other_adyen_fields(ADYEN_KEY, adyen_item())


def refuses_other_adyen_fields(key: str, item: dict[str, Any]) -> None:
    """Check one item: it stands under one of two keys; each other value of a field does not."""
    assert adyen_item_stands((ADYEN_KEY, key), item)
    assert not adyen_item_stands(("ab" * 32,), item)
    for name in ("pspReference", "merchantAccountCode", "merchantReference", "eventCode"):
        assert not adyen_item_stands((key,), {**item, name: str(item[name]) + "x"})
    others: list[dict[str, Any]] = [
        {"originalReference": "1"},
        {"success": "false"},
        {"amount": {**item["amount"], "value": 1}},
        {"amount": {**item["amount"], "currency": "ZZZ"}},
        {"additionalData": {}},
    ]
    for changed in others:
        assert not adyen_item_stands((key,), {**item, **changed})


def test_success_may_be_a_flag() -> None:
    """`true` as a JSON boolean is signed like the text."""
    assert adyen_item_stands((ADYEN_KEY,), {**adyen_item(), "success": True})


def test_the_address_is_the_registered_one() -> None:
    """Square signs the address: another one, or one with a slash more, is refused."""
    square = OWN["square"]
    for url in ("https://hub.example.com/in/square/", "http://hub.example.com/in/square", ""):
        assert not replace(square, rule=square_rule(url)).stands()


@pytest.mark.parametrize("vendor", ["stripe", "toast"])
@pytest.mark.parametrize(("minutes", "stands"), [(0, True), (4, True), (6, False), (-6, False)])
def test_an_old_timestamp_is_refused(vendor: str, minutes: int, stands: bool) -> None:
    """Where a time is signed it may be five minutes off and no more, to both sides."""
    assert OWN[vendor].stands(NOW + minutes * MINUTE) is stands


@pytest.mark.parametrize("vendor", ["stripe", "toast"])
def test_a_call_without_its_time_is_refused(vendor: str) -> None:
    """A signed time that is missing or unreadable refuses the call, never an error."""
    signed = OWN[vendor]
    for stamp in ("", "soon", "2026-01-02T03:04:05"):
        other = replace(signed, timestamp=stamp)
        if vendor == "stripe":
            other = replace(
                signed, signature=signed.signature.replace("t=1767323045", f"t={stamp}")
            )
        assert not other.stands()


def test_one_of_several_signatures_is_enough() -> None:
    """Stripe sends one `v1` for each live secret while one is rotated."""
    stripe = OWN["stripe"]
    stamp, _, right = stripe.signature.partition(",")
    assert replace(stripe, signature=f"{stamp},v1={'0' * 64},{right},v0=zz").stands()


def test_a_stripe_secret_is_text() -> None:
    """`whsec_` is base64 in Standard Webhooks and plain text at Stripe."""
    stripe = OWN["stripe"]
    assert stripe.stands()
    assert not replace(stripe, rule=msgspec.structs.replace(stripe.rule, key="standard")).stands()
