"""The Stripe door runs the suite of push sources over a fake account."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tillway.connect import PushSource, Request
from tillway.connectors.stripe import REGISTRATION
from tillway.testing.sources import PushSourceSuite
from vendors.stripe_account import KEY, OLD_SECRET, SECRET, Merchant, values


class TestStripeDoor(PushSourceSuite):
    """A door for Stripe's events, with two live secrets."""

    registration = REGISTRATION
    secrets = (SECRET, OLD_SECRET, KEY)

    def settings(self) -> Mapping[str, Any]:
        """Return the settings of the fake account."""
        return values()

    @pytest.fixture
    def source(self, tmp_path: Path) -> PushSource:
        """Return the source in front of the fake account."""
        del tmp_path
        return Merchant().source

    def good_request(self, body: bytes) -> Request:
        """Signed with the time of signing before the body."""
        return Merchant().signed(body)

    def without_proof(self, body: bytes) -> Request:
        """The signature of other bytes."""
        return Request("POST", "/in/stripe", Merchant().signed(body + b" ").headers, body)
