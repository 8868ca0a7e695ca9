"""API keys are random, and only their digest is kept."""

from __future__ import annotations

from tillway.security import key_digest, key_matches, new_api_key


def test_a_key_is_made_of_the_given_randomness() -> None:
    """The same bytes give the same key; 32 are asked for."""
    asked: list[int] = []

    def fixed(count: int) -> bytes:
        asked.append(count)
        return bytes(range(count))

    key = new_api_key(fixed)
    assert asked == [32]
    assert key.reveal().startswith("tw_")
    assert key.reveal() == new_api_key(fixed).reveal()
    assert len(key.reveal()) == 46


def test_a_key_matches_its_digest_only() -> None:
    """The digest is SHA-256 in hex, upper case allowed, and belongs to one key."""
    digest = key_digest("tw_a")
    assert len(digest) == 64
    assert key_matches("tw_a", digest)
    assert key_matches("tw_a", digest.upper())
    assert not key_matches("tw_b", digest)
    assert not key_matches("", digest)
