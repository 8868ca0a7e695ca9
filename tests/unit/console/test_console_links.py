"""Links that other rooms make into the console: each one leads to a screen."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tillway.console.screens import screen_at
from tillway.watch.rules import RULES


@pytest.mark.parametrize("name", sorted(RULES))
def test_an_alert_leads_to_a_screen(name: str) -> None:
    """The link of every rule is the address of a row of the table."""
    path = urlsplit(RULES[name].screen.format(subject="0002")).path
    assert screen_at(path), f"there is no screen at {path}"


def test_a_link_into_nowhere_is_noticed() -> None:
    """Positive control: an address that is no screen is none."""
    assert screen_at("/reconciliation") is None
