"""The Square door runs the suite of push sources over the fake seller."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tillway.connect import PushSource, Request
from tillway.connectors.square import REGISTRATION
from tillway.simulator.square_hooks import SIGNATURE_HEADER
from tillway.testing.sources import PushSourceSuite
from vendors.square_seller import KEY, OLD_KEY, TOKEN, Seller, values


class TestSquareDoor(PushSourceSuite):
    """A door for Square's webhooks, with two live keys."""

    registration = REGISTRATION
    secrets = (KEY, OLD_KEY, TOKEN)

    def settings(self) -> Mapping[str, Any]:
        """Return the settings of the fake seller."""
        return values()

    @pytest.fixture
    def source(self, tmp_path: Path) -> PushSource:
        """Return the source over the fake seller's API."""
        del tmp_path
        return Seller().source

    def good_request(self, body: bytes) -> Request:
        """Signed over the registered address and the body."""
        return Seller().signed(body)

    def without_proof(self, body: bytes) -> Request:
        """The signature of other bytes."""
        signed = Seller().signed(body + b" ")
        return Request(
            "POST", signed.path, {SIGNATURE_HEADER: signed.headers[SIGNATURE_HEADER]}, body
        )
