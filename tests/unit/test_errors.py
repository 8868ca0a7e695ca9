"""Errors carry a code and say nothing that must stay secret."""

from __future__ import annotations

import pytest

from tillway.errors import ConfigurationError, all_codes, code_record, shown

CARD = "4111 1111 1111 1111"


@pytest.mark.parametrize("card", [CARD, CARD.replace(" ", ""), CARD.replace(" ", "-")])
def test_card_numbers_never_stand_in_an_error(card: str) -> None:
    """Detail, value and where are masked here, so that no caller can forget."""
    error = ConfigurationError("TW-9001", f"cannot read {card}", value=card, note=f"x {card}")
    for text in (str(error), repr(error), str(error.as_json())):
        assert card not in text
    assert "****1111" in error.detail


@pytest.mark.parametrize("key", ["0145:03:2026-11-20:1043", "0003-01-000042", "2026-11-20"])
def test_keys_and_dates_stay_readable(key: str) -> None:
    """Positive control: what people search by is not mistaken for a card number."""
    assert shown(key) == key


def test_every_code_explains_itself() -> None:
    """A record says what happened, what was done and what to do, in whole sentences."""
    for code, record in all_codes().items():
        assert code_record(code) is record
        for sentence in (record.happened, record.did, record.advice):
            assert sentence.endswith((".", "!", "?", "`", ")", "toml")), f"{code}: {sentence}"


def test_an_unknown_code_has_no_record() -> None:
    """Nobody gets an explanation for a code that was never registered."""
    assert code_record("TW-0000") is None
