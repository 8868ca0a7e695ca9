"""Moments are read as people type them and ages are written as people say them."""

from __future__ import annotations

import pytest

from tillway.clock import MICROSECONDS, utc_text
from tillway.errors import ConfigurationError
from tillway.observe.amounts import added, amount_of, money_of, money_text
from tillway.observe.moments import age_text, local_text, parse_moment

NOW = 1_795_200_000 * MICROSECONDS  # 2026-11-20T18:40:00Z


@pytest.mark.parametrize(
    ("text", "zone", "moment"),
    [
        ("now", "UTC", "2026-11-20T18:40:00.000Z"),
        ("-2h", "UTC", "2026-11-20T16:40:00.000Z"),
        ("-90s", "UTC", "2026-11-20T18:38:30.000Z"),
        ("-1d", "UTC", "2026-11-19T18:40:00.000Z"),
        ("today", "UTC", "2026-11-20T00:00:00.000Z"),
        ("today", "Asia/Tokyo", "2026-11-20T15:00:00.000Z"),
        ("yesterday", "Europe/Berlin", "2026-11-18T23:00:00.000Z"),
        ("2026-11-20", "Europe/Berlin", "2026-11-19T23:00:00.000Z"),
        ("2026-11-20T14:00:00+01:00", "UTC", "2026-11-20T13:00:00.000Z"),
        ("2026-11-20T14:00", "Europe/Berlin", "2026-11-20T13:00:00.000Z"),
    ],
)
def test_moments_are_read(text: str, zone: str, moment: str) -> None:
    """Dates begin at midnight of the project's zone; offsets count when they are given."""
    assert utc_text(parse_moment(text, now=NOW, zone=zone)) == moment


@pytest.mark.parametrize("text", ["", "soon", "-2", "2h", "20.11.2026", "-99999999h"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    """A typo is refused with the forms that are known."""
    with pytest.raises(ConfigurationError) as caught:
        parse_moment(text, now=NOW)
    assert caught.value.code == "TW-7002"
    assert "-2h" in caught.value.advice


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0 s"), (59, "59 s"), (60, "1 min"), (7500, "2 h 05 min"), (349200, "4 d 01 h")],
)
def test_ages_are_words(seconds: int, text: str) -> None:
    """An age says its two largest units."""
    assert age_text(seconds) == text


def test_local_time_carries_its_offset() -> None:
    """Times for people are local and say so."""
    assert local_text(NOW, "Europe/Berlin") == "2026-11-20 19:40:00 +01:00"


def test_money_is_exact_per_currency() -> None:
    """Minor units become decimals in the digits of the currency, never added across."""
    money = money_of([("EUR", 10), ("EUR", 20), ("JPY", 7), ("", 5), ("EUR", None)])
    assert {name: str(amount) for name, amount in money.items()} == {"EUR": "0.30", "JPY": "7"}
    assert money_text(money) == "0.30 EUR, 7 JPY"
    assert str(amount_of(123456789, "EUR")) == "1234567.89"
    assert str(amount_of(5, "no currency")) == "0.05"
    assert str(added(money, money)["EUR"]) == "0.60"
    assert money_text({}) == "-"
