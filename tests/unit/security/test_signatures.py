"""Signatures stand only for the very bytes, under a live secret, in time."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillway.security import SignatureRule, signature_of, signature_stands

NOW = 1_700_000_000_000_000
SECONDS = NOW // 1_000_000
BODY = b'{"total": "12.50"}'
PLAIN = SignatureRule(header="x-signature")
STANDARD = SignatureRule(
    header="webhook-signature",
    encoding="base64",
    prefix="v1,",
    signed="id.timestamp.body",
    timestamp_header="webhook-timestamp",
    id_header="webhook-id",
)
STANDARD_SECRET = "whsec_" + b64encode(b"thirty two bytes of pure chance!").decode()


def standard_headers(secret: str = STANDARD_SECRET, at: int = SECONDS) -> dict[str, str]:
    """Return the headers of a Standard Webhooks sender."""
    signature = signature_of(secret, b"msg_1.%d." % at + BODY, "base64")
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{signature}",
    }


def test_a_known_answer() -> None:
    """HMAC-SHA256 as in RFC 4231, test case 2."""
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert signature_of("Jefe", b"what do ya want for nothing?") == expected


@given(st.binary(max_size=200), st.binary(min_size=1, max_size=5))
def test_only_the_very_bytes_stand(body: bytes, more: bytes) -> None:
    """The right bytes stand, anything added does not."""
    headers = {"x-signature": signature_of("s", body)}
    assert signature_stands(PLAIN, ["s"], headers, body, NOW)
    assert not signature_stands(PLAIN, ["s"], headers, body + more, NOW)


def test_any_live_secret_will_do() -> None:
    """While a secret is rotated both stand; a retired one does not."""
    headers = {"x-signature": signature_of("new", BODY)}
    assert signature_stands(PLAIN, ["old", "new"], headers, BODY, NOW)
    assert not signature_stands(PLAIN, ["old"], headers, BODY, NOW)
    assert not signature_stands(PLAIN, [], headers, BODY, NOW)


def test_hex_may_be_upper_case() -> None:
    """Some senders write capital hex digits."""
    headers = {"x-signature": signature_of("s", BODY).upper()}
    assert signature_stands(PLAIN, ["s"], headers, BODY, NOW)


@pytest.mark.parametrize("given", ["", "   ", "nonsense", "ÿ", "sha256="])
def test_no_or_odd_signature_does_not_stand(given: str) -> None:
    """A missing or unreadable header is a wrong signature, never an error."""
    assert not signature_stands(PLAIN, ["s"], {"x-signature": given}, BODY, NOW)
    assert not signature_stands(PLAIN, ["s"], {}, BODY, NOW)


def test_standard_webhooks_stand() -> None:
    """Id, time and body are signed with a base64 secret; one of several signatures is enough."""
    headers = standard_headers()
    assert signature_stands(STANDARD, [STANDARD_SECRET], headers, BODY, NOW)
    headers["webhook-signature"] = "v1,AAAA " + headers["webhook-signature"]
    assert signature_stands(STANDARD, [STANDARD_SECRET], headers, BODY, NOW)


def test_another_id_does_not_stand() -> None:
    """The id is part of what was signed."""
    headers = {**standard_headers(), "webhook-id": "msg_2"}
    assert not signature_stands(STANDARD, [STANDARD_SECRET], headers, BODY, NOW)


@pytest.mark.parametrize(("age", "stands"), [(0, True), (300, True), (301, False), (-301, False)])
def test_an_old_or_future_signature_does_not_stand(age: int, stands: bool) -> None:
    """The window is five minutes to both sides."""
    headers = standard_headers(at=SECONDS - age)
    assert signature_stands(STANDARD, [STANDARD_SECRET], headers, BODY, NOW) is stands


@pytest.mark.parametrize("stamp", ["", "soon", "-5", "1" * 40, "１７０００"])
def test_a_time_that_is_none_does_not_stand(stamp: str) -> None:
    """An unreadable time is a wrong signature, never an error."""
    headers = {**standard_headers(), "webhook-timestamp": stamp}
    assert not signature_stands(STANDARD, [STANDARD_SECRET], headers, BODY, NOW)
